//! Taking up again what failed.
//!
//! A retry is a run whose input is the output of failed documents. What it keeps, drops and fails joins what is there: each output
//! is staged whole, old and new, and swapped in at its end like that of any run; so what was failed and is kept is gone from
//! the failed output, and the order is that of the old output with the new behind it. The output of failed documents comes last:
//! a run that is killed before that has lost none of them. The manifests of the outputs say which failed documents have joined
//! them; where a retry was killed between two outputs, they cannot be taken up once more, because what is decided anew may be
//! decided otherwise: a document that one output holds already would be in another one, too, or in none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use textmill_io::{FailedDocuments, Join, KeyMaker, PublishedFile, Result, Stays};

/// The failed documents that are taken up.
#[derive(Debug)]
pub(crate) struct Retry {
    pub(crate) documents: FailedDocuments,
    /// A hash of their files, and of what was taken up before: all may fail once more, with the same bytes.
    id: String,
}

impl Retry {
    /// Those of an output, by its files; `None` where there are none. `before`: what its manifest says was taken up the last time.
    pub(crate) fn of(files: Vec<(PathBuf, PublishedFile)>, before: Option<String>) -> Result<Option<Self>> {
        let before = KeyMaker::default().and(before.unwrap_or_default());
        let id = files.iter().fold(before, |key, (_, file)| key.and(&file.path).and(&file.sha256));
        let documents = FailedDocuments::find(files.into_iter().map(|(path, _)| path).collect())?;
        let is_any = documents.taken_up + documents.left > 0;
        Ok(is_any.then(|| Self { documents, id: id.key().to_string() }))
    }

    /// How an output goes on of which this stays; `None` where the documents have joined it already.
    pub(crate) fn join(&self, output: &str, stays: Stays) -> Option<Join> {
        let is_joined = textmill_io::retried(Path::new(output)).as_ref() == Some(&self.id);
        (!is_joined).then(|| Join { stays, retried: self.id.clone() })
    }

    /// What stays of the ledger: the life of all others.
    pub(crate) fn other_lives(&self) -> Stays {
        Stays::EntriesBut(Arc::clone(&self.documents.documents))
    }
}
