//! A run: from the input to the published output.

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use textmill_io::{
    Ahead, Budget, Chunk, Input, InputColumns, InputOptions, MadeFrom, Output, Permit, Published, Reader,
    Sameness, Seen, Stamps, machine_memory,
};
use textmill_pipeline::MaxErrors;

use crate::account::Counts;
use crate::batch::{Mill, StageTime};
use crate::error::{Error, Failure};
use crate::ledger::Recorder;
use crate::observe::Blind;
use crate::plugin::{Cancel, enter_run};
use crate::resume::{self, Resume};
use crate::retry::Retry;
use crate::ring::Ring;
use crate::write::{Encoders, Ends, Milled, Sinks, Through, Writer};
use crate::{Engine, convert};

/// How many bytes may be in flight where neither the user nor the system says anything of memory.
const MEMORY_LIMIT: u64 = 512 << 20;

/// How many bytes, at most, may lie unpacked or decoded before the reader needs them; a quarter of what may be in flight, if
/// that is less.
const AHEAD: usize = 64 << 20;

/// Buffers for the bytes of batches that lie ready to be used again: more than are needed where batches are finished as
/// fast as they are read.
const SPARE: usize = 16;

/// A share of failed documents says something of a run from so many documents on.
const ENOUGH_FOR_A_SHARE: u64 = 1_000;

/// What a user can say about one run, beside the pipeline file.
#[derive(Debug)]
pub struct RunOptions<'a> {
    /// How many threads work; with one, everything happens on the calling thread.
    pub threads: NonZeroUsize,
    /// How many bytes may be between the reader and the writer, in the place of what the pipeline file says.
    pub memory_limit: Option<NonZeroU64>,
    /// Read no more than this many documents.
    pub limit: Option<u64>,
    /// Do everything but write.
    pub dry_run: bool,
    /// Replace an output that is not ours.
    pub overwrite: bool,
    /// What is made of earlier runs.
    pub past: Past,
    /// How many documents may fail before the run ends early; `None`: it goes on to its end.
    pub max_errors: Option<MaxErrors>,
    /// Asks the run to stop.
    pub cancel: Cancel,
    /// Is told how the run gets on.
    pub progress: &'a dyn Progress,
}

/// What a run makes of those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Past {
    /// It goes on where an interrupted one stopped.
    #[default]
    GoOn,
    /// The same, and remembers what every file of the input holds, though it take reading some of them twice.
    Verify,
    /// It does everything anew, and forgets what an interrupted one had done.
    Fresh,
    /// It takes up again what failed in the last one, in the place of reading the input, and lets it join the output.
    RetryFailed,
}

/// Is told how a run gets on, from any thread.
pub trait Progress: Sync + fmt::Debug {
    /// The input is open: its size in bytes as it is stored, if that can be known.
    fn begin(&self, total_bytes: Option<u64>);
    /// A batch is through: how many documents it had, and how many bytes of the input, as it is stored, have been read
    /// since the beginning.
    fn advance(&self, documents: u64, bytes_read: u64);
    /// Whether it wants to be told where the time goes.
    fn wants_spans(&self) -> bool {
        false
    }
    /// A batch has passed a stage, or all of them.
    fn span(&self, _span: Span) {}
    /// What a thread has counted so far, after each of its batches; to one that wants spans.
    fn counted(&self, _worker: usize, _counts: &Counts) {}
}

/// Where time of a worker went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The number of the stage; `None`: the batch as a whole, from its parsing to the bytes that are written.
    pub stage: Option<usize>,
    /// The number of the batch, in input order.
    pub batch: u64,
    /// The number of the thread.
    pub worker: usize,
    /// How many documents there were.
    pub documents: usize,
    /// When it began, since the beginning of the run.
    pub begin: Duration,
    /// How long it took.
    pub time: Duration,
}

