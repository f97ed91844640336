//! The command line: what goes where, with which exit code.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use serde_json::{Value, json};
use textmill_testkit::{Project, Tree, workspace};

use crate::{piped, project, with_pipelines};

/// `count` documents as lines of JSONL, with the ids 0, 1, ...
fn lines(count: usize) -> String {
    (0..count)
        .map(|id| {
            json!({"id": id.to_string(), "text": format!("Text &amp; number {id}.")}).to_string() + "\n"
        })
        .collect()
}

/// A pipeline with a stage that changes what [`lines`] gives.
fn cleaning(count: usize) -> Project {
    piped("[[stage]]\nuses = 'clean'\n", lines(count))
}

#[test]
fn data_goes_to_stdout_only_when_asked_for() {
    let project = cleaning(3);
    let expected = lines(3).replace("&amp;", "&");
    let ran = project
        .run(["run", "p.toml"])
        .code(0)
        .says(&["3 documents read = 3 kept", "next     textmill try p.toml in.jsonl"]);
    assert_eq!(ran.stdout, "");
    assert_eq!(project.read("out.jsonl"), expected);
    let ran = project.run(["run", "p.toml", "-o", "-"]).code(0).says(&["3 documents read = 3 kept"]);
    assert_eq!(ran.stdout, expected);
    let ran = project.run(["run", "p.toml", "-qo-"]).code(0);
    assert_eq!((ran.stdout, ran.stderr), (expected, String::new()));
}

#[test]
fn stdin_is_read_when_asked_for() {
    let project = project().file("p.toml", "[[stage]]\nuses = 'clean'\n");
    let run = |input: &[u8]| {
        project.run_with_stdin(["run", "p.toml", "-q", "-i", "-", "-o", "-"], input).code(0).stdout
    };
    let jsonl = lines(2);
    assert_eq!(run(jsonl.as_bytes()), jsonl.replace("&amp;", "&"));
    assert_eq!(run(&zstd::encode_all(jsonl.as_bytes(), 1).unwrap()), jsonl.replace("&amp;", "&"));
    let document: Value = serde_json::from_str(&run(b"a text\nof two lines")).unwrap();
    assert_eq!(document, json!({"id": "stdin", "text": "a text\nof two lines"}));
    assert_eq!(project.list(""), ["p.toml"], "nothing is left behind");
}

#[test]
fn several_inputs_are_read_in_their_order() {
    let project = project()
        .file("p.toml", "")
        .file("b.txt", "1")
        .file("deep/a.txt", "2")
        .file("c.jsonl", "{\"text\":\"3\"}");
    let args = ["run", "p.toml", "-q", "-o", "-", "-i", "b.txt", "-i", "deep", "-i", "c.jsonl"];
    let texts = |stdout: String| -> Vec<Value> {
        stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["text"].clone()).collect()
    };
    assert_eq!(texts(project.run(args).code(0).stdout), ["1", "2", "3"]);
}

#[test]
fn words_that_make_no_sense_are_2() {
    let project = cleaning(1);
    for args in [
        &["run"][..],
        &["rum", "p.toml"],
        &["run", "p.toml", "-j", "0"],
        &["run", "p.toml", "-j", "many"],
        &["run", "p.toml", "--limit", "-1"],
        &["run", "p.toml", "--no-such"],
        &["run", "p.toml", "-q", "-v"],
        &["completions", "tcsh"],
        &[],
    ] {
        let ran = project.run(args).code(2);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{args:?}");
    }
    let _ = project.run(["rum", "p.toml"]).says(&["'run'"]);
    assert_eq!(project.list(""), ["in.jsonl", "p.toml"]);
    for args in [["--version"], ["--help"]] {
        assert!(project.run(args).code(0).stdout.contains("textmill"));
    }
}

#[test]
fn options_can_be_set() {
    let project = with_pipelines();
    let check = |set: &str, parts: &[&str]| {
        let ran = project.run(["run", "pipelines/news.toml", "--dry-run", "--set", set]).code(2).says(parts);
        assert!(ran.stderr.contains("hint") || ran.stderr.contains('^'), "{}", ran.stderr);
    };
    check("link.max-removed=0.5", &["link", "did you mean", "links"]);
    check("links.max-remove=0.5", &["max-remove", "did you mean `max-removed`?"]);
    check("links.max-removed=half", &["max-removed", "number"]);
    check("summarize.sentences=0", &["sentences"]);
    let _ = project.run(["run", "pipelines/news.toml", "--set", "nonsense"]).code(2).says(&["nonsense"]);
    let summary_of = |sets: &[&str]| {
        let args = ["run", "pipelines/news.toml", "-q", "-o", "-", "--limit", "1"];
        let stdout = project.run(args.iter().chain(sets)).code(0).stdout;
        let document: Value = serde_json::from_str(&stdout).unwrap();
        (document["summary"].as_str().map(str::len), document["short"].as_str().map(str::len))
    };
    let (three, _) = summary_of(&[]);
    let (_, one) = summary_of(&["--set", "summarize.sentences=1", "--set", "summarize.field=short"]);
    assert!(one.unwrap() < three.unwrap());
}

