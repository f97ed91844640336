//! What can go wrong with a file, as opposed to a document.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The result of reading or writing.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure that ends the run: an input that cannot be found, an output that cannot be written.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    path: Option<PathBuf>,
    message: String,
    hint: Option<String>,
    source: Option<io::Error>,
}

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input does not exist.
    NotFound,
    /// A folder or glob has no file to read.
    NoInput,
    /// A glob, a format or another option makes no sense.
    InvalidOption,
    /// The output exists and was not made by this pipeline.
    NotOurs,
    /// Another run is writing to the output.
    Busy,
    /// A path of the output leads through a symbolic link.
    SymbolicLink,
    /// Whoever read our standard output went away.
    BrokenPipe,
    /// The system refused: no permission, disk full, a file where a folder is needed.
    Io,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self { kind, path: Some(path.into()), message: message.into(), hint: None, source: None }
    }

    /// `message` says what could not be done, as in "cannot create the folder".
    pub(crate) fn io(path: impl Into<PathBuf>, message: &str, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::BrokenPipe => ErrorKind::BrokenPipe,
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::Io,
        };
        let hint = hint_for(&source);
        Self { kind, path: Some(path.into()), message: message.to_owned(), hint, source: Some(source) }
    }

    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The file or folder that it is about.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What happened, without the path and the hint.
    pub fn message(&self) -> String {
        match &self.source {
            Some(source) => format!("{}: {source}", self.message),
            None => self.message.clone(),
        }
    }

    /// What to do about it, where we know.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// What a person can do about an error of the system.
fn hint_for(error: &io::Error) -> Option<String> {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "check who may read and write there",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room, or write somewhere else",
        io::ErrorKind::ReadOnlyFilesystem => "write somewhere else",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "a file is where a folder is needed",
        // `ENFILE` and `EMFILE`.
        _ if cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24)) => {
            "allow more open files, as with `ulimit -n 1024`"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_deref().filter(|path| !path.as_os_str().is_empty()) {
            Some(path) => write!(f, "`{}`: {}", path.display(), self.message()),
            None => f.write_str(&self.message()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
