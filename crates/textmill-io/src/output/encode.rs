//! Documents become bytes: in the worker, so that the thread that writes has only to write.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write as _};
use std::sync::{Arc, OnceLock};

#[cfg(feature = "parquet")]
use arrow_array::RecordBatch;
#[cfg(feature = "parquet")]
use arrow_schema::SchemaRef;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use super::pattern::{self, NamePart, Pattern};
use super::{OutputOptions, Refused};
use crate::cell::Cell;
use crate::columns::{Column, Columns, InputColumns};
use crate::csv;
use crate::document::{Document, Origin};
use crate::format::{Compression, OutputFormat};
use crate::input::{ReadAs, Shard};
use crate::ledger::LedgerEntry;
use crate::markdown;
#[cfg(feature = "parquet")]
use crate::table::{self, TableBuilder, TableWriter};
use crate::{Error, Result};

/// A batch above this size (bytes) is compressed by its worker, as a gzip member of its own; smaller ones are gathered by
/// the writer, because a member of a few lines hardly compresses.
const WORTH_A_MEMBER: usize = 64 << 10;

/// How many bytes of a buffer stay when it is used again: some batches of the usual size.
const KEPT: usize = 4 << 20;

/// Makes bytes of documents. Cheap to clone: one for each worker.
#[derive(Clone, Debug)]
pub struct Encoder {
    pub(super) format: OutputFormat,
    /// Which file a document goes to, if not all go to one.
    pattern: Option<Arc<Pattern>>,
    table: Arc<Table>,
    page: Arc<Page>,
}

/// What a page of Markdown is called, and what its sections are.
#[derive(Debug)]
struct Page {
    title: String,
    group_by: Option<String>,
}

/// The columns of the output, which are known when the first document is there.
#[derive(Debug)]
struct Table {
    declared: Option<Vec<Column>>,
    input: InputColumns,
    columns: OnceLock<Columns>,
    #[cfg(feature = "parquet")]
    schema: OnceLock<SchemaRef>,
}

/// Documents as bytes, on their way to the writer. Its buffers are used again after [`EncodedBatch::clear`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct EncodedBatch {
    #[serde(with = "serde_bytes")]
    pub(super) bytes: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub(super) compressed: Vec<u8>,
    pub(super) documents: u64,
    /// The shard of the input that they come from.
    pub(super) shard: Shard,
    /// Those of each series of files, where there are several.
    groups: Vec<(String, EncodedBatch)>,
    #[serde(skip)]
    numbers: HashMap<String, usize>,
    /// Those that cannot be written.
    pub(super) refused: Vec<Refused>,
    /// Rows of Arrow that are gathered, and those that are ready.
    #[cfg(feature = "parquet")]
    #[serde(skip)]
    builder: Option<TableBuilder>,
    #[cfg(feature = "parquet")]
    #[serde(with = "table::packed")]
    pub(super) rows: Option<RecordBatch>,
    /// Where each document is, if it goes into a file of its own.
    pub(super) files: Vec<EncodedFile>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EncodedFile {
    pub(super) id: String,
    pub(super) origin: Origin,
    pub(super) end: usize,
}

/// A document that does not go on, and why: a line of the dropped or of the failed output.
#[derive(Clone, Copy, Debug)]
pub struct Rejected<'a> {
    /// Its id.
    pub id: &'a str,
    /// Where it comes from.
    pub origin: &'a Origin,
    /// The stage that said so; `None` for the reader and the writer.
    pub stage: Option<&'a str>,
    /// The reason.
    pub why: Why<'a>,
    /// What is kept of it.
    pub body: Body<'a>,
}

