//! Textmill as a package for Python: the part of it that is compiled.
//!
//! Python has the data and the say; this crate opens a pipeline and passes batches through it without the interpreter's lock.
//! Arrow crosses by the `PyCapsule` interface, which `pyarrow`, Polars, `DuckDB` and pandas all speak, so none of them is
//! needed.
//! What can be written in Python is, in `python/textmill`.

mod arrow;
mod errors;
mod pipeline;
mod record;

use pyo3::prelude::*;

/// The compiled part of `textmill`; what is documented is in the package around it.
#[pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::arrow::{Schema, Table};
    #[pymodule_export]
    use crate::pipeline::Pipeline;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("VERSION", env!("CARGO_PKG_VERSION"))
    }

    #[pymodule_export]
    use crate::record::{add_counts, run_html, run_json};
    #[pymodule_export]
    use crate::work;
}

/// Runs a stage for the process that started this one, and ends with it.
#[pyfunction]
fn work(py: Python<'_>) -> PyResult<()> {
    py.detach(textmill::work).map_err(|error| errors::plain(py, &error.to_string(), None))
}
