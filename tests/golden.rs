//! `textmill test`: golden tests in pipeline files.

use textmill_testkit::Project;

use crate::plugins::plugins_line;
use crate::{names_in, project, with_pipelines};

/// A pipeline that only strips links, with these tests.
fn with_tests(tests: &str) -> Project {
    project().file("p.toml", format!("[[stage]]\nid = 'links'\nuses = 'strip-links'\n{tests}"))
}

/// A test whose document is this text.
fn test(text: &str, expect: &str) -> Project {
    with_tests(&format!("[[test]]\nname = 'it'\ninput.text = {text:?}\nexpect = {{ {expect} }}\n"))
}

const TEASER: &str = "The bridge is open to all.\n\nREAD MORE: The Ferry Stops Today\n\nIt is a long bridge to walk, \
    and those who walked it on the first day said that they would do it again.\n";
const PLAIN: &str = "The bridge is open to all.\n\nIt is a long bridge to walk, \
    and those who walked it on the first day said that they would do it again.\n";

#[test]
fn what_is_as_expected_passes() {
    let check = |text: &str, expect: &str| {
        let ran =
            test(text, expect).run(["test", "p.toml"]).code(0).says(&["ok", "it", "1 test passed, 0 failed"]);
        assert!(ran.stdout.is_empty());
    };
    check(TEASER, &format!("text = {PLAIN:?}"));
    check(TEASER, "absent = ['READ MORE', 'Ferry'], present = ['open to all', 'long']");
    check(TEASER, "matches = ['(?m)^It is', 'bridge.*all']");
    check(TEASER, "unchanged = false, idempotent = true");
    check(PLAIN, "unchanged = true");
}

#[test]
fn what_is_not_as_expected_fails_at_its_place() {
    let check = |text: &str, expect: &str, says: &[&str]| {
        let ran = test(text, expect).run(["test", "p.toml"]).code(1);
        let _ = ran.says(&["FAIL", "it", "0 tests passed, 1 failed", "p.toml:7:"]).says(says);
    };
    check(TEASER, "text = 'x'", &["the text is another", "- x", "+ It is a long bridge to walk,"]);
    check(TEASER, "absent = ['nothing', 'bridge']", &["the text contains \"bridge\""]);
    check(TEASER, "present = ['Ferry']", &["the text does not contain \"Ferry\""]);
    check(TEASER, "matches = ['^READ']", &["nothing in the text matches `^READ`"]);
    check(TEASER, "field = { title = 'none' }", &["the field `title` is absent"]);
    check(TEASER, "unchanged = true", &["the document was changed", "- READ MORE"]);
    check(PLAIN, "unchanged = false", &["the document was not changed"]);
    check(PLAIN, "dropped-by = 'links'", &["the document was kept"]);
    check(PLAIN, "failed-by = 'links'", &["the document was kept"]);
    check(PLAIN, "snapshot = 'no/such.json'", &["there is no such file", "--update"]);
}

#[test]
fn who_ends_a_document_is_expected_by_name() {
    let tests = |text: &str, expect: &str| {
        let stage = "[[stage]]\nuses = 'obey'\nwith = { drop = 'TIRED', words = 'words.txt' }\n";
        let test = format!("[[test]]\nname = 'it'\ninput.text = '{text}'\nexpect = {{ {expect} }}\n");
        project().file("p.toml", plugins_line(&["unruly"]) + stage + &test).file("words.txt", "SLEEPY\n")
    };
    let check = |text: &str, expect: &str, code: i32, says: &str| {
        let _ = tests(text, expect).run(["test", "p.toml"]).code(code).says(&[says]);
    };
    check("so TIRED", "dropped-by = 'obey.word'", 0, "1 test passed");
    check("so TIRED", "dropped-by = 'obey'", 0, "1 test passed");
    check("so TIRED", "dropped-by = 'obey.other'", 1, "the document was dropped by `obey.word`");
    check("so TIRED", "present = ['TIRED']", 1, "the document was dropped by `obey.word`");
    check("FAIL", "failed-by = 'obey'", 0, "1 test passed");
    check("FAIL", "dropped-by = 'obey'", 1, "the document failed in `obey`: was told to fail");
    check("PANIC", "failed-by = 'obey'", 0, "1 test passed");
    check("SET", "field = { boolean = true, texts = ['one', 'two'] }, unchanged = false", 0, "1 test passed");
    check("SET", "field.boolean = false", 1, "the field `boolean` is true");
}

#[test]
#[cfg(target_os = "linux")]
fn a_stage_in_a_process_of_its_own_is_tested_like_any_other() {
    let stage = "[[stage]]\nuses = 'strip-links'\nisolation = 'process'\n";
    let test = format!("[[test]]\nname = 'it'\ninput.text = {TEASER:?}\nexpect.text = {PLAIN:?}\n");
    let _ = project()
        .file("p.toml", stage.to_owned() + &test)
        .run(["test", "p.toml"])
        .code(0)
        .says(&["1 test passed"]);
}

