//! Conditions over a run: `[[check]]` in a pipeline file, such as `docs.kept-ratio >= 0.8`.
//!
//! A condition is a number of the run, a comparison and a limit. All of it is read when the file is: that the number has a
//! name that is known, that its stage is in the pipeline; and when the stages are open, that its rule is one of theirs.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::Diagnostic;
use crate::suggest;
use crate::tree::Tree;

/// A condition over a run.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckSpec {
    /// The condition as it was written.
    pub that: String,
    /// The same, understood.
    pub condition: Condition,
    /// What it means if it does not hold.
    pub severity: Severity,
    /// What to say if it does not hold.
    pub message: Option<String>,
}

/// What it means if a condition does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The run has failed: exit code 1.
    #[default]
    Error,
    /// It is told.
    Warning,
}

/// A number of a run, compared with a limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The number.
    pub metric: Metric,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub limit: f64,
}

/// How a number is compared with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `<`
    Below,
    /// `==`
    Equal,
    /// `!=`
    Unlike,
}

/// A number of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Of the documents: `docs.kept-ratio`.
    Docs(DocsMetric),
    /// Of a stage, by its id: `stage.links.changed`.
    Stage(String, StageMetric),
    /// Of a rule, in one stage or in all that have it: `stage.links.rule.teaser.docs`, `rule.teaser.docs`.
    Rule {
        /// The id of the stage; `None`: all of them.
        stage: Option<String>,
        /// The name of the rule.
        rule: String,
        /// Which number.
        metric: RuleMetric,
    },
}

/// Makes an enum of numbers that are written by name.
macro_rules! metrics {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $written:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            const ALL: &'static [(&'static str, Self)] = &[$(($written, Self::$variant),)*];

            fn find(written: &str) -> Option<Self> {
                Self::ALL.iter().find(|(name, _)| *name == written).map(|(_, metric)| *metric)
            }

            fn names() -> Vec<&'static str> {
                Self::ALL.iter().map(|(name, _)| *name).collect()
            }
        }
    };
}

metrics! {
    /// A number of the documents of a run.
    DocsMetric {
        /// Documents that were read.
        Read = "read",
        /// Documents that could not be parsed.
        Unreadable = "unreadable",
        /// Documents that stages added.
        Emitted = "emitted",
        /// Documents in the output.
        Kept = "kept",
        /// Documents that a stage dropped.
        Dropped = "dropped",
        /// Documents that failed.
        Failed = "failed",
        /// Documents in which bytes that are not UTF-8 were replaced.
        ReplacedUtf8 = "replaced-utf8",
        /// The share of all documents that was kept.
        KeptRatio = "kept-ratio",
        /// The share that was dropped.
        DroppedRatio = "dropped-ratio",
        /// The share that failed.
        FailedRatio = "failed-ratio",
    }
}

metrics! {
    /// A number of a stage.
    StageMetric {
        /// Documents that came in.
        Entered = "entered",
        /// Documents that it added.
        Emitted = "emitted",
        /// Documents that went on.
        Kept = "kept",
        /// Documents that it dropped.
        Dropped = "dropped",
        /// Documents that failed in it.
        Failed = "failed",
        /// Documents that went on although it failed with them.
        Errored = "errored",
        /// Documents that it changed.
        Changed = "changed",
        /// The share of the documents that came in which it changed.
        ChangedRatio = "changed-ratio",
        /// The share of the documents that came in which it dropped.
        DroppedRatio = "dropped-ratio",
        /// Characters that its edits took away.
        RemovedChars = "removed-chars",
        /// Characters that its edits put in.
        AddedChars = "added-chars",
        /// Of all characters that came in, the share that its edits took away.
        RemovedRatio = "removed-chars.ratio",
        /// Which share of its characters a document lost, on average.
        RemovedMean = "removed-chars.mean",
        /// The share that half of the documents did not exceed.
        RemovedP50 = "removed-chars.p50",
        /// The share that 90 % of the documents did not exceed.
        RemovedP90 = "removed-chars.p90",
        /// The share that 95 % of the documents did not exceed.
        RemovedP95 = "removed-chars.p95",
        /// The share that 99 % of the documents did not exceed.
        RemovedP99 = "removed-chars.p99",
        /// The share that no document exceeded.
        RemovedMax = "removed-chars.max",
    }
}

