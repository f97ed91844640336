//! Documents that failed in an earlier run, read again out of its output of failed documents.
//!
//! A record of that output holds the bytes of the document, and what they are to be read as. So it is cut as if it stood in its
//! file still, with its place, and whatever comes after knows no difference. What cannot be taken up by itself is left where it
//! is ([`is_taken_up`]): what was lost with the end of a damaged file, what a stage made of another document or had made
//! others of already, and what the output refused after all stages.

use std::collections::HashSet;
use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::chunk::{Form, ReadAs};
use super::cut::{Cutter, Filling, Found};
use super::source::{self, Source};
use crate::csv::Header;
use crate::{Error, Result};

/// The documents of an output of failed documents.
#[derive(Clone, Debug, Default)]
pub struct FailedDocuments {
    /// The files that they lie in.
    pub files: Vec<PathBuf>,
    /// Those that are taken up.
    pub documents: Arc<HashSet<FailedDocument>>,
    /// How many are taken up.
    pub taken_up: u64,
    /// How many are left where they are.
    pub left: u64,
}

/// A document that failed. An id by itself may be that of several.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FailedDocument {
    pub(crate) id: String,
    pub(crate) file: String,
    pub(crate) line: Option<u64>,
    pub(crate) offset: u64,
}

/// What is read of a record; see [`crate::Encoder::reject`].
#[derive(Deserialize)]
struct Record {
    id: String,
    file: String,
    line: Option<u64>,
    offset: u64,
    format: Option<String>,
    header: Option<Vec<String>>,
    original: Option<String>,
    #[serde(rename = "original-base64")]
    original_base64: Option<String>,
}

/// A document as it was when it failed.
struct Retry {
    id: String,
    file: Arc<str>,
    found: Found,
    original: Vec<u8>,
}

impl FailedDocuments {
    /// Looks through the files of an output of failed documents.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn find(files: Vec<PathBuf>) -> Result<Self> {
        let (mut documents, mut taken_up, mut left) = (HashSet::new(), 0, 0);
        for file in &files {
            each_line(file, |line| {
                match Retry::parse(line) {
                    Some(retry) => {
                        documents.insert(retry.document());
                        taken_up += 1;
                    }
                    None => left += 1,
                }
                Ok(())
            })?;
        }
        Ok(Self { files, documents: Arc::new(documents), taken_up, left })
    }
}

/// Calls `take` with each line of a file, without its end; blank ones excepted.
pub(crate) fn each_line(path: &Path, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let failed = |error| Error::io(path, "cannot read what the run before has written", error);
    let mut source = source::unpacked(path).map_err(failed)?;
    let mut line = Vec::new();
    while read_line(&mut source, &mut line).map_err(failed)? {
        take(&line)?;
    }
    Ok(())
}

/// Whether a line of an output of failed documents is read again by itself.
pub(crate) fn is_taken_up(line: &[u8]) -> bool {
    Retry::parse(line).is_some()
}

/// The next line that is not blank, without its end; false at the end of the file.
fn read_line(source: &mut Source, line: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        line.clear();
        if source.read_until(b'\n', line)? == 0 {
            return Ok(false);
        }
        let length = line.trim_ascii_end().len();
        line.truncate(length);
        if length > 0 {
            return Ok(true);
        }
    }
}

impl Retry {
    fn parse(line: &[u8]) -> Option<Self> {
        let record: Record = serde_json::from_slice(line).ok()?;
        let form = Form::named(&record.format?, record.header)?;
        let original = match (record.original, record.original_base64) {
            (Some(text), _) => text.into_bytes(),
            (None, Some(packed)) => data_encoding::BASE64.decode(packed.as_bytes()).ok()?,
            (None, None) => return None,
        };
        let found = Found { form, line: record.line, offset: record.offset, failure: None };
        Some(Self { id: record.id, file: Arc::from(record.file), found, original })
    }

    fn document(self) -> FailedDocument {
        let Found { line, offset, .. } = self.found;
        FailedDocument { id: self.id, file: self.file.to_string(), line, offset }
    }
}

impl Form {
    /// What [`ReadAs::format`] calls so; a row has a header.
    fn named(format: &str, header: Option<Vec<String>>) -> Option<Self> {
        Some(match (format, header) {
            (ReadAs::TEXT, _) => Self::Whole,
            (ReadAs::JSONL, _) => Self::Line,
            (ReadAs::WARC, _) => Self::Record,
            (format, Some(names)) => Self::Row(Arc::new(Header::named(format, names)?)),
            _ => return None,
        })
    }
}

/// Cuts an output of failed documents into those that are taken up.
pub(super) struct Retries {
    source: Source,
    line: Vec<u8>,
}

impl Retries {
    pub(super) fn new(source: Source) -> Self {
        Self { source, line: Vec::new() }
    }
}

impl Cutter for Retries {
    fn cut(&mut self, filling: &mut Filling<'_>) -> bool {
        while !filling.is_done() {
            match read_line(&mut self.source, &mut self.line) {
                Ok(true) => {
                    if let Some(Retry { file, found, original, .. }) = Retry::parse(&self.line) {
                        filling.data().extend_from_slice(&original);
                        filling.take_from(file, found);
                    }
                }
                Ok(false) => return false,
                Err(error) => {
                    filling.take_broken(&error, Found::default());
                    return false;
                }
            }
        }
        true
    }
}
