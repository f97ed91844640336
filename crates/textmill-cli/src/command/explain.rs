//! `textmill explain`: the life of a document, stage by stage, from the ledger of a run.

use std::io::Write as _;

use textmill::Life;
use textmill::io::LedgerEntry;

use crate::args::LifeArgs;
use crate::diff::visible;
use crate::exit::{Done, Outcome};
use crate::past;
use crate::step::{self, Change, Step};
use crate::terminal::{ADDED, FAINT, REMOVED, STRONG, styled};

pub(crate) fn run(args: &LifeArgs) -> Outcome {
    let (_, run) = past::find(&args.run)?;
    let (life, more) = past::life(&run, &args.id)?;
    // With the last text at hand, all earlier ones are known; else there are the edits alone.
    let is_kept = life.end.event == "kept" && past::check_output(&run).is_ok();
    let last = if is_kept { past::kept_text(&run, &args.id)? } else { None };
    let texts = last.and_then(|last| life.undo(&last).ok()).and_then(|original| life.apply(&original).ok());
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}  {}", styled(STRONG, &visible(&args.id)), styled(FAINT, &place(&life.end)))?;
    if more > 0 {
        writeln!(out, "{} the same id; this is the first", past::others_have(more))?;
    }
    for stage in &run.stages {
        let step = life.steps.iter().position(|step| step.stage == stage.id);
        let text = match (step, &texts) {
            (None, _) => step::describe(&Step { stage: &stage.id, ..Step::default() }),
            (Some(index), Some(texts)) => {
                step::describe(&with_texts(&life.steps[index], &texts[index], &texts[index + 1]))
            }
            (Some(index), None) => edits_alone(&life.steps[index]),
        };
        write!(out, "\n{text}")?;
        if life.end.event != "kept" && life.end.stage.as_deref() == Some(&*stage.id) {
            break;
        }
    }
    writeln!(out, "\n{}", verdict(&life))?;
    Ok(Done::Well)
}

/// `in.jsonl:12`.
fn place(end: &LedgerEntry<'_>) -> String {
    let file = end.file.as_deref().unwrap_or_default();
    end.line.map_or_else(|| visible(file), |line| format!("{}:{line}", visible(file)))
}

fn with_texts<'a>(step: &'a textmill::Step, before: &'a str, after: &'a str) -> Step<'a> {
    let edit = |edit: &'a LedgerEntry<'static>| {
        let (start, end) = edit.span.unwrap_or_default();
        let byte = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX);
        Change { span: byte(start)..byte(end), rule: edit.rule.as_deref().unwrap_or_default() }
    };
    Step { before, after, edits: step.edits.iter().map(edit).collect(), ..without_texts(step) }
}

fn without_texts<'a>(step: &'a textmill::Step) -> Step<'a> {
    let is = |event: &'static str| move |entry: &&LedgerEntry<'static>| entry.event == event;
    let name = |entry: &LedgerEntry<'static>| entry.name.clone().unwrap_or_default().into_owned();
    let fields = step.others.iter().filter(|entry| entry.event == "set" || entry.event == "unset");
    let score = |entry: &'a LedgerEntry<'static>| {
        let value = entry.value.as_deref()?.parse().ok()?;
        Some((entry.name.as_deref().unwrap_or_default(), value, entry.threshold))
    };
    let scores = step.others.iter().filter(is("score")).filter(|_| step.edits.is_empty());
    let emitted = step.others.iter().filter(is("emitted")).count();
    Step {
        stage: &step.stage,
        fields: fields
            .map(|entry| (name(entry), entry.value.clone().map(std::borrow::Cow::into_owned)))
            .collect(),
        scores: scores.filter_map(score).collect(),
        emitted,
        error: step.others.iter().find(is("error")).and_then(|entry| entry.message.as_deref()),
        ..Step::default()
    }
}

/// What the ledger alone knows: each edit with its rule, but not what stands around it.
fn edits_alone(step: &textmill::Step) -> String {
    let mut text = step::head(&Step {
        edits: step.edits.iter().map(|_| Change { span: 0..0, rule: "" }).collect(),
        ..without_texts(step)
    });
    for edit in &step.edits {
        let (start, end) = edit.span.unwrap_or_default();
        let head = format!("bytes {start}..{end}: {}", edit.rule.as_deref().unwrap_or_default());
        text.extend(["  ", &styled(FAINT, &head), "\n"]);
        text += &lines(edit.removed.as_deref(), '-', REMOVED);
        text += &lines(edit.added.as_deref(), '+', ADDED);
    }
    text + &step::fields(&without_texts(step))
}

fn lines(text: Option<&str>, sign: char, style: anstyle::Style) -> String {
    let lines = text.unwrap_or_default().lines().map(|line| format!("{sign} {}", visible(line)));
    lines.flat_map(|line| ["  ".to_owned(), styled(style, &line), "\n".to_owned()]).collect()
}

fn verdict(life: &Life) -> String {
    let end = &life.end;
    let what = styled(STRONG, &end.event);
    let stage = end.stage.as_deref().map_or_else(String::new, |stage| format!(" by `{stage}`"));
    match end.rule.as_deref().or(end.message.as_deref()) {
        Some(why) => format!("{what}{stage}: {}", visible(why)),
        None => what,
    }
}
