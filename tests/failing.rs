//! How many documents may fail, and what becomes of those that did.

use serde_json::json;
use textmill_testkit::{Project, Ran};

use crate::{piped, project};

/// So many documents, of which those fail that the predicate names.
fn documents(count: usize, fails: impl Fn(usize) -> bool) -> String {
    let line = |number: usize| match number {
        number if fails(number) => "{}\n".to_owned(),
        number => json!({"id": number.to_string(), "text": "A text."}).to_string() + "\n",
    };
    (0..count).map(line).collect()
}

fn run(project: &Project, options: &[&str]) -> Ran {
    project.run(["run", "p.toml"].iter().chain(options))
}

/// Runs 10,000 documents; whether the run came to its end, with this code.
fn check(max_errors: &str, fails: impl Fn(usize) -> bool, code: i32, is_whole: bool) -> Ran {
    let project = piped(&format!("[run]\nmax-errors = {max_errors}\n"), documents(10_000, fails));
    let ran = run(&project, &["-j", "2"]).code(code);
    assert_eq!(project.path("out.jsonl").exists(), is_whole, "{}", ran.stderr);
    assert_eq!(ran.stderr.contains("nothing was published"), !is_whole, "{}", ran.stderr);
    if !is_whole {
        assert_eq!(project.list(""), ["in.jsonl", "p.toml"], "no trace");
        // It ends with the same document, however many threads there are.
        let again = run(&project, &["-j", "1"]).code(code);
        assert_eq!(again.stderr, ran.stderr);
    }
    ran
}

#[test]
fn a_run_that_goes_wrong_ends_early() {
    let _ = check("3", |number| number % 4_000 == 7, 0, true).says(&["which `max-errors` allows"]);
    let _ = check("2", |number| number % 1_000 == 7, 1, false).says(&[
        "in.jsonl:8: ",
        "in.jsonl:1008: ",
        "more than `max-errors` allows; nothing was published",
        "hint: mend what fails, or allow more with `--max-errors`",
    ]);
    let _ = check("0", |number| number == 9_000, 1, false).says(&["1 of the first 9,216 documents failed"]);
    let _ = check("'1%'", |number| number % 101 == 100, 0, true);
    let _ = check("'1%'", |number| number % 50 == 0, 1, false).says(&["of the first 1,024 documents failed"]);
    // A share says nothing of the first few, and all at the end.
    let _ = check("'1%'", |number| number < 10, 0, true);
    let _ = check("'1%'", |number| number > 9_990, 0, true);
}

#[test]
fn a_short_run_whose_share_is_too_large_comes_to_its_end() {
    let project = piped("[run]\nmax-errors = '10%'\n", documents(9, |number| number == 3));
    let _ = run(&project, &[]).code(1).says(&["1 document failed"]);
    assert_eq!(project.read_jsonl("out.jsonl").len(), 8);
}

#[test]
fn without_a_limit_whatever_fails_the_run_comes_to_its_end() {
    let project = piped("", documents(5_000, |number| number % 2 == 0));
    let _ = run(&project, &[]).code(1).says(&["2,500 kept", "2,500 failed"]);
}

#[test]
fn the_command_line_allows_more_and_goes_on() {
    let project =
        piped("[run]\nmax-errors = 0\nresume-after = '0s'\n", documents(10_000, |number| number == 9_000));
    let _ = run(&project, &["-j", "1"]).code(1).says(&["it goes on from there", "documents are done"]);
    let _ = run(&project, &["--max-errors", "1"]).code(0).says(&["resumed", "which `max-errors` allows"]);
    // What is asked this time counts, though nothing is done.
    let _ = run(&project, &["--max-errors", "0"]).code(1).says(&["nothing has changed"]);
    let _ = run(&project, &["--max-errors", "1%"]).code(0);
    for odd in ["-1", "x", "200%", "1 %", "%"] {
        let _ = run(&project, &[&format!("--max-errors={odd}")]).code(2).says(&["a share such as `1%`"]);
    }
}

