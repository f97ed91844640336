//! A stage in workers: one for each thread that needs one, and which documents are to blame when one ends.
//!
//! A batch that ends a worker, or with which its stage gives up, is discarded and passed on again, one document a call, to a
//! fresh worker: the documents that end that too have failed, each for its own reason, and all others are processed as usual. A document is to blame for a crash, or for the memory
//! it takes, only if it was the first that its worker ever saw: another one may have spoilt what came after it, or somebody
//! outside may have ended the worker. Time is nothing that one document could leave to another, so there the first
//! failure alone counts, and a document that hangs is waited for no more than twice.
//!
//! A call is given the time of one document, however many it holds: a batch that needs longer is not known to hold a
//! document that does, but waiting for all of them would take hours where one hangs. Where none hangs and the batch was only
//! long, calls hold fewer documents from there on, by the time that the documents took one by one.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use textmill_abi::Str;
use textmill_pipeline::OwnProcess;

use super::WorkerCommand;
use super::calls;
use super::frame::{Garbled, Pack, Unpack};
use super::message::{
    ANSWERS, DESCRIBE, DESCRIBED, GAVE_UP, Library, NOT_LOADED, OPEN, Opening, PLAN, REFUSED,
    unpack_description, unpack_plan, unpack_refusal,
};
use super::process::{End, Limits, Process};
use crate::plugin::host::shown_level;
use crate::plugin::library::Description;
use crate::plugin::sink::{Answer, Collector};
use crate::plugin::stage::{OpenError, StageError, StagePlan};

/// How long a stage without a `timeout` may take to open, and a library to load: longer than any model takes to load.
const OPENING: Duration = Duration::from_mins(1);

/// How long a stage may take to open at least: a process takes a moment to start, whatever its stage does.
const STARTING: Duration = Duration::from_secs(2);

/// A stage that is open in workers.
#[derive(Debug)]
pub(in crate::plugin) struct IsolatedStage {
    command: WorkerCommand,
    /// The kind of stage, for messages.
    kind: String,
    /// The question that opens the stage, as a frame.
    opening: Vec<u8>,
    limits: Limits,
    /// Workers that nobody uses. The first was started to open the stage.
    idle: Mutex<Vec<Worker>>,
}

/// The share of one thread in an isolated stage.
#[derive(Debug)]
pub(in crate::plugin) struct IsolatedWorker<'s> {
    stage: &'s IsolatedStage,
    plan: &'s StagePlan,
    worker: Option<Worker>,
    question: Pack,
    /// How many documents a call holds at most.
    most: usize,
}

/// A process in which the stage is open.
#[derive(Debug)]
struct Worker {
    process: Process,
    /// Whether it has not seen a document yet.
    fresh: bool,
}

/// Why there is no worker.
enum NoWorker {
    Cancelled,
    Refused(OpenError),
}

/// Why documents were not processed.
enum Failed {
    /// They, or one of them, ended the worker, or made its stage give up.
    Ended(Cause),
    /// Not for what they are.
    Stage(StageError),
}

/// What ended a worker, or made its stage give up, and a sentence about it.
struct Cause {
    took_too_long: bool,
    reason: String,
}

impl IsolatedStage {
    /// Opens the stage in a first worker.
    pub(in crate::plugin) fn open(
        command: WorkerCommand,
        opening: &Opening<'_>,
        limits: OwnProcess,
    ) -> Result<(Self, StagePlan), OpenError> {
        if limits.memory_limit.is_some() && !cfg!(target_os = "linux") {
            return Err(OpenError::Process {
                message: "`memory-limit` needs Linux, which tells how much memory a process has".to_owned(),
                hint: "leave it out",
            });
        }
        let mut frame = Pack::default();
        opening.pack(OPEN, &mut frame);
        let stage = Self {
            command,
            kind: opening.stage.to_owned(),
            opening: frame.bytes().to_vec(),
            limits: Limits { time: limits.timeout, memory: limits.memory_limit },
            idle: Mutex::default(),
        };
        let (worker, plan) = stage.start().map_err(|error| match error {
            NoWorker::Refused(error) => error,
            NoWorker::Cancelled => OpenError::Plugin("the run is being cancelled".to_owned()),
        })?;
        stage.put_back(worker);
        Ok((stage, plan))
    }

