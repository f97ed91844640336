//! SARIF 2.1.0 (OASIS), which code scanning shows: a result for each problem, at its place in the pipeline file.
//!
//! Written by hand: it is one object, and the crate `serde-sarif` makes its types when it is built, with 15 crates.

use data_encoding::HEXUPPER;
use serde_json::{Map, Value, json};

use super::{Finding, Findings, Kind, Place, Problem, Verdict};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What each kind of finding is about, in the words of a rule.
const RULES: [(Kind, &str, &str); 6] = [
    (Kind::Pipeline, "pipeline", "A pipeline file can be read, its stages open, its input is there"),
    (Kind::Test, "test", "A golden test of a pipeline file finds what it expects"),
    (Kind::Documents, "documents", "No document of a run fails"),
    (Kind::Check, "check", "A condition of the pipeline file holds for the run"),
    (Kind::Baseline, "baseline", "A run comes to the same as the one it is compared with"),
    (Kind::Conformance, "conformance", "A plugin keeps the contract and its own claims"),
];

impl Findings {
    pub(super) fn sarif(&self) -> String {
        let rules: Vec<_> = RULES
            .iter()
            .map(|(_, id, about)| json!({ "id": id, "shortDescription": { "text": about } }))
            .collect();
        let could_run = self.count(|verdict| verdict == Verdict::Error) == 0;
        let run = json!({
            "tool": { "driver": { "name": "textmill", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": could_run }],
            "results": self.problems().map(|(finding, problem)| result(finding, problem)).collect::<Vec<_>>(),
        });
        format!("{:#}\n", json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] }))
    }
}

fn result(finding: &Finding, problem: &Problem) -> Value {
    let index = RULES.iter().position(|(kind, ..)| *kind == finding.kind).unwrap_or_default();
    let level = match finding.verdict {
        Verdict::Failed | Verdict::Error => "error",
        Verdict::Warning => "warning",
        Verdict::Passed | Verdict::Skipped => "note",
    };
    let about = if finding.kind == Kind::Pipeline { String::new() } else { format!("{}: ", finding.name) };
    let hint = problem.hint.as_ref().map_or_else(String::new, |hint| format!("\nhint: {hint}"));
    let mut result = json!({
        "ruleId": RULES[index].1,
        "ruleIndex": index,
        "level": level,
        "message": { "text": format!("{about}{}{hint}", problem.message) },
    });
    if let Some(place) = &problem.place {
        result["locations"] = json!([{ "physicalLocation": location(place) }]);
    }
    result
}

fn location(place: &Place) -> Value {
    let mut file = json!({ "uri": uri(&place.file) });
    if !place.file.starts_with('/') {
        file["uriBaseId"] = json!("%SRCROOT%");
    }
    let numbers = [("startLine", place.line), ("startColumn", place.column), ("endColumn", place.end_column)];
    let known = numbers.into_iter().filter_map(|(name, number)| Some((name.to_owned(), json!(number?))));
    let region: Map<_, _> = known.collect();
    let mut location = json!({ "artifactLocation": file });
    if !region.is_empty() {
        location["region"] = Value::Object(region);
    }
    location
}

/// A path as a URI reference: whatever has a meaning there, or is not ASCII, as its bytes.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(char::from(byte));
            }
            _ => uri.extend(["%", &HEXUPPER.encode(&[byte])]),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_reference() {
        assert_eq!(uri("pipelines/news.toml"), "pipelines/news.toml");
        assert_eq!(uri("a b/ö:1%.toml"), "a%20b/%C3%B6%3A1%25.toml");
        assert_eq!(uri("/tmp/x.toml"), "file:///tmp/x.toml");
    }

    #[test]
    fn every_kind_has_a_rule_of_its_own() {
        let kinds: std::collections::BTreeSet<_> = RULES.iter().map(|(kind, ..)| kind).collect();
        assert_eq!(kinds.len(), RULES.len());
    }
}
