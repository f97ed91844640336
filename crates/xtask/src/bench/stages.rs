//! Stages alone, inside a run of the library on one thread, by the engine's own account.
//!
//! It goes from laying out a batch of documents that have just been parsed, through the C ABI, to the edits applied and
//! the fields set. Reading, parsing JSON and writing are outside. That is what a stage adds to a run; the difference of two
//! runs of the binary would say the same with the noise of everything else in it.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, anyhow};
use textmill::{Cancel, Catalog as _, Engine, Options, Past, Progress, RunOptions};

use super::child::Sample;
use super::corpus::Corpus;
use super::subject::Subject;
use crate::eval::{html, summaries};
use crate::program::{Step, toml};

const SET: &str = "stage, one thread";

/// Every stage, `summarize` with each of its methods; `clean` over documents that it has nothing to do with; and those that
/// delete, one behind the other.
pub(super) fn subjects(corpus: &Corpus) -> Result<Vec<Subject>> {
    let cleaned = corpus.beside("cleaned.jsonl");
    let clean = [step("clean")];
    timed(&open(&corpus.file, &cleaned, &clean)?, false)?;
    let mut subjects = vec![subject(corpus, "clean, of what it made", &cleaned, &clean)?];
    for uses in textmill::registry().names() {
        match uses {
            "summarize" => {
                for method in summaries::METHODS {
                    let with = format!("method = \"{method}\"");
                    let steps = [Step { uses, with: &with }];
                    subjects.push(subject(corpus, &format!("summarize, {method}"), &corpus.file, &steps)?);
                }
            }
            // It wants pages, which these texts are not.
            html::STAGE => {}
            _ => subjects.push(subject(corpus, uses, &corpus.file, &[step(uses)])?),
        }
    }
    let deleting = DELETING.map(step);
    subjects.push(subject(corpus, &DELETING.join(" + "), &corpus.file, &deleting)?);
    Ok(subjects)
}

/// What comes before the summary.
pub(super) const DELETING: [&str; 3] = ["clean", "dedup-title", "strip-links"];

/// A stage with its options as they are.
pub(super) const fn step(uses: &str) -> Step<'_> {
    Step { uses, with: "" }
}

fn subject(corpus: &Corpus, name: &str, input: &Path, steps: &[Step<'_>]) -> Result<Subject> {
    let engine = open(input, &input.with_file_name("never-written.jsonl"), steps)?;
    let round = Box::new(move || Ok(Sample { wall: timed(&engine, true)?, ..Sample::default() }));
    let (bytes, documents) = (corpus.text_bytes(), corpus.texts.len());
    Ok(Subject { set: SET, name: name.to_owned(), bytes, documents, round })
}

/// A pipeline of these stages.
pub(super) fn open(input: &Path, output: &Path, steps: &[Step<'_>]) -> Result<Engine> {
    let file: PathBuf = output.with_extension("toml");
    fs::write(&file, toml(input, output, steps))?;
    textmill::open(&file, &Options::default()).map_err(|mistakes| anyhow!("{}: {mistakes:?}", file.display()))
}

/// The time in the stages of a run on this thread.
pub(super) fn timed(engine: &Engine, dry_run: bool) -> Result<Duration> {
    let options = RunOptions {
        threads: NonZeroUsize::MIN,
        memory_limit: None,
        limit: None,
        dry_run,
        past: Past::Fresh,
        max_errors: None,
        overwrite: true,
        cancel: Cancel::default(),
        progress: &Silent,
    };
    Ok(engine.run(&options)?.counts.stages.iter().map(|stage| stage.time).sum())
}

/// Nobody watches.
#[derive(Debug)]
struct Silent;

impl Progress for Silent {
    fn begin(&self, _: Option<u64>) {}
    fn advance(&self, _: u64, _: u64) {}
}
