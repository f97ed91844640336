//! `cargo xtask eval`: all evaluation sets, one table.

mod bootstrap;
mod cleaning;
pub(crate) mod html;
pub(crate) mod rouge;
pub(crate) mod scored;
pub(crate) mod summaries;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;

use crate::program::{Profile, Textmill};
use crate::table::Report;

/// Which figures are shown, in this order: set, figure, bar, what others are said to reach.
const EXPECTATIONS: &str = include_str!("../../data/eval.tsv");

/// The arguments of `eval`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sets to run; all of them unless given
    #[arg(value_enum)]
    sets: Vec<Set>,
    /// Use this program in the place of the one that cargo builds
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,
    /// Print every figure, also those that nothing is asked of
    #[arg(long)]
    all: bool,
}

/// A set with answers, or what is made of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Set {
    /// `strip-links` on lines that were labelled by hand
    Strip,
    /// `dedup-title` on titles and what stands below them
    Title,
    /// `clean` on broken texts
    Mojibake,
    /// `split-sentences` on treebanks and hard cases
    Sentences,
    /// `summarize` with each method, beside sumy
    Summaries,
    /// What the stages before `summarize` are worth on dirty text
    Cleaning,
    /// `extract-html` on whole pages
    Html,
}

/// Runs the sets that were asked for.
pub(crate) fn run(args: &Args) -> Result<()> {
    let textmill = Textmill::new(args.binary.as_deref(), Profile::Release)?;
    let sets = if args.sets.is_empty() { Set::value_variants() } else { &args.sets };
    let mut report = Report::default();
    for set in sets {
        tell(&format!("eval: {}", set.name()));
        // A set that cannot be run, for want of its files or of Python, leaves the others alone.
        if let Err(error) = set.run(&textmill, &mut report) {
            report.skip(&set.name(), &error);
        }
    }
    report.judge(EXPECTATIONS, args.all || args.json);
    Ok(report.print(args.json)?)
}

impl Set {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn run(self, textmill: &Textmill, report: &mut Report) -> Result<()> {
        match self {
            Self::Strip => scored::run(scored::STRIP, textmill, report),
            Self::Title => scored::run(scored::TITLE, textmill, report),
            Self::Mojibake => scored::run(scored::MOJIBAKE, textmill, report),
            Self::Sentences => scored::run(scored::SENTENCES, textmill, report),
            Self::Summaries => summaries::run(textmill, report)?,
            Self::Cleaning => cleaning::run(textmill, report)?,
            Self::Html => html::run(textmill, report)?,
        }
        Ok(())
    }
}

/// Says on stderr what is going on.
pub(crate) fn tell(message: &str) {
    // Nothing depends on whether anybody can read it.
    let _ = writeln!(std::io::stderr(), "{message}");
}
