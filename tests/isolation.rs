//! Stages in processes of their own: whatever one does, it costs the documents that make it do so, and nothing else is
//! another than in one process.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use textmill_testkit::{Project, Ran, Tree};

use crate::determinism::{Random, check_accounts, documents, pipeline};
use crate::plugins::plugins_line;
use crate::{piped, project, with_pipelines};

/// The end of a pipeline file: the stage `obey` in a process of its own.
const ISOLATED: &str = "[[stage]]\nuses = 'obey'\nisolation = 'process'\n";

const SHIPPED: [&str; 5] = ["clean", "dedup-title", "split-sentences", "strip-links", "summarize"];

/// A project in which documents with these texts, called `a`, `b`, ..., go through `obey` in a process of its own.
fn isolated(texts: &[&str], more: &str) -> Project {
    let line = |(text, id): (&&str, char)| json!({"id": id, "text": text, "count": 6}).to_string() + "\n";
    let input: String = texts.iter().zip('a'..).map(line).collect();
    piped(&(plugins_line(&["unruly"]) + "dropped.uri = 'dropped.jsonl'\n" + ISOLATED + more), input)
}

/// Field `name` of each document in a file.
fn fields(project: &Project, file: &str, name: &str) -> Vec<Value> {
    project.read_jsonl(file).iter().map(|document| document[name].clone()).collect()
}

#[test]
fn what_ends_the_process_costs_the_document() {
    for (word, limit, reason) in [
        ("SEGV", "", "the plugin's process was killed by SIGSEGV"),
        ("ABORT", "", "the plugin's process was killed by SIGABRT"),
        ("EXIT", "", "the plugin's process exited with code 0"),
        ("HANG", "timeout = '1s'\n", "took longer than 1s"),
        ("HOARD", "memory-limit = '128MiB'\n", "needed more than 128 MiB"),
        ("PANIC", "", "panicked: was told to panic at "),
        ("FAIL", "", "was told to fail"),
    ] {
        let guilty = format!("CUT SET EMIT {word}");
        let texts = ["one", &guilty, "CUT two", "DROP", &guilty, "EMIT three"];
        let limits = format!("{limit}with.children = 2\n");
        for jobs in ["1", "2"] {
            let project = isolated(&texts, &limits);
            let ran = project.run(["run", "p.toml", "-j", jobs]).code(1);
            let _ = ran.says(&["6 documents read + 2 emitted = 5 kept + 1 dropped + 2 failed", reason]);
            assert_eq!(fields(&project, "out.jsonl", "id"), ["a", "c", "f", "f#1", "f#2"], "{word}");
            assert_eq!(fields(&project, "out.jsonl", "text")[1], " two");
            assert_eq!(fields(&project, "dropped.jsonl", "id"), ["d"]);
            let failed = project.read_jsonl("out.failed.jsonl");
            for (document, (id, line)) in failed.iter().zip([("b", 2), ("e", 5)]) {
                assert_eq!((&document["id"], &document["line"]), (&json!(id), &json!(line)));
                assert!(document["error"].as_str().unwrap().starts_with(reason), "{word}: {document}");
                assert_eq!(document["original"], project.read("in.jsonl").lines().nth(line - 1).unwrap());
            }
            assert_eq!(failed.len(), 2);
        }
    }
}

#[test]
fn a_document_that_ends_the_process_only_in_company_is_kept() {
    let project = isolated(&["COMPANY one", "two", "three COMPANY", "four COMPANY"], "");
    let _ = project.run(["run", "p.toml"]).code(0).says(&["4 documents read = 4 kept"]);
    assert_eq!(project.read("out.jsonl"), project.read("in.jsonl"));
}

