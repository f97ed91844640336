//! One folder with a pipeline, whose runs are interrupted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::expected::{Expected, Files, check_success, read_files};
use crate::program::Textmill;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Trial<'a> {
    textmill: &'a Textmill,
    folder: PathBuf,
}

/// How a run ended that was to be interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By the signal.
    Killed,
    /// The system refused something, and the run said so.
    Refused,
    /// Before the interruption, or in spite of it.
    Well,
}

impl<'a> Trial<'a> {
    /// Makes the folder, which holds nothing but the pipeline.
    pub(super) fn create(textmill: &'a Textmill, folder: PathBuf, pipeline: &str) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("p.toml"), pipeline)?;
        Ok(Self { textmill, folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts the output of another trial there.
    pub(super) fn take_over(&self, other: &Path) -> Result<()> {
        let mut files = Files::new();
        read_files(other, &other.join("o"), &mut files)?;
        for (name, bytes) in files {
            let path = self.folder.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            fs::write(path, bytes)?;
        }
        Ok(())
    }

    /// Runs the pipeline to its end; what it says to people.
    pub(super) fn finish(&self, jobs: usize) -> Result<String> {
        let output = self.command(jobs).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "the run ended with {}:\n{said}", output.status);
        Ok(said)
    }

    /// The names of the steps of a run with one thread.
    pub(super) fn steps(&self) -> Result<Vec<String>> {
        let list = self.folder.join("steps");
        let output = self.command(1).env("TEXTMILL_STEPS", &list).output()?;
        ensure!(output.status.success(), "the run ended with {}", output.status);
        let text = fs::read_to_string(&list)
            .context("the program lists no steps: it was built without debug assertions")?;
        // The names of files that are made beside others end with the number of the process.
        Ok(text.lines().map(|name| name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()).collect())
    }

    /// Runs the pipeline with a fault at a step.
    pub(super) fn run_until_step(&self, fault: &str, jobs: usize) -> Result<End> {
        end(&self.command(jobs).env("TEXTMILL_FAIL_AT", fault).output()?)
    }

    /// Runs the pipeline, and kills it after a time.
    pub(super) fn run_until(&self, time: Duration, jobs: usize) -> Result<End> {
        let mut child = self.command(jobs).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        std::thread::sleep(time);
        child.kill()?;
        end(&child.wait_with_output()?)
    }

    /// Runs the pipeline in circumstances that `prepare` sees to.
    pub(super) fn run_as(&self, jobs: usize, prepare: impl FnOnce(Command) -> Command) -> Result<End> {
        end(&prepare(self.command(jobs)).output()?)
    }

    /// Whether nothing is seen but files of whole runs.
    pub(super) fn check_between(&self, before: Option<&Expected>, after: &Expected) -> Result<()> {
        let (visible, _) = self.files()?;
        for (name, bytes) in &visible {
            let is_of = |expected: &Expected| expected.visible.get(name) == Some(bytes);
            ensure!(is_of(after) || before.is_some_and(is_of), "`{name}` is of no whole run");
        }
        check_success(&visible)
    }

    /// The files of the output that are seen, and those that are hidden.
    pub(super) fn files(&self) -> Result<(Files, Files)> {
        let mut files = Files::new();
        read_files(&self.folder, &self.folder.join("o"), &mut files)?;
        Ok(files.into_iter().partition(|(name, _)| !name.split('/').any(|part| part.ends_with(".textmill"))))
    }

    pub(super) fn remove(self) -> Result<()> {
        Ok(fs::remove_dir_all(self.folder)?)
    }

    fn command(&self, jobs: usize) -> Command {
        let mut command = Command::new(self.textmill.binary());
        command.current_dir(&self.folder).args(["run", "p.toml", "-j", &jobs.to_string()]);
        command
    }
}

fn end(output: &Output) -> Result<End> {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!said.contains("panicked"), "the run panicked:\n{said}");
    match output.status.code() {
        None if is_killed(output.status) => Ok(End::Killed),
        Some(0) => Ok(End::Well),
        Some(2) if said.contains("error: ") => Ok(End::Refused),
        _ => bail!("the run ended with {}:\n{said}", output.status),
    }
}

#[cfg(unix)]
fn is_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;

    status.signal() == Some(9)
}

#[cfg(not(unix))]
fn is_killed(_: ExitStatus) -> bool {
    true
}
