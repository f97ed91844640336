//! Files whose rows are documents, and that are read many rows at a time: Parquet and Arrow IPC.
//!
//! Both readers want to jump about in their file. One that is plain on the disk is read as it lies there; standard input, and
//! what is compressed as a whole, is read into memory first, except for Arrow's stream format, which is made for pipes.

use std::collections::VecDeque;
use std::error::Error;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::SchemaDescriptor;

use super::ahead::{Ahead, Task};
use super::cap::Cap;
use super::chunk::Form;
use super::cut::{Cutter, Filling, Found, MAX_BYTES, MAX_DOCUMENTS};
use super::source::Source;
use super::{InputFile, Shared};
use crate::limits::Most;
use crate::table::{self, Table};

/// What Parquet files, and Arrow files that are no streams, begin with.
const PARQUET_MAGIC: &[u8] = b"PAR1";
const ARROW_MAGIC: &[u8] = b"ARROW1";

/// What an Arrow file ends with: the length of its footer, and its mark.
const ARROW_TRAILER: usize = 10;

/// What is read here and there, but is no plain file, is kept in memory up to so many bytes.
const MOST_IN_MEMORY: u64 = 256 << 20;

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Cuts a file into rows.
pub(super) struct Tables {
    batches: Batches,
    /// What was read and is not cut yet.
    pending: Option<RecordBatch>,
    current: Option<(Arc<Table>, usize)>,
    /// How many rows were found.
    rows: u64,
    /// What a row may have.
    most: Most,
    /// Whether a row of the current table may have more.
    may_be_too_long: bool,
    /// What all of them may have: a dictionary, and values that repeat, take next to nothing in a file.
    cap: Cap,
}

impl Tables {
    /// Opens a Parquet file. Of its columns, only those that somebody needs are read.
    pub(super) fn parquet(
        file: &InputFile,
        source: Source,
        shared: &Shared,
        read: &Arc<AtomicU64>,
        ahead: Option<&Arc<Ahead>>,
    ) -> io::Result<Self> {
        let bytes = Stored::open(file, source, PARQUET_MAGIC, read)?;
        guarded(|| {
            let metadata =
                ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::default()).map_err(invalid)?;
            tell_columns(metadata.schema(), shared)?;
            let mask = mask(metadata.schema(), metadata.metadata().file_metadata().schema_descr(), shared);
            let rows = rows_at_once(metadata.metadata());
            let groups = groups(&metadata);
            let file_of_groups = Parquet { bytes, metadata, mask, rows, groups };
            Ok(Self::new(Box::new(Groups::new(file_of_groups, ahead.cloned())), file, shared))
        })
    }

    /// Opens an Arrow IPC file or stream.
    pub(super) fn arrow(
        file: &InputFile,
        mut source: Source,
        shared: &Shared,
        read: &Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let is_file = source.fill_buf()?.starts_with(ARROW_MAGIC);
        guarded(|| {
            if is_file {
                let bytes = Stored::open(file, source, ARROW_MAGIC, read)?;
                check_blocks(&bytes)?;
                let bytes = bytes.seekable()?;
                let reader = FileReader::try_new(bytes, None).map_err(invalid)?;
                tell_columns(&reader.schema(), shared)?;
                return Ok(Self::new(Box::new(reader), file, shared));
            }
            let reader = StreamReader::try_new(source, None).map_err(invalid)?;
            tell_columns(&reader.schema(), shared)?;
            Ok(Self::new(Box::new(reader), file, shared))
        })
    }

    fn new(batches: Batches, file: &InputFile, shared: &Shared) -> Self {
        let cap = Cap::new(shared.limits.unpacked(file.bytes));
        let (pending, current, most) = (None, None, shared.limits.document());
        Self { batches, pending, current, rows: 0, most, may_be_too_long: false, cap }
    }

    /// The next table with a row that was not cut yet.
    fn table(&mut self) -> io::Result<Option<(Arc<Table>, usize)>> {
        if let Some((table, row)) = self.current.take().filter(|(table, row)| *row < table.rows()) {
            return Ok(Some((table, row)));
        }
        let Some(batch) = self.next_batch()? else { return Ok(None) };
        let rows = batch.num_rows().min(MAX_DOCUMENTS);
        if rows < batch.num_rows() {
            self.pending = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        let table = guarded(|| Table::new(batch.slice(0, rows)).map_err(invalid))?;
        let bytes = table.unpacked_bytes();
        if self.cap.take(bytes)? < bytes {
            return Err(self.cap.error());
        }
        self.may_be_too_long = bytes > self.most.bytes;
        Ok(Some((Arc::new(table), 0)))
    }

    fn next_batch(&mut self) -> io::Result<Option<RecordBatch>> {
        if self.pending.is_some() {
            return Ok(self.pending.take());
        }
        loop {
            let next = guarded(|| self.batches.next().transpose().map_err(as_read))?;
            if next.as_ref().is_none_or(|batch| batch.num_rows() > 0) {
                return Ok(next);
            }
        }
    }

    /// False: the file ends.
    fn cut_row(&mut self, filling: &mut Filling<'_>) -> io::Result<bool> {
        let Some((table, row)) = self.table()? else { return Ok(false) };
        if row == 0 {
            filling.hold(table.bytes());
        }
        filling.take(self.found_row(&table, row));
        self.rows += 1;
        self.current = Some((table, row + 1));
        Ok(true)
    }

    /// Of a row that is too long, nothing is kept.
    fn found_row(&self, table: &Arc<Table>, row: usize) -> Found {
        let bytes = if self.may_be_too_long { table.row_bytes(row) } else { 0 };
        if bytes > self.most.bytes {
            let failure = self.most.failure(&format!("the row has {bytes} bytes,"));
            return Found { failure: Some(failure.of_start()), ..self.found(Form::Line) };
        }
        self.found(Form::Cells(Arc::clone(table), row))
    }

    /// A row has a number instead of an offset.
    fn found(&self, form: Form) -> Found {
        Found { form, line: Some(self.rows + 1), offset: self.rows, failure: None }
    }
}

