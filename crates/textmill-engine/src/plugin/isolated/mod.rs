//! Stages in processes of their own: whatever such a stage does, it costs the documents that make it do so.
//!
//! A worker is this same program, started again by the command that the engine is given; in it the stage is opened and
//! driven by the same code as in the host. It is never believed: its answers are calls of the sink, which go through the
//! very sink that a stage in this process calls, and a worker that says what cannot be read is one that has crashed.
//!
//! - [`frame`]: slices on a stream.
//! - [`message`]: what the two say to each other when a stage is opened.
//! - [`calls`]: a batch on its way there, and the calls of the sink on their way back.
//! - [`process`]: a worker as the host sees it: started, watched while it works, ended, named by how it ended.
//! - [`stage`]: which documents are to blame when a worker ends.
//! - [`worker`]: the body of a worker.

mod calls;
mod frame;
mod message;
mod process;
mod stage;
mod worker;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

pub(super) use message::{Library, Opening};
pub use process::private_memory;
pub(super) use stage::{IsolatedStage, IsolatedWorker, NO_WORKERS, describe_isolated};
pub use worker::{WorkError, work};

/// The command line that starts a worker: a program that calls [`work`] and does nothing else.
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    program: PathBuf,
    args: Vec<OsString>,
}

impl WorkerCommand {
    /// This program with these arguments.
    pub fn new<A: Into<OsString>>(program: impl Into<PathBuf>, args: impl IntoIterator<Item = A>) -> Self {
        Self { program: program.into(), args: args.into_iter().map(Into::into).collect() }
    }

    /// The program that is running, with these arguments. On Linux it is the running file itself, though another one may
    /// have been installed in its place.
    ///
    /// # Errors
    /// If the system does not know it.
    pub fn this_program<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> io::Result<Self> {
        let running = "/proc/self/exe";
        let program = if cfg!(target_os = "linux") { running.into() } else { std::env::current_exe()? };
        Ok(Self::new(program, args))
    }
}
