//! From documents that have passed the stages to the outputs: bytes are made in the worker, written in input order.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use textmill_io::Result as IoResult;
use textmill_io::{
    Body, Document, EncodedBatch, Encoder, InputColumns, Key, KeyMaker, LedgerEntry, Origin, Output,
    OutputOptions, Published, ReadAs, ReadFailure, Refused, Rejected, Shard, Stays, Why,
};
use textmill_pipeline as written;

use crate::account::Counts;
use crate::batch::{Fate, Slot, Source};
use crate::error::{Error, Failure};
use crate::retry::Retry;
use crate::{Engine, Stage, convert};

/// How many failed documents are named at the end of a run.
const EXAMPLES: usize = 20;

/// The outputs of a run.
#[derive(Debug)]
pub(crate) struct Sinks {
    kept: Option<Output>,
    dropped: Option<Output>,
    failed: Option<Output>,
    ledger: Option<Output>,
    /// Whether the pipeline file asks for an output of failed documents: then it is there even if none failed.
    wants_failed: bool,
    /// Whether what is there of the failed documents is what is being taken up.
    is_retry: bool,
}

/// What a worker needs to know of the outputs.
#[derive(Clone, Debug)]
pub(crate) struct Encoders {
    kept: Option<Encoder>,
    dropped: Option<Encoder>,
    failed: Option<Encoder>,
    ledger: Option<Encoder>,
}

/// A batch that has passed all stages, as bytes to write.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Milled {
    kept: Part,
    dropped: Part,
    failed: Part,
    /// Lines of the ledger, which are no documents.
    pub(crate) ledger: EncodedBatch,
    failures: Vec<Failure>,
    /// The file of the first document whose text a stage edited.
    edited: Option<String>,
    #[serde(skip)]
    pub(crate) bytes_read: u64,
}

/// The documents of a batch for one output.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Part {
    documents: u64,
    batch: EncodedBatch,
}

/// Writes batches in the order in which it is given them, and counts what it writes.
#[derive(Debug)]
pub(crate) struct Writer {
    sinks: Sinks,
    kept: u64,
    dropped: u64,
    failed: u64,
    refused: u64,
    failures: Vec<Failure>,
    edited: Option<String>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Through {
    /// Documents that were written to one of the outputs.
    pub(crate) documents: u64,
    /// Those of them that failed.
    pub(crate) failed: u64,
}

/// What there is to tell of the outputs at the end of a run.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) failures: Vec<Failure>,
    pub(crate) edited: Option<String>,
    pub(crate) published: Vec<(&'static str, Published)>,
}

impl Sinks {
    /// No output at all.
    pub(crate) fn none() -> Self {
        Self { kept: None, dropped: None, failed: None, ledger: None, wants_failed: false, is_retry: false }
    }

    /// Opens all outputs of a pipeline. Failed documents always have one, beside the output if the file names none:
    /// nothing is lost for want of a line in it.
    ///
    /// `run`: a hash of all that the run depends on, for the manifests.
    pub(crate) fn open(
        engine: &Engine,
        columns: &InputColumns,
        overwrite: bool,
        run: &str,
    ) -> Result<Self, Error> {
        let pipeline = engine.pipeline();
        let open_as = |key, options| open_as(key, options, run);
        let open = |key, output: Option<&written::Output>| {
            let options = output.map(|output| convert::output_options(engine, output, columns, overwrite));
            open_as(key, options)
        };
        let kept = open("output", pipeline.output.as_ref())?;
        // Where the implied one lies follows from `[output]`, so that is what a person can change.
        let key = if pipeline.failed.is_some() { "failed" } else { "output" };
        let failed = open(key, pipeline.failed_output().as_ref())?;
        let ledger = pipeline.ledger.as_ref().map(|uri| convert::ledger_options(engine, uri, overwrite));
        Ok(Self {
            dropped: open("dropped", pipeline.dropped.as_ref())?,
            kept,
            failed,
            ledger: open_as("ledger", ledger.transpose().map_err(|error| Error::Output("ledger", error))?)?,
            wants_failed: pipeline.failed.is_some(),
            is_retry: false,
        })
    }

