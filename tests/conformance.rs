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

/// The texts as a stage expects them: one that reads pages gets them as paragraphs of a page.
fn dressed(stage: &str, lines: &[String]) -> Vec<String> {
    if !stage.ends_with("-html") {
        return lines.to_vec();
    }
    let page = |line: &String| {
        let text = text_of(line);
        let head = format!("<html><head><title>{text}</title></head>");
        let page = format!("{head}<body><article><p>{text}</p></article></body></html>");
        json!({"id": id_of(line), "text": page}).to_string()
    };
    // Pages are parsed slowly in a debug build.
    lines.iter().filter(|line| line.len() < 100_000).map(page).collect()
}

/// A pipeline of one stage that reads stdin.
fn pipeline(stage: &str) -> Project {
    let outputs = "output.uri = 'out.jsonl'\nfailed.uri = 'failed.jsonl'\n";
    project().file("p.toml", format!("input.uri = '-'\n{outputs}[[stage]]\nuses = '{stage}'\n"))
}

/// What a stage makes of these lines: a line for each of them, in their order. A stage may refuse a text, and then does so
/// always; it must not panic, nor answer with an edit that is none.
fn run<S: AsRef<str>>(project: &Project, lines: &[S]) -> Vec<String> {
    let input: String = lines.iter().map(|line| line.as_ref().to_owned() + "\n").collect();
    let ran = project.run_with_stdin(["run", "p.toml", "-q"], input.as_bytes());
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.stderr);
    let (kept, failed) = (project.read("out.jsonl"), project.read("failed.jsonl"));
    assert!(!failed.contains("panicked") && !failed.contains("the edit of bytes"), "{}", ran.stderr);
    let lines_out = kept.lines().chain(failed.lines());
    let results: BTreeMap<_, _> = lines_out.map(|line| (id_of(line), less_its_place(line))).collect();
    lines.iter().map(|line| results[&id_of(line.as_ref())].clone()).collect()
}

/// Where a failed document was read says nothing about the stage.
fn less_its_place(line: &str) -> String {
    let document: Value = serde_json::from_str(line).unwrap();
    match document.get("error") {
        Some(error) => json!({"id": document["id"], "error": error}).to_string(),
        None => line.to_owned(),
    }
}

fn field_of(line: &str, name: &str) -> String {
    let document: Value = serde_json::from_str(line).unwrap();
    document[name].as_str().unwrap_or_default().to_owned()
}

fn id_of(line: &str) -> String {
    field_of(line, "id")
}

fn text_of(line: &str) -> String {
    field_of(line, "text")
}

fn check_all(check: impl Fn(&str, &Project, &[String]) + Sync) {
    let hostile = hostile();
    std::thread::scope(|scope| {
        for stage in stages() {
            let (check, hostile) = (&check, dressed(&stage, &hostile));
            scope.spawn(move || check(&stage, &pipeline(&stage), &hostile));
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
            let (before, after) = (text_of(before), text_of(&after));
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
        let again = |line: &String| json!({"id": id_of(line), "text": text_of(line).repeat(4)}).to_string();
        let begin = Instant::now();
        let lines: Vec<_> = long.map(again).collect();
        let _ = run(project, &lines);
        assert!(begin.elapsed() < Duration::from_mins(1), "{stage}: {:?}", begin.elapsed());
    });
}
