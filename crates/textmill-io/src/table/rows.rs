//! Batches of Arrow that lie in memory, as documents and back: for whoever has data frames and no files.
//!
//! A document is made of the columns that stages know of, and of no others. Those are carried along by the numbers of their
//! rows: nobody looks into them, whatever they hold, and where all rows stay they are the very same arrays.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::LargeStringBuilder;
use arrow_array::cast::AsArray as _;
use arrow_array::{Array, ArrayRef, LargeBinaryArray, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, SchemaRef};
use arrow_select::take::take;

use super::build::{TableBuilder, data_type, schema};
use super::{Table, is_text, kind};
use crate::cell::{Cell, EXTRA};
use crate::columns::{Columns, TableColumn};
use crate::document::{Document, FieldKind, Origin};
use crate::format::InvalidUtf8;
use crate::input::{ReadAs, ReadFailure, count_invalid, invalid_utf8};
use crate::names::FieldNames;

/// What the documents of batches of one schema are made of, and what columns they become.
#[derive(Debug)]
pub struct RowsPlan {
    names: FieldNames,
    invalid_utf8: InvalidUtf8,
    /// The columns that documents are made of, by their place in the schema.
    read: Vec<usize>,
    /// Those, and the ones that stages add.
    columns: Columns,
    /// Which of them is the id, if there is one.
    id: Option<usize>,
    made: SchemaRef,
    /// Where each column of the result comes from.
    layout: Vec<Place>,
    input: SchemaRef,
    output: SchemaRef,
}

/// Where a column of the result comes from.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// From the documents: one of [`RowsPlan::columns`].
    Made(usize),
    /// From the batch, as it is: a column of the schema.
    Carried(usize),
}

/// Columns that a pipeline cannot work with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Which, and why: a sentence for people.
    pub message: String,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

/// A batch of Arrow, as documents.
#[derive(Debug)]
pub struct Rows {
    plan: Arc<RowsPlan>,
    name: Arc<str>,
    batch: RecordBatch,
    /// The columns that documents are made of, with no text in them that is not UTF-8.
    table: Table,
    /// By row, what had to be done for that.
    mended: BTreeMap<usize, Mended>,
}

/// A row with text that is not UTF-8.
#[derive(Debug, Default)]
struct Mended {
    replaced: usize,
    failure: Option<String>,
}

/// Gathers the documents of a batch as rows. A row takes the place of another only within the batch.
#[derive(Debug)]
pub struct RowsBuilder<'r> {
    rows: &'r Rows,
    table: TableBuilder,
    /// For each row the one of the batch that it was; `None` for that of an emitted document.
    sources: Vec<Option<usize>>,
    bytes: usize,
}

impl RowsPlan {
    /// For batches of this schema: stages read the fields `reads`, set the fields `writes`, and emit documents or do not.
    ///
    /// # Errors
    /// There is no text, or a stage sets what a column cannot hold.
    pub fn new(
        input: &SchemaRef,
        names: FieldNames,
        invalid_utf8: InvalidUtf8,
        reads: &[&str],
        writes: &[(&str, FieldKind)],
        emits: bool,
    ) -> Result<Self, Misfit> {
        check_text(input, names.in_input("text"))?;
        let written = writes.iter().map(|(name, _)| *name);
        let known: Vec<&str> =
            ["id", "text"].into_iter().chain(reads.iter().copied()).chain(written).collect();
        let is_known = |field: &FieldRef| {
            EXTRA.contains(&field.name().as_str()) && is_text(field.data_type())
                || known.iter().any(|name| names.in_input(name) == field.name())
        };
        let read: Vec<usize> =
            (0..input.fields().len()).filter(|at| is_known(&input.fields()[*at])).collect();
        super::check(&input.project(&read).map_err(|error| misfit(error.to_string()))?).map_err(misfit)?;
        let mut fields: Vec<FieldRef> = read.iter().map(|at| Arc::clone(&input.fields()[*at])).collect();
        for (name, kind) in writes {
            write_into(&mut fields, names.in_input(name), *kind)?;
        }
        let id = fields.iter().position(|field| field.name() == names.in_input("id"));
        let columns = fields.iter().map(|field| TableColumn::stored(field, kind(field.data_type())));
        let columns = Columns::only(columns.collect());
        let made = schema(&columns);
        let (layout, output) = lay_out(input, &read, &made, emits);
        Ok(Self { names, invalid_utf8, read, columns, id, made, layout, input: Arc::clone(input), output })
    }

