//! Python, for `score.py` and for what others wrote. Where it is missing, what needs it is skipped with a word.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::files;

/// A Python that can be run.
#[derive(Debug)]
pub(crate) struct Python {
    program: PathBuf,
}

impl Python {
    /// The `python3` of this machine: enough for all that needs the standard library alone.
    pub(crate) fn system() -> Result<Self> {
        let found = Command::new("python3").arg("--version").output();
        ensure!(found.is_ok_and(|output| output.status.success()), "there is no python3");
        Ok(Self { program: "python3".into() })
    }

    /// An environment of its own below the target folder, with these packages; made once.
    pub(crate) fn with_packages(name: &str, packages: &[&str]) -> Result<Self> {
        let folder = files::work().join(name);
        let (program, marker) = (folder.join("bin/python"), folder.join("packages.txt"));
        let wanted = packages.join("\n");
        if fs::read_to_string(&marker).is_ok_and(|present| present == wanted) {
            return Ok(Self { program });
        }
        let system = Self::system()?;
        system
            .run([OsStr::new("-m"), OsStr::new("venv"), folder.as_os_str()])
            .context("no environment could be made")?;
        let python = Self { program };
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        let install = python.run(install.iter().chain(packages));
        install.with_context(|| format!("pip cannot install {}", packages.join(", ")))?;
        fs::write(&marker, wanted)?;
        Ok(python)
    }

    /// Runs it with these arguments and returns what it printed.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Vec<u8>> {
        let mut command = Command::new(&self.program);
        // One thread, as ours is measured on one; and nothing is written beside what lies in ../shared.
        command.env("OPENBLAS_NUM_THREADS", "1").env("PYTHONDONTWRITEBYTECODE", "1");
        let output = command.args(arguments).output();
        let output = output.with_context(|| format!("cannot run `{}`", self.program.display()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{}", said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("python failed"));
        }
        Ok(output.stdout)
    }

    /// Runs a script of this crate.
    pub(crate) fn script(&self, name: &str, arguments: &[&Path]) -> Result<String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name);
        let printed = self.run(std::iter::once(script.as_path()).chain(arguments.iter().copied()))?;
        Ok(String::from_utf8(printed)?)
    }
}
