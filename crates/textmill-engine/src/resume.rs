//! What a run remembers, so that the same command goes on where it was interrupted.
//!
//! What became of a batch is noted in a journal ([`textmill_io::Journal`]), under a key made of all that it depends on: the
//! pipeline, its plugins, the files that options name, where the documents come from, and all their bytes. The next run reads
//! and cuts the input again, which takes little beside the stages, and takes from the journal what is there. The writer is
//! given the same batches in the same order, so what it writes is the same bytes; and nothing depends on how far the first run
//! came, on which thread finished what, or on which files were added since.
//!
//! Short runs note nothing: to do them again takes less than to note them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use textmill_io::{Chunk, Input, Journal, Key, KeyMaker, Packed, Stamps};
use textmill_pipeline::{Output, StageSpec};

use crate::account::Counts;
use crate::write::{Encoders, Milled, Sinks};
use crate::{Engine, Error};

/// How long a run goes on before it notes what is done, unless the pipeline file says another time.
const RESUME_AFTER: Duration = Duration::from_secs(2);

/// A batch that became more bytes than so many is not noted: it would lie in memory twice more, which nobody has reckoned with.
const MOST: usize = 32 << 20;

/// To be raised when the same pipeline comes to other bytes than before.
const DATA_VERSION: u64 = 2;

/// See the [module](self). Shared by all workers.
#[derive(Debug)]
pub(crate) struct Resume {
    run: Key,
    /// From when on what is done is noted.
    from: Instant,
    /// Whether a run before this one has noted something.
    has_past: bool,
    /// The stages in which a document that failed may succeed when it is tried again.
    may_pass: Vec<usize>,
    /// The key of what batches become: the formats and columns of the outputs. The columns are known with the first batch.
    outputs: OnceLock<Key>,
    is_noting: AtomicBool,
    journal: Mutex<State>,
    recalled: AtomicU64,
}

#[derive(Debug)]
enum State {
    /// Nothing is noted: the output is a stream, or the journal could not be written.
    Off,
    /// It will be begun with the first note.
    Ahead(PathBuf),
    Open(Journal),
}

impl Resume {
    /// Opens what an interrupted run has left, unless `fresh`.
    pub(crate) fn open(engine: &Engine, sinks: &Sinks, fresh: bool, begin: Instant) -> Result<Self, Error> {
        let run = key_of_run(engine);
        let state = match sinks.journal() {
            None => State::Off,
            Some(path) if fresh => {
                Journal::remove(&path).map_err(Error::Io)?;
                State::Ahead(path)
            }
            Some(path) if Journal::exists(&path) => State::of_past(&path, run),
            Some(path) => State::Ahead(path),
        };
        let stages = engine.pipeline().stages.iter().enumerate();
        Ok(Self {
            run,
            from: begin + engine.pipeline().run.resume_after.unwrap_or(RESUME_AFTER),
            has_past: matches!(&state, State::Open(journal) if !journal.is_empty()),
            may_pass: stages.filter(|(_, stage)| stage.process.is_some()).map(|(number, _)| number).collect(),
            outputs: OnceLock::new(),
            is_noting: AtomicBool::new(!matches!(state, State::Off)),
            journal: Mutex::new(state),
            recalled: AtomicU64::new(0),
        })
    }

    /// The key of a batch, if there is something to ask for or to note under it.
    pub(crate) fn key(&self, chunk: &Chunk, encoders: &Encoders) -> Option<Key> {
        if !self.has_past && Instant::now() < self.from {
            return None;
        }
        let outputs = self.outputs.get_or_init(|| encoders.key());
        let key = KeyMaker::default().and(outputs).and(chunk.key());
        let key = if encoders.name_shards() { key.and(chunk.shard().number.to_le_bytes()) } else { key };
        Some(key.key())
    }

    /// What became of a batch of so many documents in an earlier run.
    pub(crate) fn recall(&self, key: Key, documents: usize) -> Option<(Milled, Counts)> {
        if !self.has_past {
            return None;
        }
        let found = match &mut *self.lock() {
            State::Open(journal) => journal.find(key),
            _ => Ok(None),
        };
        let packed = found.unwrap_or_else(|error| {
            tracing::warn!("{error}: some of what was done is done again");
            None
        });
        let found = packed.and_then(|packed| postcard::from_bytes(&packed.unpack().ok()?).ok());
        if found.is_some() {
            self.recalled.fetch_add(documents as u64, Ordering::Relaxed);
        }
        found
    }

    /// Whether what becomes of a batch is to be noted.
    pub(crate) fn is_noting(&self) -> bool {
        self.is_noting.load(Ordering::Relaxed) && Instant::now() >= self.from
    }

