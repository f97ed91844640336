//! `textmill try`: one document, and what each stage does with it.

use std::io::Write as _;

use similar::{DiffOp, TextDiff};
use textmill::{Edit, Fate, Stage, Trace, TracedStage};
use textmill_report::{duration, plural};

use super::open;
use crate::args::TryArgs;
use crate::diff::{line, visible};
use crate::exit::{Done, Outcome};
use crate::terminal::{FAINT, STRONG, styled, width, wrapped};

/// How many lines are shown around a change.
const CONTEXT: usize = 1;

pub(crate) fn run(args: &TryArgs) -> Outcome {
    let engine = open::pipeline(&args.pipeline, std::slice::from_ref(&args.file), None)?;
    let trace = engine.trace_first().map_err(|error| super::run::explain(&engine, error))?;
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{}  {}",
        styled(STRONG, &visible(&trace.id)),
        styled(FAINT, &plural(trace.original.chars().count() as u64, "character"))
    )?;
    for traced in &trace.stages {
        let stage = &engine.stages()[traced.stage];
        write!(out, "\n{}", describe(stage, traced))?;
    }
    writeln!(out, "\n{}", verdict(&trace, engine.stages()))?;
    Ok(if matches!(trace.fate, Fate::Failed { .. }) { Done::Failed } else { Done::Well })
}

fn describe(stage: &Stage, traced: &TracedStage) -> String {
    let about = format!("{}, {}", changes(traced), duration(traced.time));
    let head = format!("{}  {}", styled(STRONG, &stage.id), styled(FAINT, &about));
    let mut text = head + "\n";
    if traced.before != traced.after {
        text += &diff(stage, traced);
    }
    for (name, value) in &traced.fields {
        match value {
            Some(value) => text += &field(name, value),
            None => text.extend(["  ", &styled(STRONG, name), " removed\n"]),
        }
    }
    text
}

/// `2 edits, 1 field`, or `no change`.
fn changes(traced: &TracedStage) -> String {
    let counts =
        [(traced.edits.len(), "edit"), (traced.fields.len(), "field"), (traced.emitted.len(), "document")];
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
fn diff(stage: &Stage, traced: &TracedStage) -> String {
    // Line ends cannot be seen: a diff of them would show every line twice, and alike.
    let (before, after) = (traced.before.replace("\r\n", "\n"), traced.after.replace("\r\n", "\n"));
    if before == after {
        let whole = 0..traced.before.len();
        return format!(
            "  {}\n",
            styled(FAINT, &format!("line ends: {}", rules(stage, &traced.edits, &whole)))
        );
    }
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    let starts = line_starts(&traced.before, diff.iter_old_slices());
    let mut text = String::new();
    for group in diff.grouped_ops(CONTEXT) {
        let lines = changed_lines(&group);
        let span = starts[lines.start]..starts[lines.end.min(starts.len() - 1)];
        let rules = rules(stage, &traced.edits, &span);
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
fn changed_lines(group: &[DiffOp]) -> std::ops::Range<usize> {
    let changed = || group.iter().filter(|op| !matches!(op, DiffOp::Equal { .. })).map(DiffOp::old_range);
    let start = changed().map(|range| range.start).min().unwrap_or(0);
    start..changed().map(|range| range.end).max().unwrap_or(start)
}

/// The rules of the edits that touch these bytes.
fn rules(stage: &Stage, edits: &[Edit], bytes: &std::ops::Range<usize>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for edit in edits.iter().filter(|edit| edit.span.start <= bytes.end && edit.span.end >= bytes.start) {
        let name = &*stage.plan().rules[edit.rule].name;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

fn verdict(trace: &Trace, stages: &[Stage]) -> String {
    match &trace.fate {
        Fate::Kept => styled(STRONG, "kept"),
        Fate::Dropped { stage, rule } => {
            format!("{} by `{}`: {rule}", styled(STRONG, "dropped"), stages[*stage].id)
        }
        Fate::Failed { stage, message } => {
            format!("{} in `{}`: {message}", styled(STRONG, "failed"), stages[*stage].id)
        }
    }
}
