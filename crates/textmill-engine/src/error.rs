//! What keeps a run from its end, and what is said of a document that failed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::account::Imbalance;

/// A document that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The id of the document.
    pub id: String,
    /// Where it was read: file and line, or file.
    pub place: String,
    /// The id of the stage, or `None` if it could not be read.
    pub stage: Option<String>,
    /// What went wrong.
    pub message: String,
}

/// Why a run came to no end. Nothing was published, but where publishing itself failed ([`Error::Io`]): then some of the
/// outputs may be there.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Nobody said what to read (`input`) or where to write (`output`).
    Missing(&'static str),
    /// The input could not be opened.
    Input(textmill_io::Error),
    /// This output (`output`, `dropped` or `failed`) would replace what the run reads.
    OntoInput(&'static str, String),
    /// An output could not be opened: `output`, `dropped` or `failed`.
    Output(&'static str, textmill_io::Error),
    /// Reading, writing or publishing failed in the middle of it.
    Io(textmill_io::Error),
    /// A stage could not be used.
    Stage(String),
    /// The input holds no document to try.
    NoDocument,
    /// The document to try cannot be read.
    Unreadable(Failure),
    /// The counts do not add up.
    Imbalance(Imbalance),
    /// No document failed in the run before, as far as this output of failed documents says; `None` where there is none.
    NothingFailed(Option<String>),
    /// A retry was killed when this output (`output`, `dropped` or `ledger`) was published already, and others were not.
    HalfRetried(&'static str, String),
    /// The output is not of the run whose failed documents these are.
    OfOtherRun {
        /// The output.
        output: String,
        /// The output of failed documents.
        failed: String,
    },
    /// Other documents were read than those that are taken up.
    NotAllRetried {
        /// How many are taken up.
        taken_up: u64,
        /// How many were read.
        read: u64,
    },
    /// More documents failed than may.
    TooManyFailed {
        /// How many have failed.
        failed: u64,
        /// How many were through by then, those that failed among them.
        documents: u64,
        /// The first that failed.
        failures: Vec<Failure>,
        /// How many documents the next run will find done.
        done: u64,
    },
    /// It was cancelled.
    Interrupted {
        /// How many documents the next run will find done.
        done: u64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(key) => write!(f, "the pipeline has no {key}"),
            Self::OntoInput(key, path) => write!(f, "the {key} `{path}` is an input of this run"),
            Self::Input(error) | Self::Output(_, error) | Self::Io(error) => error.fmt(f),
            Self::Stage(message) => f.write_str(message),
            Self::NoDocument => f.write_str("the input holds no document"),
            Self::Unreadable(failure) => write!(f, "{}: {}", failure.place, failure.message),
            Self::Imbalance(error) => error.fmt(f),
            Self::NothingFailed(None) => f.write_str("the pipeline has no output of failed documents"),
            Self::NothingFailed(Some(path)) => write!(f, "no failed documents are in `{path}`"),
            Self::HalfRetried(key, path) => {
                write!(
                    f,
                    "`{path}`: a retry was killed after it had published this `{key}`, and before the last"
                )
            }
            Self::OfOtherRun { output, failed } => {
                write!(f, "`{output}` is not of the run whose failed documents are in `{failed}`")
            }
            Self::NotAllRetried { taken_up, read } => {
                write!(f, "{taken_up} failed documents are to be taken up, and {read} were read")
            }
            Self::TooManyFailed { failed, documents, .. } => {
                write!(f, "{failed} of the first {documents} documents failed, which is more than may")
            }
            Self::Interrupted { .. } => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Error {}