metrics! {
    /// A number of a rule.
    RuleMetric {
        /// Documents that it changed or dropped.
        Docs = "docs",
        /// Its edits.
        Edits = "edits",
        /// Characters that its edits took away.
        RemovedChars = "removed-chars",
        /// Characters that its edits put in.
        AddedChars = "added-chars",
    }
}

/// A condition as it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Check")]
pub(crate) struct WrittenCheck {
    /// A number of the run, a comparison and a limit, as `docs.kept-ratio >= 0.8`, `stage.links.removed-chars.p99 < 0.5` or
    /// `rule.teaser.docs > 0`.
    #[schemars(length(min = 1))]
    that: String,
    /// What it means if it does not hold: the run has failed (`error`), or it is told (`warning`).
    #[serde(default)]
    severity: Severity,
    /// What to say if it does not hold.
    #[schemars(length(min = 1))]
    message: Option<String>,
}

/// Why a text is no condition, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
struct Mistake {
    message: String,
    hint: Option<String>,
}

const EXAMPLE: &str = "write it as `docs.kept-ratio >= 0.8`";

/// Of which the longer ones come first.
const COMPARISONS: [(&str, Comparison); 6] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    ("==", Comparison::Equal),
    ("!=", Comparison::Unlike),
    (">", Comparison::Above),
    ("<", Comparison::Below),
];

impl WrittenCheck {
    /// The condition; what was written has passed [`check`].
    pub(crate) fn build(self) -> Option<CheckSpec> {
        let condition = parse(&self.that).ok()?;
        Some(CheckSpec { that: self.that, condition, severity: self.severity, message: self.message })
    }
}

impl Condition {
    /// Whether a number is as it should be.
    pub fn holds(&self, found: f64) -> bool {
        match self.comparison {
            Comparison::AtLeast => found >= self.limit,
            Comparison::AtMost => found <= self.limit,
            Comparison::Above => found > self.limit,
            Comparison::Below => found < self.limit,
            Comparison::Equal => (found - self.limit).abs() <= f64::EPSILON,
            Comparison::Unlike => (found - self.limit).abs() > f64::EPSILON,
        }
    }
}

impl Metric {
    /// The stage that it names.
    pub fn stage(&self) -> Option<&str> {
        match self {
            Self::Docs(_) => None,
            Self::Stage(stage, _) => Some(stage),
            Self::Rule { stage, .. } => stage.as_deref(),
        }
    }

    /// Whether it is a share, from 0 to 1, rather than a count.
    fn is_share(&self) -> bool {
        match self {
            Self::Docs(metric) => {
                matches!(metric, DocsMetric::KeptRatio | DocsMetric::DroppedRatio | DocsMetric::FailedRatio)
            }
            Self::Stage(_, metric) => matches!(
                metric,
                StageMetric::ChangedRatio
                    | StageMetric::DroppedRatio
                    | StageMetric::RemovedRatio
                    | StageMetric::RemovedMean
                    | StageMetric::RemovedP50
                    | StageMetric::RemovedP90
                    | StageMetric::RemovedP95
                    | StageMetric::RemovedP99
                    | StageMetric::RemovedMax
            ),
            Self::Rule { .. } => false,
        }
    }