/// A run that came to its end.
#[derive(Debug, Default)]
pub struct Finished {
    /// What happened to the documents.
    pub counts: Counts,
    /// The first documents that failed, in input order.
    pub failures: Vec<Failure>,
    /// What was published, by the key of the pipeline file: `output`, `dropped`, `failed`.
    pub published: Vec<(&'static str, Published)>,
    /// Files in folders of the input that were passed over, because their extension is none that we read.
    pub skipped_files: Vec<String>,
    /// Records of web archives that are no pages.
    pub skipped_records: u64,
    /// A file of the input to look at: the first one with a document whose text was edited, or else
    /// the first one; `None` where that may be one that failed.
    pub example: Option<PathBuf>,
    /// Documents that an interrupted run had done.
    pub resumed: u64,
    /// Of [`Past::RetryFailed`]: documents that failed before and cannot be taken up by themselves. They are in the failed output
    /// still.
    pub left: u64,
    /// Bytes of the input, as it is stored.
    pub bytes_read: u64,
    /// The most bytes that were at one time between the reader and the writer.
    pub peak_bytes: usize,
    /// From the opening of the input to the publication.
    pub time: Duration,
}

/// What the workers of a run share.
struct Shared<'r> {
    engine: &'r Engine,
    options: &'r RunOptions<'r>,
    encoders: Encoders,
    begin: Instant,
    resume: Resume,
    reader: Mutex<Reader>,
    /// What the reader would like to be done by others.
    ahead: Option<Arc<Ahead>>,
    budget: Arc<Budget>,
    ring: Ring<Milled>,
    /// Buffers of batches that were written.
    spare: Mutex<Vec<Milled>>,
    writer: Mutex<Writer>,
    totals: Mutex<Totals>,
    memory: Memory,
    retry: Retried,
}

/// What is to be remembered of the input when a run is done.
#[derive(Debug)]
enum Memory {
    Nothing,
    New(Identity),
    /// What is remembered already.
    Old(Seen),
}

/// What a run reads and writes.
struct Ways {
    input: Input,
    sinks: Sinks,
    memory: Memory,
    retry: Retried,
}

/// The documents of an output of failed ones.
#[derive(Clone, Copy, Debug, Default)]
struct Retried {
    /// How many are taken up, in the place of an input.
    taken_up: Option<u64>,
    /// How many stay what they are.
    left: u64,
}

/// What a run depends on, to be remembered when it is done.
#[derive(Debug)]
struct Identity {
    beside: String,
    run: String,
    /// The files of the input before they were read.
    stamps: Stamps,
}

/// What is added up at the end of each worker.
struct Totals {
    counts: Counts,
    error: Option<Error>,
}

/// Lets nobody wait for a worker that panicked.
struct StopOnPanic<'r>(&'r Ring<Milled>);

impl Engine {
    /// Runs the pipeline over its input, and publishes the output when all of it is there.
    ///
    /// # Errors
    /// Whatever keeps the run from its end. Documents that fail are no error: they are counted, and written to the failed
    /// output.
    ///
    /// # Panics
    /// If this program has a mistake. A panic of a stage is no panic here.
    pub fn run(&self, options: &RunOptions<'_>) -> Result<Finished, Error> {
        let begin = Instant::now();
        if self.pipeline().output.is_none() && !options.dry_run {
            return Err(Error::Missing("output"));
        }
        let Ways { input, sinks, memory, retry } = match options.past {
            Past::RetryFailed => self.ways_again(options)?,
            _ => self.ways(options)?,
        };
        options.progress.begin(input.total_bytes());
        let limit = self.memory_limit(options);
        let ahead_bytes = (limit / 4).min(AHEAD);
        let ahead = Ahead::new(options.threads, ahead_bytes);
        let budget = Budget::new(limit - ahead.as_ref().map_or(0, |_| ahead_bytes));
        let shared = Shared {
            engine: self,
            options,
            encoders: sinks.encoders(),
            begin,
            resume: Resume::open(self, &sinks, options.past == Past::Fresh, begin)?,
            reader: Mutex::new(input.reader_ahead(ahead.clone())),
            ahead,
            ring: Ring::new(Arc::clone(&budget)),
            budget,
            spare: Mutex::default(),
            writer: Mutex::new(Writer::new(sinks)),
            totals: Mutex::new(Totals { counts: self.no_counts(), error: None }),
            memory,
            retry,
        };
        shared.work_on(options.threads)?;
        shared.finish(&input)
    }

    /// From the input to the outputs.
    fn ways(&self, options: &RunOptions<'_>) -> Result<Ways, Error> {
        let input = self.open_input(options.limit, options.dry_run)?;
        self.spare_input(&input)?;
        let identity = Identity::of(self, &input, options.limit);
        let sinks = if options.dry_run {
            Sinks::none()
        } else {
            let run = identity.as_ref().map(|identity| identity.run.as_str()).unwrap_or_default();
            Sinks::open(self, &input.columns(), options.overwrite, run)?
        };
        let memory = identity.map_or(Memory::Nothing, Memory::New);
        Ok(Ways { input, sinks, memory, retry: Retried::default() })
    }