#[test]
fn on_error_says_what_becomes_of_a_document_that_ends_the_process() {
    let texts = ["one", "CUT SET ABORT", "two"];
    let project = isolated(&texts, "on-error = 'keep'\n");
    let _ = project.run(["run", "p.toml"]).code(0).says(&["3 documents read = 3 kept"]);
    assert_eq!(project.read("out.jsonl"), project.read("in.jsonl"), "what it asked for is discarded");
    let project = isolated(&texts, "on-error = 'drop'\n");
    let _ = project.run(["run", "p.toml"]).code(0).says(&["3 documents read = 2 kept + 1 dropped"]);
    assert_eq!(fields(&project, "dropped.jsonl", "rule"), ["error"]);
}

#[test]
fn a_batch_that_is_only_slow_loses_nothing() {
    // Each takes two milliseconds, and a call of all of them longer than one document may.
    let texts = vec!["SLEEP"; 26];
    let project = isolated(&texts, "timeout = '500ms'\n");
    project.write("in.jsonl", project.read("in.jsonl").repeat(20));
    let _ = project.run(["run", "p.toml", "-j", "1"]).code(0).says(&["520 documents read = 520 kept"]);
    assert_eq!(project.read("out.jsonl"), project.read("in.jsonl"));
}

#[test]
fn an_isolated_stage_gives_the_same_bytes() {
    let project = with_pipelines();
    let same = |name: &str, plugins: &str, input: &str| {
        let output = |more: &str, jobs: &str| {
            let text = format!("{plugins}input.uri = 'samples/{input}'\n[[stage]]\nuses = '{name}'\n{more}");
            project.write("pipelines/one.toml", text);
            project.run(["run", "pipelines/one.toml", "-q", "-o", "-", "-j", jobs]).code(0).stdout
        };
        let here = output("", "1");
        assert!(here.len() > 1000);
        for jobs in ["1", "2"] {
            assert!(here == output("isolation = 'process'\n", jobs), "{name} with -j {jobs}");
        }
    };
    for name in SHIPPED {
        same(name, "", "news");
        same(name, &plugins_line(&[name]), "news");
    }
    same("extract-html", "", "html");
}

/// With every stage isolated, everything that stages can do, and documents that end them: all that is published is what it
/// is in one process, and nothing is lost.
#[test]
fn nothing_depends_on_isolation_and_nothing_is_lost() {
    for seed in 11..=13 {
        println!("seed {seed}");
        let mut random = Random(seed);
        let (here, input) = (pipeline(&mut random), documents(&mut random));
        let isolated = here.replace("[[stage]]\n", "[[stage]]\nisolation = 'process'\ntimeout = '10s'\n");
        let output = |pipeline: &str, jobs: &str| {
            let project = project().file("p.toml", pipeline).file("in.jsonl", &input);
            let ran = project.run(["run", "p.toml", "-j", jobs]).code(1);
            check_accounts(&project, &ran.stderr);
            Tree::of(&project.path("out"))
        };
        output(&isolated, "2").check_same(&output(&here, "1"), "one process");
    }
}

#[test]
fn any_mixture_of_documents_keeps_the_account_and_the_order() {
    for seed in 1..=6 {
        println!("seed {seed}");
        let mut random = Random(seed);
        let words: Vec<&str> = (0..24).map(|_| random.one_of(&MIXTURE)).collect();
        let more = "timeout = '1s'\nmemory-limit = '64MiB'\nwith.children = 1\n";
        let project = isolated(&words, more);
        let ran = project.run(["run", "p.toml", "-j", "2"]);
        let expected = |fate: char| -> Vec<Value> {
            let ids = words.iter().zip('a'..).filter(|(word, _)| fate_of(word) == fate);
            ids.flat_map(|(word, id)| {
                let child = (*word == "EMIT").then(|| json!(format!("{id}#1")));
                [json!(id)].into_iter().chain(child)
            })
            .collect()
        };
        let failed = expected('f');
        let _ = ran.code(i32::from(!failed.is_empty()));
        assert_eq!(fields(&project, "out.jsonl", "id"), expected('k'), "{words:?}");
        assert_eq!(fields(&project, "dropped.jsonl", "id"), expected('d'), "{words:?}");
        if !failed.is_empty() {
            assert_eq!(fields(&project, "out.failed.jsonl", "id"), failed, "{words:?}");
        }
    }
}

