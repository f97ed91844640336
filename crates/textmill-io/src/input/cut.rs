//! Cutting a file into documents: what all layouts of files have in common.
//!
//! A [`Cutter`] finds where the documents of one file begin and end, and puts them into a chunk through a [`Filling`], which
//! knows when the chunk is full. One thread cuts at a time, so cutting is as little as it can be; parsing is the workers'
//! part ([`super::Chunk::documents`]).

use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::ahead::Ahead;
use super::chunk::{Chunk, Entry, Form};
use super::lines::Lines;
use super::records::Records;
use super::retries::Retries;
use super::rows::Rows;
use super::shard::{Shard, Shards};
use super::source::{self, Source};
#[cfg(feature = "parquet")]
use super::tables::Tables;
use super::whole::Whole;
use super::{Counts, InputFile, Shared};
use crate::csv::Separator;
use crate::format::InputFormat;
use crate::limits::{Failure, limit_of};
use crate::{Error, Result, warc};

pub(super) const MAX_DOCUMENTS: usize = 256;
pub(super) const MAX_BYTES: usize = 1 << 20;
/// So many bytes are kept of a document that is too long.
const START: usize = 1 << 10;
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Cuts one file into documents, in their order.
pub(super) trait Cutter: Send {
    /// Adds documents until the chunk is done or the file ends. False: it ends, and the cutter is not called again. A file
    /// that cannot be read to its end ends with a document that fails ([`Found::failure`]).
    fn cut(&mut self, filling: &mut Filling<'_>) -> bool;
}

/// A file that is being cut.
pub(super) struct Cutting {
    pub(super) file: InputFile,
    /// The format, as far as it is known: a cutter of columns says which there are.
    pub(super) format: InputFormat,
    cutter: Box<dyn Cutter>,
}

/// A chunk that is being filled.
pub(super) struct Filling<'r> {
    pub(super) chunk: &'r mut Chunk,
    pub(super) carried: &'r mut Carried,
    pub(super) counts: &'r mut Counts,
    pub(super) shards: &'r mut Shards,
    /// Read no more than so many documents.
    pub(super) limit: u64,
    file: Arc<str>,
}

/// What was read for the chunk before, but did not fit: a whole document, or the beginning of one.
#[derive(Debug, Default)]
pub(super) struct Carried {
    data: Vec<u8>,
    entry: Option<(Shard, Entry)>,
}

/// A document that a cutter has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What it is read as.
    pub(super) form: Form,
    /// The line, from 1; `None` where the file is the document.
    pub(super) line: Option<u64>,
    /// Where it begins in the (decompressed) file, in bytes.
    pub(super) offset: u64,
    /// Why it cannot be read, if so.
    pub(super) failure: Option<Failure>,
}

impl Cutting {
    /// Opens a file. One that cannot be opened is one that fails when it is cut.
    ///
    /// # Errors
    /// The system has nothing left to open it with, which says nothing of the file.
    pub(super) fn new(
        file: InputFile,
        shared: &Shared,
        bytes_read: &Arc<AtomicU64>,
        ahead: Option<&Arc<Ahead>>,
    ) -> Result<Self> {
        let opened = open(&file, shared, bytes_read, ahead);
        if let Some(error) = opened.as_ref().err().filter(|error| is_in_want(error)) {
            let error = io::Error::from_raw_os_error(error.raw_os_error().unwrap_or_default());
            return Err(Error::io(&file.path, "cannot open the file", error));
        }
        let (format, cutter) = opened.unwrap_or_else(|error| {
            let format = file.format.unwrap_or(InputFormat::Text);
            let line = format.has_places().then_some(1);
            let failing: Box<dyn Cutter> = Box::new(Failing { line, failure: Some(explain(&error)) });
            // Nobody will say which columns there are.
            shared.columns.found(Vec::new);
            (format, failing)
        });
        Ok(Self { file, format, cutter })
    }

    /// See [`Cutter::cut`].
    pub(super) fn cut<'r>(
        &mut self,
        chunk: &'r mut Chunk,
        carried: &'r mut Carried,
        counts: &'r mut Counts,
        shards: &'r mut Shards,
        limit: u64,
    ) -> bool {
        let file = Arc::clone(&self.file.name);
        self.cutter.cut(&mut Filling { chunk, carried, counts, shards, limit, file })
    }
}

