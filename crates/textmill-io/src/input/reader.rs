//! Cuts the input into chunks.
//!
//! Where it cuts depends on the documents alone and not on how many bytes a read happened to give: after 256 documents, or
//! before the one that would bring the chunk above 1 MiB. Only line ends are looked for; parsing is the workers' part.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::chunk::{Chunk, Entry};
use super::source::{self, Source};
use super::{InputFile, Shared};
use crate::Result;
use crate::format::InputFormat;

const MAX_DOCUMENTS: usize = 256;
const MAX_BYTES: usize = 1 << 20;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Reads the input, in order.
pub struct Reader {
    files: std::vec::IntoIter<InputFile>,
    shared: Arc<Shared>,
    current: Option<Open>,
    /// What was read for the chunk before, but did not fit: a whole document, or the beginning of a line.
    carried: Vec<u8>,
    carried_entry: Option<Entry>,
    next_number: u64,
    counts: Counts,
    bytes_read: Arc<AtomicU64>,
}

/// What a [`Reader`] has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files that were opened, or would have been.
    pub files: u64,
    /// Documents, good and bad: as many as the chunks held.
    pub documents: u64,
    /// Lines of white space between documents.
    pub blank_lines: u64,
    /// Bytes of documents, decompressed.
    pub bytes: u64,
}

/// The file that is being read.
struct Open {
    file: InputFile,
    format: InputFormat,
    source: Source,
    line: u64,
    offset: u64,
}

impl Reader {
    pub(super) fn new(files: Vec<InputFile>, shared: Arc<Shared>) -> Self {
        Self {
            files: files.into_iter(),
            shared,
            current: None,
            carried: Vec::new(),
            carried_entry: None,
            next_number: 0,
            counts: Counts::default(),
            bytes_read: Arc::default(),
        }
    }

    /// Fills `chunk` with the next documents: at most 256 or 1 MiB, a larger one alone. False: there are none left.
    ///
    /// A file that cannot be read, or not to its end, is no error here: it is a document of the chunk that fails.
    ///
    /// # Errors
    /// None so far.
    pub fn next(&mut self, chunk: &mut Chunk) -> Result<bool> {
        chunk.start(self.next_number, &self.shared);
        mem::swap(&mut chunk.data, &mut self.carried);
        chunk.entries.extend(self.carried_entry.take());
        while !self.is_done_with(chunk) && self.open() {
            self.read(chunk);
        }
        self.next_number += 1;
        self.counts.documents += chunk.entries.len() as u64;
        self.counts.bytes += chunk.data.len() as u64;
        Ok(!chunk.is_empty())
    }

    /// Bytes read from the files, compressed as they are.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// What was read so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn is_done_with(&self, chunk: &Chunk) -> bool {
        let has_carried = !self.carried.is_empty() || self.carried_entry.is_some();
        let documents = self.counts.documents + chunk.entries.len() as u64;
        has_carried || chunk.is_full() || documents >= self.shared.limit
    }

    /// Whether a file is open, after opening the next one if need be.
    fn open(&mut self) -> bool {
        if self.current.is_none() {
            let opened = self.files.next().map(|file| Open::new(file, &self.bytes_read));
            self.counts.files += u64::from(opened.is_some());
            self.current = opened;
        }
        self.current.is_some()
    }

    fn read(&mut self, chunk: &mut Chunk) {
        let Some(mut open) = self.current.take() else { return };
        let is_open = match open.format {
            InputFormat::Text | InputFormat::Html => self.read_file(&mut open, chunk),
            InputFormat::Jsonl => self.read_lines(&mut open, chunk),
        };
        self.current = is_open.then_some(open);
    }

    /// Reads the file as one document. False: the end of the file.
    fn read_file(&mut self, open: &mut Open, chunk: &mut Chunk) -> bool {
        let failure = open.source.read_to_end(&mut chunk.data).err();
        self.take(open, failure.as_ref(), chunk);
        false
    }

    /// Reads lines until the chunk is full. False: the end of the file.
    fn read_lines(&mut self, open: &mut Open, chunk: &mut Chunk) -> bool {
        while !self.is_done_with(chunk) {
            match open.read_line(&mut chunk.data) {
                Ok(Piece::Line) => self.end_line(open, chunk),
                Ok(Piece::Part) => _ = self.carry_if_overfull(chunk),
                Ok(Piece::End) => {
                    if chunk.data.len() > chunk.start_of_next() {
                        self.end_line(open, chunk);
                    }
                    return false;
                }
                Err(error) => {
                    self.take(open, Some(&error), chunk);
                    return false;
                }
            }
        }
        true
    }

    /// What follows the last document is a line: a document, or blank.
    fn end_line(&mut self, open: &mut Open, chunk: &mut Chunk) {
        let start = chunk.start_of_next();
        let line = &chunk.data[start..];
        let length = line.len() as u64;
        let is_blank = open.without_bom(line).trim_ascii().is_empty();
        if is_blank {
            self.counts.blank_lines += 1;
            chunk.data.truncate(start);
        } else {
            self.take(open, None, chunk);
        }
        open.line += 1;
        open.offset += length + 1;
    }

    /// What follows the last document is one more. It goes into this chunk or, if that is full, into the next.
    fn take(&mut self, open: &Open, failure: Option<&io::Error>, chunk: &mut Chunk) {
        let start = chunk.start_of_next();
        let length = chunk.data.len() - start;
        let content = open.without_bom(&chunk.data[start..]).len();
        let entry = Entry {
            file: Arc::clone(&open.file.name),
            format: open.format,
            line: open.line,
            offset: open.offset,
            start: start + length - content,
            end: start + length,
            has_bom: content < length,
            failure: failure.map(|error| explain(error).into()),
        };
        if self.carry_if_overfull(chunk) {
            self.carried_entry = Some(Entry { start: entry.start - start, end: entry.end - start, ..entry });
        } else {
            chunk.entries.push(entry);
        }
    }

    /// Moves what follows the last document to the next chunk, if it is too much for this one. The bound is that of
    /// [`Chunk::is_full`]: a chunk that counts as full ends, and what was neither a document nor carried would be lost.
    fn carry_if_overfull(&mut self, chunk: &mut Chunk) -> bool {
        let is_overfull = !chunk.is_empty() && chunk.data.len() >= MAX_BYTES;
        if is_overfull {
            let start = chunk.start_of_next();
            self.carried.extend_from_slice(&chunk.data[start..]);
            chunk.data.truncate(start);
        }
        is_overfull
    }
}

