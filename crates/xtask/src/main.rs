//! `cargo xtask`: how well textmill does, and how fast, in one table each.
//!
//! Nothing here knows what a stage does. The evaluation drives the real binary over sets with answers that others wrote
//! (`../shared/eval`), and their `score.py` counts; the benchmark times stages through the library, beside the simplest
//! things that can be done with the same text.

mod bench;
mod eval;
mod faults;
mod files;
mod program;
mod python;
mod soak;
mod suites;
mod table;

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

/// Work on textmill itself
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Args {
    /// Run the evaluation sets with the release binary and print one table
    Eval(eval::Args),
    /// Measure speed, memory and allocations, beside plain scans of the same bytes, and print one table
    Bench(bench::Args),
    /// Kill runs of the program and let the system refuse what they need, and check what is there then and in the end
    Faults(faults::Args),
    /// Run at full speed for long over documents of all sizes, and check that memory, open files and threads do not grow
    Soak(soak::Args),
    /// Pass the bad input of the suites through the program, and print a table of what it came to
    Suites(suites::Args),
    /// Find each line, parse it, and write it back: what a run without a stage is held against
    #[command(hide = true)]
    PlainLoop { input: PathBuf, output: PathBuf },
    /// Run a program and print what it took
    #[command(hide = true)]
    Measure {
        #[arg(last = true)]
        command: Vec<OsString>,
    },
}

fn main() -> Result<()> {
    match Args::parse() {
        Args::Eval(args) => eval::run(&args),
        Args::Bench(args) => bench::run(&args),
        Args::Faults(args) => faults::run(&args),
        Args::Soak(args) => soak::run(&args),
        Args::Suites(args) => suites::run(&args),
        Args::PlainLoop { input, output } => bench::plain::run(&input, &output),
        Args::Measure { command } => bench::child::measure(&command),
    }
}