    /// The schema of the batches that it is for.
    pub fn input(&self) -> &SchemaRef {
        &self.input
    }

    /// The schema of what they become: the columns as they were, and behind them those that stages add.
    pub fn output(&self) -> &SchemaRef {
        &self.output
    }
}

fn check_text(input: &Schema, name: &str) -> Result<(), Misfit> {
    let Some((_, field)) = input.fields().find(name) else {
        let found: Vec<_> = input.fields().iter().map(|field| format!("`{}`", field.name())).collect();
        return Err(Misfit {
            message: format!("there is no column `{name}`; there are {}", found.join(", ")),
            hint: Some(
                "say in the pipeline file what the text is called: `[input] fields = { text = \"...\" }`",
            ),
        });
    };
    if is_text(field.data_type()) {
        return Ok(());
    }
    Err(Misfit {
        message: format!("the column `{name}` is {}, and no text", field.data_type()),
        hint: Some("cast it to strings"),
    })
}

/// Makes sure that there is a column for a field that a stage sets. One of nulls alone can become any other.
fn write_into(fields: &mut Vec<FieldRef>, name: &str, kind: FieldKind) -> Result<(), Misfit> {
    let made = || Arc::new(Field::new(name, data_type(kind), true));
    match fields.iter_mut().find(|field| field.name() == name) {
        None => fields.push(made()),
        Some(field) if *field.data_type() == DataType::Null => *field = made(),
        Some(field) if can_take(field.data_type(), kind) => (),
        Some(field) => {
            return Err(Misfit {
                message: format!(
                    "the column `{name}` is {}, and a stage sets it to {kind}",
                    field.data_type()
                ),
                hint: Some("cast the column, or give it another name"),
            });
        }
    }
    Ok(())
}

fn can_take(data_type: &DataType, kind: FieldKind) -> bool {
    match kind {
        FieldKind::Text | FieldKind::Json => is_text(data_type),
        FieldKind::Bool => *data_type == DataType::Boolean,
        FieldKind::Int => *data_type == DataType::Int64,
        FieldKind::Float => *data_type == DataType::Float64,
        FieldKind::Texts => matches!(data_type, DataType::List(item) if is_text(item.data_type())),
    }
}

fn lay_out(input: &Schema, read: &[usize], made: &Schema, emits: bool) -> (Vec<Place>, SchemaRef) {
    let place =
        |at: usize| read.iter().position(|known| *known == at).map_or(Place::Carried(at), Place::Made);
    let added = (read.len()..made.fields().len()).map(Place::Made);
    let layout: Vec<Place> = (0..input.fields().len()).map(place).chain(added).collect();
    let field = |place: &Place| match place {
        Place::Made(at) => Arc::clone(&made.fields()[*at]),
        // A document that a stage emits has no value there.
        Place::Carried(at) if emits => Arc::new(input.field(*at).clone().with_nullable(true)),
        Place::Carried(at) => Arc::clone(&input.fields()[*at]),
    };
    let fields: Vec<FieldRef> = layout.iter().map(field).collect();
    (layout, Arc::new(Schema::new_with_metadata(fields, input.metadata().clone())))
}