/// Documents that are kept come more often, so that some stand between the others.
const MIXTURE: [&str; 14] = [
    "keep", "keep", "CUT", "SET", "SEGV", "ABORT", "EXIT", "HANG", "HOARD", "COMPANY", "DROP", "EMIT",
    "PANIC", "FAIL",
];

fn fate_of(word: &str) -> char {
    match word {
        "DROP" => 'd',
        "SEGV" | "ABORT" | "EXIT" | "HANG" | "HOARD" | "PANIC" | "FAIL" => 'f',
        _ => 'k',
    }
}

#[test]
fn mistakes_in_the_options_are_shown_in_the_file() {
    for (with, parts) in [
        ("{ children = 13 }", &["thirteen brings bad luck", "p.toml:7:21"][..]),
        ("{ words = 'no/such.txt' }", &["no/such.txt", "p.toml:7:18"]),
        (
            "{ opening = 'ABORT' }",
            &["was killed by SIGABRT while it opened the stage", "tell its author", "p.toml:5:8"],
        ),
        ("{ opening = 'EXIT' }", &["exited with code 0 while it opened the stage", "p.toml:5:8"]),
    ] {
        let text = plugins_line(&["unruly"]) + ISOLATED + "with = " + with;
        for args in [["run", "p.toml"], ["check", "p.toml"]] {
            let ran = piped(&text, "").run(args).code(2).says(parts);
            assert!(ran.stderr.contains('^'), "{}", ran.stderr);
        }
    }
    let text = plugins_line(&["unruly"]) + ISOLATED + "memory-limit = '1KiB'\n";
    let _ = piped(&text, "").run(["run", "p.toml"]).code(2).says(&[
        "the stage needs more than 1 KiB to open",
        "raise `memory-limit`",
        "p.toml:5:8",
    ]);
}

/// The stages of a plugin that is isolated as a whole run as those that are isolated one by one, and can have limits.
#[test]
fn a_plugin_is_isolated_as_a_whole() {
    let table = |name: &str| {
        let line = plugins_line(&[name]);
        let path = line.trim().trim_start_matches("plugins = [").trim_end_matches(']');
        format!("plugins = [{{ path = {path}, isolation = 'process' }}]\n")
    };
    let stages = "[[stage]]\nuses = 'obey'\ntimeout = '10s'\n[[stage]]\nuses = 'shout'\n";
    let line = |text: &str| json!({"text": text}).to_string() + "\n";
    let input = [line("one"), line("SEGV"), line("two")].concat();
    let project = piped(&(table("unruly") + stages), input);
    let _ = project.run(["run", "p.toml"]).code(1).says(&["3 documents read = 2 kept", "killed by SIGSEGV"]);
    assert_eq!(fields(&project, "out.jsonl", "text"), ["ONE", "TWO"]);
    let listed = project.run(["list", "p.toml"]).code(0).stdout;
    assert!(listed.contains("textmill-unruly-plugin"), "{listed}");
    let page = project.run(["doc", "obey", "--pipeline", "p.toml"]).code(0).stdout;
    assert!(page.contains("Obeys the words") && page.contains("drops the document"), "{page}");

    let mistakes = table("unruly") + "[[stage]]\nuses = 'obey'\nisolation = 'none'\n";
    let _ = piped(&mistakes, "").run(["check", "p.toml"]).code(2).says(&[
        "`obey` cannot run in the process of textmill",
        "p.toml:6:13",
        "leave it out",
    ]);
    let project = piped(&table("broken"), "");
    for (how, part) in [
        ("abort", "cannot be loaded: the plugin's process was killed by SIGABRT while it loaded it"),
        ("magic", "no plugin description"),
    ] {
        let output = project.command(["check", "p.toml"]).env("TEXTMILL_TEST_BROKEN", how).output().unwrap();
        let _ = Ran::from(output).code(2).says(&["textmill_broken_plugin", part, "p.toml:3:12", "hint"]);
    }
    let twice = plugins_line(&["unruly"]).trim().replace("plugins = [", ", ");
    let text = table("unruly").trim().trim_end_matches(']').to_owned() + &twice + "\n" + stages;
    let _ = piped(&text, "")
        .run(["check", "p.toml"])
        .code(2)
        .says(&["is named twice", "leave one of the two out"]);
    let text = "plugins = [{ path = './no.so', isolation = 'process' }]\n";
    let _ = piped(text, "").run(["check", "p.toml"]).code(2).says(&["no.so", "cannot open", "p.toml:3:12"]);
}

