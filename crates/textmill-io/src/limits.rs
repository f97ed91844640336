//! How much one document, or one file, may ask for.
//!
//! Whoever made the input may mean harm, or may have forgotten a line end. What is beyond a limit costs one document that
//! fails with the limit as the reason; what follows is read. The limits bound memory (a document is held whole, twice or
//! thrice) and time (a small file that unpacks without end). They are far beyond what texts have: a document that somebody
//! wrote should never meet one.

use std::error::Error;
use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

/// A file may unpack to so many bytes whatever its size: a file of one line over and over is no attack.
const ALWAYS_UNPACKED: u64 = 64 << 20;

/// What of the input is too much. Sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest document, as it is read: a file that is one, a line, a row, the unpacked body of a page.
    pub document_bytes: u64,
    /// The longest line of JSON, and the longest row of CSV.
    pub line_bytes: u64,
    /// The longest page of a web archive, as it is stored.
    pub record_bytes: u64,
    /// What a file may unpack to.
    pub unpacked_bytes: u64,
    /// What a file may unpack to, in multiples of its size; not asked of what has no size.
    pub unpacked_ratio: u64,
    /// How deep the values of a line of JSON may nest; the line itself is the first level.
    pub json_depth: usize,
}

/// One of the [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::document_bytes`].
    DocumentBytes,
    /// [`Limits::line_bytes`].
    LineBytes,
    /// [`Limits::record_bytes`].
    RecordBytes,
    /// [`Limits::unpacked_bytes`].
    UnpackedBytes,
    /// [`Limits::unpacked_ratio`].
    UnpackedRatio,
    /// [`Limits::json_depth`].
    JsonDepth,
}

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// A sentence for people, without the place.
    pub(crate) message: Box<str>,
    /// The limit that it is beyond, if that is why.
    pub(crate) limit: Option<Limit>,
    /// Whether only the beginning of it was kept.
    pub(crate) is_start: bool,
}

/// A limit in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    pub(crate) bytes: u64,
    limit: Limit,
}

/// A limit that was met below a reader of bytes.
#[derive(Debug)]
struct OverLimit {
    limit: Limit,
    message: String,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_bytes: 128 << 20,
            line_bytes: 128 << 20,
            record_bytes: 128 << 20,
            unpacked_bytes: 1 << 40,
            // DEFLATE cannot do better than 1,032, and comes near it only where one byte is repeated.
            unpacked_ratio: 1000,
            // What `serde_json`, and most others, read.
            json_depth: 127,
        }
    }
}

impl Limits {
    /// For what this program has written itself.
    pub fn none() -> Self {
        let (bytes, json_depth) = (u64::MAX, usize::MAX);
        Self {
            document_bytes: bytes,
            line_bytes: bytes,
            record_bytes: bytes,
            unpacked_bytes: bytes,
            unpacked_ratio: bytes,
            json_depth,
        }
    }

    pub(crate) fn document(&self) -> Most {
        Most { bytes: self.document_bytes, limit: Limit::DocumentBytes }
    }

    /// For a line, which is a document too.
    pub(crate) fn line(&self) -> Most {
        let line = Most { bytes: self.line_bytes, limit: Limit::LineBytes };
        if self.document_bytes < self.line_bytes { self.document() } else { line }
    }

    pub(crate) fn record(&self) -> Most {
        Most { bytes: self.record_bytes, limit: Limit::RecordBytes }
    }

    /// For what a file of so many bytes unpacks to.
    pub(crate) fn unpacked(&self, packed: Option<u64>) -> Most {
        let total = Most { bytes: self.unpacked_bytes, limit: Limit::UnpackedBytes };
        let Some(packed) = packed else { return total };
        let bytes = packed.saturating_mul(self.unpacked_ratio).max(ALWAYS_UNPACKED);
        if bytes < total.bytes { Most { bytes, limit: Limit::UnpackedRatio } } else { total }
    }

    /// Of a line that nests deeper.
    pub(crate) fn too_deep(&self) -> Failure {
        let what = format!("the values of the line nest more than {} deep", self.json_depth);
        Failure::beyond(Limit::JsonDepth, &what)
    }
}

impl Limit {
    /// What it is called in a pipeline file.
    pub fn name(self) -> &'static str {
        match self {
            Self::DocumentBytes => "document-bytes",
            Self::LineBytes => "line-bytes",
            Self::RecordBytes => "record-bytes",
            Self::UnpackedBytes => "unpacked-bytes",
            Self::UnpackedRatio => "unpacked-ratio",
            Self::JsonDepth => "json-depth",
        }
    }
}

impl Failure {
    fn beyond(limit: Limit, what: &str) -> Self {
        Self { message: beyond(limit, what).into(), limit: Some(limit), is_start: false }
    }

    /// Of what is too long to be kept.
    #[must_use]
    pub(crate) fn of_start(self) -> Self {
        Self { is_start: true, ..self }
    }
}

impl<T: Into<Box<str>>> From<T> for Failure {
    fn from(message: T) -> Self {
        Self { message: message.into(), limit: None, is_start: false }
    }
}

impl Most {
    /// `what` has so many bytes, or more.
    pub(crate) fn failure(self, what: &str) -> Failure {
        Failure::beyond(self.limit, &self.compare(what))
    }

    /// The same, for whoever reads bytes.
    pub(crate) fn error(self, what: &str) -> io::Error {
        let message = beyond(self.limit, &self.compare(what));
        io::Error::new(io::ErrorKind::InvalidData, OverLimit { limit: self.limit, message })
    }

    /// Of a file that unpacks to more.
    pub(crate) fn unpacked_error(self) -> io::Error {
        let by_ratio = self.limit == Limit::UnpackedRatio;
        self.error(if by_ratio { "it unpacks, for its size, to far too much:" } else { "it unpacks to" })
    }

    fn compare(self, what: &str) -> String {
        format!("{what} more than {}", size(self.bytes))
    }
}

/// The limit that lies behind an error.
pub(crate) fn limit_of(error: &io::Error) -> Option<Limit> {
    let mut next: Option<&(dyn Error + 'static)> = error.get_ref().map(|error| error as _);
    while let Some(error) = next {
        if let Some(over) = error.downcast_ref::<OverLimit>() {
            return Some(over.limit);
        }
        next = match error.downcast_ref::<io::Error>() {
            Some(error) => error.get_ref().map(|error| error as _),
            None => error.source(),
        };
    }
    None
}

fn beyond(limit: Limit, what: &str) -> String {
    format!("{what}; `{}` in `[input.limits]` can be raised", limit.name())
}

/// A size as a pipeline file has it.
fn size(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let fitting = units.iter().find(|(_, bits)| bytes > 0 && bytes.trailing_zeros() >= *bits);
    fitting.map_or_else(|| format!("{bytes} bytes"), |(unit, bits)| format!("{}{unit}", bytes >> bits))
}

impl fmt::Display for OverLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for OverLimit {}
