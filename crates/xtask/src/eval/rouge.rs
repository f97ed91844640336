//! ROUGE by the reference implementation, document by document.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::bootstrap;
use crate::files;
use crate::python::Python;

/// What the reference implementation and sumy need.
const PACKAGES: [&str; 3] = ["rouge-score", "sumy", "numpy"];

/// The environment with both.
pub(crate) fn environment() -> Result<Python> {
    Python::with_packages("python-summaries", &PACKAGES)
}

/// ROUGE-1, ROUGE-2, ROUGE-L (F1, of 100) and the words of the summary, for each document.
pub(crate) type Scores = Vec<[f64; 4]>;

/// The scores of each of these outputs.
pub(crate) fn scores(python: &Python, set: &Path, outputs: &[PathBuf]) -> Result<Vec<Scores>> {
    let score = files::shared("eval/score.py")?;
    let arguments: Vec<&Path> =
        [score.as_path(), set].into_iter().chain(outputs.iter().map(PathBuf::as_path)).collect();
    let printed = python.script("rouge.py", &arguments)?;
    printed.lines().map(|line| serde_json::from_str(line).context("what rouge.py printed")).collect()
}

/// The mean of the three of one document.
pub(crate) fn of_document(scores: &[f64; 4]) -> f64 {
    (scores[0] + scores[1] + scores[2]) / 3.0
}

/// The mean of one column over all documents.
pub(crate) fn column(scores: &Scores, column: usize) -> f64 {
    bootstrap::mean(scores.len(), |document| scores[document][column])
}

/// The mean of all three over all documents.
pub(crate) fn mean(scores: &Scores) -> f64 {
    bootstrap::mean(scores.len(), |document| of_document(&scores[document]))
}

/// For each document, by how much the first is better than the second.
pub(crate) fn differences(first: &Scores, second: &Scores) -> Vec<f64> {
    first.iter().zip(second).map(|(first, second)| of_document(first) - of_document(second)).collect()
}