    pub(in crate::plugin) fn worker<'s>(&'s self, plan: &'s StagePlan) -> IsolatedWorker<'s> {
        IsolatedWorker { stage: self, plan, worker: None, question: Pack::default(), most: usize::MAX }
    }

    fn start(&self) -> Result<(Worker, StagePlan), NoWorker> {
        let mut process = start(&self.command)?;
        let time = self.limits.time.map_or(OPENING, |time| time.max(STARTING));
        let limits = Limits { time: Some(time), memory: self.limits.memory };
        let plan = match process.ask(&self.opening, &limits) {
            Ok((PLAN, content)) => unpack_plan(content).map_err(|_| speaks_otherwise())?,
            Ok((REFUSED, content)) => {
                return Err(NoWorker::Refused(unpack_refusal(content).map_err(|_| speaks_otherwise())?));
            }
            Ok(_) => return Err(speaks_otherwise()),
            Err(End::TooMuchMemory) => return Err(self.does_not_fit()),
            Err(End::TookTooLong) => {
                return Err(refused(
                    format!("the stage took longer than {time:?} to open"),
                    "raise `timeout`",
                ));
            }
            Err(end) => return Err(ended(end, "opened the stage")),
        };
        if self.exceeds_memory(&process) {
            return Err(self.does_not_fit());
        }
        Ok((Worker { process, fresh: true }, plan))
    }

    fn does_not_fit(&self) -> NoWorker {
        let message = format!("the stage needs more than {} to open", size(self.limits.memory));
        NoWorker::Refused(OpenError::Process { message, hint: "raise `memory-limit`" })
    }

    fn exceeds_memory(&self, process: &Process) -> bool {
        let limit = self.limits.memory;
        limit.is_some_and(|limit| process.memory().is_some_and(|memory| memory > limit))
    }

    fn take(&self) -> Option<Worker> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put_back(&self, worker: Worker) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
    }
}

/// What a library says of itself, which is loaded in a process that ends with this call. An error is what is wrong with the
/// library, as it goes on after its name, and what to do about it.
pub(in crate::plugin) fn describe_isolated(
    command: Option<&WorkerCommand>,
    library: Library<'_>,
) -> Result<Description, (String, String)> {
    let cannot = |message: &str, hint: &str| (format!("cannot be loaded: {message}"), hint.to_owned());
    let command = command.ok_or_else(|| cannot(NO_WORKERS.0, NO_WORKERS.1))?;
    let version = env!("CARGO_PKG_VERSION");
    let library = Some(library);
    let opening =
        Opening { version, log_level: shown_level(), library, stage: "", options: "", files: Vec::new() };
    let mut question = Pack::default();
    opening.pack(DESCRIBE, &mut question);
    let described = start(command).and_then(|mut process| {
        match process.ask(question.bytes(), &Limits { time: Some(OPENING), memory: None }) {
            Ok((DESCRIBED, content)) => unpack_description(content).map(Ok).map_err(|_| speaks_otherwise()),
            Ok((NOT_LOADED, mut content)) => {
                let (message, hint) = (content.text(), content.text());
                let refusal = message.and_then(|message| Ok((message.to_owned(), hint?.to_owned())));
                refusal.map(Err).map_err(|_| speaks_otherwise())
            }
            Ok(_) => Err(speaks_otherwise()),
            Err(end) => Err(ended(end, "loaded it")),
        }
    });
    described.unwrap_or_else(|no_worker| match no_worker {
        NoWorker::Cancelled => Err(cannot("the run is being cancelled", "")),
        NoWorker::Refused(OpenError::Process { message, hint }) => Err(cannot(&message, hint)),
        NoWorker::Refused(error) => Err(cannot(error.message(), REPORT)),
    })
}

