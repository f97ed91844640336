//! How a command ends: the message, and the exit code.

use std::fmt;
use std::io;
use std::process::ExitCode;

use textmill::Diagnostics;
use textmill_report::plural;

use crate::terminal;

/// What a command comes to. `Err` only with what ends it; a run whose documents failed is [`Done::Failed`].
pub(crate) type Outcome = anyhow::Result<Done>;

/// A command that came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// All is well.
    Well,
    /// It did what it could; documents failed, or a check found something. It has said so.
    Failed,
    /// Of several things, it could not do one. It has said so.
    Unable,
}

/// The run was interrupted.
#[derive(Debug)]
pub(crate) struct Interrupted {
    /// How many documents the next run will find done.
    pub(crate) done: u64,
}

/// Stopped by what the data is, not by how the program was called.
#[derive(Debug)]
pub(crate) struct DataError(pub(crate) anyhow::Error);

/// A message with what to do about it.
#[derive(Clone, Debug)]
pub(crate) struct Advised {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// Says what went wrong and picks the code.
pub(crate) fn code(result: Outcome) -> ExitCode {
    let error = match result {
        Ok(Done::Well) => return ExitCode::SUCCESS,
        Ok(Done::Failed) => return ExitCode::from(1),
        Ok(Done::Unable) => return ExitCode::from(2),
        Err(error) => error,
    };
    // Whoever read our output has seen enough.
    if closed_pipe(&error) {
        return ExitCode::SUCCESS;
    }
    if let Some(Interrupted { done }) = error.downcast_ref() {
        terminal::say(&format!("{}: interrupted; no file was published", terminal::warning()));
        if *done > 0 {
            let documents = plural(*done, "document");
            terminal::say(&format!("{}: the same command goes on; {documents} are done", terminal::hint()));
        }
        return ExitCode::from(130);
    }
    code(Ok(tell(&error)))
}

/// Says what went wrong, and what that makes of a command that goes on.
pub(crate) fn tell(error: &anyhow::Error) -> Done {
    if let Some(diagnostics) = error.downcast_ref::<Diagnostics>() {
        terminal::say(diagnostics.render(terminal::color()).trim_end());
        return Done::Unable;
    }
    let data = error.downcast_ref::<DataError>();
    show(data.map_or(error, |error| &error.0));
    if data.is_some() { Done::Failed } else { Done::Unable }
}

/// A plugin ended the process: says so, and picks the code.
pub(crate) fn by_plugin(who: Option<&str>) -> i32 {
    let message = format!("{} ended the process, which no plugin may do", who.unwrap_or("a plugin"));
    show(&Advised { message, hint: Some(CONTAIN.to_owned()) }.into());
    2
}

/// A plugin that crashes from here on is told of.
pub(crate) fn tell_of_crashes() {
    let plain =
        |text: String| if terminal::color() { text } else { anstream::adapter::strip_str(&text).to_string() };
    // There is no time left to take a progress bar away.
    let line = if terminal::is_interactive() { "\r\x1b[K" } else { "" };
    let before = line.to_owned() + &plain(format!("{}: ", terminal::error()));
    let after = plain(format!("; textmill ends with it\n{}: {CONTAIN}\n", terminal::hint()));
    textmill::tell_of_crashes(before, after);
}

const CONTAIN: &str =
    "this is a mistake in the plugin; tell its author, or contain it by `isolation = \"process\"`";

fn show(error: &anyhow::Error) {
    terminal::say(&format!("{}: {error:#}", terminal::error()));
    let advised = error.downcast_ref::<Advised>();
    if let Some(hint) = advised.and_then(|error| error.hint.as_deref()) {
        terminal::say(&format!("{}: {hint}", terminal::hint()));
    }
}

/// Whether nobody reads any more what was written.
pub(crate) fn closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let by_system = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let by_us = cause.downcast_ref::<textmill::io::Error>().map(textmill::io::Error::kind);
        by_system == Some(io::ErrorKind::BrokenPipe) || by_us == Some(textmill::io::ErrorKind::BrokenPipe)
    })
}

impl From<&textmill::io::Error> for Advised {
    fn from(error: &textmill::io::Error) -> Self {
        Self { message: error.to_string(), hint: error.hint().map(ToOwned::to_owned) }
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl fmt::Display for Advised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Interrupted {}
impl std::error::Error for DataError {}
impl std::error::Error for Advised {}
