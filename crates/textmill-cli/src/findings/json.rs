//! JSON: every key is always there, and no type varies; what there is none of is `null`.

use std::time::Duration;

use serde::{Serialize, Serializer};
use textmill_report::Run;

use super::{Finding, Findings, Verdict};

/// Raised when a key goes or means something else.
const VERSION: u32 = 1;

/// All that a command found.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report<'a> {
    schema_version: u32,
    textmill: &'a str,
    command: &'a str,
    passed: usize,
    skipped: usize,
    warnings: usize,
    failed: usize,
    findings: &'a [Finding],
    /// What `run.json` holds; null for commands that run nothing.
    run: Option<&'a Run>,
}

impl Findings {
    /// One object.
    pub(super) fn json(&self) -> serde_json::Result<String> {
        let count = |verdict| self.count(|other| other == verdict);
        let report = Report {
            schema_version: VERSION,
            textmill: env!("CARGO_PKG_VERSION"),
            command: self.command,
            passed: count(Verdict::Passed),
            skipped: count(Verdict::Skipped),
            warnings: count(Verdict::Warning),
            failed: self.count(Verdict::is_bad),
            findings: &self.list,
            run: self.run.as_ref(),
        };
        Ok(serde_json::to_string_pretty(&report)? + "\n")
    }

    /// A line for each finding.
    pub(super) fn json_lines(&self) -> serde_json::Result<String> {
        let line = |finding| Ok(serde_json::to_string(finding)? + "\n");
        self.list.iter().map(line).collect()
    }
}

/// A time as a number of seconds.
#[expect(clippy::ref_option, reason = "so serde calls it")]
pub(super) fn seconds<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(to)
}