fn start(command: &WorkerCommand) -> Result<Process, NoWorker> {
    Process::start(command).map_err(|error| {
        let program = command.program.display();
        refused(format!("`{program}` cannot be started as a process for the stage: {error}"), WITHOUT)
    })
}

fn refused(message: String, hint: &'static str) -> NoWorker {
    NoWorker::Refused(OpenError::Process { message, hint })
}

fn speaks_otherwise() -> NoWorker {
    refused("the process for the stage does not answer as a worker of textmill does".to_owned(), WITHOUT)
}

/// A worker has ended before it had a document.
fn ended(end: End, doing: &str) -> NoWorker {
    match end {
        End::Cancelled => NoWorker::Cancelled,
        End::TookTooLong => {
            refused(format!("the plugin's process took longer than {OPENING:?} while it {doing}"), REPORT)
        }
        End::TooMuchMemory => {
            refused(format!("the plugin's process needed too much memory while it {doing}"), REPORT)
        }
        End::Broken(reason) => refused(format!("{reason} while it {doing}"), REPORT),
    }
}

/// Who opens the pipeline has said nothing of workers: the message, and what to do.
pub(in crate::plugin) const NO_WORKERS: (&str, &str) = (
    "the program that opens this pipeline can give no stage a process of its own",
    "leave `isolation` out, or run the pipeline with `textmill run`",
);
const WITHOUT: &str = "leave `isolation` out to run the stage in the process of textmill";
const REPORT: &str = "this is a mistake in the plugin; tell its author, or leave the stage out";