    /// Opens all outputs to go on from what is there.
    ///
    /// # Errors
    /// The documents have joined one already: a run before this one was killed before it had come to the last.
    pub(crate) fn open_to_join(
        engine: &Engine,
        columns: &InputColumns,
        overwrite: bool,
        retry: &Retry,
    ) -> Result<Self, Error> {
        let pipeline = engine.pipeline();
        let join = |key, options: Option<OutputOptions>, stays| match options {
            Some(options) => open_to_join(key, options, retry, stays),
            None => Ok(None),
        };
        let open = |key, output: Option<&written::Output>, stays| {
            let options = output.map(|output| convert::output_options(engine, output, columns, overwrite));
            join(key, options, stays)
        };
        let ledger = pipeline.ledger.as_ref().map(|uri| convert::ledger_options(engine, uri, overwrite));
        let ledger = ledger.transpose().map_err(|error| Error::Output("ledger", error))?;
        Ok(Self {
            kept: open("output", pipeline.output.as_ref(), Stays::Documents)?,
            dropped: open("dropped", pipeline.dropped.as_ref(), Stays::Documents)?,
            failed: open("failed", pipeline.failed_output().as_ref(), Stays::NotTakenUp)?,
            ledger: join("ledger", ledger, retry.other_lives())?,
            wants_failed: pipeline.failed.is_some(),
            is_retry: true,
        })
    }

    /// Where the journal of the run lies; `None` if the output is a stream, or there is none.
    pub(crate) fn journal(&self) -> Option<PathBuf> {
        self.kept.as_ref().and_then(Output::journal)
    }

    pub(crate) fn encoders(&self) -> Encoders {
        let encoder = |output: &Option<Output>| output.as_ref().map(Output::encoder);
        Encoders {
            kept: encoder(&self.kept),
            dropped: encoder(&self.dropped),
            failed: encoder(&self.failed),
            ledger: encoder(&self.ledger),
        }
    }
}

/// Opens an output to go on from what is there.
fn open_to_join(
    key: &'static str,
    options: OutputOptions,
    retry: &Retry,
    stays: Stays,
) -> Result<Option<Output>, Error> {
    Output::settle(&options).map_err(|error| Error::Output(key, error))?;
    let Some(join) = retry.join(&options.uri, stays) else {
        return Err(Error::HalfRetried(key, options.uri));
    };
    open_as(key, Some(OutputOptions { join: Some(join), ..options }), "")
}

fn open_as(key: &'static str, options: Option<OutputOptions>, run: &str) -> Result<Option<Output>, Error> {
    let with_run = |mut options: OutputOptions| {
        run.clone_into(&mut options.made_from.run);
        options
    };
    let options = options.map(with_run);
    options.map(|options| Output::open(&options).map_err(|error| Error::Output(key, error))).transpose()
}

impl Milled {
    pub(crate) fn documents(&self) -> u64 {
        self.kept.documents + self.dropped.documents + self.failed.documents
    }

    /// How many bytes there are to write.
    pub(crate) fn bytes(&self) -> usize {
        let parts = [&self.kept, &self.dropped, &self.failed];
        parts.iter().map(|part| part.batch.bytes()).sum::<usize>() + self.ledger.bytes()
    }

    /// The documents that follow come from this shard of the input.
    pub(crate) fn begin(&mut self, shard: Shard) {
        for part in [&mut self.kept, &mut self.dropped, &mut self.failed] {
            part.batch.begin(shard);
        }
        self.ledger.begin(shard);
    }

    /// Makes it empty; its buffers stay.
    pub(crate) fn clear(&mut self) {
        for part in [&mut self.kept, &mut self.dropped, &mut self.failed] {
            part.documents = 0;
            part.batch.clear();
        }
        self.ledger.clear();
        self.failures.clear();
        self.edited = None;
    }
}

impl Encoders {
    /// The encoder of the ledger, if there is one.
    pub(crate) fn ledger(&self) -> Option<Encoder> {
        self.ledger.clone()
    }

    /// What batches become: the formats and columns of the outputs, and how their files are called. Call it when the first batch
    /// was read: with it the columns are known.
    pub(crate) fn key(&self) -> Key {
        let outputs = [&self.kept, &self.dropped, &self.failed, &self.ledger];
        let describe = |output: &Option<Encoder>| output.as_ref().map(Encoder::describe).unwrap_or_default();
        outputs.into_iter().fold(KeyMaker::default(), |key, output| key.and(describe(output))).key()
    }

    /// Whether what becomes of a batch depends on the number of its shard.
    pub(crate) fn name_shards(&self) -> bool {
        [&self.kept, &self.dropped, &self.failed].into_iter().flatten().any(Encoder::names_shards)
    }