    /// From what failed to the outputs, which go on from what is there.
    fn ways_again(&self, options: &RunOptions<'_>) -> Result<Ways, Error> {
        let pipeline = self.pipeline();
        let failed = pipeline.failed_output().ok_or(Error::NothingFailed(None))?;
        let failed_options =
            convert::output_options(self, &failed, &InputColumns::default(), options.overwrite);
        if !options.dry_run {
            Output::settle(&failed_options).map_err(|error| Error::Output("failed", error))?;
        }
        let files = textmill_io::files_of(Path::new(&failed.uri)).unwrap_or_default();
        let nothing = || Error::NothingFailed(Some(failed.uri.clone()));
        let before = textmill_io::retried(Path::new(&failed.uri));
        let retry = Retry::of(files, before).map_err(Error::Io)?.ok_or_else(nothing)?;
        self.check_one_run(&failed.uri)?;
        let input_options = InputOptions { limit: options.limit, ..convert::input_options(pipeline) };
        let input = Input::of_failed(&retry.documents, input_options);
        let sinks = if options.dry_run {
            Sinks::none()
        } else {
            Sinks::open_to_join(self, &input.columns(), options.overwrite, &retry)?
        };
        let state =
            pipeline.output.as_ref().and_then(|output| textmill_io::state_folder(Path::new(&output.uri)));
        let seen = state.as_deref().and_then(Seen::read);
        let retry = Retried { taken_up: Some(retry.documents.taken_up), left: retry.documents.left };
        Ok(Ways { input, sinks, memory: seen.map_or(Memory::Nothing, Memory::Old), retry })
    }

    /// What failed in a run that was killed before its output was there has nothing to join: it is the old one yet.
    fn check_one_run(&self, failed: &str) -> Result<(), Error> {
        let Some(output) = self.pipeline().output.as_ref() else { return Ok(()) };
        if textmill_io::are_of_one_run(Path::new(&output.uri), Path::new(failed)) {
            return Ok(());
        }
        Err(Error::OfOtherRun { output: output.uri.clone(), failed: failed.to_owned() })
    }

    /// Whether the outputs are there, whole, and made of the very same: pipeline, plugins, files that options name, input, and
    /// program. A run would write the same once more. Files of the input that were touched are read again; with `is_verified`,
    /// all of them.
    ///
    /// # Errors
    /// The input is not there.
    pub fn is_done(&self, limit: Option<u64>, is_verified: bool) -> Result<bool, Error> {
        // Most runs that are not done have no output yet: their input is not looked for twice.
        let output = self.pipeline().output.as_ref().map(|output| Path::new(&output.uri));
        let Some(output) = output.filter(|output| output.exists()) else { return Ok(false) };
        let input = self.open_input(limit, false)?;
        let Some(now) = Identity::of(self, &input, limit) else { return Ok(false) };
        if !is_verified && self.is_made_from(&now.run) {
            return Ok(true);
        }
        let state = textmill_io::state_folder(output);
        let seen = state.as_deref().and_then(|state| Some((state, Seen::read(state)?)));
        let Some((state, mut seen)) = seen.filter(|(_, seen)| seen.beside == now.beside) else {
            return Ok(false);
        };
        if !self.is_made_from(&seen.run) {
            return Ok(false);
        }
        tracing::info!("reading what the input holds, to compare it with what it held");
        let sameness = seen.compare(&input, is_verified);
        if sameness == Sameness::Touched
            && let Err(error) = seen.write(state)
        {
            tracing::warn!("{error}: what was touched is read again the next time, too");
        }
        Ok(sameness != Sameness::Other)
    }

    /// Whether all outputs are there, whole, and their manifests say this of what they were made of.
    fn is_made_from(&self, run: &str) -> bool {
        let made_from = MadeFrom { run: run.to_owned(), ..self.provenance().made_from() };
        let pipeline = self.pipeline();
        let is_there = |uri: &str| textmill_io::is_there(Path::new(uri), &made_from);
        let asked = [&pipeline.output, &pipeline.dropped, &pipeline.failed].into_iter().flatten();
        let asked = asked.map(|output| &output.uri).chain(&pipeline.ledger);
        // Failed documents have a place that nobody asked for, and nothing is there if none failed.
        let failed = pipeline.failed_output().filter(|_| pipeline.failed.is_none());
        let is_failed_there =
            failed.is_none_or(|output| !Path::new(&output.uri).exists() || is_there(&output.uri));
        asked.map(String::as_str).all(is_there) && is_failed_there
    }

