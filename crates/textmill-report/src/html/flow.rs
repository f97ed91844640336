//! The funnel: how many documents came to each stage, and what became of them there.

use maud::{Markup, html};

use super::bars::{Segment, bar};
use super::text::{inline, percent, unless_zero};
use super::{Head, fitting, left_out, table};
use crate::{RuleKind, Run, Stage, count, plural};

/// The columns of the table.
const STEPS: &[Head] = &[
    ("step", ""),
    ("documents", "widest"),
    ("came", "n"),
    ("dropped", "n roomy"),
    ("failed", "n roomy"),
    ("went on", "n"),
];

/// How many reasons are named of those for which one stage loses documents.
const REASONS: usize = 12;

/// Documents that were lost for one reason.
#[derive(Clone, Debug)]
pub(super) struct Loss {
    /// The stage, the input or the output.
    pub(super) place: String,
    /// The rule, or what happened.
    pub(super) reason: String,
    /// Whether they failed; they were dropped otherwise.
    pub(super) is_failure: bool,
    /// How many.
    pub(super) docs: u64,
}

/// A step of the way of the documents.
struct Step<'a> {
    name: &'a str,
    came: u64,
    emitted: u64,
    went: u64,
    losses: Vec<Loss>,
}

impl Step<'_> {
    /// The documents that had to go somewhere.
    fn all(&self) -> u64 {
        self.came.saturating_add(self.emitted)
    }
}

/// Why documents were lost, in the order of their way.
pub(super) fn losses(run: &Run) -> Vec<Loss> {
    steps(run).into_iter().flat_map(|step| step.losses).collect()
}

pub(super) fn section(run: &Run) -> Markup {
    let steps = steps(run);
    let widest = steps.iter().map(Step::all).max().unwrap_or(0);
    let (rows, shown) = fitting(&steps, |step| row(step, widest));
    html! {
        section aria-labelledby="documents" {
            h2 #documents { "Where the documents went" }
            p { (equation(run)) }
            (legend())
            (table("Documents by step; the bar is as wide as the documents that came", STEPS, &rows))
            (left_out(steps.len() as u64, shown, "step"))
            @if run.docs.replaced_utf8 > 0 {
                p.note { "Bytes that are not UTF-8 were replaced in " (plural(run.docs.replaced_utf8, "document")) "." }
            }
        }
    }
}

/// read + emitted = kept + dropped + failed
fn equation(run: &Run) -> Markup {
    let docs = &run.docs;
    html! {
        (count(docs.read)) " read"
        @if docs.emitted > 0 { " + " (count(docs.emitted)) " emitted by stages" }
        " = " (count(docs.kept)) " kept + " (count(docs.dropped)) " dropped + " (count(docs.failed)) " failed"
        @if let Some(limit) = run.limit { "; no more than " (plural(limit, "document")) " were to be read" }
    }
}

fn legend() -> Markup {
    html! {
        ul.legend {
            li.kept { "went on" }
            li.dropped { "dropped" }
            li.failed { "failed" }
        }
    }
}

fn row(step: &Step<'_>, widest: u64) -> Markup {
    let lost =
        |is_failure| losses_of(step, is_failure).fold(0, |sum: u64, loss| sum.saturating_add(loss.docs));
    html! {
        tr {
            th scope="row" { (inline(step.name)) }
            td.widest { (bar(&segments(step), widest)) (reasons(step)) }
            td.n { (count(step.came)) @if step.emitted > 0 { br; "+" (count(step.emitted)) " emitted" } }
            td.n.roomy { (unless_zero(lost(false))) }
            td.n.roomy { (unless_zero(lost(true))) }
            td.n { (count(step.went)) }
        }
    }
}

fn segments(step: &Step<'_>) -> Vec<Segment> {
    let kept = Segment { class: "kept", label: "went on".into(), amount: step.went };
    let lost = step.losses.iter().map(|loss| Segment {
        class: if loss.is_failure { "failed" } else { "dropped" },
        label: format!(
            "{}: {}",
            if loss.is_failure { "failed" } else { "dropped" },
            super::text::short(&loss.reason)
        ),
        amount: loss.docs,
    });
    std::iter::once(kept).chain(lost).collect()
}

fn reasons(step: &Step<'_>) -> Markup {
    let all = step.all();
    html! {
        @if !step.losses.is_empty() {
            ul.reasons {
                @for loss in &step.losses {
                    li class=(if loss.is_failure { "failed" } else { "dropped" }) {
                        (inline(&loss.reason)) " " b { (count(loss.docs)) } " (" (percent(loss.docs, all)) ")"
                    }
                }
            }
        }
    }
}

fn losses_of<'a>(step: &'a Step<'_>, is_failure: bool) -> impl Iterator<Item = &'a Loss> {
    step.losses.iter().filter(move |loss| loss.is_failure == is_failure)
}

fn steps(run: &Run) -> Vec<Step<'_>> {
    let docs = &run.docs;
    let unreadable = loss("input", "could not be read", true, docs.unreadable);
    let input = Step {
        name: "(input)",
        came: docs.read,
        emitted: 0,
        went: docs.read.saturating_sub(docs.unreadable),
        losses: unreadable.into_iter().collect(),
    };
    let refused = loss("output", "could not be written", true, docs.refused);
    let output = Step {
        name: "(output)",
        came: docs.kept.saturating_add(docs.refused),
        emitted: 0,
        went: docs.kept,
        losses: refused.into_iter().collect(),
    };
    let stages = run.stages.iter().map(step);
    std::iter::once(input).chain(stages).chain([output]).collect()
}

fn step(stage: &Stage) -> Step<'_> {
    let docs = &stage.docs;
    let drops = stage.rules.iter().filter(|rule| rule.kind == RuleKind::Drops);
    let mut losses: Vec<_> = drops.filter_map(|rule| loss(&stage.id, &rule.name, false, rule.docs)).collect();
    losses.sort_by_key(|loss| std::cmp::Reverse(loss.docs));
    if losses.len() > REASONS {
        let others = losses.split_off(REASONS).iter().fold(0, |sum: u64, loss| sum.saturating_add(loss.docs));
        losses.extend(loss(&stage.id, "other rules", false, others));
    }
    losses.extend(loss(&stage.id, "error in the stage", false, docs.dropped_by_error));
    losses.extend(loss(&stage.id, "error in the stage", true, docs.failed));
    Step { name: &stage.id, came: docs.entered, emitted: docs.emitted, went: docs.kept, losses }
}

fn loss(place: &str, reason: &str, is_failure: bool, docs: u64) -> Option<Loss> {
    let loss = || Loss { place: place.to_owned(), reason: reason.to_owned(), is_failure, docs };
    (docs > 0).then(loss)
}