/// The format of a file, and what cuts it.
fn open(
    file: &InputFile,
    shared: &Shared,
    bytes_read: &Arc<AtomicU64>,
    ahead: Option<&Arc<Ahead>>,
) -> io::Result<(InputFormat, Box<dyn Cutter>)> {
    let mut source = source::open(file, &shared.limits, bytes_read, ahead)?;
    let format = file.format.map_or_else(|| sniff(&mut source), Ok)?;
    if shared.is_retried {
        return Ok((format, Box::new(Retries::new(source))));
    }
    let columns = shared.columns.clone();
    let cutter: Box<dyn Cutter> = match format {
        InputFormat::Text | InputFormat::Html => Box::new(Whole::new(source, &shared.limits)),
        InputFormat::Jsonl => Box::new(Lines::new(source, &shared.limits)),
        InputFormat::Csv => Box::new(Rows::new(source, Separator::COMMA, columns, &shared.limits)),
        InputFormat::Tsv => Box::new(Rows::new(source, Separator::TAB, columns, &shared.limits)),
        InputFormat::Warc => {
            shared.columns.found(|| warc::columns(&shared.fields));
            Box::new(Records::new(source, &shared.limits))
        }
        InputFormat::Parquet | InputFormat::Arrow => {
            open_table(file, format, source, shared, bytes_read, ahead)?
        }
    };
    Ok((format, cutter))
}

#[cfg(feature = "parquet")]
fn open_table(
    file: &InputFile,
    format: InputFormat,
    source: Source,
    shared: &Shared,
    bytes_read: &Arc<AtomicU64>,
    ahead: Option<&Arc<Ahead>>,
) -> io::Result<Box<dyn Cutter>> {
    let tables = match format {
        InputFormat::Parquet => Tables::parquet(file, source, shared, bytes_read, ahead),
        _ => Tables::arrow(file, source, shared, bytes_read),
    };
    Ok(Box::new(tables?))
}

#[cfg(not(feature = "parquet"))]
fn open_table(
    _: &InputFile,
    _: InputFormat,
    _: Source,
    _: &Shared,
    _: &Arc<AtomicU64>,
    _: Option<&Arc<Ahead>>,
) -> io::Result<Box<dyn Cutter>> {
    Err(io::Error::other("this textmill was built without Parquet and Arrow"))
}

/// JSON lines begin with a brace; all others but texts with bytes of their own.
fn sniff(source: &mut Source) -> io::Result<InputFormat> {
    let block = source.fill_buf()?;
    let text = block.strip_prefix(BOM).unwrap_or(block).trim_ascii_start();
    Ok(match text {
        [b'{', ..] => InputFormat::Jsonl,
        _ if text.starts_with(warc::MAGIC) => InputFormat::Warc,
        [b'P', b'A', b'R', b'1', ..] => InputFormat::Parquet,
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] | [0xff, 0xff, 0xff, 0xff, ..] => InputFormat::Arrow,
        _ => InputFormat::Text,
    })
}