    /// Finds the input without reading it.
    ///
    /// # Errors
    /// If it is not there.
    pub fn check_input(&self) -> Result<(), Error> {
        self.open_input(None, false).map(drop)
    }

    /// Whether a file is among those that are read.
    ///
    /// # Errors
    /// The input is not there.
    pub fn reads(&self, file: &std::path::Path) -> Result<bool, Error> {
        Ok(self.open_input(None, false)?.is_read_from(file))
    }

    /// What is in the input, all of which is read.
    ///
    /// # Errors
    /// It is not there, cannot be read, or is standard input.
    pub fn digest_input(&self) -> Result<textmill_io::InputDigest, Error> {
        self.open_input(None, false)?.digest().map_err(Error::Input)
    }

    /// A quarter of the memory, unless somebody says otherwise: other programs run beside this one, and the system's cache
    /// of files is worth more to it than batches that wait.
    fn memory_limit(&self, options: &RunOptions<'_>) -> usize {
        let said = options.memory_limit.or(self.pipeline().run.memory_limit).map(NonZeroU64::get);
        let limit = said.or_else(|| Some(machine_memory()? / 4)).unwrap_or(MEMORY_LIMIT);
        usize::try_from(limit).unwrap_or(usize::MAX)
    }

    /// No output takes the place of what is read: not the same file, and no folder of ours that a file is read from.
    fn spare_input(&self, input: &Input) -> Result<(), Error> {
        let pipeline = self.pipeline();
        let outputs = [
            ("output", pipeline.output.clone()),
            ("dropped", pipeline.dropped.clone()),
            ("failed", pipeline.failed_output()),
        ];
        let outputs = outputs.into_iter().filter_map(|(key, output)| Some((key, output?.uri)));
        for (key, uri) in outputs.chain(pipeline.ledger.clone().map(|uri| ("ledger", uri))) {
            if input.is_read_from(uri.as_ref()) {
                return Err(Error::OntoInput(key, uri));
            }
        }
        Ok(())
    }

    fn open_input(&self, limit: Option<u64>, dry_run: bool) -> Result<Input, Error> {
        if self.pipeline().input.uris.is_empty() {
            return Err(Error::Missing("input"));
        }
        let needed = convert::needed_fields(self.pipeline(), self.stages(), dry_run);
        let options = InputOptions { limit, needed, ..convert::input_options(self.pipeline()) };
        Input::open(options).map_err(Error::Input)
    }
}

