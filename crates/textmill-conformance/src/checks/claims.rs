//! Holds a stage to what it claims. What it does not claim is not tested.

use std::collections::BTreeMap;

use serde_json::Value;
use textmill_abi as abi;
use textmill_engine::{Answer, OpenedStage, StagePlan, Verdict};

use super::data::{difference, is_pure};
use crate::bench::{Case, Row, Worker, digest, gave_up};
use crate::report::{Finding, Outcome, Pass};

pub(super) fn pure(case: &Case<'_>) -> Outcome {
    let stage = case.open()?;
    if !is_pure(&stage) {
        return Ok(Pass::NotClaimed);
    }
    let rows = case.short_rows(&stage);
    let mut worker = Worker::new(&stage)?;
    let first: Vec<_> = case.one_by_one(&mut worker, &rows)?.iter().map(digest).collect();
    // Each once more, after all others and in the other order, and then with an instance that has seen nothing.
    let backwards: Vec<Row<'_>> = rows.iter().rev().cloned().collect();
    let later = case.one_by_one(&mut worker, &backwards)?;
    for (row, (first, later)) in rows.iter().zip(first.iter().zip(later.iter().rev().map(digest))) {
        if *first != later {
            let what = format!("the answer depends on what came before: {}", difference(first, &later));
            return Err(row.minimized(what, |text| impure(case, row, text)));
        }
    }
    let fresh = case.open()?;
    let mut worker = Worker::new(&fresh)?;
    for (row, first) in rows.iter().zip(&first).rev() {
        case.notes.doing(row.name, row.text);
        let again = worker.one(row.text, &row.fields).map_err(|error| row.finding(gave_up(&error)))?;
        let again = digest(&again);
        if *first != again {
            let what = format!("another instance answers otherwise: {}", difference(first, &again));
            return Err(row.minimized(what, |text| impure(case, row, text)));
        }
    }
    Ok(Pass::Holds(None))
}

/// What is wrong if a new instance does not give the same answer to a text twice, or another after another text.
fn impure(case: &Case<'_>, row: &Row<'_>, text: &str) -> Option<String> {
    let stage = case.open().ok()?;
    let mut worker = Worker::new(&stage).ok()?;
    let mut answer = |text: &str| worker.one(text, &row.fields).ok().map(|answer| digest(&answer));
    let (first, second) = (answer(text)?, answer(text)?);
    let _other = answer("Another text, which is in between.\n")?;
    let third = answer(text)?;
    let other = [second, third].into_iter().find(|other| *other != first)?;
    Some(format!("the answer depends on what came before: {}", difference(&first, &other)))
}

pub(super) fn idempotent(case: &Case<'_>) -> Outcome {
    let stage = case.open()?;
    if stage.plan().may & abi::IDEMPOTENT == 0 {
        return Ok(Pass::NotClaimed);
    }
    check_each(case, &stage, |worker, text, fields| {
        let answer = worker.one(text, fields).ok()?;
        outputs(stage.plan(), text, fields, answer)
            .into_iter()
            .find_map(|output| output.changed_by(worker, stage.plan()))
    })
}

pub(super) fn only_deletes(case: &Case<'_>) -> Outcome {
    let stage = case.open()?;
    if stage.plan().may & abi::ONLY_DELETES == 0 {
        return Ok(Pass::NotClaimed);
    }
    check_each(case, &stage, |worker, text, fields| {
        let mut answer = worker.one(text, fields).ok()?;
        if let Some(("edit" | "rewrite", message)) = worker.breach() {
            return Some(message.to_owned());
        }
        let new = answer.apply(text)?;
        (!is_part(&new, text))
            .then(|| format!("the text became {:?}, which is more than a deletion", shown(&new)))
    })
}

pub(super) fn never_drops(case: &Case<'_>) -> Outcome {
    let stage = case.open()?;
    if stage.plan().may & abi::FILTER != 0 {
        return Ok(Pass::NotApplicable("the stage may drop documents".to_owned()));
    }
    check_each(case, &stage, |worker, text, fields| {
        let answer = worker.one(text, fields).ok()?;
        if let Some(("drop", message)) = worker.breach() {
            return Some(format!("the stage drops a document, and has no permission to filter: {message}"));
        }
        matches!(answer.verdict, Verdict::Drop(_)).then(|| "the stage drops a document".to_owned())
    })
}

