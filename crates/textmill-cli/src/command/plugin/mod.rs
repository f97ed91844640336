//! `textmill plugin`: one module for each of its commands.

mod build;
mod cases;
mod list;
mod new;
mod test;

use crate::args::Plugin;
use crate::exit::Outcome;

pub(crate) fn run(command: &Plugin) -> Outcome {
    match command {
        Plugin::New(args) => new::run(args),
        Plugin::Build(args) => build::run(args),
        Plugin::Cases(args) => cases::run(args),
        Plugin::List(args) => list::run(args),
        Plugin::Test(args) => test::run(args),
        Plugin::Perform => test::perform(),
    }
}

/// What a library is called on this system.
fn library_file(stem: &str) -> String {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    format!("{DLL_PREFIX}{stem}{DLL_SUFFIX}")
}