    /// Sorts the documents of a batch by what became of them, as bytes.
    pub(crate) fn encode(&self, stages: &[Stage], slots: &[Slot<'_>], milled: &mut Milled) -> IoResult<()> {
        milled.edited =
            slots.iter().find(|slot| slot.edited).and_then(Slot::file).map(|file| file.to_string());
        for slot in slots {
            match (&slot.source, &slot.fate) {
                (Source::Document(document), Fate::Kept) => self.keep(document, &mut milled.kept),
                (Source::Document(document), Fate::Dropped { stage, rule }) => {
                    let id = &stages[*stage].id;
                    let original = document.original();
                    let rejected = rejected(document, &original, id, Why::Rule(rule));
                    reject(self.dropped.as_ref(), &rejected, &mut milled.dropped);
                }
                (Source::Document(document), Fate::Failed { stage, message }) => {
                    let id = &stages[*stage].id;
                    let original = document.original();
                    let mut rejected = rejected(document, &original, id, Why::Error(message));
                    if slot.has_children() {
                        rejected.body = rejected.body.not_again();
                    }
                    reject(self.failed.as_ref(), &rejected, &mut milled.failed);
                    milled.note(document.id(), document.origin(), Some(id), message);
                }
                (Source::Unreadable(failure), _) => self.fail(failure, milled),
            }
        }
        finish(self.kept.as_ref(), &mut milled.kept)?;
        finish(self.dropped.as_ref(), &mut milled.dropped)?;
        finish(self.failed.as_ref(), &mut milled.failed)
    }

    fn keep(&self, document: &Document<'_>, part: &mut Part) {
        part.documents += 1;
        if let Some(encoder) = &self.kept {
            encoder.encode(document, &mut part.batch);
        }
    }

    fn fail(&self, failure: &ReadFailure<'_>, milled: &mut Milled) {
        let original = &failure.original;
        let body =
            if failure.is_start { Body::Start(original) } else { Body::Original(original, failure.read_as) };
        let rejected = Rejected {
            id: &failure.id(),
            origin: &failure.origin,
            stage: None,
            why: Why::Error(&failure.message),
            body,
        };
        reject(self.failed.as_ref(), &rejected, &mut milled.failed);
        milled.note(&failure.id(), &failure.origin, None, &failure.message);
    }
}

/// A document that stage `stage` ended. What is kept of it is what was read, or its text if a stage emitted it.
fn rejected<'a>(
    document: &'a Document<'_>,
    original: &'a [u8],
    stage: &'a str,
    why: Why<'a>,
) -> Rejected<'a> {
    let body = match original {
        [] => Body::Text(document.text()),
        original => Body::Original(original, document.format()),
    };
    Rejected { id: document.id(), origin: document.origin(), stage: Some(stage), why, body }
}

fn reject(encoder: Option<&Encoder>, rejected: &Rejected<'_>, part: &mut Part) {
    part.documents += 1;
    if let Some(encoder) = encoder {
        encoder.reject(rejected, &mut part.batch);
    }
}

fn finish(encoder: Option<&Encoder>, part: &mut Part) -> IoResult<()> {
    encoder.map_or(Ok(()), |encoder| encoder.finish(&mut part.batch))
}

impl Milled {
    fn note(&mut self, id: &str, origin: &Origin, stage: Option<&str>, message: &str) {
        if self.failures.len() < EXAMPLES {
            self.failures.push(failure(id, origin, stage, message));
        }
    }
}

impl Writer {
    pub(crate) fn new(sinks: Sinks) -> Self {
        Self { sinks, kept: 0, dropped: 0, failed: 0, refused: 0, failures: Vec::new(), edited: None }
    }

    /// Writes a batch; how far the run has come with it.
    pub(crate) fn write(&mut self, milled: &mut Milled) -> IoResult<Through> {
        let Milled { kept, dropped, failed, ledger, failures, edited, .. } = milled;
        self.edited = self.edited.take().or(edited.take());
        let refused =
            self.sinks.kept.as_mut().map(|output| output.write(&kept.batch)).transpose()?.unwrap_or_default();
        self.kept += self.sinks.kept.as_ref().map_or(kept.documents, |_| kept.batch.documents())
            - refused.len() as u64;
        self.refused += refused.len() as u64;
        let mut refusals = EncodedBatch::default();
        for refused in &refused {
            self.refuse(refused, failed);
            self.note_refusal(refused, &mut refusals);
            failures.push(failure(&refused.id, &refused.origin, None, &refused.message));
        }
        self.dropped += write(self.sinks.dropped.as_mut(), dropped)?;
        self.failed += write(self.sinks.failed.as_mut(), failed)?;
        self.write_ledger(ledger, &mut refusals)?;
        let room = EXAMPLES - self.failures.len();
        self.failures.extend(failures.drain(..).take(room));
        Ok(Through { documents: self.kept + self.dropped + self.failed, failed: self.failed })
    }

