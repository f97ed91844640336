//! Conditions over a run, held against its counts.

use textmill_pipeline::{
    CheckSpec, Diagnostics, DocsMetric, Metric, Pipeline, RuleMetric, StageMetric, suggestion,
};

use crate::account::{Counts, RuleCounts, StageCounts};
use crate::{Engine, Stage};

/// What a condition came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckResult {
    /// The number that was found.
    pub found: f64,
    /// Whether the condition holds.
    pub holds: bool,
}

impl Engine {
    /// Holds the conditions of the pipeline against what a run of it did, in their order.
    pub fn check(&self, counts: &Counts) -> Vec<CheckResult> {
        let check = |check: &CheckSpec| {
            let found = self.measure(&check.condition.metric, counts);
            CheckResult { found, holds: check.condition.holds(found) }
        };
        self.pipeline().checks.iter().map(check).collect()
    }

    fn measure(&self, metric: &Metric, counts: &Counts) -> f64 {
        match metric {
            Metric::Docs(metric) => docs(*metric, counts),
            Metric::Stage(id, metric) => {
                let stages = self.stages().iter().zip(&counts.stages);
                stages
                    .filter(|(stage, _)| *stage.id == **id)
                    .map(|(_, counts)| self::stage(*metric, counts))
                    .sum()
            }
            Metric::Rule { stage, rule, metric } => {
                let stages = self.stages().iter().zip(&counts.stages);
                let rules = stages.filter(|(one, _)| stage.as_ref().is_none_or(|id| *one.id == **id));
                let rules = rules.flat_map(|(stage, counts)| stage.plan().rules.iter().zip(&counts.rules));
                rules
                    .filter(|(one, _)| *one.name == **rule)
                    .map(|(_, counts)| self::rule(*metric, counts))
                    .sum()
            }
        }
    }
}

/// Finds conditions about rules that no stage has.
pub(crate) fn check_rules(pipeline: &Pipeline, stages: &[Stage]) -> Option<Diagnostics> {
    let mistakes = pipeline.checks.iter().enumerate().filter_map(|(index, check)| {
        let Metric::Rule { stage, rule, .. } = &check.condition.metric else { return None };
        let meant = stages.iter().filter(|one| stage.as_ref().is_none_or(|id| *one.id == **id));
        let known: Vec<&str> = meant.flat_map(|one| &one.plan().rules).map(|rule| &*rule.name).collect();
        if known.contains(&&**rule) {
            return None;
        }
        let message = match stage {
            Some(id) => format!("the stage `{id}` has no rule `{rule}`"),
            None => format!("no stage of the pipeline has a rule `{rule}`"),
        };
        let mistake = pipeline.check_diagnostic(index, &message);
        Some(match suggestion(rule, "rule", &known) {
            Some(hint) => mistake.with_hint(&hint),
            None => mistake.with_hint("`textmill doc STAGE` shows the rules of a stage"),
        })
    });
    mistakes.reduce(Diagnostics::and)
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^53 documents")]
fn number(count: u64) -> f64 {
    count as f64
}

/// Of nothing, nothing.
fn ratio(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { number(part) / number(all) }
}

fn docs(metric: DocsMetric, counts: &Counts) -> f64 {
    let all = counts.read + counts.emitted;
    match metric {
        DocsMetric::Read => number(counts.read),
        DocsMetric::Unreadable => number(counts.unreadable),
        DocsMetric::Emitted => number(counts.emitted),
        DocsMetric::Kept => number(counts.kept),
        DocsMetric::Dropped => number(counts.dropped),
        DocsMetric::Failed => number(counts.failed),
        DocsMetric::ReplacedUtf8 => number(counts.replaced_utf8),
        DocsMetric::KeptRatio => counts.kept_ratio(),
        DocsMetric::DroppedRatio => ratio(counts.dropped, all),
        DocsMetric::FailedRatio => ratio(counts.failed, all),
    }
}

fn stage(metric: StageMetric, counts: &StageCounts) -> f64 {
    match metric {
        StageMetric::Entered => number(counts.entered),
        StageMetric::Emitted => number(counts.emitted),
        StageMetric::Kept => number(counts.kept),
        StageMetric::Dropped => number(counts.dropped),
        StageMetric::Failed => number(counts.failed),
        StageMetric::Errored => number(counts.errored),
        StageMetric::Changed => number(counts.changed),
        StageMetric::ChangedRatio => ratio(counts.changed, counts.entered),
        StageMetric::DroppedRatio => ratio(counts.dropped, counts.entered),
        StageMetric::RemovedChars => number(counts.removed_chars),
        StageMetric::AddedChars => number(counts.added_chars),
        StageMetric::RemovedRatio => ratio(counts.removed_chars, counts.entered_chars),
        StageMetric::RemovedMean => counts.removed_share.mean(),
        StageMetric::RemovedP50 => counts.removed_share.quantile(0.5),
        StageMetric::RemovedP90 => counts.removed_share.quantile(0.9),
        StageMetric::RemovedP95 => counts.removed_share.quantile(0.95),
        StageMetric::RemovedP99 => counts.removed_share.quantile(0.99),
        StageMetric::RemovedMax => counts.removed_share.most(),
    }
}

fn rule(metric: RuleMetric, counts: &RuleCounts) -> f64 {
    match metric {
        RuleMetric::Docs => number(counts.documents),
        RuleMetric::Edits => number(counts.edits),
        RuleMetric::RemovedChars => number(counts.removed_chars),
        RuleMetric::AddedChars => number(counts.added_chars),
    }
}
