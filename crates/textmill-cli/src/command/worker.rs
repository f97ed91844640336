//! `textmill worker`: what this program starts itself as, once for each thread and stage that has `isolation`. No command of
//! a user: it speaks with the process that started it.

use textmill::WorkerCommand;

use crate::exit::{Done, Outcome};

pub(crate) fn run() -> Outcome {
    textmill::work()?;
    Ok(Done::Well)
}

/// How it is started.
pub(crate) fn command() -> Option<WorkerCommand> {
    let command = WorkerCommand::this_program(["worker"]);
    command.inspect_err(|error| tracing::warn!("stages cannot be isolated: {error}")).ok()
}