    /// The first documents that failed, in input order.
    pub(crate) fn take_failures(&mut self) -> Vec<Failure> {
        std::mem::take(&mut self.failures)
    }

    /// A document that the output could not take has failed.
    fn refuse(&self, refused: &Refused, failed: &mut Part) {
        let rejected = Rejected {
            id: &refused.id,
            origin: &refused.origin,
            stage: None,
            why: Why::Error(&refused.message),
            body: Body::Original(&refused.bytes, ReadAs::default()),
        };
        reject(self.sinks.failed.as_ref().map(Output::encoder).as_ref(), &rejected, failed);
    }

    /// What the ledger says of it.
    fn note_refusal(&self, refused: &Refused, refusals: &mut EncodedBatch) {
        let Some(encoder) = self.sinks.ledger.as_ref().map(Output::encoder) else { return };
        let entry = LedgerEntry {
            doc: refused.id.as_str().into(),
            event: "refused".into(),
            message: Some(refused.message.as_str().into()),
            file: Some((&*refused.origin.file).into()),
            line: refused.origin.line,
            offset: Some(refused.origin.offset),
            ..LedgerEntry::default()
        };
        encoder.entry(&entry, refusals);
    }

    /// Refusals come behind the other lines of their batch, which workers have encoded.
    fn write_ledger(&mut self, ledger: &EncodedBatch, refusals: &mut EncodedBatch) -> IoResult<()> {
        let Some(output) = &mut self.sinks.ledger else { return Ok(()) };
        output.write(ledger)?;
        if !refusals.is_empty() {
            output.encoder().finish(refusals)?;
            output.write(refusals)?;
        }
        Ok(())
    }

    /// Adds what was written.
    pub(crate) fn count(&self, counts: &mut Counts) {
        counts.kept = self.kept;
        counts.dropped = self.dropped;
        counts.failed = self.failed;
        counts.refused = self.refused;
    }

    /// Makes the outputs appear under their names; the main one last, so that where it is, the others are.
    pub(crate) fn publish(self) -> Result<Ends, Error> {
        let Sinks { kept, dropped, failed, ledger, wants_failed, is_retry } = self.sinks;
        let mut published = Vec::new();
        let mut publish = |key, output: Option<Output>| {
            let Some(output) = output else { return Ok(()) };
            published.push((key, output.publish().map_err(Error::Io)?));
            Ok(())
        };
        let has_failed = failed.as_ref().is_some_and(|failed| failed.documents() > 0);
        let (none_failed, failed) =
            if !has_failed && !wants_failed { (failed, None) } else { (None, failed) };
        // Of what is taken up again, nothing may be gone before it is in the output.
        let (first, last) = if is_retry { (None, failed) } else { (failed, None) };
        publish("failed", first)?;
        publish("dropped", dropped)?;
        publish("ledger", ledger)?;
        publish("output", kept)?;
        publish("failed", last)?;
        // What an earlier run left of failed documents belongs to its output, which is gone only here.
        none_failed.map_or(Ok(()), Output::withdraw).map_err(Error::Io)?;
        published.reverse();
        Ok(Ends { failures: self.failures, edited: self.edited, published })
    }
}

/// Writes a part; how many documents were in what was written. Without an output they are only counted.
fn write(output: Option<&mut Output>, part: &Part) -> IoResult<u64> {
    let Some(output) = output else { return Ok(part.documents) };
    let refused = output.write(&part.batch)?;
    Ok(part.batch.documents() - refused.len() as u64)
}

fn failure(id: &str, origin: &Origin, stage: Option<&str>, message: &str) -> Failure {
    let (id, place, message) = (id.to_owned(), origin.to_string(), message.to_owned());
    Failure { id, place, stage: stage.map(ToOwned::to_owned), message }
}
