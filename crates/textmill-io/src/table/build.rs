//! From documents to rows.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, SchemaRef};
use arrow_select::interleave::interleave;

use crate::cell::Cell;
use crate::columns::{Columns, TableColumn};
use crate::document::FieldKind;

/// Gathers the rows of a batch.
#[derive(Debug)]
pub(crate) struct TableBuilder {
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    rows: usize,
}

/// Gathers a column: values that lie in arrays already, and values that are made.
#[derive(Debug)]
struct ColumnBuilder {
    stored: Vec<ArrayRef>,
    made: Made,
    /// For each row the array, of which the made one is the first, and the place in it.
    rows: Vec<(usize, usize)>,
}

#[derive(Debug)]
enum Made {
    Text(StringBuilder),
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Texts(ListBuilder<StringBuilder>),
}

/// The schema of a table. Every column can be null: a document may come from a file that does not have it.
pub(crate) fn schema(columns: &Columns) -> SchemaRef {
    let field = |column: &TableColumn| match column.field() {
        Some(field) => Arc::new(field.as_ref().clone().with_nullable(true)),
        None => Arc::new(Field::new(&column.name, data_type(column.kind), true)),
    };
    let fields: Vec<FieldRef> = columns.list().iter().map(field).collect();
    Arc::new(Schema::new(fields))
}

/// What a value of this kind is in a column that is made for it.
pub(super) fn data_type(kind: FieldKind) -> DataType {
    match kind {
        FieldKind::Text | FieldKind::Json => DataType::Utf8,
        FieldKind::Bool => DataType::Boolean,
        FieldKind::Int => DataType::Int64,
        FieldKind::Float => DataType::Float64,
        FieldKind::Texts => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
    }
}

impl TableBuilder {
    pub(crate) fn new(columns: &Columns, schema: SchemaRef) -> Self {
        let columns = columns.list().iter().map(|column| ColumnBuilder::new(column.kind)).collect();
        Self { schema, columns, rows: 0 }
    }

    /// Appends a row: what its columns hold.
    pub(crate) fn push(&mut self, row: &[Option<Cell<'_>>]) {
        for (column, cell) in self.columns.iter_mut().zip(row) {
            column.push(cell.as_ref());
        }
        self.rows += 1;
    }

    /// The rows. Those that were taken are no longer here.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let fields = self.schema.fields().iter();
        let arrays: Result<Vec<_>, _> =
            self.columns.iter_mut().zip(fields).map(|(column, field)| column.finish(field)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays?, &options)
    }
}

impl ColumnBuilder {
    fn new(kind: FieldKind) -> Self {
        Self { stored: Vec::new(), made: Made::new(kind), rows: Vec::new() }
    }

    fn push(&mut self, cell: Option<&Cell<'_>>) {
        if let Some(Cell::Stored(stored)) = cell {
            let (array, row) = stored.array();
            if self.stored.last().is_none_or(|last| !Arc::ptr_eq(last, array)) {
                self.stored.push(Arc::clone(array));
            }
            self.rows.push((self.stored.len(), row));
        } else {
            self.rows.push((0, self.made.len()));
            self.made.push(cell);
        }
    }

    fn finish(&mut self, field: &FieldRef) -> Result<ArrayRef, ArrowError> {
        let rows = std::mem::take(&mut self.rows);
        let stored = std::mem::take(&mut self.stored);
        let made = of_type(self.made.finish(), field.data_type())?;
        if stored.is_empty() {
            return Ok(made);
        }
        if let ([whole], Some(start)) = (stored.as_slice(), in_one_go(&rows)) {
            return Ok(whole.slice(start, rows.len()));
        }
        let arrays: Vec<&dyn Array> = std::iter::once(&made).chain(&stored).map(|array| &**array).collect();
        interleave(&arrays, &rows)
    }
}

/// Where the rows begin, if they are those of the first array that was stored, one after the other: they are not copied then.
fn in_one_go(rows: &[(usize, usize)]) -> Option<usize> {
    let start = rows.first()?.1;
    rows.iter().enumerate().all(|(index, row)| *row == (1, start + index)).then_some(start)
}

/// What was made, as the column wants it. Of a type that nothing can be made of, there are only nulls.
fn of_type(made: ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    if made.data_type() == data_type {
        Ok(made)
    } else if made.null_count() == made.len() {
        Ok(new_null_array(data_type, made.len()))
    } else {
        arrow_cast::cast(&made, data_type)
    }
}

impl Made {
    fn new(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Text | FieldKind::Json => Self::Text(StringBuilder::new()),
            FieldKind::Bool => Self::Bool(BooleanBuilder::new()),
            FieldKind::Int => Self::Int(Int64Builder::new()),
            FieldKind::Float => Self::Float(Float64Builder::new()),
            FieldKind::Texts => Self::Texts(ListBuilder::new(StringBuilder::new())),
        }
    }

    fn len(&self) -> usize {
        use arrow_array::builder::ArrayBuilder as _;
        match self {
            Self::Text(builder) => builder.len(),
            Self::Bool(builder) => builder.len(),
            Self::Int(builder) => builder.len(),
            Self::Float(builder) => builder.len(),
            Self::Texts(builder) => builder.len(),
        }
    }

    /// Appends a value that the column holds, or null.
    fn push(&mut self, cell: Option<&Cell<'_>>) {
        let written = cell.map(Cell::written);
        match self {
            Self::Text(builder) => builder.append_option(written),
            Self::Bool(builder) => builder.append_option(written.map(|written| written == "true")),
            Self::Int(builder) => builder.append_option(written.and_then(|written| written.parse().ok())),
            Self::Float(builder) => builder.append_option(written.and_then(|written| written.parse().ok())),
            Self::Texts(builder) => {
                let texts: Option<Vec<String>> = written.and_then(|json| serde_json::from_str(json).ok());
                builder.append_option(texts.map(|texts| texts.into_iter().map(Some)));
            }
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Int(builder) => Arc::new(builder.finish()),
            Self::Float(builder) => Arc::new(builder.finish()),
            Self::Texts(builder) => Arc::new(builder.finish()),
        }
    }
}
