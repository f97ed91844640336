//! What a run remembers, so that the same command goes on where it was interrupted.
//!
//! What became of a batch is noted in a journal ([`textmill_io::Journal`]), under a key made of all that it depends on: the
//! pipeline, its plugins, the files that options name, where the documents come from, and all their bytes. The next run reads
//! and cuts the input again, which takes little beside the stages, and takes from the journal what is there. The writer is
//! given the same batches in the same order, so what it writes is the same bytes; and nothing depends on how far the first run
//! came, on which thread finished what, or on which files were added since.
//!
//! Short runs note nothing: to do them again takes less than to note them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use textmill_io::{Chunk, Journal, Key, KeyMaker, Packed};

use crate::account::Counts;
use crate::write::{Encoders, Milled, Sinks};
use crate::{Engine, Error};

/// How long a run goes on before it notes what is done, unless the pipeline file says another time.
const RESUME_AFTER: Duration = Duration::from_secs(2);

/// To be raised when the same pipeline comes to other bytes than before.
const DATA_VERSION: u64 = 1;

/// See the [module](self). Shared by all workers.
#[derive(Debug)]
pub(crate) struct Memory {
    run: Key,
    /// From when on what is done is noted.
    from: Instant,
    /// Whether a run before this one has noted something.
    has_past: bool,
    /// Whether a document that failed may succeed when it is tried again.
    failures_pass: bool,
    /// The key of what batches become: the formats and columns of the outputs. The columns are known with the first batch.
    outputs: OnceLock<Key>,
    journal: Mutex<State>,
    recalled: AtomicU64,
    noted: AtomicU64,
}

#[derive(Debug)]
enum State {
    /// Nothing is noted: the output is a stream, or the journal could not be written.
    Off,
    /// It will be begun with the first note.
    Ahead(PathBuf),
    Open(Journal),
}

impl Memory {
    /// Opens what an interrupted run has left, unless `fresh`.
    pub(crate) fn open(engine: &Engine, sinks: &Sinks, fresh: bool, begin: Instant) -> Result<Self, Error> {
        let run = key_of_run(engine);
        let state = match sinks.journal() {
            None => State::Off,
            Some(path) if Journal::exists(&path) => {
                let journal = Journal::open(&path, run).map_err(Error::Io)?;
                if fresh {
                    journal.remove().map_err(Error::Io)?;
                    State::Ahead(path)
                } else {
                    State::Open(journal)
                }
            }
            Some(path) => State::Ahead(path),
        };
        Ok(Self {
            run,
            from: begin + engine.pipeline().run.resume_after.unwrap_or(RESUME_AFTER),
            has_past: matches!(&state, State::Open(journal) if !journal.is_empty()),
            failures_pass: engine.pipeline().stages.iter().any(|stage| stage.process.is_some()),
            outputs: OnceLock::new(),
            journal: Mutex::new(state),
            recalled: AtomicU64::new(0),
            noted: AtomicU64::new(0),
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
    pub(crate) fn recall(&self, key: Key, documents: usize) -> Result<Option<(Milled, Counts)>, Error> {
        if !self.has_past {
            return Ok(None);
        }
        let State::Open(journal) = &mut *self.lock() else { return Ok(None) };
        let Some(packed) = journal.find(key).map_err(Error::Io)? else { return Ok(None) };
        let found = packed.unpack().ok().and_then(|bytes| postcard::from_bytes(&bytes).ok());
        if found.is_some() {
            self.recalled.fetch_add(documents as u64, Ordering::Relaxed);
        }
        Ok(found)
    }

    /// Whether what becomes of a batch is to be noted.
    pub(crate) fn is_noting(&self) -> bool {
        Instant::now() >= self.from && !matches!(*self.lock(), State::Off)
    }

    /// Notes what became of a batch of so many documents. A journal that cannot be written is given up, with the room that
    /// it takes: the run is worth more than its memory.
    pub(crate) fn note(&self, key: Key, documents: usize, milled: &Milled, counts: &Counts) {
        if milled.has_failed() && self.failures_pass {
            return;
        }
        let Ok(bytes) = postcard::to_stdvec(&(milled, counts)) else { return };
        let packed = Packed::new(&bytes);
        let mut state = self.lock();
        if let Err(error) = state.append(self.run, key, &packed) {
            tracing::warn!("{error}: if this run is interrupted, the next one begins anew");
            if let State::Open(journal) = std::mem::replace(&mut *state, State::Off) {
                _ = journal.remove();
            }
            return;
        }
        self.noted.fetch_add(documents as u64, Ordering::Relaxed);
    }

    /// How many documents an earlier run had done.
    pub(crate) fn recalled(&self) -> u64 {
        self.recalled.load(Ordering::Relaxed)
    }

    /// Makes sure that what was noted is there for the next run; how many documents that finds done. What was recalled is
    /// still there.
    pub(crate) fn keep(self) -> u64 {
        let state = self.journal.into_inner().unwrap_or_else(PoisonError::into_inner);
        let State::Open(mut journal) = state else { return 0 };
        match journal.flush() {
            Ok(()) => self.recalled.into_inner() + self.noted.into_inner(),
            Err(_) => 0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn append(&mut self, run: Key, key: Key, packed: &Packed) -> textmill_io::Result<()> {
        if let Self::Ahead(path) = self {
            *self = Self::Open(Journal::open(path, run)?);
        }
        match self {
            Self::Open(journal) => journal.append(key, packed),
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
    key.key()
}

/// What tells one build of the same version from another, for whoever works on a stage of ours: size and time of the program.
fn build() -> String {
    let metadata = std::env::current_exe().and_then(std::fs::metadata);
    let modified = metadata.as_ref().ok().and_then(|metadata| metadata.modified().ok());
    format!("{:?} {modified:?}", metadata.as_ref().map(std::fs::Metadata::len).ok())
}
