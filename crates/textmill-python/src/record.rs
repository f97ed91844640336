//! What a run did that somebody else has driven: sums of counts, and `run.json`.

use std::time::SystemTime;

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use textmill::{Circumstances, Counts, Engine, Failure, Finished, MaxErrors};
use textmill_report::{Run, Test};

use crate::errors;

/// The id, the stage and the error of a document that failed.
pub(crate) type Failed = (String, Option<String>, String);

/// Adds up what stages counted. What is empty counts nothing.
#[pyfunction]
pub(crate) fn add_counts(py: Python<'_>, counts: Vec<PyBackedBytes>) -> PyResult<Bound<'_, PyBytes>> {
    let mut total: Option<Counts> = None;
    for bytes in counts.into_iter().filter(|bytes| !bytes.is_empty()) {
        let counts = read(py, &bytes)?;
        match &mut total {
            Some(total) => *total += &counts,
            None => total = Some(counts),
        }
    }
    total.map_or_else(|| Ok(PyBytes::new(py, &[])), |total| write(py, &total))
}

/// `run.json` of what says the same.
#[pyfunction]
pub(crate) fn run_json(py: Python<'_>, record: &str) -> PyResult<String> {
    run(py, record).map(|run| run.to_json())
}

/// The report of a run.
#[pyfunction]
pub(crate) fn run_html(py: Python<'_>, record: &str) -> PyResult<String> {
    run(py, record).map(|run| run.to_html())
}

/// The record of a run. Its outputs, its input and its times are for the caller to tell.
pub(crate) fn record(engine: &Engine, counts: Counts, failures: Vec<Failed>) -> Run {
    let pipeline = engine.pipeline();
    let failure = |(id, stage, message): Failed| Failure { place: id.clone(), id, stage, message };
    let known = Circumstances {
        started: SystemTime::UNIX_EPOCH,
        threads: 0,
        limit: None,
        dry_run: false,
        failures_allowed: pipeline
            .run
            .max_errors
            .unwrap_or(MaxErrors::Count(0))
            .allows(counts.failed, counts.read),
        tests: pipeline
            .tests
            .iter()
            .map(|test| Test { name: test.name.clone(), ..Test::default() })
            .collect(),
    };
    let finished =
        Finished { failures: failures.into_iter().map(failure).collect(), counts, ..Finished::default() };
    textmill::record(engine, &finished, known)
}

pub(crate) fn read(py: Python<'_>, counts: &[u8]) -> PyResult<Counts> {
    postcard::from_bytes(counts)
        .map_err(|error| errors::plain(py, &format!("what was counted cannot be read: {error}"), None))
}

/// As bytes, and not as JSON, which has no form for a number that is infinite.
pub(crate) fn write<'py>(py: Python<'py>, counts: &Counts) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = postcard::to_stdvec(counts).map_err(|error| errors::plain(py, &error.to_string(), None))?;
    Ok(PyBytes::new(py, &bytes))
}

fn run(py: Python<'_>, record: &str) -> PyResult<Run> {
    Run::from_json(record.as_bytes()).map_err(|error| errors::plain(py, &error.to_string(), None))
}