impl Cutter for Tables {
    fn cut(&mut self, filling: &mut Filling<'_>) -> bool {
        while !filling.is_done() {
            match self.cut_row(filling) {
                Ok(true) => (),
                Ok(false) => return false,
                Err(error) => {
                    filling.take_broken(&error, self.found(Form::Line));
                    return false;
                }
            }
        }
        true
    }
}

/// A Parquet file that is open.
struct Parquet {
    bytes: Stored,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    /// How many rows are decoded at once.
    rows: usize,
    /// Which row groups are read as one.
    groups: Vec<Vec<usize>>,
}

/// The row groups of a Parquet file, one after the other. No batch has rows of two, as a rule, so that they can be decoded
/// apart.
struct Groups {
    file: Arc<Parquet>,
    next: usize,
    current: Batches,
    ahead: Option<Arc<Ahead>>,
    /// Row groups that others decode.
    tasks: VecDeque<Task<Batches>>,
}

impl Parquet {
    fn group(&self, group: usize) -> Batches {
        let batches = self.bytes.again().map_err(ParquetError::from).and_then(|bytes| {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, self.metadata.clone());
            builder
                .with_row_groups(self.groups.get(group).cloned().unwrap_or_default())
                .with_batch_size(self.rows)
                .with_projection(self.mask.clone())
                .build()
        });
        match batches {
            Ok(batches) => Box::new(batches),
            Err(error) => Box::new(std::iter::once(Err(error.into()))),
        }
    }

    /// The same, with the first batches decoded, up to so many bytes.
    fn decoded_group(&self, group: usize, most_bytes: usize) -> Batches {
        let mut batches = self.group(group);
        let (mut ready, mut bytes) = (Vec::new(), 0);
        while bytes < most_bytes {
            let Some(batch) = guarded(|| Ok(batches.next())).unwrap_or_else(|error| Some(Err(error.into())))
            else {
                break;
            };
            bytes += batch.as_ref().map_or(most_bytes, RecordBatch::get_array_memory_size);
            ready.push(batch);
        }
        Box::new(ready.into_iter().chain(batches))
    }
}

impl Groups {
    fn new(file: Parquet, ahead: Option<Arc<Ahead>>) -> Self {
        let (file, current) = (Arc::new(file), Box::new(std::iter::empty()));
        Self { file, next: 0, current, ahead, tasks: VecDeque::new() }
    }

