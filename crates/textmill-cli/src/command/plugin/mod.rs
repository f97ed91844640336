//! `textmill plugin`: one module for each of its commands.

mod list;

use crate::args::Plugin;
use crate::exit::Outcome;

pub(crate) fn run(command: &Plugin) -> Outcome {
    match command {
        Plugin::List(args) => list::run(args),
    }
}
