//! The body of a worker: opens the stage that the host names, and answers its questions until the host is gone.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, Signal, getpid, getrlimit, kill_process, setrlimit};
use textmill_abi::Str;
use textmill_io::Snapshot;

use super::calls;
use super::frame::{Garbled, Inbox, Pack, Unpack, write};
use super::message::{
    DESCRIBE, GAVE_UP, Library, Logged, NOT_LOADED, OPEN, Opening, PROCESS, pack_description, pack_plan,
    pack_refusal,
};
use crate::plugin::host::forward_events;
use crate::plugin::library::{BuiltIn, LoadError, Refusal, Registry};
use crate::plugin::segments::Segments;
use crate::plugin::sink::Answers;
use crate::plugin::stage::{OpenError, OpenedStage, StageError, StageFile, StageWorker};

/// Why a worker could do nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkError {
    /// It was not started by a host.
    NoHost,
    /// The connection to the host broke.
    Connection(io::Error),
    /// The host said what cannot be understood.
    Garbled,
}

/// The worker's end of the connection.
struct Connection {
    stream: UnixStream,
    inbox: Inbox,
    answer: Pack,
    /// Events are put onto the stream by whichever thread they happen on, and never into the middle of an answer.
    out: Arc<Mutex<UnixStream>>,
}

/// What a worker is and does, from its start to its end: the program that [`super::WorkerCommand`] starts calls it.
///
/// # Errors
/// If the program was not started by a host, or the connection to it breaks.
pub fn work(built_in: &[BuiltIn]) -> Result<(), WorkError> {
    let mut connection = Connection::take_stdin()?;
    // A crash is what workers are for; it leaves no dump of its memory behind.
    let limit = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
    let _ = setrlimit(Resource::Core, limit);
    go_first();
    connection.end_with_host().map_err(WorkError::Connection)?;
    connection.serve(built_in)
}

impl Connection {
    /// Stdin is the connection; a plugin that reads it finds it empty.
    fn take_stdin() -> Result<Self, WorkError> {
        let stream = io::stdin().as_fd().try_clone_to_owned().map_err(|_| WorkError::NoHost)?;
        let stream = UnixStream::from(stream);
        stream.peer_addr().map_err(|_| WorkError::NoHost)?;
        let nothing = File::open("/dev/null").map_err(WorkError::Connection)?;
        rustix::stdio::dup2_stdin(&nothing).map_err(|error| WorkError::Connection(error.into()))?;
        let out = stream.try_clone().map_err(WorkError::Connection)?;
        let out = Arc::new(Mutex::new(out));
        Ok(Self { stream, inbox: Inbox::default(), answer: Pack::default(), out })
    }

    /// Ends this process when the host has ended, whatever the stage is doing. There is `PR_SET_PDEATHSIG` for this, but on
    /// Linux alone, and it is sent at the end of the thread that started the worker, which may be long before the host's.
    fn end_with_host(&self) -> io::Result<()> {
        let stream = self.stream.try_clone()?;
        let watch = move || {
            // With no event asked for, what is left is the end of the other side.
            while poll(&mut [PollFd::new(&stream, PollFlags::empty())], None).is_err() {}
            std::thread::sleep(TO_CLOSE);
            let _ = kill_process(getpid(), Signal::KILL);
        };
        std::thread::Builder::new().name("end-with-host".to_owned()).stack_size(1 << 16).spawn(watch)?;
        Ok(())
    }

    fn serve(&mut self, built_in: &[BuiltIn]) -> Result<(), WorkError> {
        let Some((tag, content)) = self.inbox.wait(&mut self.stream).map_err(WorkError::Connection)? else {
            return Ok(());
        };
        let opening = Opening::unpack(content)?;
        forward(opening.log_level, &self.out);
        match tag {
            OPEN => match open(&opening, built_in) {
                Ok(stage) => self.serve_with(&stage),
                Err(error) => {
                    pack_refusal(&error, &mut self.answer);
                    self.say()
                }
            },
            DESCRIBE => {
                describe(&opening, &mut self.answer);
                self.say()
            }
            _ => Err(WorkError::Garbled),
        }
    }

    fn serve_with(&mut self, stage: &OpenedStage) -> Result<(), WorkError> {
        let mut worker = match stage.worker() {
            Ok(worker) => {
                pack_plan(stage.plan(), &mut self.answer);
                worker
            }
            Err(error) => {
                pack_refusal(&OpenError::Plugin(error.into_message()), &mut self.answer);
                return self.say();
            }
        };
        self.say()?;
        let (mut columns, mut segments, mut answers) = (Vec::new(), Segments::default(), Answers::default());
        while let Some((tag, content)) = self.inbox.wait(&mut self.stream).map_err(WorkError::Connection)? {
            if tag != PROCESS {
                return Err(WorkError::Garbled);
            }
            match process(&mut worker, content, &mut columns, &mut segments, &mut answers)? {
                Ok(()) => calls::pack_answers(answers.iter_mut(), &mut self.answer),
                Err(error) => {
                    self.answer.begin(GAVE_UP).slice(error.into_message());
                }
            }
            self.say()?;
        }
        Ok(())
    }

