//! What the process of a check does.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::sync::Mutex;

use textmill_engine::{BuiltIn, Registry};

use crate::bench::Case;
use crate::checks::{Run, checks};
use crate::report::{Answer, Finding, Input, Note, Outcome};
use crate::tester::{Subject, Task};

/// Performs one check: what the process does that a [`crate::Tester`] starts. `task` is its stdin, `built_in` are the
/// stages of the program.
///
/// # Errors
/// If the task cannot be read or the answer cannot be written: then nobody but a tester should have called it.
pub fn perform(mut task: impl Read, built_in: &[BuiltIn]) -> io::Result<()> {
    keep_to_itself();
    let mut text = String::new();
    task.read_to_string(&mut text)?;
    let task: Task = serde_json::from_str(&text)?;
    let notes = Notes::open(&task.notes)?;
    let outcome = run(&task, &notes, built_in);
    notes.write(&Note::Done(Answer::from(outcome)))
}

fn run(task: &Task, notes: &Notes, built_in: &[BuiltIn]) -> Outcome {
    let check = checks().iter().find(|check| check.name == task.check);
    let check = check.ok_or_else(|| Finding::new(format!("there is no check `{}`", task.check)))?;
    match (check.run, &task.subject, &task.stage) {
        (Run::Load(run), ..) => run(task, built_in),
        (Run::Library(run), Subject::Library(path), _) => run(path),
        (Run::Stage(run), subject, Some(stage)) => {
            let registry = registry(subject, built_in)?;
            run(&Case::new(task, stage, &registry, built_in, notes)?)
        }
        _ => Err(Finding::new("the check does not fit what is tested")),
    }
}

/// The stages to be tested, and no others.
pub(crate) fn registry(subject: &Subject, built_in: &[BuiltIn]) -> Result<Registry, Finding> {
    match subject {
        Subject::BuiltIn => Ok(Registry::new(built_in)),
        Subject::Library(path) => {
            let mut registry = Registry::default();
            registry.load(path).map_err(|error| Finding::new(format!("{error}; {}", error.hint())))?;
            Ok(registry)
        }
    }
}

/// A crash is expected here: it leaves no file behind. And the process does not outlive the one that started it.
#[cfg(unix)]
fn keep_to_itself() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // A system that knows no such thing is as well off without.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    // And if it takes the memory of the machine faster than it is watched, the system ends it before anything else.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

#[cfg(not(unix))]
fn keep_to_itself() {}

/// The file to which a check writes as it goes.
#[derive(Debug)]
pub(crate) struct Notes(Mutex<File>);

impl Notes {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(Mutex::new(OpenOptions::new().append(true).open(path)?)))
    }

    /// This document goes into the stage next: what is known of a check that crashes.
    pub(crate) fn doing(&self, document: &str, text: &str) {
        // A note that cannot be written is missed only after a crash.
        let _ = self.write(&Note::Doing(Input::new(document, text)));
    }

    fn write(&self, note: &Note) -> io::Result<()> {
        let line = serde_json::to_string(note)? + "\n";
        let mut file = self.0.lock().map_err(|_| io::Error::other("a thread panicked"))?;
        file.write_all(line.as_bytes())
    }
}
