//! What a stage can answer instead of a result.

use std::fmt;

/// A result with the error of a stage.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a stage could not be opened, or could not process a document.
///
/// ```
/// use textmill_stage::{Error, ErrorKind};
/// # use textmill_stage::testing::open;
/// # use textmill_stage::{Doc, Outcome, Plan, Result, Stage};
/// # /// Fails documents that have a word.
/// # #[derive(serde::Deserialize, schemars::JsonSchema)]
/// # #[serde(deny_unknown_fields)]
/// # struct Config { word: String }
/// # #[derive(Debug)]
/// # struct Refuse { word: String }
/// # impl Stage for Refuse {
/// #     const NAME: &'static str = "refuse";
/// #     type Config = Config;
/// fn new(config: Config, _: &mut Plan) -> Result<Self> {
///     if config.word.contains(' ') {
///         return Err(Error::config("/word", "one word has no space in it"));
///     }
///     Ok(Self { word: config.word })
/// }
///
/// fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
///     if doc.text().contains(&self.word) {
///         return Err(Error::document(format!("the text has the word `{}`", self.word)));
///     }
///     Ok(Outcome::Keep)
/// }
/// # }
///
/// let wrong = open::<Refuse>(r#"{"word": "two words"}"#).unwrap_err();
/// assert_eq!(*wrong.kind(), ErrorKind::Config { pointer: "/word".to_owned() });
/// let failed = open::<Refuse>(r#"{"word": "rain"}"#)?.run("More rain").failed;
/// assert_eq!(failed.unwrap().message(), "the text has the word `rain`");
/// # Ok::<(), textmill_stage::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// What an [`Error`] is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option is wrong; the host shows the message at its place in the pipeline file.
    Config {
        /// Where the option stands: an RFC 6901 JSON pointer from the root of the options.
        pointer: String,
    },
    /// This document cannot be processed; it goes to the `failed` output, and the run goes on.
    Document,
}

impl Error {
    /// The option at `pointer` (RFC 6901, as `/phrases/0`) is wrong. The schema of the options catches wrong types and
    /// unknown keys before a stage is opened; this is for what only the stage can know.
    pub fn config(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Config { pointer: pointer.into() }, message: message.into() }
    }

    /// This document cannot be processed.
    pub fn document(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Document, message: message.into() }
    }

    /// What it is about.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// What happened, for a person.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::Config { pointer } => write!(f, "{} (at `{pointer}`)", self.message),
            ErrorKind::Document => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}
