//! The schema for editors finds what the program finds.

use std::process::Command;

use serde_json::{Value, json};
use textmill_pipeline::schema;

use crate::catalog;

#[test]
fn the_schema_knows_the_options_of_every_stage() {
    let schema = schema(&catalog());
    let checker = jsonschema::validator_for(&schema).unwrap();
    let stage = |uses: &str, with: Value| json!({ "stage": [{ "uses": uses, "with": with }] });
    let cases = [
        (json!({}), true),
        (json!({ "nmae": "x" }), false),
        (stage("strip-links", json!({ "max-removed": 0.3, "phrases": "x" })), true),
        (stage("strip-links", json!({ "max-removd": 0.3 })), false),
        (stage("strip-links", json!({ "phrases": 1 })), false),
        (stage("a-plugin-of-mine", json!({ "max-removd": 0.3 })), true),
        (stage("broken", json!({ "any": 1 })), true),
        (stage("block", json!({})), false),
        (json!({ "stage": [{ "uses": "block" }] }), false),
        (json!({ "stage": [{ "uses": "clean" }] }), true),
        (json!({ "stage": [{ "with": {} }] }), false),
    ];
    for (value, valid) in cases {
        assert_eq!(checker.is_valid(&value), valid, "{value}");
    }
}

const GOOD: &str = r#"#:schema ./schema.json
version = 1
[input]
uri = "articles/"
[[stage]]
uses = "strip-links"
with = { max-removed = 0.3, phrases = "x.txt" }
[[stage]]
id = "again"
uses = "summarize"
[stage.with]
sentences = 3
[[stage]]
uses = "shout"
with = { loud = true }
"#;

/// Both editors' checkers accept the good file and name the bad key of a bad one. Runs those that are installed.
#[test]
fn taplo_and_tombi_agree() {
    let bad = [
        ("version = 1", "nmae = 1", "nmae"),
        ("max-removed", "max-removd", "max-removd"),
        ("sentences", "sentence", "sentence"),
    ];
    // Without `--offline` tombi asks a server for its list of schemas.
    for editor in [&["taplo", "lint"][..], &["tombi", "lint", "--offline"]] {
        let Some(passes) = lint(editor, GOOD) else {
            println!("skipped: {editor:?} is not installed");
            continue;
        };
        assert_eq!(passes, Ok(()), "{editor:?}");
        for (right, wrong, key) in bad {
            let found = lint(editor, &GOOD.replacen(right, wrong, 1)).unwrap().expect_err(wrong);
            assert!(found.contains(key), "{editor:?}: {found}");
        }
    }
}

/// What the checker says of the text; `None` if there is no such checker.
fn lint(editor: &[&str], text: &str) -> Option<Result<(), String>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schema.json"), schema(&catalog()).to_string()).unwrap();
    std::fs::write(folder.path().join("news.toml"), text).unwrap();
    let output = Command::new(editor[0])
        .args(&editor[1..])
        .arg("news.toml")
        .current_dir(folder.path())
        .output()
        .ok()?;
    let said = [output.stdout, output.stderr].concat();
    Some(if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&said).into_owned()) })
}
