//! The checks that every stage must pass with its own options, whatever it does: `conformance/hostile.jsonl` has texts that
//! have broken programs, and a few more are too long for a file.
//!
//! Each check is a promise of the contract: answers do not depend on what is in a batch beside a document; no text makes a
//! stage panic or answer with what is no edit, which would be a failed document; what a stage claims is true.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use textmill_testkit::{Project, workspace};

use crate::project;

/// Stages whose own output passes through them unchanged.
const IDEMPOTENT: [&str; 5] = ["clean", "dedup-title", "split-sentences", "strip-links", "summarize"];

/// Lines of JSONL, one for each text.
fn hostile() -> Vec<String> {
    let path = workspace().join("tests/conformance/hostile.jsonl");
    let mut lines: Vec<_> = fs::read_to_string(path).unwrap().lines().map(ToOwned::to_owned).collect();
    for (id, text) in [
        ("long word", "a".repeat(1 << 18)),
        ("long line", "word ".repeat(50_000)),
        ("long line of sentences", "It is so. ".repeat(5_000)),
        ("many lines", "line\n".repeat(30_000)),
        ("many teasers", "READ MORE: Something Else Happened Today\n\n".repeat(1_000)),
        ("many entities", "&lt;b&gt;".repeat(10_000)),
        ("many marks", "e\u{301}".repeat(20_000)),
    ] {
        lines.push(json!({"id": id, "text": text}).to_string());
    }
    lines
}

/// A pipeline of one stage, from stdin to stdout.
fn pipeline(stage: &str) -> Project {
    project().file("p.toml", format!("[[stage]]\nuses = '{stage}'\n"))
}

/// What a stage makes of these lines: a line for each of them, in their order.
fn run<S: AsRef<str>>(project: &Project, lines: &[S]) -> Vec<String> {
    let input: String = lines.iter().map(|line| line.as_ref().to_owned() + "\n").collect();
    let ran = project.run_with_stdin(["run", "p.toml", "-q", "-i", "-", "-o", "-"], input.as_bytes()).code(0);
    let output: Vec<_> = ran.stdout.lines().map(ToOwned::to_owned).collect();
    assert_eq!(output.len(), lines.len());
    output
}

fn check_all(check: impl Fn(&str, &Project, &[String]) + Sync) {
    let hostile = hostile();
    std::thread::scope(|scope| {
        for stage in stages() {
            let (check, hostile) = (&check, &hostile);
            scope.spawn(move || check(&stage, &pipeline(&stage), hostile));
        }
    });
}

/// The built-in stages.
fn stages() -> Vec<String> {
    let listed = project().run(["list"]).code(0).stdout;
    listed.lines().filter_map(|line| line.split_whitespace().next()).map(ToOwned::to_owned).collect()
}

#[test]
fn a_document_does_not_care_for_its_neighbours() {
    check_all(|stage, project, hostile| {
        let together = run(project, hostile);
        let reversed: Vec<_> = hostile.iter().rev().collect();
        let mut backwards = run(project, &reversed);
        backwards.reverse();
        check_same(stage, &together, &backwards);
        let short = hostile.iter().zip(&together).filter(|(line, _)| line.len() < 400);
        for (line, expected) in short.step_by(4) {
            assert_eq!(run(project, &[line]), [expected.as_str()], "{stage}, alone");
        }
    });
}

#[test]
fn what_a_stage_has_done_is_done() {
    check_all(|stage, project, hostile| {
        if !IDEMPOTENT.contains(&stage) {
            return;
        }
        let once = run(project, hostile);
        let twice = run(project, &once);
        check_same(stage, &once, &twice);
    });
}

fn check_same(stage: &str, left: &[String], right: &[String]) {
    for (left, right) in left.iter().zip(right) {
        let shown = |line: &str| line.chars().take(600).collect::<String>();
        assert!(left == right, "{stage}\n{}\n{}", shown(left), shown(right));
    }
}

#[test]
fn a_stage_that_only_deletes_only_deletes() {
    check_all(|stage, project, hostile| {
        let page = project.run(["doc", stage]).code(0).stdout;
        let (_, rules) = page.split_once("\nRules").expect("a page ends with the rules");
        if rules.contains("rewrites") {
            return;
        }
        for (before, after) in hostile.iter().zip(run(project, hostile)) {
            let text = |line: &str| {
                serde_json::from_str::<Value>(line).unwrap()["text"].as_str().unwrap().to_owned()
            };
            let (before, after) = (text(before), text(&after));
            let mut rest = before.chars();
            assert!(
                after.chars().all(|c| rest.any(|other| other == c)),
                "{stage}: {before:?} became {after:?}"
            );
        }
    });
}

#[test]
fn twice_the_text_takes_twice_the_time() {
    // A stage that is quadratic takes minutes here.
    check_all(|stage, project, hostile| {
        let long = hostile.iter().filter(|line| line.len() > 10_000);
        let again = |line: &String| {
            let document: BTreeMap<String, String> = serde_json::from_str(line).unwrap();
            json!({"id": document["id"], "text": document["text"].repeat(4)}).to_string()
        };
        let begin = Instant::now();
        let lines: Vec<_> = long.map(again).collect();
        let _ = run(project, &lines);
        assert!(begin.elapsed() < Duration::from_secs(60), "{stage}: {:?}", begin.elapsed());
    });
}
