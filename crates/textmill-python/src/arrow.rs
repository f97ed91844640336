//! Tables and schemas of Arrow as objects of Python, for whichever library takes them on from here.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{DataType, Field, FieldRef, SchemaRef};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyTuple};
use pyo3_arrow::PySchema;
use pyo3_arrow::ffi::{ArrayIterator, to_array_pycapsules, to_schema_pycapsule, to_stream_pycapsule};
use pyo3_arrow::input::AnyRecordBatch;
use textmill::Counts;

use crate::{errors, record};

/// Rows that have passed a pipeline.
#[pyclass(frozen, module = "textmill")]
pub(crate) struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    counts: Vec<Counts>,
}

/// The columns of a table.
#[pyclass(frozen, module = "textmill")]
pub(crate) struct Schema(SchemaRef);

impl Table {
    pub(crate) fn new(schema: SchemaRef, batches: Vec<RecordBatch>, counts: Vec<Counts>) -> Self {
        Self { schema, batches, counts }
    }

    fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn field(&self) -> FieldRef {
        let rows = DataType::Struct(self.schema.fields().clone());
        Arc::new(Field::new("", rows, false).with_metadata(self.schema.metadata().clone()))
    }
}

#[pymethods]
impl Table {
    /// How many rows there are.
    #[getter]
    fn num_rows(&self) -> usize {
        self.rows()
    }

    /// The names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<&str> {
        self.schema.fields().iter().map(|field| field.name().as_str()).collect()
    }

    /// The columns with their types.
    #[getter]
    fn schema(&self) -> Schema {
        Schema(Arc::clone(&self.schema))
    }

    /// What the stages counted, of each batch, for `add_counts`.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        self.counts.iter().map(|counts| record::write(py, counts)).collect()
    }

    fn __len__(&self) -> usize {
        self.rows()
    }

    fn __repr__(&self) -> String {
        format!("textmill.Table({} rows: {})", self.rows(), self.column_names().join(", "))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        Ok(to_schema_pycapsule(py, &*self.schema)?)
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let batches = self.batches.clone().into_iter();
        let batches = batches.map(|batch| Ok(Arc::new(StructArray::from(batch)) as ArrayRef));
        let batches = ArrayIterator::new(batches, self.field());
        Ok(to_stream_pycapsule(py, Box::new(batches), requested_schema)?)
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let rows = match self.batches.as_slice() {
            [] => RecordBatch::new_empty(Arc::clone(&self.schema)),
            [one] => one.clone(),
            many => {
                let hint = "take it as a stream: `pyarrow.table(...)`";
                return Err(errors::plain(
                    py,
                    &format!("these are {} batches, and not one", many.len()),
                    Some(hint),
                ));
            }
        };
        let rows = StructArray::from(rows);
        Ok(to_array_pycapsules(py, self.field(), &rows as &dyn Array, requested_schema)?)
    }
}

impl Schema {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        Self(schema)
    }
}

#[pymethods]
impl Schema {
    /// The names of the columns.
    #[getter]
    fn names(&self) -> Vec<&str> {
        self.0.fields().iter().map(|field| field.name().as_str()).collect()
    }

    fn __repr__(&self) -> String {
        let columns = self.0.fields().iter().map(|field| format!("{}: {}", field.name(), field.data_type()));
        format!("textmill.Schema({})", columns.collect::<Vec<_>>().join(", "))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        Ok(to_schema_pycapsule(py, &*self.0)?)
    }
}

/// What came in as a batch, a table or a stream.
pub(crate) fn rows(data: &Bound<'_, PyAny>) -> PyResult<AnyRecordBatch> {
    data.extract().map_err(|_| {
        expected(data, "a batch or a table of Arrow, as pyarrow, Polars, pandas and DuckDB have them")
    })
}

/// What came in as a schema.
pub(crate) fn schema(schema: &Bound<'_, PyAny>) -> PyResult<SchemaRef> {
    let schema: PySchema = schema.extract().map_err(|_| expected(schema, "a schema of Arrow"))?;
    Ok(schema.into_inner())
}

fn expected(found: &Bound<'_, PyAny>, what: &str) -> PyErr {
    let found = found.get_type();
    let name = found.name().map_or_else(|_| "an object".to_owned(), |name| format!("`{name}`"));
    PyTypeError::new_err(format!("expected {what}, found {name}"))
}