impl Chunk {
    fn start(&mut self, number: u64, shared: &Arc<Shared>) {
        self.number = number;
        self.shared = Some(Arc::clone(shared));
        self.entries.clear();
        self.data.clear();
        // One huge document must not hold its memory for the rest of the run.
        self.data.shrink_to(4 * MAX_BYTES);
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= MAX_DOCUMENTS || (!self.entries.is_empty() && self.data.len() >= MAX_BYTES)
    }

    /// Where the bytes of the document after the last one begin.
    fn start_of_next(&self) -> usize {
        self.entries.last().map_or(0, |entry| entry.end)
    }
}

/// What [`Open::read_line`] read.
enum Piece {
    /// The rest of a line.
    Line,
    /// A part of a line, without its end.
    Part,
    /// Nothing: the file ends.
    End,
}

impl Open {
    /// A file that cannot be opened is one that fails when it is read.
    fn new(file: InputFile, bytes_read: &Arc<AtomicU64>) -> Self {
        let opened = source::open(&file, bytes_read).and_then(|mut source| {
            let format = file.format.map_or_else(|| sniff(&mut source), Ok)?;
            Ok((source, format))
        });
        let (source, format) = opened.unwrap_or_else(|error| {
            (Box::new(Failing(Some(error))), file.format.unwrap_or(InputFormat::Text))
        });
        Self { file, format, source, line: 1, offset: 0 }
    }

    fn read_line(&mut self, data: &mut Vec<u8>) -> io::Result<Piece> {
        let block = match self.source.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Piece::Part),
            block => block?,
        };
        if block.is_empty() {
            return Ok(Piece::End);
        }
        let end = memchr::memchr(b'\n', block);
        let piece = &block[..end.unwrap_or(block.len())];
        data.extend_from_slice(piece);
        let consumed = piece.len() + usize::from(end.is_some());
        self.source.consume(consumed);
        Ok(if end.is_some() { Piece::Line } else { Piece::Part })
    }

    /// `bytes` are the next of the file.
    fn without_bom<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let without = if self.offset == 0 { bytes.strip_prefix(BOM) } else { None };
        without.unwrap_or(bytes)
    }
}

/// JSON lines begin with a brace.
fn sniff(source: &mut Source) -> io::Result<InputFormat> {
    let block = source.fill_buf()?;
    let block = block.strip_prefix(BOM).unwrap_or(block).trim_ascii_start();
    Ok(if block.first() == Some(&b'{') { InputFormat::Jsonl } else { InputFormat::Text })
}

/// A file that could not be opened.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

impl BufRead for Failing {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.take().map_or(Ok(&[]), Err)
    }

    fn consume(&mut self, _: usize) {}
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.current.as_ref().map(|open| &open.file.name);
        f.debug_struct("Reader").field("file", &file).field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// What happened to a file, in a sentence without its name.
fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file is cut off: its compressed data has no end".to_owned(),
        _ => format!("cannot read the file: {error}"),
    }
}
