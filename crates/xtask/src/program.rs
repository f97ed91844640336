//! The program under test: built here or given, and driven with pipelines written for the purpose.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};

use crate::files;

/// The program.
#[derive(Debug)]
pub(crate) struct Textmill {
    binary: PathBuf,
}

/// How cargo builds it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Profile {
    Debug,
    Release,
}

/// A stage of a pipeline: its name, and its options as the inside of a TOML table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) uses: &'a str,
    pub(crate) with: &'a str,
}

impl Textmill {
    /// The binary at `given`, or the one that cargo builds.
    pub(crate) fn new(given: Option<&Path>, profile: Profile) -> Result<Self> {
        if let Some(path) = given {
            let binary =
                fs::canonicalize(path).with_context(|| format!("there is no `{}`", path.display()))?;
            return Ok(Self { binary });
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build
            .args([
                "build",
                "--quiet",
                "--package",
                "textmill-cli",
                "--profile",
                profile.name(),
                "--target-dir",
            ])
            .arg(files::target());
        let status = build.current_dir(files::workspace()).status().context("cannot run cargo")?;
        ensure!(status.success(), "the program does not build");
        let name = format!("textmill{}", std::env::consts::EXE_SUFFIX);
        Ok(Self { binary: files::target().join(profile.folder()).join(name) })
    }

    /// Where it is.
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// The names of the stages that it has.
    pub(crate) fn stages(&self) -> Result<Vec<String>> {
        let listed = self.call(["list"])?;
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        Ok(text.lines().filter_map(|line| line.split_whitespace().next()).map(ToOwned::to_owned).collect())
    }

    /// Whether the manual page of a stage speaks of this word.
    pub(crate) fn documents(&self, stage: &str, word: &str) -> Result<bool> {
        Ok(String::from_utf8_lossy(&self.call(["doc", stage])?.stdout).contains(word))
    }

    /// Passes the documents of a file through stages; the output lies beside it as `NAME.jsonl`. Documents that fail are
    /// missing there, which the scores count as empty answers.
    pub(crate) fn run(&self, input: &Path, name: &str, steps: &[Step<'_>]) -> Result<PathBuf> {
        let folder = input.parent().context("the input lies in no folder")?;
        let (pipeline, output) = (folder.join(format!("{name}.toml")), folder.join(format!("{name}.jsonl")));
        fs::write(&pipeline, toml(input, &output, steps))?;
        self.call([OsStr::new("run"), pipeline.as_os_str(), OsStr::new("--quiet")])?;
        Ok(output)
    }

    fn call<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Output> {
        let output = Command::new(&self.binary).args(arguments).output();
        let output = output.with_context(|| format!("cannot run `{}`", self.binary.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`{}` ended with {}:\n{said}", self.binary.display(), output.status);
        Ok(output)
    }
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Debug => "dev",
            Self::Release => "release",
        }
    }

    /// Where the binary is, below the target folder.
    fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// A pipeline file that reads and writes these files.
pub(crate) fn toml(input: &Path, output: &Path, steps: &[Step<'_>]) -> String {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let head = format!(
        "version = 1\n[input]\nuri = \"{}\"\n[output]\nuri = \"{}\"\n[run]\nmax-errors = \"100%\"\n",
        name(input),
        name(output)
    );
    let stage =
        |Step { uses, with }: &Step<'_>| format!("[[stage]]\nuses = \"{uses}\"\nwith = {{ {with} }}\n");
    std::iter::once(head).chain(steps.iter().map(stage)).collect()
}