    /// What the share is called of which this is the count.
    fn as_share(&self) -> Option<String> {
        match self {
            Self::Docs(DocsMetric::Kept) => Some("docs.kept-ratio".to_owned()),
            Self::Docs(DocsMetric::Dropped) => Some("docs.dropped-ratio".to_owned()),
            Self::Docs(DocsMetric::Failed) => Some("docs.failed-ratio".to_owned()),
            Self::Stage(stage, StageMetric::Changed) => Some(format!("stage.{stage}.changed-ratio")),
            Self::Stage(stage, StageMetric::Dropped) => Some(format!("stage.{stage}.dropped-ratio")),
            Self::Stage(stage, StageMetric::RemovedChars) => {
                Some(format!("stage.{stage}.removed-chars.ratio"))
            }
            _ => None,
        }
    }
}

/// Finds what is wrong with the conditions of a file, whose stages have these ids.
pub(crate) fn check(tree: &Tree, stages: &[&str], found: &mut Vec<Diagnostic>) {
    let written = tree.value.get("check").and_then(serde_json::Value::as_array);
    for (index, one) in written.map(Vec::as_slice).unwrap_or_default().iter().enumerate() {
        let Some(that) = one.get("that").and_then(serde_json::Value::as_str) else { continue };
        let known = |condition: Condition| match condition.metric.stage() {
            Some(stage) if !stages.contains(&stage) => Err(Mistake {
                message: format!("the pipeline has no stage `{stage}`"),
                hint: suggest::suggestion(stage, "stage", stages),
            }),
            _ => Ok(()),
        };
        if let Err(mistake) = parse(that).and_then(known) {
            let place = tree.places.nearest(&format!("/check/{index}/that")).value();
            found.push(Diagnostic::at(place, mistake.message).with_hint(mistake.hint.as_deref()));
        }
    }
}

fn parse(that: &str) -> Result<Condition, Mistake> {
    let mistake = |message: &str| Mistake { message: message.to_owned(), hint: Some(EXAMPLE.to_owned()) };
    let at = that.find(['<', '>', '=', '!']).ok_or_else(|| mistake("the condition compares nothing"))?;
    let (left, right) = that.split_at(at);
    let (sign, comparison) = COMPARISONS
        .iter()
        .find(|(sign, _)| right.starts_with(sign))
        .ok_or_else(|| mistake("expected `>=`, `<=`, `>`, `<`, `==` or `!=`"))?;
    let limit = right.trim_start_matches(sign).trim();
    let number = limit.strip_suffix('%').unwrap_or(limit).trim();
    let number: f64 = number
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .ok_or_else(|| mistake(&format!("expected a number behind `{sign}`, found `{limit}`")))?;
    let (name, is_percent) = (left.trim(), limit.ends_with('%'));
    let metric = parse_metric(name)?;
    let written = |limit: &str| Some(format!("write `{name} {sign} {limit}`"));
    if is_percent && !metric.is_share() {
        let message = format!("`{name}` is a count, and `{limit}` a share");
        let hint = metric.as_share().map_or_else(
            || written(&number.to_string()),
            |share| Some(format!("write `{share} {sign} {limit}`")),
        );
        return Err(Mistake { message, hint });
    }
    let value = if is_percent { number / 100.0 } else { number };
    if metric.is_share() && value > 1.0 {
        let message = format!("`{name}` is a share, from 0 to 1, and `{limit}` is more than all");
        let hint = (!is_percent && number <= 100.0).then(|| written(&format!("{number}%"))).flatten();
        return Err(Mistake { message, hint });
    }
    Ok(Condition { metric, comparison: *comparison, limit: value })
}

fn parse_metric(written: &str) -> Result<Metric, Mistake> {
    let (head, rest) = written.split_once('.').unwrap_or((written, ""));
    match head {
        "docs" => Ok(Metric::Docs(named(rest, "docs", DocsMetric::find, &DocsMetric::names())?)),
        "rule" => parse_rule(None, rest),
        "stage" => {
            let (stage, rest) = rest.split_once('.').unwrap_or((rest, ""));
            if let Some(rule) = rest.strip_prefix("rule.") {
                return parse_rule(Some(stage.to_owned()), rule);
            }
            let what = format!("stage.{stage}");
            let metric = named(rest, &what, StageMetric::find, &StageMetric::names())?;
            Ok(Metric::Stage(stage.to_owned(), metric))
        }
        _ => {
            let known = ["docs", "stage", "rule"];
            let hint = suggest::suggestion(head, "beginning", &known);
            Err(Mistake { message: format!("a run has no number `{written}`"), hint })
        }
    }
}