/// Why a document does not go on.
#[derive(Clone, Copy, Debug)]
pub enum Why<'a> {
    /// It was dropped under this rule.
    Rule(&'a str),
    /// It failed with this error.
    Error(&'a str),
}

/// What is kept of a rejected document.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// The text.
    Text(&'a str),
    /// The bytes as they were read, in base64 where they are not UTF-8, and what they were read as.
    Original(&'a [u8], ReadAs<'a>),
    /// The beginning of them, of what is too long to be kept. It has a name of its own, so that nobody takes it for the whole.
    Start(&'a [u8]),
}

impl Encoder {
    pub(super) fn new(format: OutputFormat, pattern: Option<Pattern>, options: &OutputOptions) -> Self {
        let (declared, input) = (options.columns.clone(), options.input.clone());
        let table = Table {
            declared,
            input,
            columns: OnceLock::new(),
            #[cfg(feature = "parquet")]
            schema: OnceLock::new(),
        };
        let page = Page { title: options.pipeline.clone(), group_by: options.group_by.clone() };
        Self { format, pattern: pattern.map(Arc::new), table: Arc::new(table), page: Arc::new(page) }
    }

    /// What stands at the beginning of every file.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut head = Vec::new();
        if let Some(separator) = self.format.separator() {
            let names = self.columns().list().iter().map(|column| Some(column.name.as_str()));
            csv::write_row(names, separator, &mut head);
        }
        if self.format == OutputFormat::Markdown {
            markdown::heading(1, &markdown::escape(&self.page.title), &mut head);
        }
        head
    }

    /// Whether documents go into sections.
    pub(super) fn has_sections(&self) -> bool {
        self.page.group_by.is_some()
    }

    fn columns(&self) -> &Columns {
        let Table { declared, input, columns, .. } = &*self.table;
        columns.get_or_init(|| input.columns(declared.as_deref()))
    }

    /// The one series of files that there is, if all documents go to one.
    pub(super) fn only_series(&self) -> Option<&str> {
        self.pattern.as_ref()?.only_series()
    }

    /// What it makes of documents: a text that is another for another format, other columns or other names of files. Call it
    /// when the first documents were read: with them the columns are known.
    pub fn describe(&self) -> Vec<u8> {
        let page = &self.page;
        let mut description = format!("{:?} {:?} {page:?} ", self.format, self.pattern).into_bytes();
        description.extend(self.head());
        description.extend(self.packed_schema());
        description
    }

    /// The columns and their types; `Debug` would list what fields say beside in any order.
    #[cfg(feature = "parquet")]
    fn packed_schema(&self) -> Vec<u8> {
        let is_table = matches!(self.format, OutputFormat::Parquet | OutputFormat::Arrow);
        let schema = is_table.then(|| self.table.schema.get_or_init(|| table::schema(self.columns())));
        let packed = schema.map(|schema| table::pack(&RecordBatch::new_empty(Arc::clone(schema))));
        packed.and_then(io::Result::ok).unwrap_or_default()
    }

    #[cfg(not(feature = "parquet"))]
    fn packed_schema(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Whether the name of a document's file says which shard it comes from.
    pub fn names_shards(&self) -> bool {
        self.pattern.as_ref().is_some_and(|pattern| pattern.has(&NamePart::Shard))
    }

    /// Appends a document to a batch.
    pub fn encode(&self, document: &Document<'_>, batch: &mut EncodedBatch) {
        if let Some(field) = &self.page.group_by {
            return encode_below(field, document, batch);
        }
        let Some(pattern) = self.pattern.as_ref().filter(|_| self.only_series().is_none()) else {
            return self.encode_into(document, batch);
        };
        match pattern.series(document, batch.shard) {
            Ok(series) => self.encode_into(document, batch.group(series)),
            Err(message) => {
                batch.documents += 1;
                batch.refuse(document, message);
            }
        }
    }

    /// Appends a document that was written before to a batch, whatever file it goes to.
    pub(super) fn encode_again(&self, document: &Document<'_>, batch: &mut EncodedBatch) {
        self.encode_into(document, batch);
    }

    fn encode_into(&self, document: &Document<'_>, batch: &mut EncodedBatch) {
        match self.format {
            OutputFormat::Jsonl(_) => {
                document.write_json(&mut batch.bytes);
                batch.bytes.push(b'\n');
                batch.documents += 1;
            }
            OutputFormat::Csv(_) | OutputFormat::Tsv(_) => {
                batch.documents += 1;
                if let Err(message) = self.write_row(document, &mut batch.bytes) {
                    batch.refuse(document, message);
                }
            }
            OutputFormat::Parquet | OutputFormat::Arrow => {
                batch.documents += 1;
                if let Err(message) = self.push_row(document, batch) {
                    batch.refuse(document, message);
                }
            }
            OutputFormat::Markdown => {
                markdown::write(document, 2, &mut batch.bytes);
                batch.documents += 1;
            }
            OutputFormat::Text => {
                batch.push_file(document.id(), document.origin(), document.text().as_bytes());
            }
        }
    }

    #[cfg(feature = "parquet")]
    fn push_row(&self, document: &Document<'_>, batch: &mut EncodedBatch) -> std::result::Result<(), String> {
        let columns = self.columns();
        let row = columns.row(document)?;
        let schema = || Arc::clone(self.table.schema.get_or_init(|| table::schema(columns)));
        batch.builder.get_or_insert_with(|| TableBuilder::new(columns, schema())).push(&row);
        Ok(())
    }

    #[cfg(not(feature = "parquet"))]
    fn push_row(&self, _: &Document<'_>, _: &mut EncodedBatch) -> std::result::Result<(), String> {
        Err("this textmill was built without Parquet and Arrow".to_owned())
    }

    /// What writes the rows of a file; `None` where there are none.
    #[cfg(feature = "parquet")]
    pub(super) fn table_writer(&self) -> io::Result<Option<TableWriter>> {
        let schema = || self.table.schema.get_or_init(|| table::schema(self.columns()));
        match self.format {
            OutputFormat::Parquet => TableWriter::parquet(Arc::clone(schema())).map(Some),
            OutputFormat::Arrow => TableWriter::arrow(schema()).map(Some),
            _ => Ok(None),
        }
    }

    /// Appends an entry of a ledger to a batch.
    pub fn entry(&self, entry: &LedgerEntry<'_>, batch: &mut EncodedBatch) {
        batch.documents += 1;
        match self.format {
            #[cfg(feature = "parquet")]
            OutputFormat::Parquet | OutputFormat::Arrow => {
                let columns = self.columns();
                let schema = || Arc::clone(self.table.schema.get_or_init(|| table::schema(columns)));
                batch.builder.get_or_insert_with(|| TableBuilder::new(columns, schema())).push(&entry.row());
            }
            _ => {
                entry.write_json(&mut batch.bytes);
                batch.bytes.push(b'\n');
            }
        }
    }

    /// Appends a rejected document to a batch: JSON lines with `id`, `file`, `line`, `offset`, `stage`, `rule` or `error`,
    /// and `text`, `original` or `original-base64`, or `original-start` if that is all that was kept; of one that failed and can
    /// be taken up again, what its original is to be read as: `format`, and for a row `header`. A folder of texts has no place
    /// for a reason: it gets the text alone.
    pub fn reject(&self, rejected: &Rejected<'_>, batch: &mut EncodedBatch) {
        if self.format == OutputFormat::Text {
            batch.push_file(rejected.id, rejected.origin, rejected.body.bytes());
        } else {
            Record::of(rejected).write(&mut batch.bytes);
            batch.documents += 1;
        }
    }

    fn write_row(&self, document: &Document<'_>, out: &mut Vec<u8>) -> std::result::Result<(), String> {
        let Some(separator) = self.format.separator() else { return Ok(()) };
        let row = self.columns().row(document)?;
        csv::write_row(row.iter().map(|cell| cell.as_ref().map(Cell::written)), separator, out);
        Ok(())
    }

    /// Compresses what can be compressed here. Call it in the worker, when the batch is complete.
    ///
    /// # Errors
    /// The compression refuses, which it does for want of memory.
    pub fn finish(&self, batch: &mut EncodedBatch) -> Result<()> {
        if self.format.compression() == Compression::Gzip && batch.bytes.len() >= WORTH_A_MEMBER {
            gzip(&batch.bytes, &mut batch.compressed)
                .map_err(|error| Error::io("", "cannot compress", error))?;
            batch.bytes.clear();
        }
        #[cfg(feature = "parquet")]
        if let Some(builder) = &mut batch.builder {
            let rows = builder.finish().map_err(|error| {
                Error::io("", "cannot lay out the documents as columns", io::Error::other(error))
            })?;
            batch.rows = Some(rows);
        }
        batch.groups.iter_mut().try_for_each(|(_, batch)| self.finish(batch))
    }
}

/// Into the section of the document, which is told by a field. Those without a value have no heading above their own.
fn encode_below(field: &str, document: &Document<'_>, batch: &mut EncodedBatch) {
    match pattern::text_of(document, field) {
        Ok(value) => {
            let value = value.filter(|value| !value.trim().is_empty());
            let level = if value.is_some() { 3 } else { 2 };
            let section = batch.group(value.unwrap_or_default());
            markdown::write(document, level, &mut section.bytes);
            section.documents += 1;
        }
        Err(found) => {
            batch.documents += 1;
            batch.refuse(document, format!("{found}, which cannot be a heading"));
        }
    }
}

impl EncodedBatch {
    /// How many documents there are.
    pub fn documents(&self) -> u64 {
        self.documents + self.groups.iter().map(|(_, batch)| batch.documents).sum::<u64>()
    }

    /// How many of those in it, and not in a group of it, are written.
    pub(super) fn written(&self) -> u64 {
        self.documents - self.refused.len() as u64
    }

    /// The rows that are ready, as bytes; none where there are no rows.
    #[cfg(feature = "parquet")]
    pub(super) fn packed_rows(&self) -> io::Result<Vec<u8>> {
        self.rows.as_ref().map_or(Ok(Vec::new()), table::pack)
    }

    /// See [`Self::packed_rows`].
    #[cfg(feature = "parquet")]
    pub(super) fn unpack_rows(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.rows = if bytes.is_empty() { None } else { Some(table::unpack(bytes)?) };
        Ok(())
    }

    #[cfg(not(feature = "parquet"))]
    pub(super) fn packed_rows(&self) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    #[cfg(not(feature = "parquet"))]
    pub(super) fn unpack_rows(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    /// The documents that follow come from this shard of the input.
    pub fn begin(&mut self, shard: Shard) {
        self.shard = shard;
    }

    /// The documents of each series of files.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.groups.iter().map(|(series, batch)| (series.as_str(), batch))
    }

    /// Those that cannot be written.
    pub(super) fn all_refused(&self) -> Vec<Refused> {
        let groups = self.groups.iter().flat_map(|(_, batch)| &batch.refused);
        self.refused.iter().chain(groups).cloned().collect()
    }

    fn group(&mut self, series: String) -> &mut Self {
        let number = self.numbers.get(&series).copied().unwrap_or_else(|| {
            self.groups.push((series.clone(), Self::default()));
            self.numbers.insert(series, self.groups.len() - 1);
            self.groups.len() - 1
        });
        &mut self.groups[number].1
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.documents() == 0
    }

    /// How many bytes there are.
    pub fn bytes(&self) -> usize {
        #[cfg(feature = "parquet")]
        let rows = self.rows.as_ref().map_or(0, RecordBatch::get_array_memory_size);
        #[cfg(not(feature = "parquet"))]
        let rows = 0;
        let groups = self.groups.iter().map(|(_, batch)| batch.bytes()).sum::<usize>();
        self.bytes.len() + self.compressed.len() + rows + groups
    }

    /// Makes the batch empty. Its buffers stay, but not what one huge document has made of them.
    pub fn clear(&mut self) {
        for buffer in [&mut self.bytes, &mut self.compressed] {
            buffer.clear();
            buffer.shrink_to(KEPT);
        }
        self.documents = 0;
        self.groups.clear();
        self.numbers.clear();
        self.files.clear();
        self.refused.clear();
        #[cfg(feature = "parquet")]
        {
            (self.builder, self.rows) = (None, None);
        }
    }

    fn refuse(&mut self, document: &Document<'_>, message: String) {
        let mut bytes = Vec::new();
        document.write_json(&mut bytes);
        let (id, origin) = (document.id().to_owned(), document.origin().clone());
        self.refused.push(Refused { id, origin, message, bytes });
    }

    fn push_file(&mut self, id: &str, origin: &Origin, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.files.push(EncodedFile { id: id.to_owned(), origin: origin.clone(), end: self.bytes.len() });
        self.documents += 1;
    }
}

impl Body<'_> {
    /// The same, not to be taken up again by itself.
    #[must_use]
    pub fn not_again(self) -> Self {
        match self {
            Self::Original(bytes, _) => Self::Original(bytes, ReadAs::default()),
            other @ (Self::Text(_) | Self::Start(_)) => other,
        }
    }
}

impl<'a> Body<'a> {
    fn bytes(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Original(bytes, _) | Self::Start(bytes) => bytes,
        }
    }
}

