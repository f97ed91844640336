//! Rows of Arrow: what Parquet and Arrow IPC are read as, and written from.
//!
//! A document of a row has [`Stored`] cells, which say where a value is. A text is lent from there; JSON is made of a whole
//! column, once, when somebody asks for JSON; and a column that nobody touched goes to an output of the same type as the
//! array that it was read as, whatever it holds.

mod build;
mod instants;
mod rows;
mod write;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, OnceLock};

use arrow_array::cast::AsArray as _;
use arrow_array::{Array, ArrayRef, RecordBatch, new_empty_array};
use arrow_json::writer::{EncoderOptions, make_encoder};
use arrow_schema::{ArrowError, DataType, FieldRef, Schema};

pub(crate) use self::build::{TableBuilder, schema};
use self::instants::InUtc;
pub use self::rows::{Misfit, Rows, RowsBuilder, RowsPlan};
pub(crate) use self::write::{TableWriter, pack, packed, unpack};
use crate::columns::TableColumn;
use crate::document::FieldKind;
use crate::journal::{Key, KeyMaker};
use crate::json;

/// Some rows.
#[derive(Debug)]
pub(crate) struct Table {
    batch: RecordBatch,
    /// The columns that hold text, as arrays of strings.
    texts: Vec<Option<ArrayRef>>,
    json: Vec<OnceLock<JsonColumn>>,
    key: OnceLock<Key>,
}

/// A cell of a table, which is not null.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored<'c> {
    table: &'c Table,
    column: usize,
    row: usize,
}

/// The values of a column as JSON, one behind the other.
#[derive(Debug, Default)]
struct JsonColumn {
    json: String,
    ends: Vec<usize>,
}

impl Table {
    /// The error is a sentence for people.
    pub(crate) fn new(batch: RecordBatch) -> Result<Self, String> {
        let texts = batch.columns().iter().map(as_strings).collect::<Result<_, _>>();
        let texts = texts.map_err(|error| error.to_string())?;
        let json = batch.columns().iter().map(|_| OnceLock::new()).collect();
        Ok(Self { batch, texts, json, key: OnceLock::new() })
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// How many bytes the rows take in memory.
    pub(crate) fn bytes(&self) -> usize {
        let bytes = |array: &ArrayRef| array.to_data().get_slice_memory_size().unwrap_or(0);
        self.batch.columns().iter().map(bytes).sum()
    }

    /// How many bytes the values have if each is written out, as those of a dictionary will be.
    pub(crate) fn unpacked_bytes(&self) -> u64 {
        self.values_bytes(0, self.rows())
    }

    /// The same, of one row.
    pub(crate) fn row_bytes(&self, row: usize) -> u64 {
        self.values_bytes(row, 1)
    }

    fn values_bytes(&self, row: usize, rows: usize) -> u64 {
        let bytes = |array: &ArrayRef| match array.data_type() {
            DataType::Dictionary(..) => 0,
            _ => array.slice(row, rows).to_data().get_slice_memory_size().unwrap_or(0) as u64,
        };
        let columns = self.batch.columns().iter().zip(&self.texts);
        columns.map(|(column, text)| bytes(text.as_ref().unwrap_or(column))).sum()
    }

    /// The cells of a row, with the names of their columns.
    pub(crate) fn cells(&self, row: usize) -> impl Iterator<Item = (&str, Stored<'_>)> {
        let fields = self.batch.schema_ref().fields().iter().enumerate();
        fields.filter_map(move |(column, field)| Some((field.name().as_str(), self.stored(column, row)?)))
    }

    /// The cell of a row in a column; `None` where it is null.
    fn stored(&self, column: usize, row: usize) -> Option<Stored<'_>> {
        let array = self.batch.column(column);
        let is_there = *array.data_type() != DataType::Null && array.is_valid(row);
        is_there.then_some(Stored { table: self, column, row })
    }

    /// Adds what tells this row from others.
    pub(crate) fn add_to(&self, row: usize, key: KeyMaker) -> KeyMaker {
        key.and((row as u64).to_le_bytes()).and(self.key.get_or_init(|| self.make_key()))
    }

    /// A hash of all rows. What the schema says beside names and types lies in no order, and makes no difference here.
    fn make_key(&self) -> Key {
        let plain = |field: &FieldRef| field.as_ref().clone().with_metadata(HashMap::new());
        let schema = Schema::new(self.batch.schema_ref().fields().iter().map(plain).collect::<Vec<_>>());
        let rows = RecordBatch::try_new(Arc::new(schema), self.batch.columns().to_vec());
        match rows.map_err(io::Error::other).and_then(|rows| pack(&rows)) {
            Ok(packed) => KeyMaker::default().and(packed).key(),
            Err(_) => {
                (0..self.rows()).fold(KeyMaker::default(), |key, row| key.and(self.row_json(row))).key()
            }
        }
    }

