//! What changed in the texts, by rule.

use maud::{Markup, html};

use super::bars::{Segment, bar};
use super::text::{inline, percent, prose, signed, unless_zero};
use super::{Head, examples, fitting, left_out, table};
use crate::{Rule, RuleKind, Run, Stage, count, plural};

/// The columns of the tables.
const RULES: &[Head] = &[
    ("rule", ""),
    ("documents", "n"),
    ("edits", "n roomy"),
    ("characters removed and added", "wide roomy"),
    ("removed", "n"),
    ("added", "n"),
];
const STAGES: &[Head] = &[
    ("stage", ""),
    ("documents changed", "n"),
    ("characters that came", "n roomy"),
    ("removed", "n"),
    ("added", "n"),
    ("fields set", ""),
];

/// How many characters of what a rule says of itself are shown.
pub(super) const SUMMARY: usize = 300;

/// A rule, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    pub(super) stage_index: usize,
    pub(super) rule_index: usize,
    pub(super) stage: &'a Stage,
    pub(super) rule: &'a Rule,
}

impl Change<'_> {
    /// How many characters it took away and put in.
    pub(super) fn chars(&self) -> u64 {
        self.rule.removed.chars.saturating_add(self.rule.added.chars)
    }
}

/// The rules that edited texts, the one that changed most first.
pub(super) fn largest_first(run: &Run) -> Vec<Change<'_>> {
    let mut changes: Vec<_> = editing(run).filter(|change| change.rule.edits > 0).collect();
    changes.sort_by_key(|change| std::cmp::Reverse((change.chars(), change.rule.docs)));
    changes
}

/// The rules that edit texts.
fn editing(run: &Run) -> impl Iterator<Item = Change<'_>> {
    rules(run).filter(|change| change.rule.kind != RuleKind::Drops)
}

/// All rules, in the order of the pipeline.
pub(super) fn rules(run: &Run) -> impl Iterator<Item = Change<'_>> {
    run.stages.iter().enumerate().flat_map(|(stage_index, stage)| rules_of(stage_index, stage))
}

fn rules_of(stage_index: usize, stage: &Stage) -> impl Iterator<Item = Change<'_>> {
    let rules = stage.rules.iter().enumerate();
    rules.map(move |(rule_index, rule)| Change { stage_index, rule_index, stage, rule })
}

pub(super) fn section(run: &Run) -> Markup {
    let changes = largest_first(run);
    html! {
        section aria-labelledby="changes" {
            h2 #changes { "What changed" }
            @if changes.is_empty() {
                p { "No rule changed a text." }
            } @else {
                ul.legend { li.removed { "removed" } li.added { "added" } }
                (by_rule(&changes))
            }
            (idle(run))
            (by_stage(run))
        }
    }
}

fn by_rule(changes: &[Change<'_>]) -> Markup {
    let most = changes.iter().map(Change::chars).max().unwrap_or(0);
    let (rows, shown) = fitting(changes, |change| row(change, most));
    html! {
        (table("Changes of texts by rule, the largest first", RULES, &rows))
        (left_out(changes.len() as u64, shown, "rule"))
    }
}

fn row(change: &Change<'_>, most: u64) -> Markup {
    let Change { stage, rule, .. } = change;
    let amounts = [
        Segment { class: "removed", label: "characters removed".into(), amount: rule.removed.chars },
        Segment { class: "added", label: "characters added".into(), amount: rule.added.chars },
    ];
    html! {
        tr {
            th scope="row" {
                @if rule.samples.is_empty() {
                    (inline(&rule.name))
                } @else {
                    a href={ "#" (examples::anchor(change.stage_index, Some(change.rule_index))) } { (inline(&rule.name)) }
                }
                " " span.of { "of " (inline(&stage.id)) }
                p.what { (prose(&rule.summary, SUMMARY)) }
            }
            td.n { (count(rule.docs)) br; span.of { (percent(rule.docs, stage.docs.entered)) } }
            td.n.roomy { (count(rule.edits)) }
            td.wide.roomy { (bar(&amounts, most)) }
            td.n { (signed("−", rule.removed.chars)) }
            td.n { (signed("+", rule.added.chars)) }
        }
    }
}

/// The rules that found nothing: a rule that should have is as good a hint as one that found too much.
fn idle(run: &Run) -> Markup {
    let idle: Vec<_> = editing(run).filter(|change| change.rule.edits == 0).collect();
    let name = |Change { stage, rule, .. }: &Change<'_>| {
        html! { li { (inline(&rule.name)) " " span.of { "of " (inline(&stage.id)) } } }
    };
    let (names, shown) = fitting(&idle, name);
    html! {
        @if !idle.is_empty() {
            details {
                summary { (plural(idle.len() as u64, "rule")) " changed nothing" }
                ul.names { (names) }
                (left_out(idle.len() as u64, shown, "rule"))
            }
        }
    }
}

fn by_stage(run: &Run) -> Markup {
    let (rows, shown) = fitting(&run.stages, stage_row);
    html! {
        (table("Changes by stage", STAGES, &rows))
        (left_out(run.stages.len() as u64, shown, "stage"))
    }
}

fn stage_row(stage: &Stage) -> Markup {
    let docs = &stage.docs;
    html! {
        tr {
            th scope="row" { (inline(&stage.id)) @if stage.id != stage.uses { " " span.of { "is " (inline(&stage.uses)) } } }
            td.n { (count(docs.changed)) br; span.of { (percent(docs.changed, docs.entered)) } }
            td.n.roomy { (count(stage.entered.chars)) }
            td.n {
                (signed("−", stage.removed.chars))
                @if stage.removed.chars > 0 { br; span.of { (percent(stage.removed.chars, stage.entered.chars)) } }
            }
            td.n { (signed("+", stage.added.chars)) }
            td {
                @for field in stage.fields.iter().filter(|field| field.docs > 0).take(12) {
                    span.field { (inline(&field.name)) " in " (unless_zero(field.docs)) } " "
                }
            }
        }
    }
}