#[test]
fn golden_tests_run_isolated_stages() {
    let test = "[[test]]\nname = 'one'\ninput.text = 'CUT one'\nexpect.text = ' one'\n";
    let project = isolated(&["one"], test);
    let _ = project.run(["test", "p.toml"]).code(0);
}

#[test]
fn messages_arrive() {
    let project = isolated(&["LOG"], "");
    let ran = project.run(["run", "p.toml", "-vv"]).code(0);
    let _ =
        ran.clone().says(&["an error to tell of", "a warning to tell of", "a detail to tell of", "unruly"]);
    assert!(!ran.stderr.contains("a trifle to tell of"), "{}", ran.stderr);
    let ran = project.run(["run", "p.toml", "-q", "--fresh"]).code(0).says(&["an error to tell of"]);
    assert!(!ran.stderr.contains("a warning to tell of"), "{}", ran.stderr);
}

#[test]
fn what_a_stage_prints_is_no_data() {
    let project = isolated(&["PRINT one", "PRINT two"], "");
    let ran = project.run_with_stdin(["run", "p.toml", "-o", "-", "-q"], b"not for stages\n").code(0);
    assert_eq!(ran.stdout, project.read("in.jsonl"));
    let _ = ran.says(&["noise on stdout after Ok(0) of stdin"]);
}

/// The isolated one prints in another process, this one in that of textmill.
#[test]
fn what_a_plugin_prints_is_not_among_the_documents() {
    let stages = plugins_line(&["unruly"]) + "[[stage]]\nuses = 'obey'\n";
    let project = piped(&stages, "{\"id\":\"1\",\"text\":\"PRINT one\"}\n");
    let ran = project.run(["run", "p.toml", "-o", "-", "-q"]).code(0);
    assert_eq!(ran.stdout, project.read("in.jsonl"));
    let _ = ran.says(&["noise on stdout"]);
}

#[test]
fn try_shows_a_stage_in_a_process_of_its_own() {
    let project = isolated(&["CUT one"], "").file("a.txt", "CUT one").file("b.txt", "ABORT");
    let ran = project.run(["try", "p.toml", "a.txt"]).code(0);
    assert!(ran.stdout.contains("cut"), "{}", ran.stdout);
    let ran = project.run(["try", "p.toml", "b.txt"]).code(1);
    assert!(ran.stdout.contains("was killed by SIGABRT"), "{}", ran.stdout);
}

#[test]
fn ctrl_c_ends_a_run_whose_stage_hangs() {
    let project = isolated(&["one", "HANG"], "");
    let (mut child, workers) = begin(&project, "HANG");
    let begun = Instant::now();
    signal("-INT", child.id());
    let code = child.wait().unwrap().code();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(code, Some(130));
    assert_gone(&workers);
    assert!(!project.path("out.jsonl").exists());
}

#[test]
fn no_worker_outlives_its_host() {
    let project = isolated(&["one", "HANG"], "");
    let (mut child, workers) = begin(&project, "HANG");
    signal("-KILL", child.id());
    child.wait().unwrap();
    assert_gone(&workers);
}