#[test]
fn a_limit_takes_the_first_documents() {
    let project = cleaning(1000);
    for jobs in ["1", "4"] {
        for limit in [0, 1, 7, 300, 1000, 5000] {
            let ran = project
                .run(["run", "p.toml", "-q", "-o", "-", "-j", jobs, "--limit", &limit.to_string()])
                .code(0);
            assert_eq!(ran.stdout, lines(limit.min(1000)).replace("&amp;", "&"));
        }
    }
}

#[test]
fn a_dry_run_writes_nothing_at_all() {
    let project = cleaning(2);
    let _ = project
        .run(["run", "p.toml", "--dry-run"])
        .code(0)
        .says(&["2 documents read = 2 kept", "nothing was written"]);
    assert_eq!(project.list(""), ["in.jsonl", "p.toml"]);
    let _ = project.run(["run", "p.toml", "--dry-run", "-o", "deep/er/"]).code(0);
    assert!(!project.path("deep").exists());
    project.write("in.jsonl", "no JSON\n");
    let _ = project.run(["run", "p.toml", "--dry-run"]).code(1).says(&["in.jsonl:1"]);
    assert_eq!(project.list(""), ["in.jsonl", "p.toml"]);
}

#[test]
fn quiet_is_silent_unless_something_is_wrong() {
    let project = cleaning(2);
    let ran = project.run(["run", "p.toml", "-q"]).code(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    project.write("in.jsonl", "no JSON\n");
    let _ = project.run(["run", "p.toml", "-q"]).code(1).says(&["error: 1 document failed", "in.jsonl:1"]);
}

/// Reads the first line of stdout and closes it; the exit code, and what was said.
fn head(project: &Project, args: &[&str]) -> (Option<i32>, String) {
    let mut command = project.command(args);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::with_capacity(16, child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    (child.wait().unwrap().code(), stderr)
}

#[test]
fn a_closed_pipe_is_no_error() {
    let project = cleaning(50_000);
    for args in [
        &["run", "p.toml", "-o", "-"][..],
        &["run", "p.toml", "-o", "-", "-j", "1"],
        &["schema"],
        &["list"],
        &["doc", "clean"],
    ] {
        let (code, stderr) = head(&project, args);
        assert_eq!(code, Some(0), "{args:?}: {stderr}");
        assert!(!stderr.contains("error") && !stderr.contains("panicked"), "{args:?}: {stderr}");
    }
    assert_eq!(project.list(""), ["in.jsonl", "p.toml"]);
}

#[test]
fn check_says_what_will_run() {
    let project = with_pipelines();
    let _ = project
        .run(["check", "pipelines/news.toml"])
        .code(0)
        .says(&["ok", "clean -> dedup-title -> links -> summarize"]);
    std::fs::remove_dir_all(project.path("pipelines/samples")).unwrap();
    let _ =
        project.run(["check", "pipelines/news.toml"]).code(2).says(&["pipelines/news.toml:", "samples/news"]);
}

/// The names of the stages, as `list` shows them.
fn stages(project: &Project) -> Vec<String> {
    let listed = project.run(["list"]).code(0).stdout;
    listed.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn every_stage_has_a_page() {
    let project = project();
    let stages = stages(&project);
    let is_sorted = stages.is_sorted();
    assert!(stages.len() >= 5 && is_sorted, "{stages:?}");
    for stage in stages {
        let page = project.run(["doc", &stage]).code(0).stdout;
        assert!(page.starts_with(&stage), "{page}");
        for part in ["built in", "Options", "Rules"] {
            assert!(page.contains(part), "{page}");
        }
    }
    let _ = project
        .run(["doc", "dedup-titel"])
        .code(2)
        .says(&["no stage `dedup-titel`", "did you mean `dedup-title`?"]);
}

#[test]
fn try_shows_what_each_stage_does() {
    let project = with_pipelines();
    let file = "pipelines/samples/news/harbour-bridge-opens.txt";
    let shown = project.run(["try", "pipelines/news.toml", file]).code(0).stdout;
    for part in [
        "harbour-bridge-opens.txt",
        "clean",
        "dedup-title",
        "links",
        "summarize",
        "teaser",
        "READ MORE",
        "summary =",
        "kept",
    ] {
        assert!(shown.contains(part), "`{part}` is not in\n{shown}");
    }
    let text = project.read(file);
    assert_eq!(
        project
            .run_with_stdin(["try", "pipelines/news.toml", "-"], text.as_bytes())
            .code(0)
            .stdout
            .lines()
            .count(),
        shown.lines().count()
    );
    let _ = project.run(["try", "pipelines/news.toml", "no.txt"]).code(2).says(&["no.txt"]);
    project.write("bad.jsonl", "no JSON\n{\"text\":\"a\"}\n");
    let _ = project.run(["try", "pipelines/news.toml", "bad.jsonl"]).code(1).says(&["bad.jsonl:1"]);
    project.write("empty.jsonl", "");
    let _ = project.run(["try", "pipelines/news.toml", "empty.jsonl"]).code(2).says(&["no document"]);
    assert!(!project.path("pipelines/out").exists(), "it writes nothing");
}

#[test]
fn init_makes_a_pipeline_that_runs() {
    let project = project();
    let _ = project.run(["init", "new/project"]).code(0).says(&["new/project/news.toml", "textmill run"]);
    let made = project.list("new/project");
    let _ =
        project.run(["init", "new/project"]).code(2).says(&["exists already", "nothing was written", "hint"]);
    let _ = project.run(["check", "new/project/news.toml"]).code(0);
    for _ in ["first", "second"] {
        let _ = project.run(["run", "new/project/news.toml"]).code(0).says(&["2 documents read = 2 kept"]);
    }
    assert_eq!(project.read_jsonl("new/project/out/news.jsonl").len(), 2);
    let schema: Value = serde_json::from_str(&project.read("new/project/.textmill/schema.json")).unwrap();
    assert!(schema["properties"]["stage"].is_object());
    assert!(made.contains(&"news.toml".to_owned()), "{made:?}");

    project.write("half/news.toml", "mine");
    let _ = project.run(["init", "half"]).code(2);
    assert_eq!(project.list("half"), ["news.toml"]);
    assert_eq!(project.read("half/news.toml"), "mine");
}

#[test]
fn the_schema_is_json_and_knows_every_stage() {
    let project = project();
    let text = project.run(["schema"]).code(0).stdout;
    let schema: Value = serde_json::from_str(&text).unwrap();
    assert!(schema["properties"]["input"].is_object());
    for stage in stages(&project) {
        assert!(text.contains(&format!("\"{stage}\"")), "{stage}");
    }
}

#[test]
fn completions_are_there_for_every_shell() {
    let project = project();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = project.run(["completions", shell]).code(0).stdout;
        assert!(script.contains("textmill") && script.contains("dry-run"), "{shell}");
    }
}

#[test]
fn paths_of_the_command_line_start_here_and_those_of_a_file_there() {
    let project = project()
        .file("deep/p.toml", "input.uri = 'in.txt'\noutput.uri = 'out.jsonl'\n")
        .file("deep/in.txt", "there");
    project.write("in.txt", "here");
    let _ = project.run(["run", "deep/p.toml"]).code(0).says(&["deep/out.jsonl"]);
    assert_eq!(project.read_jsonl("deep/out.jsonl")[0]["text"], "there");
    let _ = project.run(["run", "deep/p.toml", "-i", "in.txt", "-o", "out.jsonl"]).code(0);
    assert_eq!(project.read_jsonl("out.jsonl")[0]["text"], "here");
}

#[test]
fn what_is_dropped_goes_beside_the_output_of_the_command_line() {
    let project = piped("dropped.uri = 'dropped.jsonl'\n", lines(1));
    let _ = project.run(["run", "p.toml", "-o", "other.jsonl"]).code(0);
    let files = Tree::of(&project.path(""));
    assert_eq!(files.names(), ["in.jsonl", "other.dropped.jsonl", "other.jsonl", "p.toml"]);
    let _ = project.run(["run", "p.toml"]).code(0);
    let _ = project.run(["run", "p.toml", "-o", "dropped.jsonl"]).code(0);
    assert_eq!(project.read("dropped.jsonl"), lines(1));
}

#[test]
fn the_samples_are_as_many_as_the_funnel_says() {
    let project = with_pipelines();
    let samples = std::fs::read_dir(workspace().join("pipelines/samples/news")).unwrap().count();
    let ran = project.run(["run", "pipelines/news.toml"]).code(0);
    let ran = ran.says(&["stage", "documents", "changed", "dropped", "failed", "characters", "time"]);
    let ran = ran.says(&[
        &format!("{samples} documents read = {samples} kept + 0 dropped + 0 failed"),
        "pipelines/out/news.jsonl",
    ]);
    for stage in ["clean", "dedup-title", "links", "summarize"] {
        let row = ran.stderr.lines().find(|line| line.starts_with(stage)).unwrap();
        assert_eq!(row.split_whitespace().nth(1), Some(&*samples.to_string()), "{row}");
    }
}
