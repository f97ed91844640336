//! A stage in a process of its own, and the limits of that process.
//!
//! A limit can only be held against a process: a thread that does not come back cannot be stopped, and memory has no
//! owner within a process. So `timeout` and `memory-limit` are part of the isolation, not of the stage.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::Catalog;
use crate::diagnostic::Diagnostic;
use crate::draft::bytes;
use crate::tree::Tree;
use crate::written::WrittenStage;

/// Where a stage runs, as it is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum Isolation {
    /// In the process of textmill.
    None,
    /// In a process of its own.
    Process,
}

/// A stage runs in a process of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnProcess {
    /// How long one document may take.
    pub timeout: Option<Duration>,
    /// How many bytes of memory the process may have for itself.
    pub memory_limit: Option<u64>,
}

impl OwnProcess {
    /// What a stage asks for, whose plugin is `isolated` or not; `None` if it runs in the process of textmill.
    pub(crate) fn of(written: &WrittenStage, isolated: bool) -> Option<Self> {
        let own = isolated || written.isolation == Some(Isolation::Process);
        own.then(|| Self {
            timeout: written.timeout.as_deref().and_then(duration),
            memory_limit: written.memory_limit.as_ref().map(|limit| bytes(limit).get()),
        })
    }
}

/// Limits that hold nothing, because the stage has no process of its own; and `none` where the plugin has one.
pub(crate) fn check(tree: &Tree, stages: &[Value], catalog: &dyn Catalog, found: &mut Vec<Diagnostic>) {
    for (index, stage) in stages.iter().enumerate() {
        let kind = stage.get("uses").and_then(Value::as_str).and_then(|uses| catalog.find(uses));
        let place = |key: &str| tree.places.nearest(&format!("/stage/{index}/{key}"));
        let asks_for = |isolation: &str| stage.get("isolation").is_some_and(|written| written == isolation);
        if let Some(kind) = kind.filter(|kind| kind.isolated) {
            if asks_for("none") {
                let message = format!("`{}` cannot run in the process of textmill", kind.name);
                let one = Diagnostic::at(place("isolation").value(), message)
                    .with_label("its plugin is given processes of its own in `plugins`")
                    .with_hint(Some("leave it out"));
                found.push(one);
            }
            continue;
        }
        if stage.get("isolation").is_some() && !asks_for("none") {
            continue;
        }
        for key in ["timeout", "memory-limit"].into_iter().filter(|key| stage.get(key).is_some()) {
            let message = format!("`{key}` can only be held against a process of its own");
            let one = Diagnostic::at(place(key).key(), message)
                .with_label("this stage runs in the process of textmill")
                .with_hint(Some("write `isolation = \"process\"` beside it"));
            found.push(one);
        }
    }
}

/// `500ms`, `5s` or `2m`. The schema lets nothing else through.
pub(crate) fn duration(written: &str) -> Option<Duration> {
    let (number, unit) = written.split_at_checked(written.find(|c: char| !c.is_ascii_digit())?)?;
    let number = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_mins(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let check = |written: &str, expect: u128| {
            assert_eq!(duration(written).map(|found| found.as_millis()), Some(expect), "{written}");
        };
        check("500ms", 500);
        check("5s", 5_000);
        check("2m", 120_000);
        check("999999999m", 999_999_999 * 60_000);
    }
}