    /// Notes what became of a batch of so many documents. A journal that cannot be written is given up, with the room that
    /// it takes: the run is worth more than its memory.
    pub(crate) fn note(&self, key: Key, documents: usize, milled: &Milled, counts: &Counts) {
        let may_pass = |stage: &usize| {
            let counts = &counts.stages[*stage];
            counts.failed + counts.errored + counts.dropped_by_error > 0
        };
        if milled.bytes() > MOST || self.may_pass.iter().any(may_pass) {
            return;
        }
        let Ok(bytes) = postcard::to_stdvec(&(milled, counts)) else { return };
        let packed = Packed::new(&bytes);
        let mut state = self.lock();
        let appended = state.append(self.run, key, documents as u64, &packed);
        let to_flush = match (&appended, &mut *state) {
            (Ok(()), State::Open(journal)) => journal.to_flush(),
            _ => None,
        };
        if let Err(error) = appended {
            tracing::warn!("{error}: if this run is interrupted, the next one begins anew");
            self.is_noting.store(false, Ordering::Relaxed);
            state.give_up();
        }
        drop(state);
        // What the disk refuses shows in the next record.
        _ = to_flush.map(|file| file.sync_data());
    }

    /// How many documents an earlier run had done.
    pub(crate) fn recalled(&self) -> u64 {
        self.recalled.load(Ordering::Relaxed)
    }

    /// Makes sure that what was noted is there for the next run; how many documents that finds done.
    pub(crate) fn keep(self) -> u64 {
        match self.journal.into_inner().unwrap_or_else(PoisonError::into_inner) {
            State::Open(journal) if journal.flush().is_ok() => journal.documents(),
            _ => 0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What an interrupted run has left, if it can be read.
    fn of_past(path: &Path, run: Key) -> Self {
        Journal::open(path, run).map_or_else(
            |error| {
                tracing::warn!("{error}: this run begins anew");
                Self::Off
            },
            Self::Open,
        )
    }

    fn give_up(&mut self) {
        if let Self::Open(journal) = std::mem::replace(self, Self::Off) {
            _ = Journal::remove(journal.path());
        }
    }

    fn append(&mut self, run: Key, key: Key, documents: u64, packed: &Packed) -> textmill_io::Result<()> {
        if let Self::Ahead(path) = self {
            *self = Self::Open(Journal::open(path, run)?);
        }
        match self {
            Self::Open(journal) => journal.append(key, documents, packed),
            _ => Ok(()),
        }
    }
}

/// What all batches of a run have in common: the program and what the pipeline is made of. Where the input and the outputs lie
/// makes no difference, so that a checkout can be moved.
fn key_of_run(engine: &Engine) -> Key {
    let (pipeline, provenance) = (engine.pipeline(), engine.provenance());
    let input = &pipeline.input;
    let mut key = KeyMaker::default()
        .and(DATA_VERSION.to_le_bytes())
        .and(env!("CARGO_PKG_VERSION"))
        .and(build())
        .and(&provenance.pipeline)
        .and(format!("{:?} {:?} {:?}", input.format, input.invalid_utf8, input.fields));
    for plugin in &provenance.plugins {
        key = key.and(&plugin.name).and(&plugin.sha256);
    }
    for resource in &provenance.resources {
        key = key.and(&resource.path).and(&resource.sha256);
    }
    // The command line can say other options than the file.
    for stage in &pipeline.stages {
        let StageSpec { id, uses, options, on_error, process, .. } = stage;
        key = key.and(id).and(uses).and(options.to_string()).and(format!("{on_error:?} {process:?}"));
    }
    key.key()
}

/// A hash of all that a run depends on, the input included.
pub(crate) fn identity(beside: Key, input: &Input, stamps: &Stamps) -> String {
    KeyMaker::default().and(beside).and(stamps.key(input)).key().to_string()
}

/// A hash of all that a run depends on beside the input.
pub(crate) fn identity_beside(engine: &Engine, limit: Option<u64>) -> Key {
    let pipeline = engine.pipeline();
    let mut key = KeyMaker::default().and(key_of_run(engine)).and(&pipeline.name);
    for output in [&pipeline.output, &pipeline.dropped, &pipeline.failed].into_iter().flatten() {
        let Output { name, format, columns, max_bytes, .. } = output;
        key = key.and(format!("{name:?} {format:?} {columns:?} {max_bytes:?}"));
    }
    key.and(format!("{limit:?} {:?} {:?}", pipeline.run.shard_bytes, pipeline.ledger.is_some())).key()
}

/// What tells one build of the same version from another, for whoever works on a stage of ours: size and time of the program.
fn build() -> String {
    let metadata = std::env::current_exe().and_then(std::fs::metadata);
    let modified = metadata.as_ref().ok().and_then(|metadata| metadata.modified().ok());
    format!("{:?} {modified:?}", metadata.as_ref().map(std::fs::Metadata::len).ok())
}
