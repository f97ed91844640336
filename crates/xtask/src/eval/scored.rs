//! The sets that `score.py` scores as they are: documents in, documents out, figures by name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::files;
use crate::program::{Step, Textmill};
use crate::python::Python;
use crate::table::{Figure, Report};

/// A set, and `score.py` for it.
#[derive(Debug)]
pub(crate) struct Scored {
    kind: &'static str,
    python: Python,
    score: PathBuf,
    /// The file or folder with the answers.
    pub(crate) set: PathBuf,
    /// The documents without the answers.
    pub(crate) documents: PathBuf,
}

impl Scored {
    /// The set of this kind that lies in this file or folder of `eval/`.
    pub(crate) fn open(kind: &'static str, path: &str) -> Result<Self> {
        let (score, set) = (files::shared("eval/score.py")?, files::shared(&format!("eval/{path}"))?);
        let python = Python::system()?;
        let documents =
            files::scratch(&format!("eval/{}", path.replace(['/', '.'], "-")))?.join("documents.jsonl");
        let printed = python.run([&score, Path::new("docs"), Path::new(kind), &set])?;
        fs::write(&documents, printed)?;
        Ok(Self { kind, python, score, set, documents })
    }

    /// The figures of an output, by name.
    pub(crate) fn score(&self, output: &Path) -> Result<Vec<(String, String)>> {
        let printed =
            self.python.run([&self.score, Path::new("score"), Path::new(self.kind), &self.set, output])?;
        let printed = String::from_utf8(printed)?;
        let split = printed.lines().filter_map(|line| line.split_once(' '));
        Ok(split.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// One stage on one set.
#[derive(Debug)]
pub(crate) struct Trial {
    name: &'static str,
    kind: &'static str,
    path: &'static str,
    step: Step<'static>,
}

/// Lines that were labelled by hand: on pages of news, and on pages of other kinds, which show what carries over.
pub(crate) const STRIP: &[Trial] = &[
    trial("strip", "strip", "strip/dev.jsonl.gz", "strip-links", ""),
    trial("strip english", "strip", "strip/dev-english.jsonl.gz", "strip-links", ""),
    trial("strip, news-tail", "strip", "strip/dev.jsonl.gz", "strip-links", NEWS_TAIL),
    trial("strip english, news-tail", "strip", "strip/dev-english.jsonl.gz", "strip-links", NEWS_TAIL),
];

const NEWS_TAIL: &str = "news-tail = true";

/// Titles and what stands below them.
pub(crate) const TITLE: &[Trial] = &[trial("title", "title", "title/dev.jsonl.gz", "dedup-title", "")];

/// Broken texts.
pub(crate) const MOJIBAKE: &[Trial] = &[trial("mojibake", "mojibake", "mojibake", "clean", "")];

/// Hard cases, and treebanks.
pub(crate) const SENTENCES: &[Trial] = &[
    trial("sentences, golden", "sentences", "sentences/golden-rules.json", "split-sentences", ENGLISH),
    trial("sentences", "sentences", "sentences/dev.jsonl.gz", "split-sentences", ENGLISH),
];

const ENGLISH: &str = "language = \"en\"";

const fn trial(
    name: &'static str,
    kind: &'static str,
    path: &'static str,
    uses: &'static str,
    with: &'static str,
) -> Trial {
    Trial { name, kind, path, step: Step { uses, with } }
}

/// Runs trials; a set that is not there leaves the others alone.
pub(crate) fn run(trials: &[Trial], textmill: &Textmill, report: &mut Report) {
    for trial in trials {
        match trial.run(textmill) {
            Ok(figures) => report.figures.extend(figures),
            Err(error) => report.skip(trial.name, &error),
        }
    }
}

impl Trial {
    fn run(&self, textmill: &Textmill) -> Result<Vec<Figure>> {
        let set = Scored::open(self.kind, self.path)?;
        let output = textmill.run(&set.documents, "output", &[self.step])?;
        let figures = set.score(&output)?.into_iter();
        Ok(figures.map(|(name, value)| Figure::new(self.name, name, value)).collect())
    }
}
