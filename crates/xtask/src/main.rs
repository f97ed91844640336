//! `cargo xtask`: how well textmill does, and how fast, in one table each.
//!
//! Nothing here knows what a stage does. The evaluation drives the real binary over sets with answers that others wrote
//! (`../shared/eval`), and their `score.py` counts; the benchmark times stages through the library, beside the simplest
//! things that can be done with the same text.

mod bench;
mod eval;
mod files;
mod program;
mod python;
mod table;

use anyhow::Result;
use clap::Parser;

/// Work on textmill itself
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Args {
    /// Run the evaluation sets with the release binary and print one table
    Eval(eval::Args),
    /// Measure speed
    #[command(subcommand)]
    Bench(Bench),
}

/// What can be measured
#[derive(Debug, clap::Subcommand)]
enum Bench {
    /// Each stage alone, on one thread, beside plain scans of the same text; and summaries beside sumy's
    Stages(bench::Args),
}

fn main() -> Result<()> {
    match Args::parse() {
        Args::Eval(args) => eval::run(&args),
        Args::Bench(Bench::Stages(args)) => bench::run(&args),
    }
}