impl Rows {
    /// A batch of the schema of the plan. `name` takes the place of a file in the ids of documents that have none.
    ///
    /// # Errors
    /// Arrow cannot do it, for want of memory or because the batch contradicts itself.
    pub fn new(plan: Arc<RowsPlan>, batch: RecordBatch, name: &str) -> io::Result<Self> {
        let mut mended = BTreeMap::new();
        let read = batch.project(&plan.read).map_err(io::Error::other)?;
        let fields = read.schema();
        let columns = read.columns().iter().zip(fields.fields());
        let columns =
            columns.map(|(array, field)| checked(array, field.name(), plan.invalid_utf8, &mut mended));
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
        // A dictionary that was mended is one no longer, and an absent value is a null.
        let fields = fields.fields().iter().zip(&columns);
        let fields = fields.map(|(field, array)| {
            field.as_ref().clone().with_data_type(array.data_type().clone()).with_nullable(true)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let table = RecordBatch::try_new(schema, columns).map_err(io::Error::other)?;
        let table = Table::new(table).map_err(io::Error::other)?;
        Ok(Self { plan, name: name.into(), batch, table, mended })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The documents of some rows.
    pub fn documents(
        &self,
        rows: Range<usize>,
    ) -> impl Iterator<Item = Result<Document<'_>, ReadFailure<'_>>> {
        rows.map(|row| self.document(row))
    }

    /// Room for the rows that the documents become.
    pub fn builder(&self) -> RowsBuilder<'_> {
        let table = TableBuilder::new(&self.plan.columns, Arc::clone(&self.plan.made));
        RowsBuilder { rows: self, table, sources: Vec::new(), bytes: 0 }
    }

    fn document(&self, row: usize) -> Result<Document<'_>, ReadFailure<'_>> {
        let origin = || {
            let number = row as u64;
            Origin { file: Arc::clone(&self.name), line: Some(number + 1), offset: number }
        };
        let mended = self.mended.get(&row);
        let made = if let Some(failure) = mended.and_then(|mended| mended.failure.clone()) {
            Err(failure)
        } else {
            let cells = self.table.cells(row).map(|(name, stored)| (name, Cell::Stored(stored)));
            Document::from_row(cells, &[], origin(), &self.plan.names)
        };
        made.map(|document| document.noting(mended.map_or(0, |mended| mended.replaced), false)).map_err(
            |message| {
                let original = Cow::Owned(self.table.row_json(row));
                let read_as = ReadAs::default();
                ReadFailure { origin: origin(), message, original, is_start: false, limit: None, read_as }
            },
        )
    }
}

impl RowsBuilder<'_> {
    /// Appends a document as it is: that of a row, or one that was emitted.
    ///
    /// # Errors
    /// No row can be made of it: a sentence for people.
    pub fn keep(&mut self, document: &Document<'_>, row: Option<usize>) -> Result<(), String> {
        let plan = &self.rows.plan;
        let mut cells = plan.columns.row(document)?;
        // An id that was made of the place in a batch tells the document from no other one.
        let is_made = row.is_some() && document.id() == document.origin().place_id();
        if let Some(id) = plan.id.filter(|_| is_made) {
            cells[id] = None;
        }
        self.push(&cells, row);
        Ok(())
    }

    /// Appends a row as it was.
    pub fn restore(&mut self, row: usize) {
        let rows = self.rows;
        let read = (0..rows.plan.read.len()).map(|column| rows.table.stored(column, row).map(Cell::Stored));
        let mut cells: Vec<_> = read.collect();
        cells.resize(rows.plan.made.fields().len(), None);
        self.push(&cells, Some(row));
    }

    /// Appends a row of which nothing can be told.
    pub fn leave_empty(&mut self) {
        let cells = vec![None; self.rows.plan.made.fields().len()];
        self.push(&cells, None);
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// How many bytes of text the rows hold in the columns that documents are made of. An array of strings holds 2 GiB at most.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows. Those that were taken are no longer here.
    ///
    /// # Errors
    /// Arrow cannot lay them out.
    pub fn finish(&mut self) -> io::Result<RecordBatch> {
        self.lay_out().map_err(io::Error::other)
    }

    fn push(&mut self, cells: &[Option<Cell<'_>>], row: Option<usize>) {
        self.bytes += cells.iter().flatten().map(text_bytes).sum::<usize>();
        self.table.push(cells);
        self.sources.push(row);
    }

    fn lay_out(&mut self) -> Result<RecordBatch, ArrowError> {
        let sources = std::mem::take(&mut self.sources);
        self.bytes = 0;
        let made = self.table.finish()?;
        let column = |place: &Place| match place {
            Place::Made(at) => Ok(Arc::clone(made.column(*at))),
            Place::Carried(at) => gather(self.rows.batch.column(*at), &sources),
        };
        let columns = self.rows.plan.layout.iter().map(column).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(sources.len()));
        RecordBatch::try_new_with_options(Arc::clone(&self.rows.plan.output), columns, &options)
    }
}

fn text_bytes(cell: &Cell<'_>) -> usize {
    match cell {
        Cell::Text(text) | Cell::Written(text) | Cell::Json(text) => text.len(),
        Cell::Stored(stored) => stored.text().map_or(0, str::len),
    }
}

/// These rows of an array; without a copy where they follow each other.
fn gather(array: &ArrayRef, rows: &[Option<usize>]) -> Result<ArrayRef, ArrowError> {
    if let Some(Some(start)) = rows.first()
        && rows.iter().enumerate().all(|(index, row)| *row == Some(start + index))
    {
        return Ok(array.slice(*start, rows.len()));
    }
    let rows: UInt64Array = rows.iter().map(|row| row.map(|row| row as u64)).collect();
    take(array, &rows, None)
}

/// The array, which somebody else has made, with nothing in it that this program takes for UTF-8 and that is not.
fn checked(
    array: &ArrayRef,
    name: &str,
    policy: InvalidUtf8,
    mended: &mut BTreeMap<usize, Mended>,
) -> Result<ArrayRef, ArrowError> {
    if array.to_data().validate_full().is_ok() {
        Ok(Arc::clone(array))
    } else if is_text(array.data_type()) {
        mend_texts(array, name, policy, mended)
    } else {
        mend_others(array, name, mended)
    }
}

fn mend_texts(
    array: &ArrayRef,
    name: &str,
    policy: InvalidUtf8,
    mended: &mut BTreeMap<usize, Mended>,
) -> Result<ArrayRef, ArrowError> {
    let bytes = bytes(array)?;
    let mut texts = LargeStringBuilder::with_capacity(bytes.len(), bytes.value_data().len());
    for (row, bytes) in bytes.iter().enumerate() {
        let text = bytes.map(String::from_utf8_lossy);
        if let (Some(Cow::Owned(_)), Some(bytes)) = (&text, bytes) {
            let row = mended.entry(row).or_default();
            row.replaced += count_invalid(bytes);
            if policy == InvalidUtf8::Fail {
                row.failure.get_or_insert_with(|| format!("the field `{name}` is {}", invalid_utf8(bytes)));
            }
        }
        texts.append_option(text);
    }
    let wanted = match array.data_type() {
        DataType::Dictionary(_, values) => values,
        data_type => data_type,
    };
    arrow_cast::cast(&texts.finish(), wanted)
}

/// The bytes of texts, which need not be UTF-8.
fn bytes(array: &ArrayRef) -> Result<LargeBinaryArray, ArrowError> {
    let binary: ArrayRef = match array.data_type() {
        DataType::Utf8 => Arc::new(arrow_array::BinaryArray::from(array.as_string::<i32>().clone())),
        DataType::LargeUtf8 => return Ok(LargeBinaryArray::from(array.as_string::<i64>().clone())),
        DataType::Utf8View => Arc::new(array.as_string_view().clone().to_binary_view()),
        DataType::Dictionary(_, values) => return bytes(&arrow_cast::cast(array, values)?),
        other => return Err(ArrowError::CastError(format!("{other} is no text"))),
    };
    Ok(arrow_cast::cast(&binary, &DataType::LargeBinary)?.as_binary::<i64>().clone())
}

/// What cannot be mended is left out, and its document fails.
fn mend_others(
    array: &ArrayRef,
    name: &str,
    mended: &mut BTreeMap<usize, Mended>,
) -> Result<ArrayRef, ArrowError> {
    // Of a slice of lists all texts would be looked at, those of other rows as well.
    let is_valid = |row: &usize| {
        let alone = take(array, &UInt64Array::from_value(*row as u64, 1), None);
        alone.is_ok_and(|alone| alone.to_data().validate_full().is_ok())
    };
    let rows: Vec<Option<u64>> =
        (0..array.len()).map(|row| Some(row).filter(is_valid).map(|row| row as u64)).collect();
    for (row, _) in rows.iter().enumerate().filter(|(_, kept)| kept.is_none()) {
        let failure = format!("the field `{name}` holds text that is not valid UTF-8");
        mended.entry(row).or_default().failure.get_or_insert(failure);
    }
    take(array, &UInt64Array::from(rows), None)
}

fn misfit(message: String) -> Misfit {
    Misfit { message, hint: None }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misfit {}