/// Looks at each document with `wrong`, and makes the first one that shows something wrong as short as possible.
fn check_each(
    case: &Case<'_>,
    stage: &OpenedStage,
    wrong: impl Fn(&mut Worker<'_>, &str, &[Option<String>]) -> Option<String>,
) -> Outcome {
    let mut worker = Worker::new(stage)?;
    for row in case.rows(stage) {
        case.notes.doing(row.name, row.text);
        if let Some(message) = wrong(&mut worker, row.text, &row.fields) {
            let finding: Finding = row.minimized(message, |text| wrong(&mut worker, text, &row.fields));
            return Err(finding);
        }
    }
    Ok(Pass::Holds(None))
}

/// A document that a stage has put out.
struct Output {
    text: String,
    /// What is known of its fields; `None` is a field that is not there.
    fields: BTreeMap<String, Option<String>>,
}

/// What comes out for a document: itself, if it is kept, and what was emitted.
fn outputs(plan: &StagePlan, text: &str, fields: &[Option<String>], mut answer: Answer) -> Vec<Output> {
    let name = |column: usize| plan.writes[column].0.clone();
    let mut outputs = Vec::new();
    if answer.verdict == Verdict::Keep {
        let read = plan.reads.iter().map(|(name, _)| name.clone()).zip(fields.iter().cloned());
        let set = answer.sets.drain(..).map(|(column, value)| (name(column), value));
        let fields = read.chain(set).collect();
        outputs.push(Output { text: answer.apply(text).unwrap_or_else(|| text.to_owned()), fields });
    }
    if !matches!(answer.verdict, Verdict::Fail(_)) {
        let emitted = answer.emits.drain(..).map(|new| Output {
            fields: new.fields.into_iter().map(|(column, value)| (name(column), Some(value))).collect(),
            text: new.text,
        });
        outputs.extend(emitted);
    }
    outputs
}

impl Output {
    /// What the stage changes of it.
    fn changed_by(&self, worker: &mut Worker<'_>, plan: &StagePlan) -> Option<String> {
        let fields: Vec<_> =
            plan.reads.iter().map(|(name, _)| self.fields.get(name).cloned().flatten()).collect();
        let changed =
            |what: String| Some(format!("a second time {what}; its output was {:?}", shown(&self.text)));
        let mut answer = match worker.one(&self.text, &fields) {
            Ok(answer) => answer,
            Err(error) => return changed(gave_up(&error)),
        };
        match &answer.verdict {
            Verdict::Keep => (),
            Verdict::Drop(rule) => return changed(format!("the rule `{}` drops it", plan.rules[*rule].name)),
            Verdict::Fail(message) => return changed(format!("it fails: {message}")),
        }
        if let Some(new) = answer.apply(&self.text).filter(|new| *new != self.text) {
            return changed(format!("the text becomes {:?}", shown(&new)));
        }
        if !answer.emits.is_empty() {
            return changed("documents are emitted".to_owned());
        }
        let set = answer.sets.iter().find(|(column, value)| {
            let (name, kind) = &plan.writes[*column];
            let known = self.fields.get(name).cloned().flatten();
            *value != known && !(kind.to_string() != "text" && equal_json(value.as_deref(), known.as_deref()))
        });
        set.and_then(|(column, value)| {
            let name = &plan.writes[*column].0;
            changed(format!("the field `{name}` becomes {:?}", shown(value.as_deref().unwrap_or_default())))
        })
    }
}

fn equal_json(left: Option<&str>, right: Option<&str>) -> bool {
    let parse = |text: Option<&str>| text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    parse(left) == parse(right)
}

/// Whether all characters of `part` are in `whole`, in their order.
fn is_part(part: &str, whole: &str) -> bool {
    let mut rest = whole.chars();
    part.chars().all(|character| rest.any(|other| other == character))
}

fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}