    fn next_group(&mut self) -> Option<Batches> {
        let Some(ahead) = self.ahead.clone() else {
            return self.next_number().map(|group| self.file.group(group));
        };
        while self.tasks.len() < ahead.depth()
            && let Some(group) = self.next_number()
        {
            let (file, bytes) = (Arc::clone(&self.file), ahead.task_bytes());
            self.tasks.push_back(ahead.put_up(move || file.decoded_group(group, bytes)));
        }
        let group = self.tasks.pop_front()?.finish(&ahead);
        Some(group.unwrap_or_else(|| Box::new(std::iter::once(Err(gave_up().into())))))
    }

    fn next_number(&mut self) -> Option<usize> {
        let group = self.next;
        self.next += 1;
        (group < self.file.groups.len()).then_some(group)
    }
}

impl Iterator for Groups {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.current.next() {
                return Some(batch);
            }
            self.current = self.next_group()?;
        }
    }
}

/// Each row group by itself, unless a column has a dictionary: row groups that are decoded apart have one each, and an Arrow
/// file may have but one for a column.
fn groups(metadata: &ArrowReaderMetadata) -> Vec<Vec<usize>> {
    let numbers = 0..metadata.metadata().num_row_groups();
    let has_dictionary = |field: &&Field| matches!(field.data_type(), DataType::Dictionary(..));
    if metadata.schema().flattened_fields().iter().any(has_dictionary) {
        vec![numbers.collect()]
    } else {
        numbers.map(|number| vec![number]).collect()
    }
}

/// Refuses an Arrow file that says of its footer, or of a block, that it is longer than the file: room is made for those before
/// they are read. What else is wrong with it is left to its decoder.
fn check_blocks(file: &Stored) -> io::Result<()> {
    let (length, too_long) =
        (file.len(), || invalid("it says of a part of it that it is longer than the file"));
    let Ok(trailer) = file.get_bytes(length.saturating_sub(ARROW_TRAILER as u64), ARROW_TRAILER) else {
        return Ok(());
    };
    let Some(footer_length) = trailer.first_chunk().map(|bytes| i32::from_le_bytes(*bytes)) else {
        return Ok(());
    };
    let footer_length = usize::try_from(footer_length).map_err(|_| too_long())?;
    let begin = length.checked_sub((footer_length + ARROW_TRAILER) as u64).ok_or_else(too_long)?;
    let Ok(footer) = file.get_bytes(begin, footer_length) else { return Ok(()) };
    let Ok(footer) = arrow_ipc::root_as_footer(&footer) else { return Ok(()) };
    let blocks =
        footer.dictionaries().into_iter().flatten().chain(footer.recordBatches().into_iter().flatten());
    for block in blocks {
        let parts = [block.offset(), i64::from(block.metaDataLength()), block.bodyLength()];
        let parts = parts.map(|part| u64::try_from(part).unwrap_or(u64::MAX));
        if parts.into_iter().fold(0, u64::saturating_add) > length {
            return Err(too_long());
        }
    }
    Ok(())
}

/// The rows and bytes of each row group of a file.
pub(super) fn row_groups(file: &InputFile) -> Vec<(u64, u64)> {
    let metadata = guarded(|| {
        let file = File::open(&file.path)?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(invalid)?;
        Ok(Arc::clone(builder.metadata()))
    });
    let size = |number: i64| u64::try_from(number).unwrap_or(0);
    let groups = metadata.iter().flat_map(|metadata| metadata.row_groups());
    groups.map(|group| (size(group.num_rows()), size(group.compressed_size()))).collect()
}

/// As many rows as a chunk may have, by their mean size.
fn rows_at_once(metadata: &ParquetMetaData) -> usize {
    let sum = |of: fn(&RowGroupMetaData) -> i64| {
        metadata
            .row_groups()
            .iter()
            .map(|group| u64::try_from(of(group)).unwrap_or(0))
            .fold(0, u64::saturating_add)
    };
    let (bytes, rows) = (sum(RowGroupMetaData::total_byte_size), sum(RowGroupMetaData::num_rows));
    let fitting = (MAX_BYTES as u64).saturating_mul(rows) / bytes.max(1);
    usize::try_from(fitting).unwrap_or(MAX_DOCUMENTS).clamp(1, MAX_DOCUMENTS)
}

