//! `textmill try`: one document, and what each stage does with it.

use std::io::Write as _;

use similar::{ChangeTag, DiffOp, TextDiff};
use textmill::{Edit, Fate, Stage, Trace, TracedStage};
use textmill_report::{duration, plural};

use super::open;
use crate::args::TryArgs;
use crate::exit::{Done, Outcome};
use crate::terminal::{ADDED, FAINT, REMOVED, STRONG, styled, width, wrapped};

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

/// One line of the diff; what changed within it is bold.
fn line<'a>(tag: ChangeTag, parts: impl Iterator<Item = (bool, std::borrow::Cow<'a, str>)>) -> String {
    let (sign, style) = match tag {
        ChangeTag::Equal => (' ', FAINT),
        ChangeTag::Delete => ('-', REMOVED),
        ChangeTag::Insert => ('+', ADDED),
    };
    let parts = parts.map(|(emphasised, part)| (emphasised, visible(part.trim_end_matches(['\n', '\r']))));
    let parts: Vec<_> = parts.filter(|(_, part)| !part.is_empty()).collect();
    if parts.is_empty() && tag == ChangeTag::Equal {
        return "\n".to_owned();
    }
    let whole = tag != ChangeTag::Equal && !parts.iter().any(|(emphasised, _)| *emphasised);
    let mut text = styled(style, &sign.to_string());
    for (index, (emphasised, part)) in parts.iter().enumerate() {
        let (first, last) = (index == 0, index + 1 == parts.len());
        text += if first { " " } else { "" };
        text += &match emphasised {
            true => styled(style.bold(), part),
            // A line that goes or comes as a whole is shown as a whole; of what stays, a glimpse is enough.
            false if whole => styled(style, part),
            false => styled(style, &glimpse(part, first, last)),
        };
    }
    format!("  {text}\n")
}

/// What stands still, as far as it tells where in the text we are: its end where a change follows, its start where one
/// came before.
fn glimpse(text: &str, first: bool, last: bool) -> String {
    const AROUND: usize = 40;
    let number = text.chars().count();
    let (start, end) = match (first, last) {
        (true, true) => (width().saturating_sub(5), 0),
        (true, false) => (0, AROUND),
        (false, true) => (AROUND, 0),
        (false, false) => (AROUND, AROUND),
    };
    if number <= start + end + 1 {
        return text.to_owned();
    }
    let head: String = text.chars().take(start).collect();
    let tail: String = text.chars().skip(number - end).collect();
    format!("{head}…{tail}")
}

/// Text of somebody else on a terminal: control characters are shown, never sent.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }).collect()
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
