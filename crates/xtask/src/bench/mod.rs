//! `cargo xtask bench`: how fast textmill is, beside the simplest things that can be done with the same bytes.
//!
//! Whatever is held against something else is measured in the same rounds: each round measures everything once, and a
//! ratio is the median of the ratios of the rounds, so that what disturbs a round disturbs both sides. The corpus is
//! `../shared/data/news-10k.jsonl.gz`, unpacked below the target folder.

mod allocations;
mod bars;
pub(crate) mod child;
mod corpus;
mod floors;
mod pages;
pub(crate) mod plain;
mod runs;
mod stages;
mod subject;
mod sumy;

use std::path::PathBuf;
use std::rc::Rc;

use anyhow::Result;
use clap::ValueEnum;

use self::corpus::Corpus;
use crate::eval::tell;
use crate::program::{Profile, Textmill};
use crate::table::Report;

/// Which figures are shown, in which order, and what they are held against.
const EXPECTATIONS: &str = include_str!("../../data/bench.tsv");

/// The arguments of `bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure; all of it unless given
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// How often everything is measured; the medians are shown
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// Measure over these documents (JSON Lines, plain or .gz) in the place of ../shared/data/news-10k.jsonl.gz
    #[arg(long, value_name = "FILE")]
    documents: Option<PathBuf>,
    /// Use this program in the place of the one that cargo builds
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Floors, stages and whole runs, and the ratios that have a bar
    Speed,
    /// Allocations for each document
    Allocations,
    /// Summaries, and the whole pipeline, beside sumy
    Summaries,
    /// `extract-html` over whole pages
    Pages,
}

/// Measures everything that can be measured here.
pub(crate) fn run(args: &Args) -> Result<()> {
    let parts = if args.parts.is_empty() { Part::value_variants() } else { &args.parts };
    let mut report = Report::default();
    for part in parts {
        let name = part.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        tell(&format!("bench: {name}"));
        // What cannot be measured, for want of its files or of Python, leaves the others alone.
        if let Err(error) = part.measure(args, &mut report) {
            report.skip(&name, &error);
        }
    }
    report.judge(EXPECTATIONS, true);
    Ok(report.print(args.json)?)
}

impl Part {
    fn measure(self, args: &Args, report: &mut Report) -> Result<()> {
        let corpus = || Ok::<_, anyhow::Error>(Rc::new(Corpus::open(args.documents.as_deref())?));
        let textmill = || Textmill::new(args.binary.as_deref(), Profile::Release);
        match self {
            Self::Speed => speed(&corpus()?, &textmill()?, args.rounds, report),
            Self::Allocations => allocations::measure(&*corpus()?, report),
            Self::Summaries => sumy::measure(&textmill()?, args.rounds, report),
            Self::Pages => pages::measure(args.rounds, report),
        }
    }
}

fn speed(corpus: &Rc<Corpus>, textmill: &Textmill, rounds: usize, report: &mut Report) -> Result<()> {
    let mut subjects = floors::subjects(corpus)?;
    subjects.extend(stages::subjects(corpus)?);
    subjects.extend(runs::subjects(corpus, textmill)?);
    let measured = subject::measure(subjects, rounds)?;
    report.figures.extend(measured.figures());
    report.figures.extend(bars::figures(&measured));
    Ok(())
}