impl Shared<'_> {
    fn work_on(&self, threads: NonZeroUsize) -> Result<(), Error> {
        if threads.get() == 1 {
            self.work();
            return Ok(());
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build();
        let pool = pool.map_err(|error| Error::Stage(format!("cannot start {threads} threads: {error}")))?;
        pool.broadcast(|_| self.work());
        Ok(())
    }

    /// What each thread does until nothing is left: read a batch, pass it through the stages, write what is in order.
    fn work(&self) {
        let _stop = StopOnPanic(&self.ring);
        let _run = enter_run(&self.options.cancel);
        let result = Mill::new(self.engine).map_err(Error::Stage).and_then(|mut mill| {
            mill.is_timed = self.options.progress.wants_spans();
            self.work_with(&mut mill)?;
            lock(&self.totals).counts += &mill.counts;
            Ok(())
        });
        if let Err(error) = result {
            self.stop(error);
        }
    }

    fn work_with(&self, mill: &mut Mill<'_>) -> Result<(), Error> {
        let mut chunk = Chunk::default();
        let encoder = self.encoders.ledger();
        let mut ledger = encoder.map(|encoder| Recorder::new(self.engine.stages(), encoder));
        while let Some((mut permit, bytes_read)) = self.read(&mut chunk)? {
            let mut milled = self.outcome(mill, &chunk, &mut ledger)?;
            milled.bytes_read = bytes_read;
            permit.resize(milled.bytes());
            self.ring.leave(chunk.number(), milled, permit, |milled| self.write(milled));
        }
        Ok(())
    }

    /// The next batch, when there is room for it; how many bytes of the input have been read until then. It counts twice:
    /// as it was read, and as what becomes of it.
    fn read(&self, chunk: &mut Chunk) -> Result<Option<(Permit, u64)>, Error> {
        let mut reader = self.reader();
        if !self.ring.wait_for_room() {
            return Ok(None);
        }
        if self.options.cancel.is_cancelled() {
            return Err(Error::Interrupted { done: 0 });
        }
        if !reader.next(chunk).map_err(Error::Io)? {
            return Ok(None);
        }
        Ok(Some((self.ring.enter(2 * chunk.bytes()), reader.bytes_read())))
    }

    /// The reader; while another worker has it, this one does what it will need.
    fn reader(&self) -> MutexGuard<'_, Reader> {
        loop {
            match self.reader.try_lock() {
                Ok(reader) => return reader,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if self.ahead.as_ref().is_some_and(|ahead| ahead.help()) => (),
                Err(TryLockError::WouldBlock) => return lock(&self.reader),
            }
        }
    }

    /// What becomes of a batch: what an earlier run has noted of it, or what the stages say.
    fn outcome(
        &self,
        mill: &mut Mill<'_>,
        chunk: &Chunk,
        ledger: &mut Option<Recorder<'_>>,
    ) -> Result<Milled, Error> {
        let key = self.resume.key(chunk, &self.encoders);
        let known = key.and_then(|key| self.resume.recall(key, chunk.len()));
        if let Some((milled, counts)) = known {
            mill.counts += &counts;
            return Ok(milled);
        }
        let mut milled = lock(&self.spare).pop().unwrap_or_default();
        milled.begin(chunk.shard());
        let Some(key) = key.filter(|_| self.resume.is_noting()) else {
            self.mill(mill, chunk, ledger.as_mut(), &mut milled)?;
            return Ok(milled);
        };
        let before = std::mem::replace(&mut mill.counts, self.engine.no_counts());
        self.mill(mill, chunk, ledger.as_mut(), &mut milled)?;
        let counts = std::mem::replace(&mut mill.counts, before);
        // What a stage says while it is being stopped is not what it would have said.
        if !self.options.cancel.is_cancelled() {
            self.resume.note(key, chunk.len(), &milled, &counts);
        }
        mill.counts += &counts;
        Ok(milled)
    }

    fn mill(
        &self,
        mill: &mut Mill<'_>,
        chunk: &Chunk,
        ledger: Option<&mut Recorder<'_>>,
        milled: &mut Milled,
    ) -> Result<(), Error> {
        let begin = Instant::now();
        let mut slots = mill.read(chunk.documents());
        match ledger {
            None => mill.process(&mut slots, &mut Blind).map_err(|_| Error::Interrupted { done: 0 })?,
            Some(ledger) => {
                mill.process(&mut slots, ledger).map_err(|_| Error::Interrupted { done: 0 })?;
                ledger.finish(&slots, &mut milled.ledger).map_err(Error::Io)?;
            }
        }
        self.encoders.encode(self.engine.stages(), &slots, milled).map_err(Error::Io)?;
        if self.options.progress.wants_spans() {
            self.show_spans(mill, chunk, begin);
        }
        Ok(())
    }

    /// Tells where the time of a batch went that began then.
    fn show_spans(&self, mill: &mut Mill<'_>, chunk: &Chunk, begin: Instant) {
        let worker = rayon::current_thread_index().unwrap_or_default();
        let whole = StageTime { stage: None, documents: chunk.len(), begin, time: begin.elapsed() };
        for one in std::iter::once(whole).chain(mill.times.drain(..)) {
            self.options.progress.span(Span {
                stage: one.stage,
                batch: chunk.number(),
                worker,
                documents: one.documents,
                begin: one.begin.duration_since(self.begin),
                time: one.time,
            });
        }
        self.options.progress.counted(worker, &mill.counts);
    }

    /// Writes a batch; whether to go on.
    fn write(&self, mut milled: Milled) -> bool {
        let (documents, bytes_read) = (milled.documents(), milled.bytes_read);
        let written = lock(&self.writer).write(&mut milled).map_err(Error::Io);
        let written = written.and_then(|through| self.check_errors(through));
        if let Err(error) = written {
            self.stop(error);
            return false;
        }
        self.options.progress.advance(documents, bytes_read);
        self.keep(milled);
        true
    }

    /// Ends the run if more documents have failed than may. Batches come here in their order, so that it ends with the same
    /// document each time.
    fn check_errors(&self, Through { documents, failed }: Through) -> Result<(), Error> {
        let is_too_many = match self.options.max_errors {
            None => false,
            Some(max @ MaxErrors::Count(_)) => !max.allows(failed, documents),
            Some(max @ MaxErrors::Share(_)) => {
                documents >= ENOUGH_FOR_A_SHARE && !max.allows(failed, documents)
            }
        };
        if !is_too_many {
            return Ok(());
        }
        let failures = lock(&self.writer).take_failures();
        Err(Error::TooManyFailed { failed, documents, failures, done: 0 })
    }

    /// Keeps the buffers of a batch for the next one.
    fn keep(&self, mut milled: Milled) {
        milled.clear();
        let mut spare = lock(&self.spare);
        if spare.len() < SPARE {
            spare.push(milled);
        }
    }

    fn stop(&self, error: Error) {
        lock(&self.totals).error.get_or_insert(error);
        self.ring.stop();
    }

    fn finish(self, input: &Input) -> Result<Finished, Error> {
        let totals = self.totals.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = totals.error {
            // What was done is worth keeping, whatever the run ended by.
            let kept = self.resume.keep();
            return Err(match error {
                Error::Interrupted { .. } => Error::Interrupted { done: kept },
                Error::TooManyFailed { failed, documents, failures, .. } => {
                    Error::TooManyFailed { failed, documents, failures, done: kept }
                }
                error => error,
            });
        }
        let resumed = self.resume.recalled();
        drop(self.resume);
        let reader = self.reader.into_inner().unwrap_or_else(PoisonError::into_inner);
        let writer = self.writer.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut counts = totals.counts;
        counts.read = reader.counts().documents;
        writer.count(&mut counts);
        counts.check().map_err(Error::Imbalance)?;
        self.retry.check(counts.read)?;
        let Ends { failures, edited, published } = writer.publish()?;
        self.memory.keep(self.engine, input, self.options);
        let files = input.files();
        let first = files.first().filter(|_| counts.failed == 0);
        let example = files.iter().find(|file| Some(&*file.name) == edited.as_deref()).or(first);
        Ok(Finished {
            counts,
            failures,
            published,
            skipped_files: input.skipped().to_vec(),
            skipped_records: reader.counts().skipped_records,
            example: example.map(|file| file.path.clone()),
            resumed,
            left: self.retry.left,
            bytes_read: reader.bytes_read(),
            peak_bytes: self.budget.peak(),
            time: self.begin.elapsed(),
        })
    }
}