/// Where memory runs out the system must not end textmill, nor anybody else, for what a plugin has taken.
#[test]
fn a_worker_is_the_first_to_go_when_memory_runs_out() {
    let project = isolated(&["one", "HANG"], "");
    let (mut child, workers) = begin(&project, "HANG");
    let score = |pid: u32| fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap();
    assert_eq!(workers.iter().map(|pid| score(*pid)).collect::<Vec<_>>(), ["1000\n"]);
    assert_eq!(score(child.id()), fs::read_to_string("/proc/self/oom_score_adj").unwrap());
    signal("-KILL", child.id());
    child.wait().unwrap();
    assert_gone(&workers);
}

#[test]
fn a_worker_that_somebody_else_kills_loses_nothing() {
    let texts = vec!["SLEEP"; 26];
    let project = isolated(&texts, "");
    project.write("in.jsonl", project.read("in.jsonl").repeat(10));
    let (child, workers) = begin(&project, "SLEEP");
    for worker in workers {
        signal("-KILL", worker);
    }
    let ran = Ran::from(child.wait_with_output().unwrap());
    let _ = ran.code(0).says(&["260 documents read = 260 kept"]);
    assert_eq!(project.read("out.jsonl"), project.read("in.jsonl"));
}

#[test]
fn crashes_leave_no_zombies_and_no_open_files() {
    let texts: Vec<&str> = (0..26).map(|number| if number < 25 { "ABORT" } else { "HANG" }).collect();
    let project = isolated(&texts, "");
    let (mut child, _) = begin(&project, "HANG");
    let open = || fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().count();
    // It has come to the last document once it has had a worker for a while.
    let begun = Instant::now();
    let mut last = Vec::new();
    while begun.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(700));
        let workers = workers_of(child.id());
        if workers == last && !workers.is_empty() {
            break;
        }
        last = workers;
    }
    assert_eq!(last.len(), 1, "zombies would be children too");
    assert!(open() < 25, "{} open files", open());
    signal("-KILL", child.id());
    child.wait().unwrap();
    assert_gone(&last);
}

#[test]
fn a_worker_is_nothing_to_start_by_hand() {
    let project = project();
    let ran = project.run(["worker"]).code(2).says(&["a worker is started by textmill itself"]);
    assert_eq!(ran.stdout, "");
    assert!(!project.run(["--help"]).code(0).stdout.contains("worker"));
}

/// Starts a run with one thread, and waits until its worker has the document with `word` in hand.
fn begin(project: &Project, word: &str) -> (Child, Vec<u32>) {
    assert!(project.read("in.jsonl").contains(word));
    let mut command = project.command(["run", "p.toml", "-j", "1"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while !project.path(".out.jsonl.textmill/staging").exists() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(200));
    let workers = workers_of(child.id());
    (child, workers)
}

/// The children of a process, zombies too.
fn workers_of(parent: u32) -> Vec<u32> {
    let entries =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let mut found: Vec<u32> =
        entries.filter_map(|name| name.parse().ok()).filter(|pid| parent_of(*pid) == Some(parent)).collect();
    found.sort_unstable();
    found
}

fn parent_of(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// The workers end within a moment.
fn assert_gone(workers: &[u32]) {
    assert!(!workers.is_empty(), "there was no worker");
    let begun = Instant::now();
    while workers.iter().any(|pid| is_running(*pid)) {
        assert!(begun.elapsed() < Duration::from_secs(10), "workers {workers:?} are still there");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether the process is there, and is a worker: numbers are given again.
fn is_running(pid: u32) -> bool {
    let path = format!("/proc/{pid}/cmdline");
    fs::read(Path::new(&path)).is_ok_and(|line| line.split(|byte| *byte == 0).any(|part| part == b"worker"))
}

fn signal(signal: &str, pid: u32) {
    let sent = Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}
