//! Mistakes in a pipeline file, through the real binary: each is shown where it is, with what was expected.

use crate::project;

/// Runs a pipeline file with one or more mistakes; each of `parts` must be said. An input is there.
fn check(text: &str, parts: &[&str]) {
    for command in ["run", "check"] {
        let project = project().file("p.toml", text).file("in.jsonl", "{\"text\":\"a\"}\n");
        let ran = project.run([command, "p.toml"]).code(2).says(parts);
        assert!(ran.stdout.is_empty(), "nothing on stdout");
        assert!(ran.stderr.contains('^') || ran.stderr.contains('━'), "a caret:\n{}", ran.stderr);
        assert_eq!(project.list(""), ["in.jsonl", "p.toml"], "nothing is written");
    }
}

/// As [`check`], with an input and an output before `text`, which so begins in line 3.
fn check_in(text: &str, parts: &[&str]) {
    check(&format!("input.uri = 'in.jsonl'\noutput.uri = 'out.jsonl'\n{text}"), parts);
}

#[test]
fn a_file_that_is_no_toml() {
    check("input = ", &["p.toml:1:"]);
    check("[input\nuri = 'a'\n", &["p.toml:1:"]);
    check("a = 1\na = 2\n", &["p.toml:2:1"]);
}

#[test]
fn an_unknown_key() {
    check_in("inptu = 1\n", &["p.toml:3:1", "`inptu`", "did you mean `input`?"]);
    check_in("[run]\nthread = 2\n", &["p.toml:4:1", "`thread`", "did you mean `threads`?"]);
    check_in("[[stage]]\nuses = 'clean'\nonerror = 'keep'\n", &["p.toml:5:1", "did you mean `on-error`?"]);
    check_in("[[stage]]\nuses = 'clean'\nlig = 1\n", &["p.toml:5:1", "`lig`"]);
}

#[test]
fn a_value_of_the_wrong_type() {
    check_in("name = 7\n", &["p.toml:3:8", "string"]);
    check_in("[run]\nthreads = 'two'\n", &["p.toml:4:11", "integer"]);
    check_in("[run]\nthreads = 0\n", &["p.toml:4:11"]);
    check_in("[run]\nmax-errors = '200%'\n", &["p.toml:4:14", "share"]);
    check_in("stage = 'clean'\n", &["p.toml:3:9"]);
}

#[test]
fn an_unknown_stage() {
    check_in(
        "[[stage]]\nuses = 'strip-link'\n",
        &["p.toml:4:8", "unknown stage `strip-link`", "did you mean `strip-links`?"],
    );
    check_in("[[stage]]\nuses = 'xyzzy'\n", &["p.toml:4:8", "known stages: `clean`"]);
    check_in("[[stage]]\nid = 'a'\n", &["p.toml:3:1", "uses"]);
}

#[test]
fn a_wrong_option_of_a_stage() {
    let check = |with: &str, parts: &[&str]| {
        check_in(&format!("[[stage]]\nuses = 'strip-links'\nwith = {with}\n"), parts);
    };
    check("{ max-remove = 0.5 }", &["p.toml:5:10", "did you mean `max-removed`?"]);
    check("{ max-removed = 'half' }", &["p.toml:5:24", "number"]);
    check("{ max-removed = 1.5 }", &["p.toml:5:24", "1"]);
    check("{ off = ['no-such-rule'] }", &["p.toml:5:17", "no-such-rule"]);
    // What only the stage can know.
    check_in("[[stage]]\nuses = 'summarize'\nwith = { sentences = 3, words = 10 }\n", &["p.toml:5:"]);
    check_in("[[stage]]\nuses = 'dedup-title'\nwith.lines = 0\n", &["p.toml:5:14", "1 to 100"]);
}

#[test]
fn two_stages_of_one_name() {
    check_in(
        "[[stage]]\nuses = 'clean'\n[[stage]]\nuses = 'clean'\n",
        &["p.toml:6:8", "two stages are called `clean`", "hint"],
    );
}

