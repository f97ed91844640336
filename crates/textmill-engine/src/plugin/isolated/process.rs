//! A worker as the host sees it: started, asked, watched while it works, ended, and named by how it ended.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::WorkerCommand;
use super::frame::{Inbox, Unpack};
use super::message::{EVENT, Logged};
use crate::plugin::host::{is_cancelled, tell};

/// How long a worker may take to end once nobody wants anything of it, or once its end of the connection is closed.
const GRACE: Duration = Duration::from_secs(1);

/// How often a worker that has not answered is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// A worker. It ends with this value.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    stream: UnixStream,
    inbox: Inbox,
    status: Option<ExitStatus>,
}

/// What one question may cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    pub(super) time: Option<Duration>,
    /// Bytes of memory that no other process shares.
    pub(super) memory: Option<u64>,
}

/// Why a worker gave no answer. It has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The run is being cancelled.
    Cancelled,
    /// It took longer than it may.
    TookTooLong,
    /// It needed more memory than it may.
    TooMuchMemory,
    /// It ended by itself, or spoke nonsense: a sentence about it.
    Broken(String),
}

/// Why a worker is not waited for any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Cancelled,
    TookTooLong,
    TooMuchMemory,
    Closed,
    Garbled,
}

/// Holds the limits of one question.
struct Watch {
    pid: u32,
    deadline: Option<Instant>,
    memory: Option<u64>,
    next_look: Instant,
}

impl Process {
    /// Starts a worker. Its stdin is the connection to this process, and what it prints goes to stderr: stdout is for data.
    /// It is the leader of a process group of its own, so that Ctrl-C reaches this process alone.
    pub(super) fn start(command: &WorkerCommand) -> io::Result<Self> {
        let (stream, theirs) = UnixStream::pair()?;
        stream.set_nonblocking(true)?;
        let child = Command::new(&command.program)
            .args(&command.args)
            .stdin(OwnedFd::from(theirs))
            .stdout(io::stderr())
            .process_group(0)
            .spawn()?;
        Ok(Self { child, stream, inbox: Inbox::default(), status: None })
    }

    /// Asks and waits for the answer; messages that the worker logs meanwhile are passed on.
    pub(super) fn ask(&mut self, question: &[u8], limits: &Limits) -> Result<(u32, Unpack<'_>), End> {
        let mut watch = Watch::begin(self.child.id(), limits);
        match self.send(question, &mut watch).and_then(|()| self.receive(&mut watch)) {
            Ok(()) => Ok(self.inbox.frame()),
            Err(stop) => Err(self.end(stop)),
        }
    }

    /// Bytes of memory that no other process shares; `None` where the system does not tell.
    pub(super) fn memory(&self) -> Option<u64> {
        private_memory(self.child.id())
    }