/// A line of the dropped or of the failed output.
#[derive(Serialize)]
struct Record<'a> {
    id: &'a str,
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<&'a str>,
    #[serde(rename = "original-base64", skip_serializing_if = "Option::is_none")]
    original_base64: Option<String>,
    #[serde(rename = "original-start", skip_serializing_if = "Option::is_none")]
    original_start: Option<Cow<'a, str>>,
    /// Where it can be taken up again by itself: what the original is to be read as.
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a str>,
    /// The names of the columns of a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<&'a [String]>,
}

impl<'a> Record<'a> {
    fn of(rejected: &Rejected<'a>) -> Self {
        let (rule, error) = match rejected.why {
            Why::Rule(rule) => (Some(rule), None),
            Why::Error(error) => (None, Some(error)),
        };
        let read_as = match (rejected.why, rejected.body) {
            (Why::Error(_), Body::Original(_, read_as)) => read_as,
            _ => ReadAs::default(),
        };
        let Origin { file, line, offset } = rejected.origin;
        let Rejected { id, stage, .. } = *rejected;
        let (line, offset) = (*line, *offset);
        let (text, original, original_base64, original_start) = (None, None, None, None);
        let record = Self {
            id,
            file,
            line,
            offset,
            stage,
            rule,
            error,
            text,
            original,
            original_base64,
            original_start,
            format: read_as.format(),
            header: read_as.header(),
        };
        match rejected.body {
            Body::Text(text) => Self { text: Some(text), ..record },
            Body::Original(bytes, _) => match simdutf8::basic::from_utf8(bytes) {
                Ok(original) => Self { original: Some(original), ..record },
                Err(_) => Self { original_base64: Some(data_encoding::BASE64.encode(bytes)), ..record },
            },
            Body::Start(bytes) => Self { original_start: Some(String::from_utf8_lossy(bytes)), ..record },
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        serde_json::to_writer(&mut *out, self).expect("a vector takes every byte, and the record has no map");
        out.push(b'\n');
    }
}

/// Appends `bytes` as one member.
pub(super) fn gzip(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let mut encoder = GzEncoder::new(out, flate2::Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish().map(|_| ())
}
