//! Whole runs of the program, as processes: each stage alone and `news.toml`, with one thread and with all.

use std::ffi::OsString;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result};
use textmill::Catalog as _;

use super::child;
use super::corpus::Corpus;
use super::subject::Subject;
use crate::eval::html;
use crate::files;
use crate::program::{Textmill, toml};

const SET: &str = "run, a process";

/// The whole pipeline, whose stages are run over other documents.
const NEWS: &str = "pipelines/news.toml";

/// A run: what is in the pipeline file behind the input and the output.
struct Run<'a> {
    name: String,
    input: &'a Path,
    documents: usize,
    bytes: usize,
    stages: &'a str,
    threads: usize,
}

/// All runs, and the programs that they are held against.
pub(super) fn subjects(corpus: &Rc<Corpus>, textmill: &Textmill) -> Result<Vec<Subject>> {
    let (bytes, documents) = (corpus.bytes.len(), corpus.texts.len());
    let news = &news_stages()?;
    let one = corpus.beside("one.jsonl");
    let line = corpus.bytes.split_inclusive(|byte| *byte == b'\n').min_by_key(|line| line.len());
    fs::write(&one, line.unwrap_or_default())?;
    let mut subjects = vec![
        program("plain loop", corpus, plain_loop(corpus)?),
        program("gzip -dc", corpus, ["gzip".into(), "-dc".into(), corpus.gz.clone().into()].into()),
    ];
    let mut add = |run: Run<'_>| -> Result<()> {
        subjects.push(run.subject(corpus, textmill)?);
        Ok(())
    };
    for threads in threads() {
        let mut plain = |name: &str, stages: &str| {
            let name = format!("{name}, -j {threads}");
            add(Run { name, input: &corpus.file, documents, bytes, stages, threads })
        };
        plain("no stage", "")?;
        for uses in textmill::registry().names() {
            // It wants pages, which these documents are not.
            if uses != html::STAGE {
                plain(uses, &format!("[[stage]]\nuses = \"{uses}\"\n"))?;
            }
        }
        plain("news.toml", news)?;
    }
    add(Run {
        name: "no stage, gz, -j 2".into(),
        input: &corpus.gz,
        documents,
        bytes,
        stages: "",
        threads: 2,
    })?;
    let (copies, name) = (&corpus.copies, "news.toml, ten copies, -j 2".into());
    add(Run { name, input: copies, documents: 10 * documents, bytes: 10 * bytes, stages: news, threads: 2 })?;
    let (name, quiet) = (
        "news.toml, ten copies, nothing noted, -j 2".into(),
        // What stands before it ends with the table `run`.
        &format!("resume-after = \"60m\"\n{news}"),
    );
    add(Run {
        name,
        input: copies,
        documents: 10 * documents,
        bytes: 10 * bytes,
        stages: quiet,
        threads: 2,
    })?;
    let (name, ledger) =
        ("news.toml, ledger, -j 1".into(), &format!("[ledger]\nuri = \"ledger.jsonl.zst\"\n{news}"));
    add(Run { name, input: &corpus.file, documents, bytes, stages: ledger, threads: 1 })?;
    let name = "news.toml, one document".into();
    add(Run { name, input: &one, documents: 1, bytes: fs::read(&one)?.len(), stages: news, threads: 1 })?;
    Ok(subjects)
}

/// Runs `news.toml` over other documents, with one thread.
pub(super) fn news_over(documents: &Path, textmill: &Textmill) -> Result<Vec<OsString>> {
    let file = documents.with_file_name("news.toml");
    fs::write(&file, pipeline(documents, &file, &news_stages()?))?;
    Ok(command(textmill, file, 1))
}

/// The stages of `news.toml`, as they stand there.
fn news_stages() -> Result<String> {
    let news = fs::read_to_string(files::workspace().join(NEWS))?;
    let stages = news.find("[[stage]]").and_then(|at| news.get(at..));
    Ok(stages.context("news.toml has no stage")?.to_owned())
}

fn pipeline(input: &Path, file: &Path, stages: &str) -> String {
    toml(input, &file.with_extension("out.jsonl"), &[]) + stages
}

/// One, two as some bars ask, and as many as there are processors.
fn threads() -> Vec<usize> {
    let all = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut threads = vec![1, 2, all];
    threads.sort_unstable();
    threads.dedup();
    threads
}

fn plain_loop(corpus: &Corpus) -> Result<Vec<OsString>> {
    let this = std::env::current_exe()?;
    let output = corpus.beside("plain-loop.jsonl");
    Ok(vec![this.into(), "plain-loop".into(), corpus.file.clone().into(), output.into()])
}

fn program(name: &str, corpus: &Corpus, command: Vec<OsString>) -> Subject {
    let round = Box::new(move || child::run(&command));
    let (bytes, documents) = (corpus.bytes.len(), corpus.texts.len());
    Subject { set: SET, name: name.to_owned(), bytes, documents, round }
}

impl Run<'_> {
    fn subject(self, corpus: &Corpus, textmill: &Textmill) -> Result<Subject> {
        let Self { name, input, documents, bytes, stages, threads } = self;
        let file = corpus.beside(&format!("{name}.toml"));
        fs::write(&file, pipeline(input, &file, stages))?;
        let command = command(textmill, file, threads);
        Ok(Subject { set: SET, name, bytes, documents, round: Box::new(move || child::run(&command)) })
    }
}

fn command(textmill: &Textmill, pipeline: PathBuf, threads: usize) -> Vec<OsString> {
    let threads = threads.to_string().into();
    // Without `--fresh` every round but the first would find the output there, and do nothing.
    let words = ["run".into(), pipeline.into(), "--quiet".into(), "--fresh".into(), "-j".into(), threads];
    std::iter::once(textmill.binary().into()).chain(words).collect()
}
