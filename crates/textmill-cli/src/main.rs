//! The command line of textmill: the only place that prints, and that picks an exit code.
//!
//! Exit codes: 0 done; 1 documents, a check or a test failed; 2 it could not run; 130 interrupted. What a command was asked to
//! show goes to stdout; everything that is said about it goes to stderr.

mod args;
mod command;
mod diff;
mod exit;
mod findings;
mod logging;
#[cfg(feature = "opentelemetry")]
mod otlp;
mod past;
mod progress;
mod record;
mod step;
mod terminal;
mod trace;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    if matches!(args.command, Command::Worker) {
        // It logs to the process that started it, and shows nothing.
        return exit::code(command::worker::run());
    }
    let bar = progress::Bar::new(&args.global);
    logging::begin(&args.global, &bar);
    let guard = no_exit(&args.command, &bar);
    let result = match &args.command {
        Command::Run(args) => command::run::run(args, &bar),
        Command::Check(args) => command::check::run(args, bar.is_quiet()),
        Command::List(args) => command::list::run(args),
        Command::Doc(args) => command::doc::run(args),
        Command::Try(args) => command::try_one::run(args),
        Command::Plugin(command) => command::plugin::run(command),
        Command::Lock(args) => command::lock::run(args),
        Command::Test(args) => command::test::run(args, bar.is_quiet()),
        Command::Report(args) => command::report::run(args, bar.is_quiet()),
        Command::Inspect(args) => command::inspect::run(args),
        Command::Graph(args) => command::graph::run(args),
        Command::Compare(args) => command::compare::run(args),
        Command::Explain(args) => command::explain::run(args),
        Command::Undo(args) => command::undo::run(args),
        Command::Init(args) => command::init::run(args, &bar),
        Command::Schema(args) => command::schema::run(args),
        Command::Completions(args) => command::completions::run(args),
        Command::Worker => command::worker::run(),
    };
    drop(guard);
    exit::code(result)
}

/// Keeps plugins from ending this process as if all were well, and from ending it without a word. Whoever started a process for a plugin sees for
/// himself how it ended.
fn no_exit(command: &Command, bar: &progress::Bar) -> Option<textmill::NoExit> {
    if matches!(command, Command::Plugin(args::Plugin::Perform)) {
        return None;
    }
    exit::tell_of_crashes();
    let bar = bar.clone();
    Some(textmill::forbid_exit(move |who| {
        bar.clear();
        exit::by_plugin(who)
    }))
}
