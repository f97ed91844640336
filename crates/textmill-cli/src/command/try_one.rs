//! `textmill try`: one document, and what each stage does with it.

use std::io::Write as _;

use similar::{ChangeTag, DiffOp, TextDiff};
use textmill::{Edit, Fate, Stage, Trace, TracedStage};
use textmill_report::{duration, plural};

use super::open;
use crate::args::TryArgs;
use crate::exit::{Done, Outcome};
use crate::terminal::{ADDED, FAINT, REMOVED, STRONG, styled};

/// How many lines are shown around a change.
const CONTEXT: usize = 1;

pub(crate) fn run(args: &TryArgs) -> Outcome {
    let engine = open::pipeline(&args.pipeline, std::slice::from_ref(&args.file), None)?;
    let trace = engine.trace_first().map_err(|error| super::run::explain(&engine, error))?;
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}  {}", styled(STRONG, &trace.id), styled(FAINT, &plural(trace.original.chars().count() as u64, "character")))?;
    for (stage, traced) in engine.stages().iter().zip(&trace.stages) {
        write!(out, "\n{}", describe(stage, traced))?;
    }
    writeln!(out, "\n{}", verdict(&trace, engine.stages()))?;
    Ok(if matches!(trace.fate, Fate::Failed { .. }) { Done::Failed } else { Done::Well })
}

fn describe(stage: &Stage, traced: &TracedStage) -> String {
    let edits = match traced.edits.len() as u64 {
        0 => "no edit".to_owned(),
        number => plural(number, "edit"),
    };
    let head = format!("{}  {}", styled(STRONG, &stage.id), styled(FAINT, &format!("{edits}, {}", duration(traced.time))));
    let mut text = head + "\n";
    if traced.before != traced.after {
        text += &diff(stage, traced);
    }
    for (name, value) in &traced.fields {
        text += &match value {
            Some(value) => format!("  {} = {}\n", styled(STRONG, name), value),
            None => format!("  {} removed\n", styled(STRONG, name)),
        };
    }
    text
}

/// The changed lines with a little around them, and the rules that changed them.
fn diff(stage: &Stage, traced: &TracedStage) -> String {
    let diff = TextDiff::from_lines(traced.before.as_str(), traced.after.as_str());
    let starts = line_starts(&traced.before);
    let mut text = String::new();
    for group in diff.grouped_ops(CONTEXT) {
        let lines = changed_lines(&group);
        let span = starts[lines.start]..starts[lines.end.min(starts.len() - 1)];
        let rules = rules(stage, &traced.edits, &span);
        text += &format!("  {}\n", styled(FAINT, &format!("line {}: {rules}", lines.start + 1)));
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
    let mut text = format!("  {style}{sign} {style:#}");
    for (emphasised, part) in parts {
        let style = if emphasised { style.bold() } else { style };
        text += &styled(style, &visible(part.trim_end_matches(['\n', '\r'])));
    }
    text.push('\n');
    text
}

/// Text of somebody else on a terminal: control characters are shown, never sent.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Where each line of `text` begins, and its end.
fn line_starts(text: &str) -> Vec<usize> {
    let mut starts = vec![0];
    starts.extend(text.split_inclusive('\n').scan(0, |at, line| {
        *at += line.len();
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
        Fate::Dropped { stage, rule } => format!("{} by `{}`: {rule}", styled(STRONG, "dropped"), stages[*stage].id),
        Fate::Failed { stage, message } => {
            format!("{} in `{}`: {message}", styled(STRONG, "failed"), stages[*stage].id)
        }
    }
}
