//! Every stage of ours keeps the contract and its claims, built in and as a library.
//!
//! The checks are those of `textmill plugin test`, with the documents and rounds of `--quick`: builds without optimization
//! are tested here. The long documents go through each stage once, built in; one that is quadratic takes minutes there.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::plugins::{SHIPPED, library};
use crate::project;

/// Stages whose own output passes through them unchanged.
const IDEMPOTENT: [&str; 5] = ["clean", "dedup-title", "split-sentences", "strip-links", "summarize"];

/// Runs `plugin test`, and gives back the checks of its report. All of them must have passed.
fn test(args: &[&str]) -> Vec<Value> {
    let generous = ["--timeout", "600", "--format", "json"];
    let ran = project().run(["plugin", "test"].iter().chain(args).chain(&generous));
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    let checks = report["checks"].as_array().unwrap().clone();
    for check in &checks {
        assert!(
            ["passed", "not-claimed", "not-run"].contains(&check["verdict"].as_str().unwrap()),
            "{check:#}"
        );
    }
    let _ = ran.code(0);
    checks
}

fn names<'c>(checks: &'c [Value], key: &str) -> BTreeSet<&'c str> {
    checks.iter().filter_map(|check| check[key].as_str()).collect()
}

#[test]
fn built_in_stages_keep_the_contract() {
    let checks = test(&["--built-in", "--quick"]);
    assert!(names(&checks, "stage").is_superset(&SHIPPED.into()), "{:?}", names(&checks, "stage"));
    for stage in names(&checks, "stage") {
        let of_stage = checks.iter().filter(|check| check["stage"] == stage);
        assert_eq!(of_stage.clone().count(), 18, "{stage}");
        let panics = of_stage.clone().find(|check| check["check"] == "panics").unwrap();
        assert_eq!(panics["verdict"], "passed");
        let idempotent = of_stage.clone().find(|check| check["check"] == "idempotent").unwrap();
        assert_eq!(idempotent["verdict"] == "passed", IDEMPOTENT.contains(&stage), "{idempotent}");
    }
}

#[test]
fn long_documents_pass_in_time() {
    let checks = test(&["--built-in", "--check", "hostile-texts"]);
    assert!(checks.len() >= SHIPPED.len());
}

#[test]
fn shipped_libraries_keep_the_contract() {
    for name in SHIPPED.into_iter().chain(["extract-html"]) {
        let path = library(name);
        let checks = test(&[path.to_str().unwrap(), "--quick"]);
        assert_eq!(names(&checks, "stage"), BTreeSet::from([name]));
        assert_eq!(checks.len(), 22);
    }
}