impl IsolatedWorker<'_> {
    /// As [`crate::plugin::StageWorker::process`], with as many answers as there are documents.
    pub(in crate::plugin) fn process(
        &mut self,
        columns: &[Vec<Str>],
        answers: &mut [Answer],
    ) -> Result<(), StageError> {
        let mut rest = 0..answers.len();
        while !rest.is_empty() {
            let call = rest.start..rest.end.min(rest.start.saturating_add(self.most));
            rest.start = call.end;
            match self.call(columns, &call, answers) {
                Ok(()) => {}
                Err(Failed::Stage(error)) => return Err(error),
                Err(Failed::Ended(cause)) => self.replay(columns, call, answers, &cause)?,
            }
        }
        Ok(())
    }

    /// Passes the documents on again, one by one.
    fn replay(
        &mut self,
        columns: &[Vec<Str>],
        documents: Range<usize>,
        answers: &mut [Answer],
        cause: &Cause,
    ) -> Result<(), StageError> {
        let (kind, number, reason) = (&self.stage.kind, documents.len(), &cause.reason);
        tracing::info!("the stage `{kind}`: {reason}; {number} documents are passed to it again, one by one");
        let begin = Instant::now();
        let mut hung = false;
        for index in documents {
            hung |= self.alone(columns, index, answers)?;
        }
        if cause.took_too_long && !hung {
            self.most = self.fitting(number, begin.elapsed());
        }
        Ok(())
    }

    /// Passes one document on; whether it took too long. A document that is to blame has failed.
    fn alone(
        &mut self,
        columns: &[Vec<Str>],
        index: usize,
        answers: &mut [Answer],
    ) -> Result<bool, StageError> {
        let call = index..index + 1;
        let fresh = self.own_worker()?.fresh;
        let mut result = self.call(columns, &call, answers);
        if matches!(&result, Err(Failed::Ended(cause)) if !fresh && !cause.took_too_long) {
            self.own_worker()?;
            result = self.call(columns, &call, answers);
        }
        match result {
            Ok(()) => Ok(false),
            Err(Failed::Stage(error)) => Err(error),
            Err(Failed::Ended(cause)) => {
                answers[index].fail(cause.reason);
                Ok(cause.took_too_long)
            }
        }
    }

    /// How many documents go into half the time of a call, if `number` of them took this long.
    fn fitting(&self, number: usize, took: Duration) -> usize {
        let share = self.stage.limits.time.unwrap_or_default().as_secs_f64() / took.as_secs_f64() / 2.0;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most `number`, and an estimate"
        )]
        let fitting = (number as f64 * share.min(1.0)) as usize;
        fitting.max(1)
    }

    fn call(
        &mut self,
        columns: &[Vec<Str>],
        documents: &Range<usize>,
        answers: &mut [Answer],
    ) -> Result<(), Failed> {
        calls::pack_batch(columns, documents, &mut self.question);
        let mut worker = self.take_worker().map_err(Failed::Stage)?;
        worker.fresh = false;
        let answer = worker.process.ask(self.question.bytes(), &self.stage.limits);
        let (tag, content) = answer.map_err(|end| self.failed(end))?;
        let texts = &columns[0][documents.clone()];
        let mut collector = Collector::new(self.plan, texts, &mut answers[documents.clone()]);
        let result = hear(tag, content, &mut collector);
        // One that has more memory than it may after a call has collected it over many: nobody's fault, and its end.
        if !self.stage.exceeds_memory(&worker.process) && !matches!(result, Err(Failed::Ended(_))) {
            self.worker = Some(worker);
        }
        result
    }

    fn take_worker(&mut self) -> Result<Worker, StageError> {
        if let Some(worker) = self.worker.take().or_else(|| self.stage.take()) {
            return Ok(worker);
        }
        self.start()
    }

    /// The worker in hand, or a new one: not one that another thread has used, which might end for what it saw there.
    fn own_worker(&mut self) -> Result<&mut Worker, StageError> {
        let worker = match self.worker.take() {
            Some(worker) => worker,
            None => self.start()?,
        };
        Ok(self.worker.insert(worker))
    }

    fn start(&self) -> Result<Worker, StageError> {
        match self.stage.start() {
            Ok((worker, plan)) if plan == *self.plan => Ok(worker),
            Ok(_) => Err(StageError::Fatal("the stage describes itself otherwise than before".to_owned())),
            Err(NoWorker::Cancelled) => Err(StageError::Cancelled),
            Err(NoWorker::Refused(error)) => {
                Err(StageError::Fatal(format!("cannot be opened again: {}", error.message())))
            }
        }
    }

    fn failed(&self, end: End) -> Failed {
        let took_too_long = end == End::TookTooLong;
        let reason = match end {
            End::Cancelled => return Failed::Stage(StageError::Cancelled),
            End::TookTooLong => format!("took longer than {:?}", self.stage.limits.time.unwrap_or_default()),
            End::TooMuchMemory => format!("needed more than {}", size(self.stage.limits.memory)),
            End::Broken(reason) => reason,
        };
        Failed::Ended(Cause { took_too_long, reason })
    }
}

impl Drop for IsolatedWorker<'_> {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            self.stage.put_back(worker);
        }
    }
}

/// Takes an answer over.
fn hear(tag: u32, mut content: Unpack<'_>, collector: &mut Collector<'_>) -> Result<(), Failed> {
    let nonsense = |_: Garbled| {
        let reason = "the plugin's process answered with what cannot be read".to_owned();
        Failed::Ended(Cause { took_too_long: false, reason })
    };
    match tag {
        ANSWERS => {
            calls::play(content, &collector.sink()).map_err(nonsense)?;
            collector.stray().map_or(Ok(()), |_| Err(nonsense(Garbled)))
        }
        GAVE_UP => {
            // A stage that has given up may be of no more use, so its worker is not asked again.
            let reason = content.text().map_err(nonsense)?.to_owned();
            Err(Failed::Ended(Cause { took_too_long: false, reason }))
        }
        _ => Err(nonsense(Garbled)),
    }
}

/// A number of bytes in the largest unit that it is a whole number of.
fn size(bytes: Option<u64>) -> String {
    let bytes = bytes.unwrap_or_default();
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.into_iter().find(|(shift, _)| bytes.trailing_zeros() >= *shift);
    unit.map_or_else(|| format!("{bytes} bytes"), |(shift, unit)| format!("{} {unit}", bytes >> shift))
}
