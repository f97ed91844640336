//! A temporary folder in which the real binary runs.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A temporary folder with files, and the binary to run in it.
#[derive(Debug)]
pub struct Project {
    binary: PathBuf,
    folder: TempDir,
}

/// What a run of the binary came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Project {
    /// An empty folder.
    ///
    /// # Panics
    /// If the system gives no temporary folder.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self { binary: binary.into(), folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders it lies in.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        self.write(name, contents);
        self
    }

    /// Writes a file, and the folders it lies in.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder can be made");
        fs::write(path, contents).expect("the file can be written");
    }

    /// Reads a file.
    ///
    /// # Panics
    /// If it is not there or no text.
    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The values of the lines of a JSONL file.
    ///
    /// # Panics
    /// If it is not there or a line is no JSON.
    pub fn read_jsonl(&self, name: &str) -> Vec<serde_json::Value> {
        self.read(name).lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// The names of all files below `name`, sorted, hidden ones too.
    ///
    /// # Panics
    /// If a folder cannot be listed.
    pub fn list(&self, name: &str) -> Vec<String> {
        let root = self.path(name);
        let mut names = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    names.push(path.strip_prefix(&root).expect("below the root").display().to_string());
                }
            }
        }
        names.sort();
        names
    }

    /// The command, to be run in the folder, without the environment's say on colours.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).current_dir(self.folder.path()).env_remove("TEXTMILL_LOG").env("NO_COLOR", "1");
        // These tests run in workflows of GitHub too.
        for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the binary.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Ran {
        self.command(args).stdin(Stdio::null()).output().expect("the binary can be started").into()
    }

    /// Runs the binary with `input` on its stdin.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn run_with_stdin<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>, input: &[u8]) -> Ran {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary can be started");
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        std::thread::scope(|scope| {
            // A program that reads no further closes the pipe, which is its right.
            scope.spawn(move || drop(stdin.write_all(input)));
            child.wait_with_output().expect("the binary ends").into()
        })
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("what the binary writes is UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ran {
    /// It must have ended with this exit code.
    ///
    /// # Panics
    /// If not; with all it said.
    #[must_use]
    pub fn code(self, code: i32) -> Self {
        let stdout: String = self.stdout.chars().take(2000).collect();
        assert_eq!(self.code, Some(code), "exit code; stderr:\n{}\nstdout:\n{stdout}", self.stderr);
        self
    }

    /// Each of these must stand in stderr.
    ///
    /// # Panics
    /// If not.
    #[must_use]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in stderr:\n{}", self.stderr);
        }
        self
    }
}
