//! `[[check]]`: conditions over a run.

use serde_json::{Value, json};
use textmill_testkit::{Project, Ran};

use crate::piped;

/// Three documents, of which one has a teaser, through `strip-links` as `links`, with this condition.
fn checked(check: &str) -> (Project, Ran) {
    let teaser = "The bridge is open.\n\nREAD MORE: The Ferry Stops Today\n\nIt is a long bridge to walk, and a high one too.\n";
    let documents =
        [teaser, "Nothing to see.\n", "Nor here.\n"].map(|text| json!({ "text": text }).to_string());
    let stage = "[[stage]]\nid = 'links'\nuses = 'strip-links'\nwith = { max-removed = 0.9 }\n";
    let project = piped(&format!("{stage}[[check]]\n{check}"), documents.join("\n"));
    let ran = project.run(["run", "p.toml", "-q"]);
    (project, ran)
}

fn record(project: &Project) -> Value {
    serde_json::from_str(&project.read(".out.jsonl.textmill/run.json")).unwrap()
}

#[test]
fn what_holds_is_not_spoken_of() {
    for that in [
        "docs.kept-ratio >= 0.8",
        "docs.kept-ratio == 100%",
        "docs.failed == 0",
        "stage.links.removed-chars.p50 < 0.5",
        "stage.links.removed-chars.max > 0.2",
        "stage.links.changed-ratio <= 34%",
        "stage.links.removed-chars.ratio > 10%",
        "rule.teaser.docs > 0",
        "stage.links.rule.teaser.edits != 2",
    ] {
        let (project, ran) = checked(&format!("that = '{that}'"));
        let ran = ran.code(0);
        assert_eq!(ran.stderr, "", "{that}");
        assert_eq!(record(&project)["checks"][0]["holds"], json!(true), "{that}");
    }
}

#[test]
fn what_does_not_hold_fails_the_run_and_leaves_the_output() {
    let (project, ran) = checked("that = 'docs.kept > 3'\nmessage = 'The feed is broken.'");
    let _ = ran.code(1).says(&[
        "error: `docs.kept > 3` does not hold: it is 3",
        "The feed is broken.",
        "the output was published all the same",
    ]);
    assert_eq!(project.read_jsonl("out.jsonl").len(), 3);
    let expected = json!([{"that": "docs.kept > 3", "severity": "error", "message": "The feed is broken.", "found": 3.0,
        "holds": false}]);
    assert_eq!(record(&project)["checks"], expected);
}

/// A count was compared with a hundredth of what was meant, and a share with what no share can be.
#[test]
fn a_count_is_no_share() {
    for (that, says) in [
        ("docs.failed < 1%", "write `docs.failed-ratio < 1%`"),
        ("docs.kept-ratio > 80", "write `docs.kept-ratio > 80%`"),
    ] {
        let (project, ran) = checked(&format!("that = '{that}'"));
        let _ = ran.code(2).says(&["p.toml:8:8", says]);
        assert!(!project.path("out.jsonl").exists());
    }
}

#[test]
fn a_warning_is_a_warning() {
    let (project, ran) = checked("that = 'stage.links.changed-ratio < 10%'\nseverity = 'warning'");
    let ran = ran.code(0).says(&["warning: `stage.links.changed-ratio < 10%` does not hold: it is 0.333"]);
    assert!(!ran.stderr.contains("all the same"));
    assert_eq!(record(&project)["checks"][0]["severity"], json!("warning"));
}
