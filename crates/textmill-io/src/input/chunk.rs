//! A chunk of the input, and how a worker makes documents of it.

use std::borrow::Cow;
use std::sync::Arc;

use super::Shared;
use super::shard::Shard;
use crate::csv::Header;
use crate::document::{Document, Origin};
use crate::format::InvalidUtf8;
use crate::journal::{Key, KeyMaker};
use crate::limits::{Failure, Limit, Limits};
use crate::names::SAME;
use crate::warc;
#[cfg(feature = "parquet")]
use crate::{cell::Cell, table::Table};

/// Some documents in a row, as bytes. Its buffers are used again: pass it to [`super::Reader::next`] again.
#[derive(Debug, Default)]
pub struct Chunk {
    pub(super) number: u64,
    pub(super) shard: Shard,
    pub(super) data: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// The bytes of documents that do not lie in `data`.
    pub(super) held: usize,
    pub(super) shared: Option<Arc<Shared>>,
}

/// A document, or what is left of one that could not be read.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) file: Arc<str>,
    pub(super) form: Form,
    pub(super) line: Option<u64>,
    pub(super) offset: u64,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) has_bom: bool,
    pub(super) failure: Option<Box<Failure>>,
}

/// What the bytes of a document are read as.
#[derive(Clone, Debug, Default)]
pub(super) enum Form {
    /// A text.
    #[default]
    Whole,
    /// A line of JSON.
    Line,
    /// A row of fields below this header.
    Row(Arc<Header>),
    /// A record of a web archive.
    Record,
    /// This row of a table.
    #[cfg(feature = "parquet")]
    Cells(Arc<Table>, usize),
}

/// What the bytes of a document are read as, so that they can be read again by themselves; nothing for a document that has no
/// bytes of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadAs<'c>(Option<(&'static str, Option<&'c Header>)>);

/// A document that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFailure<'c> {
    /// Where it is.
    pub origin: Origin,
    /// What is wrong with it: a sentence for people, without the place.
    pub message: String,
    /// Its bytes as they were read; of a row that was not read as bytes of its own, a JSON object.
    pub original: Cow<'c, [u8]>,
    /// Whether `original` is no more than the beginning of what was read.
    pub is_start: bool,
    /// The limit that the document is beyond, if that is what is wrong with it.
    pub limit: Option<Limit>,
    /// What they were read as; nothing where more is missing than the document, as of a file that is cut off.
    pub read_as: ReadAs<'c>,
}

/// See [`Chunk::documents`].
#[derive(Debug)]
pub struct Documents<'c> {
    chunk: &'c Chunk,
    entries: std::slice::Iter<'c, Entry>,
}

impl Chunk {
    /// The chunks of an input are numbered from 0, in order.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The shard that all its documents belong to.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// How many documents there are, good and bad.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no document.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many bytes the documents have.
    pub fn bytes(&self) -> usize {
        self.data.len() + self.held
    }

    /// Parses the documents, in order.
    pub fn documents(&self) -> Documents<'_> {
        Documents { chunk: self, entries: self.entries.iter() }
    }

    /// What tells it from all other chunks that the same pipeline reads: where its documents come from, and all their bytes.
    /// The number of its shard is left out, because that changes when files are added.
    pub fn key(&self) -> Key {
        let whole = KeyMaker::default().and(&self.data);
        let mut file: &str = "";
        let entries = self.entries.iter().fold(whole, |key, entry| {
            let key = if *entry.file == *file { key } else { key.and(&*entry.file) };
            file = &entry.file;
            entry.add_to(key)
        });
        entries.key()
    }

    fn parse<'c>(&'c self, entry: &'c Entry) -> Result<Document<'c>, ReadFailure<'c>> {
        let original = self.data.get(entry.start..entry.end).unwrap_or_default();
        let document = self.parse_bytes(original, entry);
        let document = document.map(|document| document.read_as(entry.form.read_as()));
        document.map_err(|failure| ReadFailure {
            origin: entry.origin(),
            message: failure.message.into(),
            original: entry.form.original().unwrap_or(Cow::Borrowed(original)),
            is_start: failure.is_start,
            limit: failure.limit,
            read_as: if entry.failure.is_none() { entry.form.read_as() } else { ReadAs::default() },
        })
    }

    fn parse_bytes<'c>(&'c self, original: &'c [u8], entry: &'c Entry) -> Result<Document<'c>, Failure> {
        if let Some(failure) = &entry.failure {
            return Err(Failure::clone(failure));
        }
        let names = self.shared.as_ref().map_or(&SAME, |shared| &shared.fields);
        #[cfg(feature = "parquet")]
        if let Form::Cells(table, row) = &entry.form {
            let cells = table.cells(*row).map(|(name, stored)| (name, Cell::Stored(stored)));
            return Ok(Document::from_row(cells, original, entry.origin(), names)?);
        }
        if let Form::Record = entry.form {
            let page = warc::page(original, names, self.invalid_utf8(), &self.limits())?;
            let document = Document::from_row(page.cells.into_iter(), original, entry.origin(), names)?;
            return Ok(document.noting(page.replaced, false));
        }
        let (text, replaced) = self.decode(original)?;
        let document = match &entry.form {
            Form::Whole => Document::from_file(text, original, entry.origin(), names),
            Form::Line => {
                let document = Document::from_line(text, original, entry.origin(), names)?;
                let limits = self.limits();
                if document.is_deeper_than(limits.json_depth) {
                    return Err(limits.too_deep());
                }
                document
            }
            Form::Row(header) => {
                let cells = match &text {
                    Cow::Borrowed(row) => header.cells(without_return(row))?,
                    Cow::Owned(row) => header.owned_cells(without_return(row))?,
                };
                Document::from_row(cells.into_iter(), original, entry.origin(), names)?
            }
            _ => return Err("this is no text".into()),
        };
        Ok(document.noting(replaced, entry.has_bom))
    }

    fn invalid_utf8(&self) -> InvalidUtf8 {
        self.shared.as_ref().map(|shared| shared.invalid_utf8).unwrap_or_default()
    }

    fn limits(&self) -> Limits {
        self.shared.as_ref().map(|shared| shared.limits).unwrap_or_default()
    }

    /// The bytes as text, and how many sequences had to be replaced for that.
    fn decode<'c>(&self, bytes: &'c [u8]) -> Result<(Cow<'c, str>, usize), String> {
        if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
            return Ok((Cow::Borrowed(text), 0));
        }
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err("the text is UTF-16, not UTF-8".to_owned());
        }
        match self.invalid_utf8() {
            InvalidUtf8::Fail => Err(invalid_utf8(bytes)),
            InvalidUtf8::Replace => Ok((String::from_utf8_lossy(bytes), count_invalid(bytes))),
        }
    }
}

