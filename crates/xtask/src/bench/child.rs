//! Programs as processes: their time, their processor time, and their peak of memory.
//!
//! The system counts for a process at least the peak of the one that started it, so a small process of this very program
//! stands between: the command `measure`, which nobody else calls.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

/// What something took. What happens on this thread has a time and nothing else.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) wall: Duration,
    /// Of all threads, in the program and in the system for it.
    pub(crate) cpu: Duration,
    /// The most memory that was held at once, in bytes.
    pub(crate) peak: u64,
}

/// Runs a program with these arguments; what it prints goes nowhere.
pub(super) fn run<A: AsRef<OsStr>>(command: &[A]) -> Result<Sample> {
    let this = std::env::current_exe()?;
    let output = Command::new(this).arg("measure").arg("--").args(command).stderr(Stdio::inherit()).output();
    let printed = output.context("cannot measure a process")?.stdout;
    serde_json::from_slice(&printed).context("the process did not end well")
}

/// The command `measure`: runs the program and prints what it took, as JSON.
pub(crate) fn measure(command: &[OsString]) -> Result<()> {
    let (program, arguments) = command.split_first().context("there is nothing to run")?;
    let begin = Instant::now();
    let child = Command::new(program).args(arguments).stdout(Stdio::null()).spawn();
    let used = child.and_then(wait4::Wait4::wait4);
    let used = used.with_context(|| format!("cannot run `{}`", program.display()))?;
    let wall = begin.elapsed();
    ensure!(used.status.success(), "`{}` ended with {}", program.display(), used.status);
    let sample = Sample { wall, cpu: used.rusage.utime + used.rusage.stime, peak: used.rusage.maxrss };
    Ok(writeln!(std::io::stdout(), "{}", serde_json::to_string(&sample)?)?)
}