#[test]
fn a_place_that_is_not_there() {
    let check =
        |uri: &str, parts: &[&str]| check(&format!("[input]\nuri = {uri}\n[output]\nuri = 'out/'\n"), parts);
    check("'no/such.txt'", &["p.toml:2:7", "no/such.txt"]);
    check("'in/[*.txt'", &["p.toml:2:7"]);
    check("'no/*.txt'", &["p.toml:2:7", "no/*.txt"]);
    check("'*.html'", &["p.toml:2:7", "matches no file"]);
}

#[test]
fn a_list_of_places_of_which_one_is_not_there() {
    check("[input]\nuri = ['in.jsonl', 'no.txt']\n[output]\nuri = 'out/'\n", &["p.toml:2:20", "no.txt"]);
}

#[test]
fn two_outputs_in_one_place() {
    check_in("[dropped]\nuri = 'out.jsonl'\n", &["p.toml:4:7", "two outputs have the same `uri`"]);
}

#[test]
fn an_output_that_is_the_input() {
    let text = "input.uri = 'in.jsonl'\noutput.uri = 'in.jsonl'\n";
    let project = project().file("p.toml", text).file("in.jsonl", "{\"text\":\"a\"}\n");
    let _ = project.run(["run", "p.toml"]).code(2).says(&["p.toml:2:14", "in.jsonl"]);
    assert_eq!(project.list(""), ["in.jsonl", "p.toml"], "nothing is written");
}

#[test]
fn a_condition_that_is_none() {
    let that =
        |that: &str| format!("[[stage]]\nid = 'links'\nuses = 'strip-links'\n[[check]]\nthat = '{that}'\n");
    check_in(
        &that("docs.kept-ratoi > 0.8"),
        &["p.toml:7:8", "`docs` has no number `kept-ratoi`", "did you mean `kept-ratio`?"],
    );
    check_in(&that("docs.kept"), &["p.toml:7:8", "compares nothing", "docs.kept-ratio >= 0.8"]);
    check_in(&that("stage.link.changed > 0"), &["p.toml:7:8", "no stage `link`", "`links`"]);
    check_in(
        &that("rule.teasr.docs > 0"),
        &["p.toml:7:8", "no stage of the pipeline has a rule `teasr`", "did you mean `teaser`?"],
    );
    check_in(
        &that("stage.links.rule.title.docs > 0"),
        &["p.toml:7:8", "the stage `links` has no rule `title`"],
    );
    check_in("[[check]]\nthat = 'docs.kept > 0'\nseverity = 'fatal'\n", &["p.toml:5:12", "warning"]);
}

#[test]
fn several_at_once() {
    let text = "versoin = 1\n[input]\nuri = 7\n[[stage]]\nuses = 'claen'\n[[stage]]\nuses = 'summarize'\nwith = { sentences = 0 }\n";
    let parts = [
        "p.toml:1:1",
        "did you mean `version`?",
        "p.toml:3:7",
        "p.toml:5:8",
        "did you mean `clean`?",
        "p.toml:8:22",
    ];
    check(text, &parts);
}

#[test]
fn no_pipeline_file() {
    let project = project();
    let _ = project.run(["run", "no.toml"]).code(2).says(&["no.toml"]);
    let _ = project.run(["run", "."]).code(2).says(&["error"]);
    project.write("bytes.toml", b"name = '\xff'");
    let _ = project.run(["run", "bytes.toml"]).code(2).says(&["bytes.toml", "UTF-8"]);
}

#[test]
fn nothing_to_read_or_to_write_is_said() {
    let project = project().file("p.toml", "").file("in.txt", "a");
    let _ = project.run(["run", "p.toml", "-o", "-"]).code(2).says(&[
        "the pipeline has no input",
        "hint",
        "--input",
    ]);
    let _ = project.run(["check", "p.toml"]).code(2).says(&["the pipeline has no input"]);
    let _ = project.run(["run", "p.toml", "-i", "in.txt"]).code(2).says(&[
        "the pipeline has no output",
        "hint",
        "--output",
    ]);
    let _ = project.run(["run", "p.toml", "-i", "in.txt", "--dry-run"]).code(0);
    let _ = project.run(["run", "p.toml", "-i", "in.txt", "-o", "-"]).code(0);
}
