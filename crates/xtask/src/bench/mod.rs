//! `cargo xtask bench stages`: how fast each stage is.
//!
//! A stage is timed inside a run of the library on one thread, by the engine's own account: from laying out a batch of
//! documents that have just been parsed, through the C ABI, to the edits applied and the fields set. Reading, parsing JSON
//! and writing are outside. That is what a stage adds to a run; the difference of two runs of the binary would say the same
//! with the noise of everything else in it. The plain scans beside it go over the same texts, one document after another,
//! in the same rounds.

mod pages;
mod scans;
mod stages;
mod sumy;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::files;
use crate::table::Report;

/// Which figures are held against what.
const EXPECTATIONS: &str = include_str!("../../data/bench.tsv");

/// The arguments of `bench stages`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How often everything is measured; the medians are shown
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// Measure over these documents (JSON Lines with `id` and `text`) in the place of ../shared/data/news-10k.jsonl.gz
    #[arg(long, value_name = "FILE")]
    documents: Option<PathBuf>,
    /// Leave out sumy, which takes half a minute
    #[arg(long)]
    no_sumy: bool,
    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,
}

/// Measures everything that can be measured here.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut report = Report::default();
    let given = args.documents.clone().map_or_else(|| files::shared("data/news-10k.jsonl.gz"), Ok);
    let measured = given.and_then(|documents| stages::measure(&documents, args.rounds, &mut report));
    if let Err(error) = measured {
        report.skip("stages", &error);
    }
    if let Err(error) = sumy::measure(args.rounds, !args.no_sumy, &mut report) {
        report.skip("summaries", &error);
    }
    if let Err(error) = pages::measure(args.rounds, &mut report) {
        report.skip("pages", &error);
    }
    report.judge(EXPECTATIONS, true);
    Ok(report.print(args.json)?)
}

/// The middle one of some times.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Millions of bytes in a second.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn megabytes_per_second(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

/// Three digits, or whole numbers.
fn shown(value: f64) -> String {
    let digits = if value < 1.0 {
        3
    } else if value < 10.0 {
        2
    } else {
        usize::from(value < 100.0)
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_with_three_digits() {
        for (value, expect) in [(0.1234, "0.123"), (1.239, "1.24"), (51.26, "51.3"), (1234.5, "1234")] {
            assert_eq!(shown(value), expect);
        }
    }
}