fn parse_rule(stage: Option<String>, written: &str) -> Result<Metric, Mistake> {
    let (rule, rest) = written.split_once('.').unwrap_or((written, ""));
    let metric = named(rest, &format!("rule.{rule}"), RuleMetric::find, &RuleMetric::names())?;
    Ok(Metric::Rule { stage, rule: rule.to_owned(), metric })
}

fn named<M>(written: &str, of: &str, find: impl Fn(&str) -> Option<M>, names: &[&str]) -> Result<M, Mistake> {
    find(written).ok_or_else(|| Mistake {
        message: if written.is_empty() {
            format!("`{of}` is no number: which one of it is meant?")
        } else {
            format!("`{of}` has no number `{written}`")
        },
        hint: suggest::suggestion(written, "number", names)
            .or_else(|| Some(format!("it has {}", suggest::list(names, "and")))),
    })
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read() {
        let check = |that: &str, metric: Metric, comparison: Comparison, limit: f64| {
            assert_eq!(parse(that), Ok(Condition { metric, comparison, limit }), "{that}");
        };
        check("docs.kept-ratio >= 0.8", Metric::Docs(DocsMetric::KeptRatio), Comparison::AtLeast, 0.8);
        check("docs.failed-ratio<1%", Metric::Docs(DocsMetric::FailedRatio), Comparison::Below, 0.01);
        let links = |metric| Metric::Stage("links".to_owned(), metric);
        check("stage.links.removed-chars.p99 < 0.5", links(StageMetric::RemovedP99), Comparison::Below, 0.5);
        check("stage.links.removed-chars != 3", links(StageMetric::RemovedChars), Comparison::Unlike, 3.0);
        let rule = |stage: Option<&str>| Metric::Rule {
            stage: stage.map(ToOwned::to_owned),
            rule: "teaser".to_owned(),
            metric: RuleMetric::Docs,
        };
        check("rule.teaser.docs > 0", rule(None), Comparison::Above, 0.0);
        check("stage.links.rule.teaser.docs == 2", rule(Some("links")), Comparison::Equal, 2.0);
    }

    #[test]
    fn what_is_no_condition_is_told() {
        let check = |that: &str, says: &str| {
            let mistake = parse(that).unwrap_err();
            let all = format!("{} {}", mistake.message, mistake.hint.unwrap_or_default());
            assert!(all.contains(says), "{that}: {all}");
        };
        check("docs.kept", "compares nothing");
        check("docs.kept = 3", "expected `>=`");
        check("docs.kept >= many", "expected a number behind `>=`, found `many`");
        check("docs.kept >= nan", "found `nan`");
        check("docs.kpt >= 3", "did you mean `kept`?");
        check("rule.teaser.docs > 50%", "is a count, and `50%` a share write `rule.teaser.docs > 50`");
        check("docs.failed<1%", "write `docs.failed-ratio < 1%`");
        check("stage.a.removed-chars < 9 %", "write `stage.a.removed-chars.ratio < 9 %`");
        check("docs.kept-ratio > 80", "from 0 to 1, and `80` is more than all write `docs.kept-ratio > 80%`");
        check("docs.kept-ratio > 101%", "more than all");
        check("docs >= 3", "which one of it is meant?");
        check("doc.kept >= 3", "did you mean `docs`?");
        check("stage.links.p99 >= 3", "`stage.links` has no number `p99`");
        check("rule.teaser.doc >= 3", "did you mean `docs`?");
    }
}
