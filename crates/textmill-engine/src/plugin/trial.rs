//! A worker of a stage for whoever tests stages: documents in, everything that it asked for out.
//!
//! It is the worker of a run, with the same checks of each call, so that a test sees what a run would see.

use textmill_abi::Str;

use super::host::{Cancel, enter_run};
use super::segments::Segments;
use super::sink::{Answer, Answers, Breach};
use super::stage::{OpenedStage, StageError, StageWorker};

/// A worker of a stage, to be tried.
#[derive(Debug)]
pub struct Trial<'s> {
    worker: StageWorker<'s>,
    segments: Segments,
    answers: Answers,
}

impl OpenedStage {
    /// A worker to be tried.
    ///
    /// # Errors
    /// If the stage makes none.
    pub fn trial(&self) -> Result<Trial<'_>, StageError> {
        Ok(Trial { worker: self.worker()?, segments: Segments::default(), answers: Answers::default() })
    }
}

impl Trial<'_> {
    /// Hands over a batch: the texts, and for each field that the stage reads a value for each text, which is text for a
    /// field of type text and JSON for all others. The stage is told that it is cancelled when `cancel` is. The answers may be
    /// taken from their places, which are used again for the next batch.
    ///
    /// # Errors
    /// If the stage gave up or was cancelled; or if it answered for a document that is not in the batch.
    ///
    /// # Panics
    /// If there are not as many values of each field as there are texts.
    pub fn process(
        &mut self,
        texts: &[&str],
        fields: &[Vec<Option<&str>>],
        cancel: &Cancel,
    ) -> Result<&mut [Answer], StageError> {
        let _in_run = enter_run(cancel);
        let texts = texts.iter().map(|text| Str::from(*text)).collect();
        let value = |value: Option<&str>| Str::optional(value.map(str::as_bytes));
        let fields = fields.iter().map(|values| values.iter().copied().map(value).collect());
        let columns: Vec<Vec<Str>> = std::iter::once(texts).chain(fields).collect();
        self.segments.begin_with(columns.first().map_or(0, Vec::len));
        self.worker.process(&columns, &mut self.segments, &mut self.answers)?;
        Ok(self.answers.all())
    }

    /// The calls of the last batch that did not keep the contract.
    pub fn breaches(&self) -> &[Breach] {
        self.worker.breaches()
    }
}
