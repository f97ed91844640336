//! A run that is interrupted has written nothing, and the next one does it all.
#![cfg(unix)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use textmill_testkit::{Project, Ran};

use crate::piped;
use crate::plugins::plugins_line;

/// Documents that take two milliseconds each.
fn slow(count: usize) -> String {
    let line = |id: usize| json!({"id": id.to_string(), "text": "SLEEP"}).to_string() + "\n";
    (0..count).map(line).collect()
}

#[test]
fn an_interrupted_run_leaves_the_old_output() {
    let stages = plugins_line(&["unruly"]) + "[[stage]]\nuses = 'obey'\n";
    let project = piped(&stages, slow(3));
    let _ = project.run(["run", "p.toml"]).code(0);
    let (old, files) = (project.read("out.jsonl"), project.list(""));
    project.write("in.jsonl", slow(20_000));
    for jobs in ["1", "2"] {
        let (ran, time) = interrupt(&project, jobs);
        let _ = ran.code(130).says(&["interrupted", "no file was published"]);
        assert!(time < Duration::from_secs(5), "{time:?}");
        assert_eq!(project.read("out.jsonl"), old);
        assert_eq!(project.list(""), files);
    }
    project.write("in.jsonl", slow(5));
    let _ = project.run(["run", "p.toml"]).code(0).says(&["5 documents read = 5 kept"]);
    assert_eq!(project.read("out.jsonl"), slow(5));
}

#[test]
fn a_request_to_end_is_an_interruption() {
    let stages = plugins_line(&["unruly"]) + "[[stage]]\nuses = 'obey'\n";
    let project = piped(&stages, slow(20_000));
    for signals in [&["-TERM"][..], &["-HUP"], &["-INT", "-INT"], &["-TERM", "-INT"]] {
        let (ran, time) = signal(&project, "2", signals);
        let _ = ran.code(130).says(&["stopping after the batches in hand; once more to stop at once"]);
        assert!(time < Duration::from_secs(10), "{signals:?}: {time:?}");
        assert!(!project.path("out.jsonl").exists(), "{signals:?}");
    }
    project.write("in.jsonl", slow(5));
    let _ = project.run(["run", "p.toml"]).code(0).says(&["5 documents read = 5 kept"]);
}

#[test]
fn whoever_reads_no_further_ends_a_run_without_a_word() {
    let project = piped("", "{\"text\":\"a\"}\n".repeat(200_000));
    let mut command = project.command(["run", "p.toml", "-o", "-", "--quiet"]);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
}

/// Starts a run, waits until it is at work, and interrupts it; how it ended, and how long that took.
fn interrupt(project: &Project, jobs: &str) -> (Ran, Duration) {
    signal(project, jobs, &["-INT"])
}

/// The same, with these signals.
fn signal(project: &Project, jobs: &str, signals: &[&str]) -> (Ran, Duration) {
    let mut command = project.command(["run", "p.toml", "-j", jobs]);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_staging(project, &mut child);
    let begin = Instant::now();
    for signal in signals {
        // The second may come too late.
        let _ = Command::new("kill").args([signal, child.id().to_string().as_str()]).status().unwrap();
    }
    (child.wait_with_output().unwrap().into(), begin.elapsed())
}

fn wait_for_staging(project: &Project, child: &mut Child) {
    let staging = project.path(".out.jsonl.textmill/staging");
    let begin = Instant::now();
    while !staging.exists() {
        assert!(begin.elapsed() < Duration::from_secs(20), "it does not begin");
        assert_eq!(child.try_wait().unwrap(), None, "it has ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(100));
}
