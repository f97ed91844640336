//! Each stage alone over the same texts.

use std::fs;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use textmill::{Cancel, Catalog as _, Engine, Options, Progress, RunOptions};

use super::{median, megabytes_per_second, scans, shown};
use crate::eval::{html, tell};
use crate::files;
use crate::program::{Step, toml};
use crate::table::{Figure, Report};

/// What is measured: a name, and one round of it.
struct Subject {
    name: String,
    round: Box<dyn Fn() -> Result<Duration>>,
}

/// The name of `clean` over documents that it has nothing to do with.
const WELL_FORMED: &str = "clean, of what it made";

/// Measures scans and stages over the texts of these documents.
pub(super) fn measure(documents: &Path, rounds: usize, report: &mut Report) -> Result<()> {
    let folder = files::scratch("bench")?;
    let input = folder.join("documents.jsonl");
    let documents = files::read_documents(documents)?;
    files::write_documents(&input, &documents)?;
    let texts: Vec<String> =
        documents.iter().map(|document| files::text_of(document, "text").to_owned()).collect();
    let bytes = texts.iter().map(String::len).sum();
    drop(documents);
    let mut subjects = scan_subjects(texts)?;
    subjects.extend(stage_subjects(&input)?);
    for (name, time) in subjects.iter().map(|subject| &subject.name).zip(medians(&subjects, rounds)?) {
        report.figures.push(Figure::new("MB/s, one thread", name, shown(megabytes_per_second(bytes, time))));
    }
    clean_beside_its_checks(report);
    Ok(())
}

/// A text that is right already may cost no more than a check of its UTF-8 and of its form.
fn clean_beside_its_checks(report: &mut Report) {
    let time = |name: &str| {
        let figure = report.figures.iter().find(|figure| figure.name == name)?;
        Some(figure.value.parse::<f64>().ok()?.recip())
    };
    let share = (|| Some(time(WELL_FORMED)? / (time("simdutf8, check")? + time("NFC, quick check")?)))();
    if let Some(share) = share {
        report.figures.push(Figure::new("ratio", "time of clean on clean text : both checks", shown(share)));
    }
}

/// Every subject once per round, so that what disturbs a round disturbs all of them.
fn medians(subjects: &[Subject], rounds: usize) -> Result<Vec<Duration>> {
    let mut times = vec![Vec::new(); subjects.len()];
    for round in 1..=rounds.max(1) {
        tell(&format!("bench: round {round}"));
        for (subject, times) in subjects.iter().zip(&mut times) {
            times.push((subject.round)()?);
        }
    }
    Ok(times.into_iter().map(median).collect())
}

fn scan_subjects(texts: Vec<String>) -> Result<Vec<Subject>> {
    let texts = Rc::new(texts);
    let subject = |(name, scan): scans::Scan| {
        let texts = texts.clone();
        let round = move || {
            let begin = Instant::now();
            black_box(texts.iter().map(|text| scan(text)).sum::<usize>());
            Ok(begin.elapsed())
        };
        Subject { name: name.to_owned(), round: Box::new(round) }
    };
    Ok(scans::all()?.into_iter().map(subject).collect())
}

fn stage_subjects(input: &Path) -> Result<Vec<Subject>> {
    let cleaned = input.with_file_name("cleaned.jsonl");
    let clean = open(input, &cleaned, Step { uses: "clean", with: "" })?;
    timed(&clean, false)?;
    let mut subjects = vec![subject(WELL_FORMED, &cleaned, Step { uses: "clean", with: "" })?];
    for uses in textmill::registry().names() {
        match uses {
            "summarize" => {
                for method in crate::eval::summaries::METHODS {
                    let with = format!("method = \"{method}\"");
                    subjects.push(subject(
                        &format!("summarize, {method}"),
                        input,
                        Step { uses, with: &with },
                    )?);
                }
            }
            // It wants pages, which these texts are not.
            html::STAGE => {}
            _ => subjects.push(subject(uses, input, Step { uses, with: "" })?),
        }
    }
    Ok(subjects)
}

fn subject(name: &str, input: &Path, step: Step<'_>) -> Result<Subject> {
    let engine = open(input, &input.with_file_name("never-written.jsonl"), step)?;
    Ok(Subject { name: name.to_owned(), round: Box::new(move || timed(&engine, true)) })
}

/// A pipeline of one stage.
pub(super) fn open(input: &Path, output: &Path, step: Step<'_>) -> Result<Engine> {
    let file: PathBuf = output.with_extension("toml");
    fs::write(&file, toml(input, output, &[step]))?;
    textmill::open(&file, &Options::default()).map_err(|mistakes| anyhow!("{}: {mistakes:?}", file.display()))
}

/// The time in the one stage of a run on this thread.
pub(super) fn timed(engine: &Engine, dry_run: bool) -> Result<Duration> {
    let threads = NonZeroUsize::MIN;
    let options = RunOptions {
        threads,
        memory_limit: None,
        limit: None,
        dry_run,
        overwrite: true,
        cancel: Cancel::default(),
        progress: &Silent,
    };
    let finished = engine.run(&options)?;
    finished.counts.stages.first().map(|stage| stage.time).context("a pipeline of one stage")
}

/// Nobody watches.
#[derive(Debug)]
struct Silent;

impl Progress for Silent {
    fn begin(&self, _: Option<u64>) {}
    fn advance(&self, _: u64, _: u64) {}
}