impl Filling<'_> {
    /// Whether nothing more belongs into this chunk.
    pub(super) fn is_done(&self) -> bool {
        !self.carried.is_empty() || self.chunk.is_full() || self.documents() >= self.limit
    }

    /// Where the next document is to be read to: the bytes of those before it, behind which it is put.
    pub(super) fn data(&mut self) -> &mut Vec<u8> {
        &mut self.chunk.data
    }

    /// Documents that follow lie elsewhere, and take so many bytes there.
    #[cfg(feature = "parquet")]
    pub(super) fn hold(&mut self, bytes: usize) {
        self.chunk.held += bytes;
    }

    /// The bytes that were read behind the last document.
    pub(super) fn pending(&self) -> &[u8] {
        &self.chunk.data[self.chunk.start_of_next()..]
    }

    /// Forgets the bytes that were read behind the last document: they are a blank line.
    pub(super) fn skip_blank(&mut self) {
        self.counts.blank_lines += 1;
        self.skip();
    }

    /// Forgets the bytes that were read behind the last document: they are none.
    pub(super) fn skip(&mut self) {
        self.chunk.data.truncate(self.chunk.start_of_next());
    }

    /// The bytes behind the last document are one more. It goes into this chunk or, if that is full, or the document
    /// belongs to the next shard, into the next chunk.
    pub(super) fn take(&mut self, found: Found) {
        self.take_from(Arc::clone(&self.file), found);
    }

    /// The same, of a document that was in another file once.
    pub(super) fn take_from(&mut self, file: Arc<str>, found: Found) {
        let start = self.chunk.start_of_next();
        let pending = &self.chunk.data[start..];
        let (length, content) = (pending.len(), without_bom(pending, found.offset).len());
        let entry = Entry {
            file,
            form: found.form,
            line: found.line,
            offset: found.offset,
            start: start + length - content,
            end: start + length,
            has_bom: content < length,
            failure: found.failure.map(Box::new),
        };
        let shard = self.shards.at(found.offset);
        if self.is_overfull() || !self.chunk.belongs_to(shard) {
            self.carry();
            let entry = Entry { start: entry.start - start, end: entry.end - start, ..entry };
            self.carried.entry = Some((shard, entry));
        } else {
            self.chunk.push(shard, entry);
        }
    }

    /// Forgets all but the beginning of what was read behind the last document, because it is too long, and gives back the room;
    /// how many bytes were forgotten.
    pub(super) fn keep_start(&mut self) -> u64 {
        let data = &mut self.chunk.data;
        let length = data.len();
        data.truncate(self.chunk.entries.last().map_or(0, |entry| entry.end) + START);
        data.shrink_to(4 * MAX_BYTES);
        (length - data.len()) as u64
    }

    /// What was read behind the last document is all that can be read of the file. Of one that unpacks without end, that is not
    /// worth keeping.
    pub(super) fn take_broken(&mut self, error: &io::Error, found: Found) {
        self.take_broken_behind(0, error, found);
    }

    /// The same, where so many bytes of the document were forgotten before.
    pub(super) fn take_broken_behind(&mut self, forgotten: u64, error: &io::Error, found: Found) {
        let mut failure = explain(error);
        if failure.limit.is_some() || forgotten > 0 {
            self.keep_start();
            failure = failure.of_start();
        }
        self.take(Found { failure: Some(failure), ..found });
    }

    /// Moves the beginning of a document to the next chunk, if it is too much for this one already. Call it between the
    /// pieces of a document that is read piece by piece. White space stays until more is known: with a blank line, the chunk
    /// would end where a block happened to.
    pub(super) fn carry_if_overfull(&mut self) {
        if self.is_overfull() && !self.pending().trim_ascii().is_empty() {
            self.carry();
        }
    }

    /// The bound is that of [`Chunk::is_full`]: a chunk that counts as full ends, and what was neither a document nor
    /// carried would be lost.
    fn is_overfull(&self) -> bool {
        !self.chunk.is_empty() && self.chunk.data.len() >= MAX_BYTES
    }

    fn carry(&mut self) {
        let start = self.chunk.start_of_next();
        self.carried.data.extend_from_slice(&self.chunk.data[start..]);
        self.chunk.data.truncate(start);
    }

    fn documents(&self) -> u64 {
        self.counts.documents + self.chunk.entries.len() as u64
    }
}

impl Carried {
    pub(super) fn is_empty(&self) -> bool {
        self.data.is_empty() && self.entry.is_none()
    }

    /// Puts what was carried into an empty chunk.
    pub(super) fn unload(&mut self, chunk: &mut Chunk) {
        mem::swap(&mut chunk.data, &mut self.data);
        if let Some((shard, entry)) = self.entry.take() {
            chunk.push(shard, entry);
        }
    }
}

impl Chunk {
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= MAX_DOCUMENTS || (!self.entries.is_empty() && self.bytes() >= MAX_BYTES)
    }

    /// One huge document must not hold its memory for the rest of the run.
    pub(super) fn empty(&mut self) {
        self.entries.clear();
        self.held = 0;
        self.data.clear();
        self.data.shrink_to(4 * MAX_BYTES);
    }

    /// Where the bytes of the document after the last one begin.
    fn start_of_next(&self) -> usize {
        self.entries.last().map_or(0, |entry| entry.end)
    }

    fn belongs_to(&self, shard: Shard) -> bool {
        self.is_empty() || self.shard == shard
    }

    fn push(&mut self, shard: Shard, entry: Entry) {
        self.shard = shard;
        self.entries.push(entry);
    }
}

/// The bytes at `offset` of a file, less a byte order mark at its beginning.
pub(super) fn without_bom(bytes: &[u8], offset: u64) -> &[u8] {
    let without = if offset == 0 { bytes.strip_prefix(BOM) } else { None };
    without.unwrap_or(bytes)
}

/// What happened to a file, in a sentence without its name.
fn explain(error: &io::Error) -> Failure {
    let message = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file is cut off: its compressed data has no end".to_owned(),
        _ => format!("cannot read the file: {error}"),
    };
    Failure { limit: limit_of(error), ..message.into() }
}

/// Whether the system, and not the file, is why it cannot be opened: there are too many open files (`EMFILE`, `ENFILE`), or
/// there is no memory (`ENOMEM`).
fn is_in_want(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(12 | 23 | 24))
}

/// A file that could not be opened.
struct Failing {
    line: Option<u64>,
    failure: Option<Failure>,
}

impl Cutter for Failing {
    fn cut(&mut self, filling: &mut Filling<'_>) -> bool {
        let failure = self.failure.take();
        filling.take(Found { line: self.line, failure, ..Found::default() });
        false
    }
}