/// The columns that somebody needs.
fn mask(schema: &Schema, descriptor: &SchemaDescriptor, shared: &Shared) -> ProjectionMask {
    let Some(needed) = &shared.needed else { return ProjectionMask::all() };
    let fields = schema.fields().iter().enumerate();
    ProjectionMask::roots(
        descriptor,
        fields.filter(|(_, field)| needed.contains(field.name())).map(|(index, _)| index),
    )
}

/// Says which columns the input has, if documents can be made of them.
fn tell_columns(schema: &Schema, shared: &Shared) -> io::Result<()> {
    let columns = table::check(schema).map_err(invalid)?;
    shared.columns.found(|| columns);
    Ok(())
}

/// A decoder that panics over damaged input costs that input and nothing else.
fn guarded<T>(decode: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| Err(gave_up()))
}

/// As an error of reading: what a decoder gave up on is said in the same words, whoever decoded.
fn as_read(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, source) if source.kind() == io::ErrorKind::InvalidData => source,
        error => invalid(error),
    }
}

fn gave_up() -> io::Error {
    invalid("its decoder gave up on it")
}

fn invalid(error: impl Into<Box<dyn Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// The bytes of a file that is read here and there.
enum Stored {
    File(File, PathBuf, Arc<AtomicU64>),
    Memory(Bytes),
}

/// What can be read from the beginning to the end, and from anywhere.
trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

impl Stored {
    fn open(file: &InputFile, source: Source, magic: &[u8], read: &Arc<AtomicU64>) -> io::Result<Self> {
        if file.path != Path::new("-") {
            let mut plain = File::open(&file.path)?;
            let mut first = Vec::new();
            plain.by_ref().take(magic.len() as u64).read_to_end(&mut first)?;
            if first == magic && plain.metadata()?.is_file() {
                return Ok(Self::File(plain, file.path.clone(), Arc::clone(read)));
            }
        }
        let mut bytes = Vec::new();
        if source.take(MOST_IN_MEMORY + 1).read_to_end(&mut bytes)? as u64 > MOST_IN_MEMORY {
            let what = if file.path == Path::new("-") { "standard input" } else { "a compressed file" };
            return Err(invalid(format!(
                "it has more than {} MiB, which cannot be read from {what}, because it is read here and there; put it into a plain file",
                MOST_IN_MEMORY >> 20
            )));
        }
        Ok(Self::Memory(bytes.into()))
    }

    /// The same once more, to be read by another thread: two that share an open file would share their place in it.
    fn again(&self) -> io::Result<Self> {
        Ok(match self {
            Self::File(_, path, read) => Self::File(File::open(path)?, path.clone(), Arc::clone(read)),
            Self::Memory(bytes) => Self::Memory(bytes.clone()),
        })
    }

    fn seekable(self) -> io::Result<Box<dyn ReadSeek>> {
        Ok(match self {
            Self::File(mut file, ..) => {
                file.seek(SeekFrom::Start(0))?;
                Box::new(io::BufReader::new(file))
            }
            Self::Memory(bytes) => Box::new(Cursor::new(bytes)),
        })
    }
}

impl Length for Stored {
    fn len(&self) -> u64 {
        match self {
            Self::File(file, ..) => file.metadata().map_or(0, |metadata| metadata.len()),
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }
}

impl ChunkReader for Stored {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        match self {
            Self::File(file, ..) => Ok(Box::new(file.get_read(start)?)),
            Self::Memory(bytes) => Ok(Box::new(bytes.get_read(start)?)),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        match self {
            Self::File(file, _, read) => {
                // What a damaged file asks for is not made room for.
                if start.saturating_add(length as u64) > self.len() {
                    return Err(ParquetError::EOF(format!("there are no {length} bytes at byte {start}")));
                }
                read.fetch_add(length as u64, Ordering::Relaxed);
                file.get_bytes(start, length)
            }
            Self::Memory(bytes) => bytes.get_bytes(start, length),
        }
    }
}
