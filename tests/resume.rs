//! A run that was killed goes on with the same command, and comes to the same bytes.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
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

/// Where what is known of the outputs lies.
const STATES: [&str; 6] = [
    "o/.out.jsonl.textmill",
    "o/.out.jsonl.zst.textmill",
    "o/.out.jsonl.gz.textmill",
    "o/.out.parquet.textmill",
    "o/.out.csv.textmill",
    "o/out/.textmill",
];

/// So many that a run has a dozen batches.
const DOCUMENTS: usize = 3_000;

/// A journal of so many bytes holds some of them, and not all.
const ENOUGH: u64 = 120_000;

#[test]
fn a_killed_run_ends_with_the_same_bytes() {
    for output in ["out.jsonl", "out.jsonl.zst", "out.jsonl.gz", "out.parquet", "out/{stem}.jsonl", "out.csv"]
    {
        let whole = with_output_of(output);
        let killed = killed(output, "2");
        let _ = killed.run(["run", "p.toml", "-j", "1"]).code(0).says(&["resumed", "were done"]);
        outputs(&killed).check_same(&outputs(&whole), output);
        assert_eq!(record(&killed), record(&whole), "{output}");
        assert!(journals(&killed).is_empty(), "{output}: {:?}", journals(&killed));
    }
}

