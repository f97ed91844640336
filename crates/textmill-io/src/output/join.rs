//! An output that goes on from what is there: its documents stay, and those that were retried join them.
//!
//! All of it is staged as the output of any run is, and takes the place of the old one when it is whole. Files to which nothing is
//! added are linked; what shares a file with what is new is written once more, because a compressed file cannot be gone on with
//! so that every reader sees all of it, and a table not at all.

use std::collections::HashSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::PublishedFile;
use super::encode::{EncodedBatch, Encoder};
use super::state::Claim;
use crate::columns::InputColumns;
use crate::format::{InputFormat, OutputFormat};
use crate::input::{Chunk, FailedDocument, Input, InputOptions, each_line, is_taken_up};
use crate::ledger::{LedgerEntry, read_ledger};
use crate::limits::Limits;
use crate::names::FieldNames;
use crate::step::step;
use crate::{Error, ErrorKind, Result};

/// Lines are written in batches of so many bytes.
const BATCH: usize = 1 << 20;

/// Entries of a ledger are written in batches of so many, or a few more.
const ENTRIES: u64 = 4096;

/// How an output goes on from what is there.
#[derive(Clone, Debug)]
pub struct Join {
    /// What stays of it.
    pub stays: Stays,
    /// Which failed documents were taken up: what their output was, as a hash. The manifest says it, so that they are not taken
    /// up twice.
    pub retried: String,
}

/// What stays of an output that is there.
#[derive(Clone, Debug)]
pub enum Stays {
    /// All documents.
    Documents,
    /// Of a ledger: all that is not said of these documents, which get a new life.
    EntriesBut(Arc<HashSet<FailedDocument>>),
    /// Of failed documents: those that were not taken up.
    NotTakenUp,
}

impl Stays {
    /// Whether files stay as they are.
    pub(super) fn is_all(&self) -> bool {
        matches!(self, Self::Documents)
    }

    /// Writes what stays of a file, which is at `path`, to its successor, of which it is the beginning; how many documents that is.
    ///
    /// # Errors
    /// It cannot be read or written, or does not hold as many documents as were written to it.
    pub(super) fn copy(
        &self,
        file: &PublishedFile,
        path: &Path,
        encoder: &Encoder,
        names: &FieldNames,
        write: &mut dyn FnMut(&EncodedBatch) -> Result<()>,
    ) -> Result<u64> {
        let mut to = Copying { path, write, batch: EncodedBatch::default(), copied: 0, left_out: 0 };
        match (self, encoder.format) {
            (Self::EntriesBut(documents), _) => to.entries(encoder, documents)?,
            (Self::NotTakenUp, _) => to.lines(|line| !is_taken_up(line))?,
            (Self::Documents, OutputFormat::Jsonl(_)) => to.lines(|_| true)?,
            (Self::Documents, format) => to.documents(encoder, read_as(format), names)?,
        }
        to.check(file.documents)?;
        Ok(to.copied)
    }
}

/// A file on its way to its successor.
struct Copying<'a> {
    path: &'a Path,
    write: &'a mut dyn FnMut(&EncodedBatch) -> Result<()>,
    batch: EncodedBatch,
    copied: u64,
    left_out: u64,
}

