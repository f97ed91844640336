//! A process with limits on its time and its memory.

use std::io::{self, Read as _, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use textmill_engine::private_memory;

/// What the process of a check may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long it may run.
    pub time: Duration,
    /// How much memory it may have in use, in bytes. Watched on Linux only.
    pub memory: u64,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) how: How,
    /// The last of what it said on stderr.
    pub(crate) stderr: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum How {
    Exited(ExitStatus),
    TimedOut,
    OutOfMemory,
}

/// Between two looks at a process: at first it may be done at once.
const FIRST_PAUSE: Duration = Duration::from_micros(500);
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// Runs a process with `input` on its stdin until it ends or breaks a limit.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn run(command: &mut Command, input: &[u8], limits: Limits) -> io::Result<Ended> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let stderr = tail(&mut child);
    // A process that dies before it has read everything is seen by how it ends.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input));
    let how = watch(&mut child, limits)?;
    // Whatever else holds the other end open is not waited for.
    let stderr = stderr.recv_timeout(Duration::from_millis(500)).unwrap_or_default();
    Ok(Ended { how, stderr })
}

fn watch(child: &mut Child, limits: Limits) -> io::Result<How> {
    let begin = Instant::now();
    let mut pause = FIRST_PAUSE;
    let how = loop {
        if let Some(status) = child.try_wait()? {
            return Ok(How::Exited(status));
        }
        if begin.elapsed() > limits.time {
            break How::TimedOut;
        }
        if private_memory(child.id()).is_some_and(|bytes| bytes > limits.memory) {
            break How::OutOfMemory;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    };
    child.kill()?;
    child.wait()?;
    Ok(how)
}

/// How much of what a process says on stderr is kept.
const KEPT: usize = 2000;

fn tail(child: &mut Child) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let stderr = child.stderr.take();
    thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = [0; 4096];
        if let Some(mut stderr) = stderr {
            while let Ok(length @ 1..) = stderr.read(&mut buffer) {
                kept.extend(buffer.iter().take(length));
                kept.drain(..kept.len().saturating_sub(KEPT));
            }
        }
        // Nobody listens any more if it took too long.
        let _ = sender.send(String::from_utf8_lossy(&kept).trim().to_owned());
    });
    receiver
}

/// What ended a process, in words: `SIGSEGV`, `exit code 3`.
pub(crate) fn cause(status: ExitStatus) -> String {
    if let Some(code) = status.code() {
        return format!("exit code {code}");
    }
    // As in `signal: 11 (SIGSEGV) (core dumped)`.
    let words = status.to_string();
    let name = words.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    name.map_or(words.clone(), |(name, _)| name.to_owned())
}
