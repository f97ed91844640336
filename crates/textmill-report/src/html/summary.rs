//! What a reader should know after ten seconds: what was kept, what was lost and why, what changed.

use std::cmp::Reverse;

use maud::{Markup, html};

use super::bars::{Segment, bar};
use super::text::{inline, instant, percent, seconds, share};
use super::{changes, flow};
use crate::{Run, Severity, TestResult, count, plural};

/// How many of the largest are named.
const LARGEST: usize = 5;

pub(super) fn header(run: &Run) -> Markup {
    let problems = problems(run);
    html! {
        header {
            p.kind { "textmill report" }
            h1 { (inline(&run.pipeline.name)) }
            p.when {
                time { (instant(run.times.started)) } " · " (plural(run.stages.len() as u64, "stage")) " · "
                (seconds(run.times.seconds))
                @if run.dry_run { " · " strong { "dry run: nothing was written" } }
            }
            @if problems.is_empty() {
                p.verdict.good { "Nothing failed" }
            } @else {
                ul.verdict.bad { @for (id, problem) in problems { li { a href={ "#" (id) } { (problem) } } } }
            }
        }
    }
}

/// What is not as it should be, and the section that says more.
fn problems(run: &Run) -> Vec<(&'static str, String)> {
    let mut problems = Vec::new();
    let mut add = |id, number: usize, what: &dyn Fn(u64) -> String| {
        if number > 0 {
            problems.push((id, what(number as u64)));
        }
    };
    let allowed = if run.failures.allowed { ", which `max-errors` allows" } else { "" };
    let failed = usize::try_from(run.docs.failed).unwrap_or(usize::MAX);
    add("failures", failed, &|number| format!("{} failed{allowed}", plural(number, "document")));
    let broken =
        |severity| run.checks.iter().filter(|check| !check.holds && check.severity == severity).count();
    add("checks", broken(Severity::Error), &|number| format!("{} broken", plural(number, "check")));
    add("checks", broken(Severity::Warning), &|number| plural(number, "warning"));
    let failed = run.tests.iter().filter(|test| test.result == TestResult::Failed).count();
    add("checks", failed, &|number| format!("{} failed", plural(number, "test")));
    problems
}

pub(super) fn section(run: &Run) -> Markup {
    html! {
        section.glance aria-labelledby="glance" {
            h2.hidden #glance { "At a glance" }
            (outcome(run))
            div.columns {
                div { h3 { "Why documents are gone" } (gone(run)) }
                div { h3 { "What changed in the texts" } (changed(run)) }
            }
        }
    }
}

fn outcome(run: &Run) -> Markup {
    let docs = &run.docs;
    let all = docs.read.saturating_add(docs.emitted);
    let segments = [
        Segment { class: "kept", label: "kept".into(), amount: docs.kept },
        Segment { class: "dropped", label: "dropped".into(), amount: docs.dropped },
        Segment { class: "failed", label: "failed".into(), amount: docs.failed },
    ];
    html! {
        div.figures {
            p.kept { b { (percent(docs.kept, all)) } " kept" br; span.of { (count(docs.kept)) " of " (plural(all, "document")) } }
            p.dropped { b { (count(docs.dropped)) } " dropped" br; span.of { (percent(docs.dropped, all)) } }
            p.failed { b { (count(docs.failed)) } " failed" br; span.of { (percent(docs.failed, all)) } }
            p.came { b { (shift(run.before.chars, run.after.chars)) } " characters" br; span.of { (count(run.before.chars)) " → " (count(run.after.chars)) } }
        }
        div.outcome { (bar(&segments, all)) }
    }
}

/// By how much one number is more or less than the other.
fn shift(before: u64, after: u64) -> String {
    let (sign, change) = match before.cmp(&after) {
        std::cmp::Ordering::Less => ("+", after - before),
        std::cmp::Ordering::Equal => return "same".to_owned(),
        std::cmp::Ordering::Greater => ("−", before - after),
    };
    format!("{sign}{}", if before == 0 { count(change) } else { percent_of_change(change, before) })
}

/// A change of all is `100 %`, one of hardly anything not `0 %`; it may be more than all.
fn percent_of_change(change: u64, before: u64) -> String {
    if change > before {
        format!("{:.0}\u{a0}%", share(change, before) * 100.0)
    } else {
        percent(change, before)
    }
}

fn gone(run: &Run) -> Markup {
    let mut losses = flow::losses(run);
    losses.sort_by_key(|loss| Reverse(loss.docs));
    let most = losses.first().map_or(0, |loss| loss.docs);
    html! {
        @if losses.is_empty() {
            p { "None is gone: all that were read are in the output." }
        } @else {
            ol.largest {
                @for loss in losses.iter().take(LARGEST) {
                    li {
                        b { (count(loss.docs)) }
                        @if loss.is_failure { " failed: " } @else { " dropped: " }
                        (inline(&loss.reason)) " " span.of { "(" (inline(&loss.place)) ")" }
                        (bar(&[Segment { class: if loss.is_failure { "failed" } else { "dropped" }, label: "documents".into(), amount: loss.docs }], most))
                    }
                }
            }
            @if losses.len() > LARGEST { p { a href="#documents" { "All " (losses.len()) " reasons" } } }
        }
    }
}

fn changed(run: &Run) -> Markup {
    let changes = changes::largest_first(run);
    let most = changes.first().map_or(0, changes::Change::chars);
    html! {
        @if changes.is_empty() {
            p { "Nothing: no rule changed a text." }
        } @else {
            ol.largest {
                @for change in changes.iter().take(LARGEST) {
                    li {
                        b { (count(change.chars())) } " characters: " (inline(&change.rule.name))
                        " " span.of { "(" (inline(&change.stage.id)) ", " (plural(change.rule.docs, "document")) ")" }
                        (bar(&[
                            Segment { class: "removed", label: "characters removed".into(), amount: change.rule.removed.chars },
                            Segment { class: "added", label: "characters added".into(), amount: change.rule.added.chars },
                        ], most))
                    }
                }
            }
            @if changes.len() > LARGEST { p { a href="#changes" { "All " (changes.len()) " rules" } } }
        }
    }
}
