//! What was judged: documents that failed, conditions, tests.

use maud::{Markup, html};

use super::text::{block, inline, number, prose};
use super::{Head, fitting, left_out, table};
use crate::{Check, Failure, Run, Severity, Test, TestResult, count, plural};

/// The columns of the table.
const FAILED: &[Head] = &[("document", ""), ("stage", ""), ("what went wrong", "")];

/// How many characters of a message are shown.
const MESSAGE: usize = 1000;
/// How many mismatches of a test.
const MISMATCHES: usize = 10;

pub(super) fn failures(run: &Run) -> Markup {
    let failures = &run.failures;
    let (rows, shown) = fitting(&failures.shown, failure);
    html! {
        section aria-labelledby="failures" {
            h2 #failures { "Failed documents" }
            @if failures.total == 0 {
                p { "None." }
            } @else {
                p {
                    (plural(failures.total, "document")) " failed, "
                    @if failures.allowed { "which " code { "max-errors" } " allows." }
                    @else { "more than " code { "max-errors" } " allows." }
                    @if let Some(output) = run.output("failed").filter(|output| output.docs > 0) {
                        " Each is in " (inline(&output.path)) ", with its original."
                    }
                }
                (table("The first documents that failed", FAILED, &rows))
                (left_out(failures.total, shown, "document"))
            }
        }
    }
}

fn failure(failure: &Failure) -> Markup {
    html! {
        tr {
            th scope="row" { (inline(&failure.id)) p.what { (inline(&failure.place)) } }
            td { (inline(failure.stage.as_deref().unwrap_or("–"))) }
            td { (block(&failure.message, MESSAGE)) }
        }
    }
}

pub(super) fn section(run: &Run) -> Markup {
    let (checks, shown) = fitting(&run.checks, check);
    html! {
        section aria-labelledby="checks" {
            h2 #checks { "Checks and tests" }
            h3 { "Checks" }
            @if run.checks.is_empty() {
                p { "The pipeline file sets no conditions for a run." }
            } @else {
                ul.judged { (checks) }
                (left_out(run.checks.len() as u64, shown, "check"))
            }
            h3 { "Tests" }
            (tests(&run.tests))
        }
    }
}

fn check(check: &Check) -> Markup {
    let (class, verdict) = match (check.holds, check.severity) {
        (true, _) => ("good", "holds"),
        (false, Severity::Error) => ("bad", "broken"),
        (false, Severity::Warning) => ("warning", "warning"),
    };
    html! {
        li {
            span.badge.(class) { (verdict) } " " code { (inline(&check.that)) } " – found " (number(check.found))
            @if let Some(message) = check.message.as_deref().filter(|_| !check.holds) { p.what dir="auto" { (prose(message, MESSAGE)) } }
        }
    }
}

fn tests(tests: &[Test]) -> Markup {
    let (entries, shown) = fitting(tests, test);
    let number = |result| tests.iter().filter(|test| test.result == result).count() as u64;
    html! {
        @if tests.is_empty() {
            p { "The pipeline file has no tests." }
        } @else {
            p {
                (count(number(TestResult::Passed))) " passed, " (count(number(TestResult::Failed))) " failed"
                @if number(TestResult::NotRun) > 0 {
                    ", " (count(number(TestResult::NotRun))) " not run: a run runs tests if it is asked for a report"
                }
            }
            ul.judged { (entries) }
            (left_out(tests.len() as u64, shown, "test"))
        }
    }
}

fn test(test: &Test) -> Markup {
    let (class, verdict) = match test.result {
        TestResult::NotRun => ("idle", "not run"),
        TestResult::Passed => ("good", "passed"),
        TestResult::Failed => ("bad", "failed"),
    };
    html! {
        li {
            span.badge.(class) { (verdict) } " " (inline(&test.name))
            @for mismatch in test.mismatches.iter().take(MISMATCHES) { (block(mismatch, MESSAGE)) }
            (left_out(test.mismatches.len() as u64, MISMATCHES, "mismatch"))
        }
    }
}