impl Retried {
    /// What is taken up and not read would be gone from the failed output, and in no other.
    fn check(self, read: u64) -> Result<(), Error> {
        match self.taken_up {
            Some(taken_up) if taken_up != read => Err(Error::NotAllRetried { taken_up, read }),
            _ => Ok(()),
        }
    }
}

impl Identity {
    /// `None` where the input cannot be told from another, as standard input.
    fn of(engine: &Engine, input: &Input, limit: Option<u64>) -> Option<Self> {
        let stamps = input.stamps()?;
        let beside = resume::identity_beside(engine, limit);
        let run = resume::identity(beside, input, &stamps);
        Some(Self { beside: beside.to_string(), run, stamps })
    }

    fn seen(&self, input: &Input, options: &RunOptions<'_>) -> Seen {
        let is_complete = options.past == Past::Verify && options.limit.is_none();
        input.seen(&self.stamps, &self.beside, &self.run, is_complete)
    }
}

impl Memory {
    /// Notes what the input held. Without that note the times of the files decide the next time, so it is no reason to fail.
    fn keep(&self, engine: &Engine, input: &Input, options: &RunOptions<'_>) {
        let output = engine.pipeline().output.as_ref().filter(|_| !options.dry_run);
        let state = output.and_then(|output| textmill_io::state_folder(Path::new(&output.uri)));
        let Some(state) = state.filter(|state| state.is_dir()) else { return };
        let seen = match self {
            Self::Nothing => return,
            Self::New(identity) => &identity.seen(input, options),
            Self::Old(seen) => seen,
        };
        if let Err(error) = seen.write(&state) {
            tracing::warn!("{error}: a file that is only touched will count as changed");
        }
    }
}

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
