//! Errors as exceptions of Python, which say what the command line says.

use pyo3::intern;
use pyo3::prelude::*;
use textmill::{ArrowError, Diagnostics};

/// Mistakes of a pipeline file: their text as the command line prints it, and each with its place.
pub(crate) fn mistakes(py: Python<'_>, mistakes: &Diagnostics) -> PyErr {
    let places: Vec<_> = mistakes
        .iter()
        .map(|one| (&*one.file, one.line, one.column, &*one.message, one.hint.as_deref()))
        .collect();
    make(py, "PipelineError", (mistakes.to_string(), places))
}

/// A batch that cannot be processed.
pub(crate) fn batch(py: Python<'_>, error: &ArrowError) -> PyErr {
    match error {
        ArrowError::Columns(_) => make(py, "ColumnsError", (error.to_string(), error.hint())),
        _ => plain(py, &error.to_string(), error.hint()),
    }
}

/// Any other error.
pub(crate) fn plain(py: Python<'_>, message: &str, hint: Option<&str>) -> PyErr {
    make(py, "TextmillError", (message, hint))
}

/// An exception of a class of ours; that there is none is an exception too.
fn make<'py, A>(py: Python<'py>, class: &str, arguments: A) -> PyErr
where
    A: pyo3::call::PyCallArgs<'py>,
{
    let made = py
        .import(intern!(py, "textmill._errors"))
        .and_then(|module| module.getattr(class))
        .and_then(|class| class.call1(arguments));
    made.map_or_else(|error| error, PyErr::from_value)
}