impl<'c> Iterator for Documents<'c> {
    type Item = Result<Document<'c>, ReadFailure<'c>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.next().map(|entry| self.chunk.parse(entry))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl ExactSizeIterator for Documents<'_> {}

impl ReadFailure<'_> {
    /// An id for it: the file, and the offset where the file is not the document.
    pub fn id(&self) -> String {
        if self.origin.line.is_some() { self.origin.place_id() } else { self.origin.file.to_string() }
    }
}

impl<'c> ReadAs<'c> {
    pub(crate) const TEXT: &'static str = "text";
    pub(crate) const JSONL: &'static str = "jsonl";
    pub(crate) const WARC: &'static str = "warc";

    /// The name of the format.
    pub(crate) fn format(self) -> Option<&'static str> {
        self.0.map(|(format, _)| format)
    }

    /// The names of the columns, of a row of text.
    pub(crate) fn header(self) -> Option<&'c [String]> {
        self.0?.1.map(Header::names)
    }
}

impl Form {
    fn add_to(&self, key: KeyMaker) -> KeyMaker {
        match self {
            Self::Whole => key.and([0]),
            Self::Line => key.and([1]),
            Self::Row(header) => header.add_to(key.and([2])),
            Self::Record => key.and([3]),
            #[cfg(feature = "parquet")]
            Self::Cells(table, row) => table.add_to(*row, key.and([4])),
        }
    }

    fn read_as(&self) -> ReadAs<'_> {
        let (format, header) = match self {
            Self::Whole => (ReadAs::TEXT, None),
            Self::Line => (ReadAs::JSONL, None),
            Self::Row(header) => (header.format(), Some(&**header)),
            Self::Record => (ReadAs::WARC, None),
            // What stands for its bytes is a JSON object.
            #[cfg(feature = "parquet")]
            Self::Cells(..) => (ReadAs::JSONL, None),
        };
        ReadAs(Some((format, header)))
    }

    /// What stands for the bytes of a document that has none of its own.
    fn original(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            #[cfg(feature = "parquet")]
            Self::Cells(table, row) => Some(Cow::Owned(table.row_json(*row))),
            _ => None,
        }
    }
}

impl Entry {
    fn add_to(&self, key: KeyMaker) -> KeyMaker {
        let numbers = [self.line.unwrap_or(0), self.offset, self.start as u64, self.end as u64];
        let numbers = numbers.map(u64::to_le_bytes);
        let key = key.and(numbers.as_flattened()).and([u8::from(self.has_bom)]);
        self.form.add_to(key.and(self.failure.as_ref().map_or("", |failure| &failure.message)))
    }

    fn origin(&self) -> Origin {
        Origin { file: Arc::clone(&self.file), line: self.line, offset: self.offset }
    }
}

/// A row without what is left of its line end.
fn without_return(row: &str) -> &str {
    row.strip_suffix('\r').unwrap_or(row)
}

pub(crate) fn invalid_utf8(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(_) => String::new(),
        Err(error) => format!("not valid UTF-8 at byte {}", error.valid_up_to()),
    }
}

/// As many as `from_utf8_lossy` puts U+FFFD.
pub(crate) fn count_invalid(bytes: &[u8]) -> usize {
    bytes.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count()
}