    /// Sends the answer.
    fn say(&mut self) -> Result<(), WorkError> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        write(&mut *out, &mut self.answer).map_err(WorkError::Connection)
    }
}

/// When the memory of the machine runs out the system ends the process of a plugin before anything else, which costs a
/// document. Without a `memory-limit`, or faster than memory is looked at, it may well be the plugin that took it.
fn go_first() {
    // A system that knows no such thing is as well off without.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// How long a stage may take to close once the host is gone.
const TO_CLOSE: Duration = Duration::from_millis(200);

fn open(opening: &Opening<'_>, built_in: &[BuiltIn]) -> Result<OpenedStage, OpenError> {
    let plugin = |message: String| OpenError::Plugin(message);
    check_version(opening).map_err(plugin)?;
    let mut registry = Registry::new(built_in);
    if let Some(library) = opening.library {
        load(&mut registry, library).map_err(|error| plugin(error.to_string()))?;
    }
    let options = serde_json::from_str(opening.options).map_err(|error| plugin(error.to_string()))?;
    let file = |(pointer, path, bytes): &(&str, &str, &[u8])| StageFile {
        pointer: (*pointer).to_owned(),
        path: (*path).to_owned(),
        file: Snapshot::of(*path, bytes.to_vec()),
    };
    OpenedStage::open(&registry, opening.stage, &options, opening.files.iter().map(file).collect())
}

/// Answers what a plugin says of itself.
fn describe(opening: &Opening<'_>, answer: &mut Pack) {
    let mut registry = Registry::default();
    let loaded = check_version(opening).map_err(|message| (message, String::new())).and_then(|()| {
        let library = opening.library.ok_or_else(|| ("is not named".to_owned(), String::new()))?;
        load(&mut registry, library).map_err(|error| (error.message().to_owned(), error.hint().to_owned()))
    });
    match loaded {
        Ok(()) => pack_description(&registry.description(), answer),
        Err((message, hint)) => {
            answer.begin(NOT_LOADED).slice(message).slice(hint);
        }
    }
}

/// Loads the library that the host has checked, and no other.
fn load(registry: &mut Registry, library: Library<'_>) -> Result<(), LoadError> {
    if let Some(bytes) = library.sealed {
        return registry.load_sealed(library.path, &Snapshot::of(library.path, bytes.to_vec())).map(drop);
    }
    let changed = || Refusal {
        message: "has changed since it was checked".to_owned(),
        hint: "run the pipeline again".to_owned(),
    };
    let approve = |file: &Snapshot| if file.sha256() == library.sha256 { Ok(()) } else { Err(changed()) };
    registry.load_if(library.path, &approve).map(drop)
}

/// Host and worker are of one version: they are one program, unless somebody has put another one in its place.
fn check_version(opening: &Opening<'_>) -> Result<(), String> {
    let ours = env!("CARGO_PKG_VERSION");
    if opening.version == ours {
        return Ok(());
    }
    Err(format!("its process is textmill {ours}, and this is textmill {}", opening.version))
}

/// Passes a batch to the stage. The outer error is about the connection, the inner one about the stage.
fn process(
    worker: &mut StageWorker<'_>,
    content: Unpack<'_>,
    columns: &mut Vec<Vec<Str>>,
    segments: &mut Segments,
    answers: &mut Answers,
) -> Result<Result<(), StageError>, Garbled> {
    calls::unpack_batch(content, columns)?;
    segments.begin_with(columns.first().map_or(0, Vec::len));
    Ok(worker.process(columns, segments, answers))
}

/// Sends what is logged in this process to the host.
fn forward(level: u32, out: &Arc<Mutex<UnixStream>>) {
    let out = Arc::clone(out);
    forward_events(level, move |level, target, message, fields| {
        let mut frame = Pack::default();
        Logged { level, target, message, fields }.pack(&mut frame);
        // A host that is gone needs no messages.
        let _ = write(&mut *out.lock().unwrap_or_else(PoisonError::into_inner), &mut frame);
    });
}

impl From<Garbled> for WorkError {
    fn from(_: Garbled) -> Self {
        Self::Garbled
    }
}

impl fmt::Display for WorkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHost => {
                f.write_str("a worker is started by textmill itself, for a stage with `isolation`")
            }
            Self::Connection(error) => write!(f, "a worker lost the connection to its host: {error}"),
            Self::Garbled => f.write_str("a worker cannot understand its host"),
        }
    }
}

impl std::error::Error for WorkError {}