impl Copying<'_> {
    fn lines(&mut self, stays: impl Fn(&[u8]) -> bool) -> Result<()> {
        each_line(self.path, |line| {
            if stays(line) {
                self.batch.bytes.extend_from_slice(line);
                self.batch.bytes.push(b'\n');
                self.batch.documents += 1;
            } else {
                self.left_out += 1;
            }
            if self.batch.bytes.len() < BATCH { Ok(()) } else { self.write() }
        })?;
        self.write()
    }

    fn entries(&mut self, encoder: &Encoder, gone: &HashSet<FailedDocument>) -> Result<()> {
        let mut failed = Ok(());
        // Only the last entry of a life says where its document was read.
        let mut life = Vec::new();
        read_ledger(self.path, &mut |entry| {
            life.push(entry);
            if is_end(life.last()) {
                failed = self.life(encoder, gone, &mut life);
            }
            if failed.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        failed?;
        self.life(encoder, gone, &mut life)?;
        encoder.finish(&mut self.batch)?;
        self.write()
    }

    /// Writes the life of a document, unless it is one of those that get another one.
    fn life(
        &mut self,
        encoder: &Encoder,
        gone: &HashSet<FailedDocument>,
        life: &mut Vec<LedgerEntry<'static>>,
    ) -> Result<()> {
        if life.last().and_then(failed_document).is_some_and(|document| gone.contains(&document)) {
            self.left_out += life.len() as u64;
            life.clear();
        }
        for entry in life.drain(..) {
            encoder.entry(&entry, &mut self.batch);
        }
        if self.batch.documents < ENTRIES {
            return Ok(());
        }
        encoder.finish(&mut self.batch)?;
        self.write()
    }

    fn documents(&mut self, encoder: &Encoder, format: InputFormat, names: &FieldNames) -> Result<()> {
        let mut reader = open(self.path, format, names)?.reader();
        let mut chunk = Chunk::default();
        while reader.next(&mut chunk)? {
            for read in chunk.documents() {
                let document = read.map_err(|failure| {
                    let message = format!("the output cannot be read again: {}", failure.message);
                    Error::new(ErrorKind::Io, self.path, message)
                        .with_hint("run the pipeline anew, with `--fresh`")
                })?;
                encoder.encode_again(&document, &mut self.batch);
            }
            encoder.finish(&mut self.batch)?;
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        self.copied += self.batch.written();
        let written = (self.write)(&self.batch);
        self.batch.clear();
        written
    }

    /// A file of which less was read than is in it must not be replaced by what was read.
    fn check(&self, documents: u64) -> Result<()> {
        let found = self.copied + self.left_out;
        if found == documents {
            return Ok(());
        }
        let message = format!("the run before has written {documents} to it, and {found} can be read again");
        Err(Error::new(ErrorKind::Io, self.path, message).with_hint("run the pipeline anew, with `--fresh`"))
    }
}

fn is_end(entry: Option<&LedgerEntry<'_>>) -> bool {
    entry.is_some_and(|entry| matches!(&*entry.event, "kept" | "dropped" | "failed" | "refused"))
}

/// The document whose life ends with this entry.
fn failed_document(end: &LedgerEntry<'_>) -> Option<FailedDocument> {
    let file = end.file.as_ref().filter(|_| end.event == "failed")?;
    let (id, file) = (end.doc.to_string(), file.to_string());
    Some(FailedDocument { id, file, line: end.line, offset: end.offset? })
}

/// The columns of a file of an output, so that what joins it has the same.
pub(super) fn columns_of(path: &Path, format: OutputFormat, names: &FieldNames) -> Result<InputColumns> {
    let input = open(path, read_as(format), names)?;
    // With the first document the columns are known.
    input.reader().next(&mut Chunk::default())?;
    Ok(input.columns())
}

/// Puts a file of the output among those that are staged, as it is.
pub(super) fn keep(claim: &Claim, file: &PublishedFile) -> Result<()> {
    let (from, to) = (claim.placed(&file.path), claim.staged(&file.path));
    let failed = |error| Error::io(&from, "cannot keep what the run before has written", error);
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    // A link costs nothing; where there are none, it is a copy.
    let kept = step("keep", &to)
        .and_then(|()| fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop)));
    kept.map_err(failed)
}

fn open(path: &Path, format: InputFormat, names: &FieldNames) -> Result<Input> {
    Input::open(InputOptions {
        uris: vec![path.to_string_lossy().into_owned()],
        format: Some(format),
        fields: names.clone(),
        limits: Limits::none(),
        ..InputOptions::default()
    })
}

fn read_as(format: OutputFormat) -> InputFormat {
    match format {
        // Markdown is refused before.
        OutputFormat::Text | OutputFormat::Markdown => InputFormat::Text,
        OutputFormat::Jsonl(_) => InputFormat::Jsonl,
        OutputFormat::Csv(_) => InputFormat::Csv,
        OutputFormat::Tsv(_) => InputFormat::Tsv,
        OutputFormat::Parquet => InputFormat::Parquet,
        OutputFormat::Arrow => InputFormat::Arrow,
    }
}