#[test]
fn a_document_comes_from_a_text_a_file_or_fields() {
    let names = "input.fields = { text = 'body', title = 'head' }\n";
    let stages = "[[stage]]\nuses = 'dedup-title'\n[[stage]]\nuses = 'strip-links'\n";
    let body = "Big News Of The Day\n\nThe bridge is open.\n";
    let tests = [
        format!("input.text = {body:?}\nexpect.present = ['open']"),
        "input.file = 'in/a.jsonl'\nexpect = { field = { head = 'Big News Of The Day', other = 1e2 } }"
            .to_owned(),
        format!("input.doc = {{ body = {body:?}, n = [1] }}\nexpect = {{ field.n = [1] }}"),
        format!("stages = ['strip-links']\ninput.doc = {{ body = {body:?} }}\nexpect.unchanged = true"),
    ];
    let tests = tests.iter().enumerate().map(|(n, test)| format!("[[test]]\nname = 'test {n}'\n{test}\n"));
    let line = serde_json::json!({"body": body, "other": 100}).to_string();
    let project = project()
        .file("p.toml", names.to_owned() + stages + &tests.collect::<String>())
        .file("in/a.jsonl", line);
    let _ = project.run(["test", "p.toml"]).code(0).says(&["4 tests passed, 0 failed"]);
    let _ = project.run(["test", "p.toml", "-k", "test 2"]).code(0).says(&["1 test passed"]);
}

#[test]
fn a_document_that_is_not_there_fails_its_test() {
    let project = with_tests("[[test]]\nname = 'it'\ninput.file = 'no.txt'\nexpect.unchanged = true\n");
    let _ = project.run(["test", "p.toml"]).code(1).says(&["p.toml:6:", "no.txt", "1 failed"]);
    project.write("no.txt", "");
    let _ = project.run(["test", "p.toml"]).code(0);
}

#[test]
fn snapshots_are_written_when_asked_for() {
    let project = test(TEASER, "snapshot = 'snapshots/it.json'");
    let _ = project.run(["test", "p.toml"]).code(1);
    assert_eq!(names_in(&project.path("")), ["p.toml"], "nothing is written unasked");
    let _ =
        project.run(["test", "p.toml", "--update"]).code(0).says(&["wrote", "it.json", "1 snapshot written"]);
    let _ = project.run(["test", "p.toml"]).code(0);
    let snapshot = project.read("snapshots/it.json");
    assert!(snapshot.contains("open to all") && !snapshot.contains("READ MORE"), "{snapshot}");
    project.write("snapshots/it.json", snapshot.replace("long", "short"));
    let ran = project.run(["test", "p.toml"]).code(1);
    let _ = ran.says(&["not that of the snapshot", "short", "long"]);
}

#[test]
fn tests_of_a_folder_are_found() {
    let one = "[[test]]\nname = 'it'\ninput.text = 'x'\nexpect.unchanged = true\n";
    let project = project()
        .file("all/a.toml", one)
        .file("all/deep/b.toml", one)
        .file("all/deep/Cargo.toml", "[[test]]\nname = 'black-box'\npath = 'main.rs'\n")
        .file("all/other.toml", "version = 1\n")
        .file("all/.hidden/c.toml", one);
    let ran = project.run(["test", "all"]).code(0).says(&["all/a.toml", "all/deep/b.toml", "2 tests passed"]);
    assert!(!ran.stderr.contains("hidden") && !ran.stderr.contains("other"), "{}", ran.stderr);
    let _ =
        project.run(["test", "all/other.toml"]).code(2).says(&["found no test in `all/other.toml`", "hint"]);
    let _ =
        project.run(["test", "all", "-k", "that"]).code(2).says(&["no test in `all` has `that` in its name"]);
    let _ = project.run(["test", "none.toml"]).code(2).says(&["none.toml"]);
    project.write("all/z.toml", format!("nmae = 'x'\n{one}"));
    let ran = project.run(["test", "all"]).code(2).says(&["all/z.toml:1:1", "unknown key `nmae`"]);
    assert!(!ran.stderr.contains("ok"), "a mistake is told before a test runs: {}", ran.stderr);
}

#[test]
fn every_pipeline_has_tests_and_passes_them() {
    let project = with_pipelines();
    let names = names_in(&project.path("pipelines"));
    for name in names.iter().filter_map(|name| name.strip_suffix(".toml")) {
        let _ = project.run(["test", &format!("pipelines/{name}.toml")]).code(0).says(&["0 failed"]);
    }
}
