//! How many documents may fail, and what becomes of those that did.

use serde_json::json;
use textmill_testkit::{Project, Ran};

use crate::piped;

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
