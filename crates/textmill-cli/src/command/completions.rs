//! `textmill completions`

use std::io::Write as _;

use clap::CommandFactory as _;

use crate::args::{Args, CompletionsArgs};
use crate::exit::{Done, Outcome};

pub(crate) fn run(args: &CompletionsArgs) -> Outcome {
    // Through a buffer, because the generator panics when a pipe is closed.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "textmill", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(Done::Well)
}