/// Four documents of which the second is no UTF-8, the third no JSON, and the last is dropped.
const MIXED: &[u8] = b"{\"id\":\"a\",\"lang\":\"de\",\"text\":\"One.\\nREAD MORE: Two\\nThree.\"}\n\
{\"id\":\"b\",\"lang\":\"de\",\"text\":\"Four \xff.\\nREAD MORE: Five\\nSix.\"}\n\
{\"id\":\"c\",\n\
{\"id\":\"d\",\"lang\":\"en\",\"text\":\"READ MORE: All of it is a link\"}\n";

fn strict(more: &str) -> String {
    format!("[input]\nuri = 'in/'\ninvalid-utf8 = 'fail'\n{more}[[stage]]\nuses = 'strip-links'\n")
}

/// Lets bytes that are no UTF-8 be replaced from here on.
fn relent(project: &Project) {
    let strict = project.read("p.toml");
    project.write("p.toml", strict.replace("invalid-utf8 = 'fail'", "invalid-utf8 = 'replace'"));
}

/// The ids of the documents of an output, read as another pipeline would.
fn ids(project: &Project, output: &str) -> Vec<String> {
    project.write("copy.toml", "output.uri = 'copy.jsonl'\n");
    let _ = project.run(["run", "copy.toml", "-i", output, "--overwrite"]).code(0);
    let documents = project.read_jsonl("copy.jsonl");
    documents.iter().map(|document| document["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_failed_joins_what_is_there() {
    let outputs = [
        ("uri = 'o/out.jsonl'", "o/out.jsonl"),
        ("uri = 'o/out.jsonl.gz'", "o/out.jsonl.gz"),
        ("uri = 'o/out.jsonl.zst'", "o/out.jsonl.zst"),
        ("uri = 'o/out.csv'", "o/out.csv"),
        ("uri = 'o/out.parquet'", "o/out.parquet"),
        ("uri = 'o/out.arrow'", "o/out.arrow"),
        ("uri = 'o/out/'", "o/out/part*"),
        ("uri = 'o/out/'\nformat = 'parquet'", "o/out/part*"),
        ("uri = 'o/out/{lang}.jsonl.zst'", "o/out/*.zst"),
        ("uri = 'o/out/{lang}/{stem}-{part}.csv'", "o/out/*/*.csv"),
        ("uri = 'o/out/'\nformat = 'txt'", "o/out/*.txt"),
    ];
    for (output, files) in outputs {
        let tables = "[dropped]\nuri = 'o/dropped.jsonl.gz'\n[failed]\nuri = 'o/failed.jsonl'\n\
                      [ledger]\nuri = 'o/ledger.jsonl'\n";
        let project = project().file("in/in.jsonl", MIXED);
        project.write("p.toml", strict(&format!("[output]\n{output}\n{tables}")));
        let _ = run(&project, &[]).code(1).says(&["4 documents read = 2 kept + 0 dropped + 2 failed"]);
        relent(&project);
        let ran = run(&project, &["--retry-failed"]).code(1);
        let _ = ran.says(&["2 documents read = 1 kept + 0 dropped + 1 failed", "retried  2 documents"]);
        let found = ids(&project, files).into_iter();
        let mut found: Vec<_> = found.map(|id| id.trim_end_matches(".txt").to_owned()).collect();
        found.sort();
        assert_eq!(found, ["a", "b", "d"], "{output}");
        let failed = project.read_jsonl("o/failed.jsonl");
        assert_eq!(failed.len(), 1, "{output}: {failed:?}");
        assert_eq!((&failed[0]["file"], &failed[0]["line"]), (&json!("in.jsonl"), &json!(3)));
        let lives = project.read_jsonl("o/ledger.jsonl");
        let of = |id: &str| lives.iter().filter(|line| line["doc"] == id).count();
        assert!(of("a") > 0 && of("b") > 0 && of("b") == of("a"), "{output}: {lives:?}");

        // All that is there was made by the old pipeline, and the one that joined it by the new one.
        let ran = run(&project, &["--max-errors", "1"]).code(0);
        assert!(!ran.stderr.contains("nothing has changed"), "{}", ran.stderr);
        let _ = ran.says(&["4 documents read = 3 kept"]);
    }
}

#[test]
fn each_kind_of_input_can_be_taken_up_again() {
    let kinds: [(&str, &[u8]); 4] = [
        ("in/a.txt", b"One \xff text."),
        ("in/a.jsonl", b"{\"id\":\"x\",\"text\":\"One \xff text.\"}\n"),
        ("in/a.csv", b"id,text,more\nx,\"One \xff text.\",\"a,b\"\n"),
        ("in/a.tsv", b"id\ttext\nx\tOne \xff text.\n"),
    ];
    for (name, bytes) in kinds {
        let project = project().file(name, bytes).file("p.toml", strict("output.uri = 'out.jsonl'\n"));
        project.write("p.toml", format!("output.uri = 'out.jsonl'\n{}", strict("")));
        let _ = run(&project, &[]).code(1).says(&["1 document read = 0 kept + 0 dropped + 1 failed"]);
        let failed = &project.read_jsonl("out.failed.jsonl")[0];
        assert!(failed["original-base64"].is_string() && failed["format"].is_string(), "{failed}");
        relent(&project);
        let _ = run(&project, &["--retry-failed"]).code(0);
        assert!(!project.path("out.failed.jsonl").exists(), "{name}");
        let retried = project.read("out.jsonl");
        let _ = run(&project, &["--fresh"]).code(0);
        assert_eq!(project.read("out.jsonl"), retried, "{name}: as if it had never failed");
    }
}

#[test]
fn a_row_of_a_table_can_be_taken_up_again() {
    let rows = "{\"id\":\"a\",\"body\":\"One.\",\"n\":7}\n{\"id\":\"b\",\"text\":\"Two.\",\"n\":8}\n";
    let project = project().file("rows.jsonl", rows);
    project.write(
        "t.toml",
        "input.uri = 'rows.jsonl'\n[input.fields]\ntext = 'id'\nid = 'n'\n\
                             [output]\nuri = 'in.parquet'\ncolumns = ['id', 'text', 'body', 'n']\n",
    );
    let _ = project.run(["run", "t.toml"]).code(0);
    project.write("p.toml", "input.uri = 'in.parquet'\noutput.uri = 'out.jsonl'\n");
    let _ = run(&project, &[]).code(1).says(&["2 documents read = 1 kept + 0 dropped + 1 failed"]);
    project
        .write("p.toml", "input.uri = 'in.parquet'\noutput.uri = 'out.jsonl'\ninput.fields.text = 'body'\n");
    let _ = run(&project, &["--retry-failed"]).code(0);
    let ids: Vec<_> = project.read_jsonl("out.jsonl").iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, ["b", "a"]);
}

#[test]
fn what_was_lost_with_a_file_stays_failed() {
    let whole = zstd::encode_all(documents(3_000, |_| false).as_bytes(), 3).unwrap();
    let project = project().file("in/a.jsonl.zst", &whole[..whole.len() / 2]);
    project.write("p.toml", format!("output.uri = 'out.jsonl'\n{}", strict("")));
    project.write("in/b.jsonl", MIXED);
    let _ = run(&project, &[]).code(1);
    let before = project.read("out.failed.jsonl");
    let lost = before.lines().next().unwrap().to_owned();
    assert!(lost.contains("cut off") && !lost.contains("\"format\""), "{lost}");
    relent(&project);
    let _ = run(&project, &["--retry-failed"]).code(1).says(&["left     1 document", "1 document failed"]);
    assert!(project.read("out.failed.jsonl").starts_with(&lost), "word for word");
    // With the file mended, the pipeline as it is does the rest.
    project.write("in/a.jsonl.zst", whole);
    let _ = run(&project, &["--max-errors", "1"]).code(0).says(&["3,004 documents read = 3,003 kept"]);
}

#[test]
fn a_retry_of_nothing_says_so() {
    let project = piped("", documents(3, |_| false));
    let nothing = ["no failed documents are in", "hint"];
    let _ = run(&project, &["--retry-failed"]).code(2).says(&nothing);
    let _ = run(&project, &[]).code(0);
    let _ = run(&project, &["--retry-failed"]).code(2).says(&nothing);
}

#[test]
fn a_retry_of_the_same_pipeline_changes_nothing_but_what_failed() {
    let project = piped("", "{\"text\":\"a\"}\n{}\n");
    let _ = run(&project, &[]).code(1);
    let (output, failed) = (project.read("out.jsonl"), project.read("out.failed.jsonl"));
    let _ = run(&project, &["--retry-failed"]).code(1).says(&["1 document read = 0 kept"]);
    assert_eq!((project.read("out.jsonl"), project.read("out.failed.jsonl")), (output, failed));
    let _ = run(&project, &[]).code(1).says(&["nothing has changed since"]);
}

#[test]
fn what_failed_twice_is_taken_up_a_third_time() {
    let project = project().file("in/in.jsonl", MIXED);
    project.write("p.toml", format!("output.uri = 'out.jsonl'\n{}", strict("")));
    let _ = run(&project, &[]).code(1);
    let failed = project.read("out.failed.jsonl");
    let _ = run(&project, &["--retry-failed"]).code(1);
    assert_eq!(project.read("out.failed.jsonl"), failed);
    relent(&project);
    let _ = run(&project, &["--retry-failed"]).code(1).says(&["2 documents read = 1 kept"]);
    assert_eq!(ids(&project, "out.jsonl"), ["a", "d", "b"]);
}

#[test]
fn a_retry_takes_up_all_or_nothing() {
    let project = piped("", "{}\n{}\n");
    let _ = run(&project, &[]).code(1);
    let _ = run(&project, &["--retry-failed", "--limit", "1"]).code(2).says(&["--limit"]);
    assert_eq!(project.read_jsonl("out.failed.jsonl").len(), 2);
}

#[test]
fn limits_of_the_input_are_none_of_the_failed_output() {
    let failing = documents(300, |_| true);
    let project =
        piped("[failed]\nuri = 'failed.jsonl.zst'\n[input.limits]\nunpacked-bytes = 100\n", failing);
    let _ = run(&project, &[]).code(1).says(&["300 failed"]);
    let _ = run(&project, &["--retry-failed"]).code(1).says(&["300 documents read = 0 kept"]);
    let _ = run(&project, &["--retry-failed"]).code(1).says(&["300 documents read = 0 kept"]);
}

#[test]
fn an_output_that_lost_a_document_is_not_joined() {
    let project = piped("", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n{}\n");
    let _ = run(&project, &[]).code(1);
    let damaged = project.read("out.jsonl").replacen('\n', " ", 1);
    project.write("out.jsonl", damaged);
    let told = ["the run before has written 2 to it, and 1 can be read again", "`--fresh`"];
    let _ = run(&project, &["--retry-failed"]).code(2).says(&told);
    assert_eq!(project.read_jsonl("out.failed.jsonl").len(), 1);
}

#[test]
fn what_is_left_by_a_retry_counts_as_failed_still() {
    let whole = zstd::encode_all(documents(3_000, |_| false).as_bytes(), 3).unwrap();
    let project = project().file("in/a.jsonl.zst", &whole[..whole.len() / 2]);
    project.write("p.toml", format!("output.uri = 'out.jsonl'\n{}", strict("")));
    let _ = run(&project, &[]).code(1);
    let _ = run(&project, &["--retry-failed"]).code(1).says(&["left     1 document"]);
    let _ = run(&project, &[]).code(1).says(&["nothing has changed since", "1 document failed"]);
}

#[test]
fn of_documents_with_one_id_each_keeps_its_life() {
    let project = project().file("in/a.txt", b"Two \xff.");
    project.write("in/c.jsonl", "{\"id\":\"a.txt\",\"text\":\"Three.\"}\n");
    let outputs = "[output]\nuri = 'out.jsonl'\n[ledger]\nuri = 'l.jsonl'\n";
    project.write("p.toml", strict(outputs));
    let _ = run(&project, &[]).code(1);
    relent(&project);
    let _ = run(&project, &["--retry-failed"]).code(0);
    let lives = project.read_jsonl("l.jsonl");
    let ends = lives.iter().filter(|line| line["doc"] == "a.txt" && line["event"] == "kept");
    assert_eq!(ends.count(), 2, "{lives:?}");
}

#[test]
fn a_file_that_breaks_inside_of_an_overlong_line_leaves_a_start() {
    let line = (0..200_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24).to_string());
    let packed = zstd::encode_all(line.collect::<String>().as_bytes(), 3).unwrap();
    for name in ["in/a.jsonl.zst", "in/a.csv.zst"] {
        let head: &[u8] = if name.contains("csv") { b"text\n" } else { b"" };
        let mut bytes = zstd::encode_all(head, 3).unwrap();
        bytes.extend_from_slice(&packed[..packed.len() - 9]);
        let project = project().file(name, bytes);
        let limits = "[input.limits]\nline-bytes = '2KiB'\n";
        project.write("p.toml", format!("output.uri = 'out.jsonl'\n{}", strict(limits)));
        let _ = run(&project, &[]).code(1);
        let failed = &project.read_jsonl("out.failed.jsonl")[0];
        assert!(failed["original"].is_null() && failed["original-start"].is_string(), "{name}: {failed}");
    }
}

#[cfg(unix)]
#[test]
fn a_retry_that_is_killed_loses_nothing_and_takes_nothing_up_twice() {
    let begun = || {
        let project = project().file("in/in.jsonl", MIXED);
        project.write(
            "p.toml",
            format!("output.uri = 'o/out.jsonl'\nledger.uri = 'o/ledger.jsonl'\n{}", strict("")),
        );
        let _ = run(&project, &[]).code(1);
        relent(&project);
        project
    };
    let retry = |project: &Project, name: &str, value: &str| -> Ran {
        let mut command = project.command(["run", "p.toml", "--retry-failed", "-j", "1"]);
        command.env(name, value).output().unwrap().into()
    };
    let whole = begun();
    let _ = retry(&whole, "TEXTMILL_STEPS", whole.path("steps").to_str().unwrap()).code(1);
    let steps = std::fs::read_to_string(whole.path("steps")).unwrap_or_default();
    // Until something is renamed, what is there is what was there.
    let changes = |(_, name): &(usize, &str)| name.starts_with("rename") || name.starts_with("remove");
    let mut refused = 0;
    for (number, _) in (1..).zip(steps.lines()).filter(changes) {
        let killed = begun();
        assert_eq!(retry(&killed, "TEXTMILL_FAIL_AT", &number.to_string()).code, None);
        let files = killed.list("o");
        let _ = run(&killed, &["--retry-failed", "--dry-run"]);
        assert_eq!(killed.list("o"), files, "nothing is renamed");
        let failed = killed.read("o/out.failed.jsonl");
        let ran = run(&killed, &["--retry-failed"]);
        if ran.code == Some(2) {
            let _ = ran.says(&["a retry was killed after it had published", "hint: ", "`--fresh`"]);
            assert_eq!(killed.read("o/out.failed.jsonl"), failed, "nothing is lost");
            let _ = run(&killed, &["--fresh"]).code(1);
            assert_eq!(ids(&killed, "o/out.jsonl"), ["a", "b", "d"]);
            assert_eq!(killed.read_jsonl("o/out.failed.jsonl").len(), 1);
            refused += 1;
            continue;
        }
        let _ = ran.code(1);
        for file in ["o/out.jsonl", "o/ledger.jsonl", "o/out.failed.jsonl"] {
            assert_eq!(killed.read(file), whole.read(file), "{file}, killed at step {number} of\n{steps}");
        }
    }
    assert!(refused > 0, "{steps}");
}

#[cfg(unix)]
#[test]
fn what_failed_does_not_join_the_output_of_another_run() {
    let begun = || {
        let project = project().file("in/in.jsonl", MIXED);
        project.write("p.toml", format!("output.uri = 'o/out.jsonl'\n{}", strict("")));
        let _ = run(&project, &[]).code(1);
        project.write("in/in.jsonl", [MIXED, b"{\n"].concat());
        project
    };
    let again = |project: &Project, name: &str, value: &str| -> Ran {
        let mut command = project.command(["run", "p.toml", "-j", "1"]);
        command.env(name, value).output().unwrap().into()
    };
    let whole = begun();
    let _ = again(&whole, "TEXTMILL_STEPS", whole.path("steps").to_str().unwrap()).code(1);
    let steps = std::fs::read_to_string(whole.path("steps")).unwrap();
    let mut refused = 0;
    for (number, _) in (1..).zip(steps.lines()).filter(|(_, name)| name.starts_with("rename")) {
        let killed = begun();
        assert_eq!(again(&killed, "TEXTMILL_FAIL_AT", &number.to_string()).code, None);
        let ran = run(&killed, &["--retry-failed"]);
        refused += usize::from(ran.stderr.contains("is not of the run whose failed documents are in"));
    }
    assert!(refused > 0, "{steps}");
}