#[test]
fn a_torn_journal_is_cut_and_not_trusted() {
    let expected = uninterrupted("out.jsonl");
    let tears: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes.truncate(bytes.len() - 1),
        |bytes| bytes.truncate(bytes.len() - 5_000),
        |bytes| *bytes.last_mut().unwrap() ^= 0x55,
        // In a text of the last record but some.
        |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x01;
        },
    ];
    for (number, tear) in tears.iter().enumerate() {
        let killed = killed("out.jsonl", "2");
        let path = killed.path(&journals(&killed)[0]);
        let mut bytes = fs::read(&path).unwrap();
        tear(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let _ = killed.run(["run", "p.toml"]).code(0);
        outputs(&killed).check_same(&expected, &format!("tear {number}"));
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
fn what_was_done_with_other_options_is_not_taken_over() {
    let killed = killed("out.jsonl", "2");
    let set = ["--set", "summarize.sentences=1"];
    let ran = killed.run(["run", "p.toml"].iter().chain(&set)).code(0);
    assert!(!ran.stderr.contains("resumed"), "{}", ran.stderr);
    let fresh = with_input("out.jsonl", STAGES);
    let _ = fresh.run(["run", "p.toml"].iter().chain(&set)).code(0);
    outputs(&killed).check_same(&outputs(&fresh), "--set");
    let ran = killed.run(["run", "p.toml"]).code(0);
    assert!(!ran.stderr.contains("nothing has changed"), "{}", ran.stderr);
    outputs(&killed).check_same(&uninterrupted("out.jsonl"), "without --set");
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

#[test]
fn a_run_killed_while_it_announced_its_files_went_no_further() {
    let first = with_input("out.jsonl", STAGES);
    let announcing = steps(&first, "publishing.json");
    for (number, name) in announcing {
        let killed = killed_at(number);
        let _ = killed.run(["run", "p.toml"]).code(0);
        outputs(&killed).check_same(&outputs(&first), &name);
    }
}

#[test]
fn a_run_killed_before_its_report_was_there_had_none_for_ever() {
    let first = with_input("out.jsonl", STAGES);
    for (number, name) in steps(&first, "rename to report.html") {
        let killed = killed_at(number);
        let _ = killed.run(["run", "p.toml"]).code(0);
        for file in ["run.json", "report.html"] {
            assert!(killed.path("o/.out.jsonl.textmill").join(file).exists(), "{file}, killed at `{name}`");
        }
    }
}

#[test]
fn a_record_that_was_half_written_was_left_for_ever() {
    let project = with_input("out.jsonl", STAGES);
    let _ = project.run(["run", "p.toml"]).code(0);
    let half = "o/.out.jsonl.textmill/.run.json.4711";
    project.write(half, "{");
    let _ = project.run(["run", "p.toml", "--fresh"]).code(0);
    assert!(!project.path(half).exists());
}

/// Runs a pipeline with one thread; the steps of it whose name holds a text, by their numbers. None in a program without debug
/// assertions, which lists none.
fn steps(project: &Project, text: &str) -> Vec<(usize, String)> {
    let list = project.path("steps");
    let mut command = project.command(["run", "p.toml", "-j", "1"]);
    let ran: Ran = command.env("TEXTMILL_STEPS", &list).output().unwrap().into();
    let _ = ran.code(0);
    let names = fs::read_to_string(&list).unwrap_or_default();
    let steps = (1..).zip(names.lines()).filter(|(_, name)| name.contains(text));
    let steps: Vec<_> = steps.map(|(number, name)| (number, name.to_owned())).collect();
    assert!(!steps.is_empty() || cfg!(not(debug_assertions)), "{names}");
    steps
}

/// A project whose run was killed at a step.
fn killed_at(step: usize) -> Project {
    let project = with_input("out.jsonl", STAGES);
    let mut command = project.command(["run", "p.toml", "-j", "1"]);
    let ran: Ran = command.env("TEXTMILL_FAIL_AT", step.to_string()).output().unwrap().into();
    assert_eq!(ran.code, None, "{}", ran.stderr);
    project
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

fn with_output_of(output: &str) -> Project {
    let project = with_input(output, STAGES);
    let _ = project.run(["run", "p.toml", "-j", "3"]).code(0);
    project
}

fn uninterrupted(output: &str) -> Tree {
    outputs(&with_output_of(output))
}

/// What `run.json` says, apart from times and places.
fn record(project: &Project) -> Value {
    let state = STATES.iter().find(|state| project.path(format!("{state}/run.json")).exists()).unwrap();
    let mut record: Value = serde_json::from_str(&project.read(&format!("{state}/run.json"))).unwrap();
    for key in ["times", "outputs", "input"] {
        record.as_object_mut().unwrap().remove(key).unwrap();
    }
    record["pipeline"].as_object_mut().unwrap().remove("path");
    record
}

/// A project whose run was killed when some of it was done.
fn killed(output: &str, jobs: &str) -> Project {
    // On a busy machine a run may be over before it is killed.
    for _ in 0..5 {
        let project = with_input(output, STAGES);
        if stopped(&project, jobs, "-KILL").code.is_none() {
            assert_eq!(outputs(&project).names(), [""; 0], "{output}");
            return project;
        }
    }
    panic!("{output}: no run was killed in time");
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
    let names = STATES.iter().map(|state| format!("{state}/journal"));
    names.filter(|name| project.path(name).exists()).collect()
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

/// A project that was run once; two of its documents cannot be read.
fn done() -> Project {
    let stages = "[[stage]]\nuses = 'strip-links'\n";
    let project = project()
        .file("p.toml", format!("{}[dropped]\nuri = 'o/dropped.jsonl'\n", pipeline("out.jsonl", stages)));
    project.write("in/a.jsonl", "{\"id\":\"a\",\"text\":\"One.\\nREAD MORE: Two\\nThree.\"}\n{}\n");
    project.write("in/b.jsonl", "{\"id\":\"b\",\"text\":\"Four.\"}\nnothing\n");
    let _ =
        project.run(["run", "p.toml"]).code(1).says(&["4 documents read = 2 kept + 0 dropped + 2 failed"]);
    project
}

#[test]
fn a_run_that_changes_nothing_writes_nothing() {
    let project = done();
    let written = || {
        let files = project.list("o").into_iter();
        files.map(|name| (fs::metadata(project.path("o").join(&name)).unwrap().modified().unwrap(), name))
    };
    let before: Vec<_> = written().collect();
    let again = project.run(["run", "p.toml", "-j", "2"]).code(1);
    let _ = again.says(&["4 documents read", "nothing has changed since", "`--fresh`", "2 documents failed"]);
    assert_eq!(written().collect::<Vec<_>>(), before);
    let _ = project.run(["run", "p.toml", "--quiet"]).code(1).says(&["2 documents failed"]);
    assert_eq!(written().collect::<Vec<_>>(), before);
}

/// What it is called, further words for the command line, and how it is made.
type Change = (&'static str, &'static [&'static str], fn(&Project));

#[test]
fn whatever_has_changed_is_done_again() {
    let changes: [Change; 9] = [
        ("nothing but --fresh", &["--fresh"], |_| ()),
        ("a limit", &["--limit", "3"], |_| ()),
        ("a text", &[], |project| {
            project.write("in/b.jsonl", "{\"id\":\"b\",\"text\":\"Five.\"}\nnothing\n");
        }),
        ("a file more", &[], |project| project.write("in/c.jsonl", "{\"id\":\"c\",\"text\":\"Six.\"}\n")),
        ("a file less", &[], |project| fs::remove_file(project.path("in/b.jsonl")).unwrap()),
        ("the pipeline", &[], |project| project.write("p.toml", project.read("p.toml") + "# a remark\n")),
        ("the output is gone", &[], |project| fs::remove_file(project.path("o/out.jsonl")).unwrap()),
        ("another output is gone", &[], |project| fs::remove_file(project.path("o/dropped.jsonl")).unwrap()),
        ("the failed documents are gone", &[], |project| {
            fs::remove_file(project.path("o/out.failed.jsonl")).unwrap();
        }),
    ];
    for (what, options, change) in changes {
        let project = done();
        change(&project);
        let ran = project.run(["run", "p.toml"].iter().chain(options));
        assert!(!ran.stderr.contains("nothing has changed"), "{what}: {}", ran.stderr);
        let fresh =
            project.run(["run", "p.toml", "--overwrite", "-o", "o/fresh.jsonl"].iter().chain(options));
        assert_eq!(ran.code, fresh.code, "{what}");
        assert_eq!(project.read("o/out.jsonl"), project.read("o/fresh.jsonl"), "{what}");
        assert_eq!(project.path("o/out.failed.jsonl").exists(), ran.code == Some(1), "{what}");
    }
}

/// The input and the output of a project that was run once, as two kinds of files.
fn done_over(input: &str) -> Project {
    let project = done();
    if input == "in/a.jsonl" {
        return project;
    }
    // The same documents, as a table.
    let _ = project.run(["run", "p.toml", "-i", "in/a.jsonl", "-o", input]).code(1);
    project.write("p.toml", format!("input.uri = '{input}'\noutput.uri = 'o/out.jsonl'\n"));
    let _ = project.run(["run", "p.toml"]).code(0);
    project
}

fn set_modified(project: &Project, name: &str, time: SystemTime) {
    fs::File::options().append(true).open(project.path(name)).unwrap().set_modified(time).unwrap();
}

fn later() -> SystemTime {
    SystemTime::now() + Duration::from_mins(1)
}

#[test]
fn a_file_that_was_only_touched_is_not_done_again() {
    let project = done();
    let output = || fs::metadata(project.path("o/out.jsonl")).unwrap().modified().unwrap();
    let before = output();
    let same = ["nothing has changed since"];
    set_modified(&project, "in/a.jsonl", later());
    let _ = project.run(["run", "p.toml"]).code(1).says(&same);
    // A copy has another inode.
    let copied = fs::read(project.path("in/b.jsonl")).unwrap();
    fs::remove_file(project.path("in/b.jsonl")).unwrap();
    project.write("in/b.jsonl", copied);
    let _ = project.run(["run", "p.toml"]).code(1).says(&same);
    assert_eq!(output(), before);

    // What was read once is remembered: the second time nothing is read again.
    let state = fs::read(project.path("o/.out.jsonl.textmill/input.json")).unwrap();
    let ran = project.run(["run", "p.toml", "-v"]).code(1).says(&same);
    assert!(ran.stderr.contains("reading what the input holds"), "{}", ran.stderr);
    assert_eq!(fs::read(project.path("o/.out.jsonl.textmill/input.json")).unwrap(), state);
}

#[test]
fn a_change_that_stat_does_not_show_is_found_by_verify() {
    for input in ["in/a.jsonl", "o/table.csv"] {
        let project = done_over(input);
        let path = project.path(input);
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let same = project.run(["run", "p.toml", "--verify"]).says(&["nothing has changed since"]);
        fs::write(&path, text.replace("One.", "Ten.")).unwrap();
        set_modified(&project, input, modified);
        let _ = project.run(["run", "p.toml"]).code(same.code.unwrap()).says(&["nothing has changed since"]);
        let ran = project.run(["run", "p.toml", "--verify"]).code(same.code.unwrap());
        assert!(!ran.stderr.contains("nothing has changed"), "{}", ran.stderr);
        assert!(project.read("o/out.jsonl").contains("Ten."));
        let _ = project.run(["run", "p.toml", "--verify"]).says(&["nothing has changed since"]);
    }
}

#[test]
fn what_verify_cannot_compare_it_does_again_once() {
    let project = done_over("o/table.parquet");
    let modified = || fs::metadata(project.path("o/out.jsonl")).unwrap().modified().unwrap();
    let before = modified();
    let _ = project.run(["run", "p.toml", "--verify"]).code(0);
    assert_ne!(modified(), before, "a table is read here and there, and has no hash");
    let _ = project.run(["run", "p.toml", "--verify"]).code(0).says(&["nothing has changed since"]);
    set_modified(&project, "o/table.parquet", later());
    let _ = project.run(["run", "p.toml"]).code(0).says(&["nothing has changed since"]);
}
