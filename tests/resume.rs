//! A run that was killed goes on with the same command, and comes to the same bytes.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use textmill_testkit::{Project, Ran, Tree};

use crate::project;

/// Stages that change texts and set fields; documents without a text fail.
const STAGES: &str = r#"
[run]
resume-after = "0s"
max-errors = "100%"
[dropped]
uri = "o/dropped.jsonl"
[ledger]
uri = "o/ledger.parquet"
[[stage]]
uses = "strip-links"
[[stage]]
uses = "summarize"
"#;

/// So many that a run has a dozen batches.
const DOCUMENTS: usize = 3_000;

/// A journal of so many bytes holds some of them, and not all.
const ENOUGH: u64 = 120_000;

#[test]
fn a_killed_run_ends_with_the_same_bytes() {
    for output in ["out.jsonl", "out.jsonl.zst", "out.jsonl.gz", "out.parquet", "out/{stem}.jsonl", "out.csv"]
    {
        let expected = uninterrupted(output);
        let killed = killed(output, "2");
        let _ = killed.run(["run", "p.toml", "-j", "1"]).code(0).says(&["resumed", "were done"]);
        outputs(&killed).check_same(&expected, output);
        assert!(journals(&killed).is_empty(), "{output}: {:?}", journals(&killed));
    }
}

#[test]
fn a_torn_journal_is_cut_and_not_trusted() {
    let expected = uninterrupted("out.jsonl");
    for torn in [0, 1, 44, 5_000] {
        let killed = killed("out.jsonl", "2");
        let path = killed.path(&journals(&killed)[0]);
        let mut bytes = fs::read(&path).unwrap();
        let end = bytes.len() - torn;
        bytes[end - 3] ^= 0x55;
        bytes.truncate(end);
        fs::write(&path, bytes).unwrap();
        let _ = killed.run(["run", "p.toml"]).code(0).says(&["resumed"]);
        outputs(&killed).check_same(&expected, &format!("{torn} bytes torn off"));
    }
}

#[test]
fn a_killed_run_goes_on_elsewhere_with_more_files() {
    let killed = killed("out.jsonl", "2");
    let moved = project();
    // A copy has other times and other inodes.
    copy(&killed.path(""), &moved.path(""));
    moved.write("in/c.jsonl", "{\"id\":\"new\",\"text\":\"A file that came later.\"}\n");
    let _ = moved.run(["run", "p.toml"]).code(0).says(&["resumed"]);

    let fresh = with_input("out.jsonl", STAGES);
    fresh.write("in/c.jsonl", "{\"id\":\"new\",\"text\":\"A file that came later.\"}\n");
    let _ = fresh.run(["run", "p.toml"]).code(0);
    outputs(&moved).check_same(&outputs(&fresh), "with a file more");
}

#[test]
fn what_another_pipeline_has_done_is_not_taken_over() {
    let killed = killed("out.jsonl", "2");
    let changed = STAGES.replace("uses = \"summarize\"", "uses = \"summarize\"\nwith = { sentences = 1 }");
    killed.write("p.toml", pipeline("out.jsonl", &changed));
    let ran = killed.run(["run", "p.toml"]).code(0);
    assert!(!ran.stderr.contains("resumed"), "{}", ran.stderr);

    let fresh = with_input("out.jsonl", &changed);
    let _ = fresh.run(["run", "p.toml"]).code(0);
    outputs(&killed).check_same(&outputs(&fresh), "the changed pipeline");
}

#[test]
fn fresh_begins_anew() {
    let killed = killed("out.jsonl", "2");
    let ran = killed.run(["run", "p.toml", "--fresh"]).code(0);
    assert!(!ran.stderr.contains("resumed"), "{}", ran.stderr);
    outputs(&killed).check_same(&uninterrupted("out.jsonl"), "--fresh");
}

#[test]
fn an_interrupted_run_says_how_to_go_on() {
    let project = with_input("out.jsonl", STAGES);
    let ran = stopped(&project, "2", "-INT");
    let _ =
        ran.says(&["interrupted; no file was published", "the same command goes on;", "documents are done"]);
    let _ = project.run(["run", "p.toml"]).code(0).says(&["resumed"]);
    outputs(&project).check_same(&uninterrupted("out.jsonl"), "after an interruption");
}

fn pipeline(output: &str, stages: &str) -> String {
    format!("input.uri = 'in'\noutput.uri = 'o/{output}'\n{stages}")
}

/// A project with two files of documents, some of which cannot be read.
fn with_input(output: &str, stages: &str) -> Project {
    let project = project().file("p.toml", pipeline(output, stages));
    let line = |number: usize| match number % 97 {
        5 => format!("{{\"id\":\"{number}\"}}\n"),
        6 => format!("{{\"id\":\"{number}\",\"text\":\"\"}}\n"),
        _ => {
            let sentence = format!("Sentence {} of them was written for this. ", number % 13);
            let text = sentence.repeat(number % 4 + 2);
            format!("{{\"id\":\"{number}\",\"text\":\"{text}\\nREAD MORE: Another story\\nThe end.\"}}\n")
        }
    };
    let (first, second) = (0..DOCUMENTS / 2, DOCUMENTS / 2..DOCUMENTS);
    project.write("in/a.jsonl", first.map(line).collect::<String>());
    project.write("in/b.jsonl", second.map(line).collect::<String>());
    project
}

fn uninterrupted(output: &str) -> Tree {
    let project = with_input(output, STAGES);
    let _ = project.run(["run", "p.toml", "-j", "3"]).code(0);
    outputs(&project)
}

/// A project whose run was killed when some of it was done.
fn killed(output: &str, jobs: &str) -> Project {
    let project = with_input(output, STAGES);
    let ran = stopped(&project, jobs, "-KILL");
    assert_eq!(ran.code, None, "{output}: {}", ran.stderr);
    assert_eq!(outputs(&project).names(), [""; 0], "{output}");
    project
}

/// Starts a run, and sends it a signal when its journal has grown.
fn stopped(project: &Project, jobs: &str, signal: &str) -> Ran {
    let mut command = project.command(["run", "p.toml", "-j", jobs]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    let size = |name: &String| fs::metadata(project.path(name)).map_or(0, |found| found.len());
    while journals(project).iter().map(size).sum::<u64>() < ENOUGH {
        assert!(begin.elapsed() < Duration::from_mins(2), "nothing was noted");
        std::thread::sleep(Duration::from_millis(2));
    }
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    child.wait_with_output().unwrap().into()
}

fn outputs(project: &Project) -> Tree {
    Tree::of(&project.path("o"))
}

fn journals(project: &Project) -> Vec<String> {
    [".out.jsonl", ".out.jsonl.zst", ".out.jsonl.gz", ".out.parquet", ".out.csv", "out/"]
        .map(|output| format!("o/{output}.textmill/journal"))
        .into_iter()
        .filter(|name| project.path(name).exists())
        .collect()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