    fn send(&mut self, mut rest: &[u8], watch: &mut Watch) -> Result<(), Stop> {
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) => watch.pause(&self.stream, PollFlags::OUT, error.kind())?,
            }
        }
        Ok(())
    }

    fn receive(&mut self, watch: &mut Watch) -> Result<(), Stop> {
        loop {
            self.receive_frame(watch)?;
            let (tag, content) = self.inbox.frame();
            if tag != EVENT {
                return Ok(());
            }
            let Logged { level, target, message, fields } =
                Logged::unpack(content).map_err(|_| Stop::Garbled)?;
            tell(level, target, message, fields);
        }
    }

    fn receive_frame(&mut self, watch: &mut Watch) -> Result<(), Stop> {
        self.inbox.clear();
        loop {
            watch.look()?;
            match self.inbox.read(&mut self.stream) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => watch.pause(&self.stream, PollFlags::IN, error.kind())?,
            }
        }
    }

    /// Makes sure that the process has ended, and says why.
    fn end(&mut self, stop: Stop) -> End {
        let by_itself = if stop == Stop::Closed { self.wait_for_end() } else { None };
        self.kill();
        match stop {
            Stop::Cancelled => End::Cancelled,
            Stop::TookTooLong => End::TookTooLong,
            Stop::TooMuchMemory => End::TooMuchMemory,
            Stop::Garbled => End::Broken("the plugin's process answered with what cannot be read".to_owned()),
            Stop::Closed => End::Broken(by_itself.map_or_else(
                || "the plugin's process closed the connection to textmill".to_owned(),
                how_it_ended,
            )),
        }
    }

    /// Waits a little for the process to end.
    fn wait_for_end(&mut self) -> Option<ExitStatus> {
        let begin = Instant::now();
        while self.status.is_none() && begin.elapsed() < GRACE {
            self.status = self.child.try_wait().ok().flatten();
            if self.status.is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.status
    }

    /// Kills the process and all that it has started, and leaves no zombie behind.
    fn kill(&mut self) {
        if self.status.is_none() {
            // Its number is not given to another process before `wait`. It may have ended: then there is nobody to kill.
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            self.status = self.child.wait().ok();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A worker to which nobody speaks any more closes its stage and ends.
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
        self.wait_for_end();
        self.kill();
    }
}

impl Watch {
    fn begin(pid: u32, limits: &Limits) -> Self {
        let begin = Instant::now();
        // A time too far away to be told is none.
        let deadline = limits.time.and_then(|time| begin.checked_add(time));
        Self { pid, deadline, memory: limits.memory, next_look: begin + LOOK }
    }

    /// After an error of the stream: waits until it is ready again, if that is all that is the matter.
    fn pause(&mut self, stream: &UnixStream, ready: PollFlags, error: ErrorKind) -> Result<(), Stop> {
        match error {
            ErrorKind::WouldBlock => self.wait(stream, ready),
            ErrorKind::Interrupted => Ok(()),
            ErrorKind::InvalidData => Err(Stop::Garbled),
            _ => Err(Stop::Closed),
        }
    }

    fn wait(&mut self, stream: &UnixStream, ready: PollFlags) -> Result<(), Stop> {
        let pause = Timespec { tv_sec: 0, tv_nsec: LOOK.subsec_nanos().into() };
        loop {
            // An error of `poll` shows again in the stream.
            if poll(&mut [PollFd::new(stream, ready)], Some(&pause)) != Ok(0) {
                return Ok(());
            }
            self.look()?;
        }
    }

    /// Looks at the clock and, from time to time, at the process.
    fn look(&mut self) -> Result<(), Stop> {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            return Err(Stop::TookTooLong);
        }
        if now < self.next_look {
            return Ok(());
        }
        self.next_look = now + LOOK;
        if is_cancelled() {
            return Err(Stop::Cancelled);
        }
        let limit = self.memory.unwrap_or(u64::MAX);
        match self.memory.and_then(|_| private_memory(self.pid)) {
            Some(memory) if memory > limit => Err(Stop::TooMuchMemory),
            _ => Ok(()),
        }
    }
}

/// What a process has for itself, in bytes, in memory or swapped out: not its program and libraries, nor what it shares. `None`
/// where the system does not say.
pub fn private_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kibibytes = |name| -> Option<u64> {
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        value.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    Some((kibibytes("RssAnon:")? + kibibytes("VmSwap:").unwrap_or(0)) << 10)
}

fn how_it_ended(status: ExitStatus) -> String {
    let Some(signal) = status.signal() else {
        return format!("the plugin's process exited with code {}", status.code().unwrap_or_default());
    };
    let name = SIGNALS.iter().find(|(known, _)| known.as_raw() == signal);
    let name = name.map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned());
    format!("the plugin's process was killed by {name}")
}

/// The signals that end processes.
const SIGNALS: [(Signal, &str); 17] = [
    (Signal::ABORT, "SIGABRT"),
    (Signal::ALARM, "SIGALRM"),
    (Signal::BUS, "SIGBUS"),
    (Signal::FPE, "SIGFPE"),
    (Signal::HUP, "SIGHUP"),
    (Signal::ILL, "SIGILL"),
    (Signal::INT, "SIGINT"),
    (Signal::KILL, "SIGKILL"),
    (Signal::PIPE, "SIGPIPE"),
    (Signal::QUIT, "SIGQUIT"),
    (Signal::SEGV, "SIGSEGV"),
    (Signal::SYS, "SIGSYS"),
    (Signal::TERM, "SIGTERM"),
    (Signal::TRAP, "SIGTRAP"),
    (Signal::USR1, "SIGUSR1"),
    (Signal::XCPU, "SIGXCPU"),
    (Signal::XFSZ, "SIGXFSZ"),
];
