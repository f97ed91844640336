//! How it looks on a terminal what a stage did with a document.

use std::ops::Range;
use std::time::Duration;

use serde_json::{Map, Value};
use similar::{DiffOp, TextDiff};
use textmill_report::{duration, plural};

use crate::diff::{line, visible};
use crate::terminal::{FAINT, STRONG, styled, width, wrapped};

/// What a stage did with a document.
#[derive(Debug, Default)]
pub(crate) struct Step<'a> {
    pub(crate) stage: &'a str,
    /// The options that it was given.
    pub(crate) options: Option<&'a Map<String, Value>>,
    pub(crate) before: &'a str,
    pub(crate) after: &'a str,
    pub(crate) edits: Vec<Change<'a>>,
    /// The fields that it set, as JSON or as text; `None` where it removed one.
    pub(crate) fields: Vec<(String, Option<String>)>,
    /// The scores of a text that it did not edit: name, value, threshold.
    pub(crate) scores: Vec<(&'a str, f64, Option<f64>)>,
    /// How many documents it added.
    pub(crate) emitted: usize,
    pub(crate) error: Option<&'a str>,
    /// How long it took, where that is known.
    pub(crate) time: Option<Duration>,
}

/// An edit.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    /// The bytes of [`Step::before`].
    pub(crate) span: Range<usize>,
    pub(crate) rule: &'a str,
}

/// How many lines are shown around a change.
const CONTEXT: usize = 1;

/// All of it: a head, the changed lines, the fields.
pub(crate) fn describe(step: &Step<'_>) -> String {
    let mut text = head(step);
    if step.before != step.after {
        text += &diff(step);
    }
    text + &fields(step)
}

/// The stage, and in few words what it did.
pub(crate) fn head(step: &Step<'_>) -> String {
    let about = match step.time {
        Some(time) => format!("{}, {}", changes(step), duration(time)),
        None => changes(step),
    };
    let mut text = format!("{}  {}\n", styled(STRONG, step.stage), styled(FAINT, &about));
    if let Some(options) = step.options.filter(|options| !options.is_empty()) {
        let options: Vec<_> = options.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let lines = wrapped(&visible(&format!("with {}", options.join(", "))), 2);
        text.extend([&styled(FAINT, lines.trim_end()), "\n"]);
    }
    if let Some(error) = step.error {
        text.extend(["  ", &styled(STRONG, "error"), ": ", &visible(error), "\n"]);
    }
    text
}

/// The scores because of which nothing was done, and the fields that were set and removed.
pub(crate) fn fields(step: &Step<'_>) -> String {
    let mut text: String = step.scores.iter().filter_map(above).collect();
    for (name, value) in &step.fields {
        match value {
            Some(value) => text += &field(name, value),
            None => text.extend(["  ", &styled(STRONG, name), " removed\n"]),
        }
    }
    text
}

/// Of a score above its threshold, how far it is.
fn above((name, value, threshold): &(&str, f64, Option<f64>)) -> Option<String> {
    let threshold = threshold.filter(|threshold| value > threshold)?;
    let rounded = (value * 1e4).round() / 1e4;
    let shown = if rounded > threshold { rounded } else { *value };
    Some(format!("  {} {shown} is above its threshold {threshold}\n", styled(STRONG, &visible(name))))
}

/// `2 edits, 1 field`, or `no change`.
fn changes(step: &Step<'_>) -> String {
    let counts = [(step.edits.len(), "edit"), (step.fields.len(), "field"), (step.emitted, "document")];
    let counted = counts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<_> = counted.map(|(number, noun)| plural(number as u64, noun)).collect();
    if parts.is_empty() { "no change".to_owned() } else { parts.join(", ") }
}

/// A field that was set; a long value goes below its name.
fn field(name: &str, value: &str) -> String {
    let lines: Vec<_> = value.lines().map(visible).collect();
    match lines.as_slice() {
        [line] if 2 + name.chars().count() + 3 + line.chars().count() <= width() => {
            format!("  {} = {line}\n", styled(STRONG, name))
        }
        lines => format!("  {} =\n{}", styled(STRONG, name), wrapped(&lines.join("\n"), 4)),
    }
}

/// The changed lines with a little around them, and the rules that changed them.
fn diff(step: &Step<'_>) -> String {
    // Line ends cannot be seen: a diff of them would show every line twice, and alike.
    let (before, after) = (step.before.replace("\r\n", "\n"), step.after.replace("\r\n", "\n"));
    if before == after {
        let whole = 0..step.before.len();
        return format!("  {}\n", styled(FAINT, &format!("line ends: {}", rules(&step.edits, &whole))));
    }
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    let starts = line_starts(step.before, diff.iter_old_slices());
    let mut text = String::new();
    for group in diff.grouped_ops(CONTEXT) {
        let lines = changed_lines(&group);
        let span = starts[lines.start]..starts[lines.end.min(starts.len() - 1)];
        let rules = rules(&step.edits, &span);
        let head = format!("line {}: {rules}", lines.start + 1);
        text.extend(["  ", &styled(FAINT, &head), "\n"]);
        for op in &group {
            for change in diff.iter_inline_changes(op) {
                text += &line(change.tag(), change.iter_strings_lossy());
            }
        }
    }
    text
}

/// Where each line begins in `original`, and its end. `lines` are those of the diff: with their ends, of which `\r\n` has
/// become `\n`.
fn line_starts<'a>(original: &str, lines: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let mut starts = vec![0];
    starts.extend(lines.scan(0, |at, line| {
        *at += line.len();
        let shortened = original.get(*at - 1..).is_some_and(|rest| rest.starts_with("\r\n"));
        *at += usize::from(shortened);
        Some(*at)
    }));
    starts
}

/// The lines of the old text that a group of operations takes away, or before which it puts something.
fn changed_lines(group: &[DiffOp]) -> Range<usize> {
    let changed = || group.iter().filter(|op| !matches!(op, DiffOp::Equal { .. })).map(DiffOp::old_range);
    let start = changed().map(|range| range.start).min().unwrap_or(0);
    start..changed().map(|range| range.end).max().unwrap_or(start)
}

/// The rules of the edits that touch these bytes.
fn rules(edits: &[Change<'_>], bytes: &Range<usize>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for edit in edits.iter().filter(|edit| edit.span.start <= bytes.end && edit.span.end >= bytes.start) {
        if !names.contains(&edit.rule) {
            names.push(edit.rule);
        }
    }
    names.join(", ")
}