    /// A row as a JSON object.
    pub(crate) fn row_json(&self, row: usize) -> Vec<u8> {
        let mut out = vec![b'{'];
        for (name, cell) in self.cells(row) {
            if out.len() > 1 {
                out.push(b',');
            }
            json::write_text(name, &mut out);
            out.push(b':');
            cell.write_json(&mut out);
        }
        out.push(b'}');
        out
    }

    fn text(&self, column: usize, row: usize) -> Option<&str> {
        let array = self.texts[column].as_ref().filter(|array| array.is_valid(row))?;
        Some(match array.data_type() {
            DataType::LargeUtf8 => array.as_string::<i64>().value(row),
            DataType::Utf8View => array.as_string_view().value(row),
            _ => array.as_string::<i32>().value(row),
        })
    }

    fn json(&self, column: usize, row: usize) -> &str {
        let made = self.json[column].get_or_init(|| self.json_column(column));
        let start = if row == 0 { 0 } else { made.ends[row - 1] };
        made.json.get(start..made.ends[row]).unwrap_or("null")
    }

    fn json_column(&self, column: usize) -> JsonColumn {
        let array = self.batch.column(column);
        let mut json = Vec::new();
        let mut ends = Vec::with_capacity(array.len());
        let options = json_options();
        let mut encoder =
            make_encoder(self.field(column), array, &options).expect("the types were checked by `check`");
        for row in 0..array.len() {
            if array.is_valid(row) && !encoder.is_null(row) {
                encoder.encode(row, &mut json);
            } else {
                json.extend_from_slice(b"null");
            }
            ends.push(json.len());
        }
        JsonColumn { json: String::from_utf8(json).expect("JSON is UTF-8"), ends }
    }

    fn field(&self, column: usize) -> &FieldRef {
        &self.batch.schema_ref().fields()[column]
    }
}

impl<'c> Stored<'c> {
    /// The text, if it is one.
    pub(crate) fn text(self) -> Option<&'c str> {
        self.table.text(self.column, self.row)
    }

    /// The value as JSON; that of a text is made anew each time.
    pub(crate) fn json(self) -> &'c str {
        self.table.json(self.column, self.row)
    }

    /// The text, or else the JSON.
    pub(crate) fn written(self) -> &'c str {
        self.text().unwrap_or_else(|| self.json())
    }

    /// Appends the value as JSON.
    pub(crate) fn write_json(self, out: &mut Vec<u8>) {
        match self.text() {
            Some(text) => json::write_text(text, out),
            None => out.extend_from_slice(self.json().as_bytes()),
        }
    }

    /// The whole row, as a JSON object.
    pub(crate) fn row_json(self) -> Vec<u8> {
        self.table.row_json(self.row)
    }

    /// Whether a column of this type can take the value as it is.
    pub(crate) fn is_of(self, field: &FieldRef) -> bool {
        self.table.field(self.column).data_type() == field.data_type()
    }

    fn array(self) -> (&'c ArrayRef, usize) {
        (self.table.batch.column(self.column), self.row)
    }
}

/// The columns of a schema that documents can be made of; the error is a sentence for people.
pub(crate) fn check(schema: &Schema) -> Result<Vec<TableColumn>, String> {
    let fields = schema.fields();
    for (index, field) in fields.iter().enumerate() {
        let name = field.name();
        if fields[..index].iter().any(|earlier| earlier.name() == name) {
            return Err(format!("the schema names the column `{name}` twice"));
        }
        let (empty, options) = (new_empty_array(field.data_type()), json_options());
        if make_encoder(field, &empty, &options).is_err() {
            return Err(format!("the column `{name}` is {}, which JSON has no form for", field.data_type()));
        }
    }
    Ok(fields.iter().map(|field| TableColumn::stored(field, kind(field.data_type()))).collect())
}

/// What of a column a stage can ask for.
fn kind(data_type: &DataType) -> FieldKind {
    match data_type {
        _ if is_text(data_type) => FieldKind::Text,
        DataType::Boolean => FieldKind::Bool,
        _ if data_type.is_integer() => FieldKind::Int,
        _ if data_type.is_floating() => FieldKind::Float,
        DataType::List(item) if is_text(item.data_type()) => FieldKind::Texts,
        _ => FieldKind::Json,
    }
}

/// Whether values of this type are made of what stages set.
pub(crate) fn can_be_made(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean | DataType::Int64 | DataType::Float64 => true,
        DataType::List(item) => is_text(item.data_type()),
        _ => is_text(data_type),
    }
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// The texts of an array that holds some; `None` of one that does not.
fn as_strings(array: &ArrayRef) -> Result<Option<ArrayRef>, ArrowError> {
    match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(Some(Arc::clone(array))),
        data_type if is_text(data_type) => arrow_cast::cast(array, &DataType::Utf8).map(Some),
        _ => Ok(None),
    }
}

/// A null inside of a value is a value.
fn json_options() -> EncoderOptions {
    EncoderOptions::default().with_explicit_nulls(true).with_encoder_factory(Arc::new(InUtc))
}
