//! `--watch`: the same again whenever a file changes.
#![cfg(unix)]

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use textmill_testkit::Project;

use crate::plugins::{library, plugins_line};
use crate::project;

/// A command that watches, and what it has written so far, to both of its outputs.
struct Watching<'p> {
    project: &'p Project,
    child: Child,
    /// How much of it has been looked at.
    seen: usize,
}

impl<'p> Watching<'p> {
    fn start(project: &'p Project, args: &[&str]) -> Self {
        let out = File::create(project.path("told")).unwrap();
        let err = out.try_clone().unwrap();
        let mut command = project.command(args);
        std::fs::create_dir_all(project.path("tmp")).unwrap();
        command.env("TMPDIR", project.path("tmp"));
        let child = command.arg("--watch").stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap();
        Self { project, child, seen: 0 }
    }

    /// Waits for the end of a round; what it said.
    #[track_caller]
    fn round(&mut self) -> String {
        let begin = Instant::now();
        loop {
            let told = self.project.read("told").split_off(self.seen);
            if let Some((round, _)) = told.split_once("Ctrl-C ends it\n") {
                self.seen += round.len() + "Ctrl-C ends it\n".len();
                return round.to_owned();
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "nothing happens; so far:\n{told}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A round that says this.
    #[track_caller]
    fn says(&mut self, part: &str) {
        let round = self.round();
        assert!(round.contains(part), "`{part}` is not in:\n{round}");
    }

    fn interrupt(mut self) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert_eq!(self.child.wait().unwrap().code(), Some(130));
        assert_eq!(self.project.read("told").split_off(self.seen), "");
        assert_eq!(self.project.list("tmp"), [""; 0]);
    }
}

#[test]
fn a_document_is_tried_again_when_a_file_changes() {
    let pipeline = |with: &str| format!("plugins = ['./plugin.so']\n[[stage]]\nuses = 'obey'\n{with}");
    let words = pipeline("with = { words = 'words.txt' }\n");
    let project = project().file("p.toml", words).file("words.txt", "SLEEPY\n").file("a.txt", "so SLEEPY");
    let plugin = project.path("plugin.so");
    fs::copy(library("unruly"), &plugin).unwrap();
    let mut watching = Watching::start(&project, &["try", "p.toml", "a.txt"]);
    watching.says("dropped by `obey`: word");
    // The document.
    project.write("a.txt", "so AWAKE");
    watching.says("\nkept\n");
    // A file that an option names, put in the place of the other as editors do.
    project.write("words.new", "AWAKE\n");
    fs::rename(project.path("words.new"), project.path("words.txt")).unwrap();
    watching.says("dropped by `obey`: word");
    // The pipeline: first with a mistake in it.
    project.write("p.toml", pipeline("[[stage]\n"));
    watching.says("invalid TOML");
    project.write("p.toml", pipeline(""));
    watching.says("\nkept\n");
    // The plugin: a library of the same path that offers something else.
    fs::remove_file(&plugin).unwrap();
    fs::copy(library("clean"), &plugin).unwrap();
    watching.says("unknown stage `obey`");
    watching.interrupt();
}

#[test]
fn tests_are_run_again_when_a_file_of_a_folder_changes() {
    let pipeline = |expect: &str| {
        let test = format!("[[test]]\nname = 'it'\ninput.file = 'a.txt'\nexpect.text = '{expect}'\n");
        plugins_line(&["unruly"]) + "[[stage]]\nuses = 'obey'\n" + &test
    };
    let project = project().file("pipelines/p.toml", pipeline("one")).file("pipelines/a.txt", "one");
    let mut watching = Watching::start(&project, &["test", "pipelines"]);
    watching.says("1 test passed");
    project.write("pipelines/a.txt", "two");
    watching.says("1 failed");
    project.write("pipelines/p.toml", pipeline("two"));
    watching.says("1 test passed");
    project.write("pipelines/q.toml", pipeline("two"));
    watching.says("2 tests passed");
    watching.interrupt();
}

/// What a round wrote began the next one, without end.
#[test]
fn snapshots_are_not_written_again_and_again() {
    let project = project().file("p.toml", "[[stage]]\nuses = 'clean'\n");
    let _ = project.run(["test", "p.toml", "--update", "--watch"]).code(2).says(&["cannot be used with"]);
}

#[test]
fn standard_input_cannot_be_watched() {
    let project = project().file("p.toml", "[[stage]]\nuses = 'clean'\n");
    let _ =
        project.run(["try", "p.toml", "-", "--watch"]).code(2).says(&["standard input cannot be watched"]);
}
