//! Disks that misbehave, and a system that has nothing left: what no step of the program can be asked to meet.
//!
//! A library that is loaded before the program (`disk.c`) takes less of each write than it is given, takes its time, or fails
//! after so many bytes, in the middle of whatever is being written. Real file systems are full, read-only, or another one than
//! that of the output, where this program may mount some; and there are too few handles of files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::expected::{Files, read_files};
use super::random::Random;
use super::trial::{End, Trial};
use super::{Case, Tally, say};
use crate::files;

/// What makes disks misbehave.
#[derive(Debug)]
pub(super) struct Disks {
    /// `None` without a C compiler.
    library: Option<PathBuf>,
    can_mount: bool,
}

/// What a disk does.
#[derive(Clone, Copy, Debug)]
enum Disk {
    /// Takes no more than so many bytes at a time.
    Short(usize),
    /// Takes so many microseconds longer.
    Slow(usize),
    /// Fails after so many bytes, with this error of the system.
    Broken(usize, i32),
}

/// A file system in memory, for as long as this is there.
struct Mount(PathBuf);

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// How many handles there are: from too few to begin with to nearly enough.
const HANDLES: [usize; 5] = [8, 10, 12, 16, 24];

impl Disks {
    /// Looks what there is to do it with, and says what will be left out.
    pub(super) fn new(scratch: &Path) -> Result<Self> {
        let library = scratch.join("disk.so");
        let source = files::workspace().join("crates/xtask/src/faults/disk.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
        let is_built = compiler.status().is_ok_and(|status| status.success());
        if !is_built {
            say("skipped: writes that are short, slow or fail half way (there is no C compiler `cc`)")?;
        }
        let can_mount = Mount::new(&scratch.join("mount"), "64k").is_ok();
        if !can_mount {
            say("skipped: file systems that are full, read-only or another one (they may not be mounted)")?;
        }
        Ok(Self { library: is_built.then_some(library), can_mount })
    }
}

impl Case<'_> {
    /// Runs on disks of all kinds, `rounds` times where they do not do the same each time.
    pub(super) fn try_disks(&self, disks: &Disks, seed: u64, rounds: u32, tally: &mut Tally) -> Result<()> {
        let mut random = Random::new(&format!("{seed}/{}/{}/disks", self.shape.name, self.beginning.name()));
        if let Some(library) = disks.library.as_deref() {
            let all = self.new.visible.values().map(Vec::len).sum::<usize>();
            let mut kinds = vec![Disk::Short(1 + random.below(9)), Disk::Slow(200)];
            for _ in 0..rounds {
                kinds.extend([ENOSPC, EIO].map(|error| Disk::Broken(random.below(2 * all), error)));
            }
            for disk in kinds {
                self.attempt(&format!("disk-{disk:?}"), tally, |trial, tally| {
                    self.run_on(trial, disk, library, tally)
                })?;
            }
        }
        for handles in HANDLES {
            let name = format!("handles-{handles}");
            self.attempt(&name, tally, |trial, tally| {
                let limit = format!("ulimit -n {handles}; exec \"$0\" \"$@\"");
                self.count(trial.run_as(2, |command| in_shell(&command, &limit))?, trial, tally)
            })?;
        }
        if disks.can_mount { self.try_mounts(rounds, tally) } else { Ok(()) }
    }

    fn run_on(&self, trial: &Trial<'_>, disk: Disk, library: &Path, tally: &mut Tally) -> Result<()> {
        let below = trial.folder().join("o");
        let end = trial.run_as(2, |mut command| {
            command.env("LD_PRELOAD", library).env("FAULTS_BELOW", below);
            for (name, value) in disk.says() {
                command.env(name, value);
            }
            command
        })?;
        let must_end = !matches!(disk, Disk::Broken(..));
        ensure!(!must_end || end == End::Well, "it came to no end: {end:?}");
        self.count(end, trial, tally)
    }

    fn try_mounts(&self, rounds: u32, tally: &mut Tally) -> Result<()> {
        for round in 0..rounds {
            let size = format!("{}k", 16 << round);
            self.attempt(&format!("full-{size}"), tally, |trial, tally| {
                let output = trial.folder().join("o");
                let saved = {
                    let (_mount, old) = Mount::over(&output, &size)?;
                    // An output that does not fit is none that was there.
                    if old.is_err() {
                        return Ok(());
                    }
                    self.count(trial.run_as(2, |command| command)?, trial, tally)?;
                    files_below(&output)?
                };
                put(&output, &saved)
            })?;
        }
        self.attempt("read-only", tally, |trial, tally| {
            let output = trial.folder().join("o");
            let (mount, old) = Mount::over(&output, "64m")?;
            old?;
            mount.forbid_writing()?;
            let end = trial.run_as(2, |command| command)?;
            ensure!(end == End::Refused, "it wrote to a file system that is read-only: {end:?}");
            self.count(end, trial, tally)
        })?;
        self.attempt("elsewhere", tally, |trial, tally| {
            let state = self.new.state().context("there is no hidden folder")?;
            let (_mount, old) = Mount::over(&trial.folder().join(state), "64m")?;
            old?;
            let end = trial.run_as(2, |command| command)?;
            ensure!(end == End::Refused, "a file was renamed to another file system: {end:?}");
            self.count(end, trial, tally)
        })
    }
}

impl Disk {
    fn says(self) -> Vec<(&'static str, String)> {
        match self {
            Self::Short(bytes) => vec![("FAULTS_SHORT", bytes.to_string())],
            Self::Slow(time) => vec![("FAULTS_SLOW", time.to_string())],
            Self::Broken(bytes, error) => {
                vec![("FAULTS_AFTER", bytes.to_string()), ("FAULTS_ERROR", error.to_string())]
            }
        }
    }
}

impl Mount {
    fn new(folder: &Path, size: &str) -> Result<Self> {
        fs::create_dir_all(folder)?;
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "textmill"])
            .arg(folder))?;
        Ok(Self(folder.to_owned()))
    }

    /// Puts a file system over a folder, with the same files; whether they fit.
    fn over(folder: &Path, size: &str) -> Result<(Self, Result<()>)> {
        let old = files_below(folder)?;
        let mount = Self::new(folder, size)?;
        let put = put(folder, &old);
        Ok((mount, put))
    }

    fn forbid_writing(&self) -> Result<()> {
        run(Command::new("mount").args(["-o", "remount,ro"]).arg(&self.0))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Left mounted, it would keep its folder from being removed, which says so.
        _ = run(Command::new("umount").arg(&self.0));
    }
}

/// The command as a shell starts it after `script`.
fn in_shell(command: &Command, script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

fn files_below(folder: &Path) -> Result<Files> {
    let mut found = Files::new();
    read_files(folder, folder, &mut found)?;
    Ok(found)
}

fn put(folder: &Path, files: &Files) -> Result<()> {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write(path, bytes)?;
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
