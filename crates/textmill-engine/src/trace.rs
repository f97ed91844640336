//! What each stage did with a document: for `try`, and for whoever keeps a ledger.

use std::time::{Duration, Instant};

use textmill_io::{Chunk, Document, Input};

use crate::batch::{Fate, Mill, Slot, Source};
use crate::error::{Error, Failure};
use crate::observe::Observer;
use crate::plugin::{Answer, DocumentKey, Verdict};
use crate::{Edit, Engine, convert};

/// What the stages did with one document.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The id of the document.
    pub id: String,
    /// The text as it was read.
    pub original: String,
    /// What each stage did that the document came to, in order.
    pub stages: Vec<TracedStage>,
    /// What became of it.
    pub fate: Fate,
    /// The document as it is after the last of them, as a line of JSON.
    pub document: Vec<u8>,
}

/// What one stage did with a document.
#[derive(Clone, Debug, Default)]
pub struct TracedStage {
    /// The number of the stage in the pipeline, from 0.
    pub stage: usize,
    /// The text as it came to the stage.
    pub before: String,
    /// The text after the edits.
    pub after: String,
    /// The edits of `before`. A whole new text is one edit of all of it.
    pub edits: Vec<Edit>,
    /// The fields that it set, as JSON or as text; `None` where it removed one.
    pub fields: Vec<(String, Option<String>)>,
    /// The scores it reported: name, value, threshold.
    pub scores: Vec<(String, f64, Option<f64>)>,
    /// The texts of the documents that it emitted.
    pub emitted: Vec<String>,
    /// How long it took.
    pub time: Duration,
}

impl Engine {
    /// Passes the first document of the input through the stages and says what each did.
    ///
    /// # Errors
    /// If there is no document, or the first one cannot be read.
    pub fn trace_first(&self) -> Result<Trace, Error> {
        let options = textmill_io::InputOptions { limit: Some(1), ..convert::input_options(self.pipeline()) };
        let input = Input::open(options).map_err(Error::Input)?;
        let mut chunk = Chunk::default();
        input.reader().next(&mut chunk).map_err(Error::Io)?;
        let document = chunk.documents().next().ok_or(Error::NoDocument)?;
        let document = document.map_err(|failure| {
            Error::Unreadable(Failure {
                id: failure.id(),
                place: failure.origin.to_string(),
                stage: None,
                message: failure.message,
            })
        })?;
        self.trace(document)
    }

    /// Passes a document that lies in no file through the stages: one JSON object, whose fields have the names of the input.
    ///
    /// # Errors
    /// If it is no document.
    pub fn trace_json(&self, json: &str, name: &str) -> Result<Trace, Error> {
        let names = self.field_names();
        let document = Document::of_json(json, name, &names).map_err(|message| {
            let (id, place) = (name.to_owned(), name.to_owned());
            Error::Unreadable(Failure { id, place, stage: None, message })
        })?;
        self.trace(document)
    }

    fn trace(&self, document: Document<'_>) -> Result<Trace, Error> {
        let mut mill = Mill::new(self).map_err(Error::Stage)?;
        let (id, original) = (document.id().to_owned(), document.text().to_owned());
        let mut recorder =
            Recorder { engine: self, id: id.clone(), stages: Vec::new(), since: Instant::now() };
        let mut slots = vec![Slot::new(Ok(document))];
        mill.process(&mut slots, &mut recorder).map_err(|_| Error::Interrupted { done: 0 })?;
        let Slot { source, fate, .. } = slots.swap_remove(0);
        let Source::Document(document) = source else { return Err(Error::NoDocument) };
        Ok(Trace { id, original, stages: recorder.stages, fate, document: document.to_json() })
    }
}

/// Writes down what it sees of the first document of each batch.
struct Recorder<'e> {
    engine: &'e Engine,
    id: String,
    stages: Vec<TracedStage>,
    since: Instant,
}

impl Observer for Recorder<'_> {
    fn see(&mut self, stage: usize, _: DocumentKey, document: &Document<'_>, answer: &Answer) {
        // Documents that a stage emitted come behind the traced one, and have ids of their own.
        if self.stages.last().is_some_and(|last| last.stage >= stage) || document.id() != self.id {
            return;
        }
        let time = self.since.elapsed();
        let before = document.text().to_owned();
        let traced = match answer.verdict {
            Verdict::Fail(_) => {
                TracedStage { stage, after: before.clone(), before, time, ..TracedStage::default() }
            }
            Verdict::Keep | Verdict::Drop(_) => self.record(stage, before, answer, time),
        };
        self.stages.push(traced);
        self.since = Instant::now();
    }
}

impl Recorder<'_> {
    fn record(&self, stage: usize, before: String, answer: &Answer, time: Duration) -> TracedStage {
        let writes = &self.engine.stages()[stage].plan().writes;
        let fields = answer.sets.iter().map(|(column, value)| (writes[*column].0.clone(), value.clone()));
        TracedStage {
            stage,
            after: answer.clone().apply(&before).unwrap_or_else(|| before.clone()),
            edits: answer.all_edits(before.len()),
            fields: fields.collect(),
            scores: answer.scores.clone(),
            emitted: answer.emits.iter().map(|new| new.text.clone()).collect(),
            before,
            time,
        }
    }
}
