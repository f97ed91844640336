//! `cargo xtask suites`: bad input that others collected, through the reader or parser that it is meant for.
//!
//! Each file is passed to the real binary, in a process of its own where there are not hundreds. A verdict is what a user
//! meets: all of a file is read, or something of it is refused with a sentence; a pipeline file is refused if `check` says where
//! its mistake is. What else a process can come to (a signal, a panic, an exit code that is none of these) is broken, and so is
//! one that takes more time or memory than the system is told to let it have.

mod run;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use self::run::Runner;
use crate::files;
use crate::program::{Profile, Textmill};

/// What files must come to.
const EXPECTED: &str = include_str!("expected.tsv");

/// The suites, and what of the program each is passed through.
const SUITES: [(&str, Through); 8] = [
    ("json", Through::Lines),
    ("toml-invalid", Through::Check),
    ("gzip", Through::Format("text")),
    ("zstd", Through::Format("text")),
    ("parquet", Through::Format("parquet")),
    ("warc", Through::Format("warc")),
    ("naughty-strings.json", Through::Strings),
    ("utf8-stress.txt", Through::Format("text")),
];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder with the suites; `suites` of the shared folder unless given
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// The program; built unless given
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// Which part of the program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Through {
    /// Each file is a value in a line of JSON, and all lines are one run.
    Lines,
    /// Each file is a pipeline file.
    Check,
    /// A run whose input has this format.
    Format(&'static str),
    /// A list of texts: each is the text, the title and the id of a document that passes all stages for news.
    Strings,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Read,
    Refused,
    /// What must not be: a panic, a signal, a message without a place.
    Broken(String),
}

/// A file, and what became of it.
#[derive(Debug)]
pub(crate) struct Judged {
    /// Relative to the folder of the suites.
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    /// What the process took that it passed through.
    pub(crate) took: Took,
}

/// What a process took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took {
    pub(crate) cpu: Duration,
    /// In bytes.
    pub(crate) memory: u64,
}

/// What a file must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Read,
    Refused,
    Either,
}

/// A line of [`EXPECTED`].
#[derive(Debug)]
struct Expectation<'a> {
    /// What the name of a file begins with.
    prefix: &'a str,
    wanted: Wanted,
    /// Why it comes to something else, and is left so.
    left: Option<&'a str>,
}

/// A row of the table.
#[derive(Debug, Default)]
struct Tally {
    files: usize,
    read: usize,
    refused: usize,
    right: usize,
    left: usize,
    wrong: usize,
    most: Took,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let Some(folder) = folder(args)? else { return Ok(()) };
    let expectations = EXPECTED.lines().filter_map(Expectation::parse).collect::<Result<Vec<_>>>()?;
    let textmill = Textmill::new(args.binary.as_deref(), Profile::Debug)?;
    let runner = Runner { textmill: &textmill, folder: &folder, scratch: files::scratch("suites")? };
    say(&Tally::head())?;
    let (mut wrong, mut remarks) = (0, Vec::new());
    for (suite, through) in SUITES {
        let names = names(&folder, suite)?;
        let judged = runner.run(through, &names).with_context(|| format!("the suite `{suite}`"))?;
        let found: BTreeSet<&str> = judged.iter().map(|one| one.name.as_str()).collect();
        ensure!(matches!(through, Through::Strings) || found.len() == names.len(), "a file was not judged");
        let mut tally = Tally::default();
        for one in &judged {
            remarks.extend(tally.add(one, &expectations)?);
        }
        say(&tally.line(suite))?;
        wrong += tally.wrong;
    }
    for remark in remarks {
        say(&remark)?;
    }
    ensure!(wrong == 0, "{wrong} verdicts are wrong");
    Ok(())
}

/// Where the suites are; `None`, with a word about it, if they are not there and nobody said that they were.
fn folder(args: &Args) -> Result<Option<PathBuf>> {
    if let Some(folder) = &args.folder {
        let found =
            fs::canonicalize(folder).with_context(|| format!("there is no `{}`", folder.display()))?;
        return Ok(Some(found));
    }
    match files::shared("suites") {
        Ok(folder) => Ok(Some(folder)),
        Err(error) => say(&format!("skipped: {error}")).map(|()| None),
    }
}

/// The files of a suite, relative to the folder of all: those of a folder less its licence, or one file.
fn names(folder: &Path, suite: &str) -> Result<Vec<String>> {
    if !folder.join(suite).is_dir() {
        return Ok(vec![suite.to_owned()]);
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.join(suite))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != "LICENSE" {
            names.push(format!("{suite}/{name}"));
        }
    }
    names.sort();
    Ok(names)
}

impl Tally {
    fn head() -> String {
        format!(
            "{:<22} {:>5} {:>5} {:>7} {:>5} {:>5} {:>5} {:>9} {:>7}",
            "suite", "files", "read", "refused", "right", "left", "wrong", "memory", "cpu"
        )
    }

    /// Counts a file; what is to be said of it.
    fn add(&mut self, judged: &Judged, expectations: &[Expectation<'_>]) -> Result<Option<String>> {
        let Judged { name, verdict, took } = judged;
        let fitting = expectations.iter().filter(|one| name.starts_with(one.prefix));
        let expectation = fitting.max_by_key(|one| one.prefix.len());
        let expectation = expectation.with_context(|| format!("nothing is said of `{name}`"))?;
        self.files += 1;
        self.read += usize::from(*verdict == Verdict::Read);
        self.refused += usize::from(*verdict == Verdict::Refused);
        self.most.cpu = self.most.cpu.max(took.cpu);
        self.most.memory = self.most.memory.max(took.memory);
        let is_right = match expectation.wanted {
            Wanted::Read => *verdict == Verdict::Read,
            Wanted::Refused => *verdict == Verdict::Refused,
            Wanted::Either => !matches!(verdict, Verdict::Broken(_)),
        };
        let is_broken = matches!(verdict, Verdict::Broken(_));
        Ok(match expectation.left {
            None if is_right => {
                self.right += 1;
                None
            }
            Some(reason) if !is_right && !is_broken => {
                self.left += 1;
                Some(format!("left: {name} is {}: {reason}", verdict.name()))
            }
            _ => {
                self.wrong += 1;
                Some(format!("wrong: {name} is {}, expected {:?}", verdict.name(), expectation.wanted))
            }
        })
    }

    fn line(&self, suite: &str) -> String {
        let Self { files, read, refused, right, left, wrong, most } = self;
        format!(
            "{suite:<22} {files:>5} {read:>5} {refused:>7} {right:>5} {left:>5} {wrong:>5} {:>6} MB {:>5} s",
            most.memory / 1_000_000,
            format!("{:.1}", most.cpu.as_secs_f64())
        )
    }
}

impl Verdict {
    fn name(&self) -> String {
        match self {
            Self::Read => "read".to_owned(),
            Self::Refused => "refused".to_owned(),
            Self::Broken(how) => format!("broken ({how})"),
        }
    }
}

impl<'a> Expectation<'a> {
    fn parse(line: &'a str) -> Option<Result<Self>> {
        let mut columns = line.split('\t');
        let prefix = columns.next().filter(|prefix| !prefix.is_empty() && !prefix.starts_with('#'))?;
        let wanted = columns.next().unwrap_or_default().parse();
        Some(wanted.map(|wanted| Self { prefix, wanted, left: columns.next() }))
    }
}

impl FromStr for Wanted {
    type Err = anyhow::Error;

    fn from_str(word: &str) -> Result<Self> {
        Ok(match word {
            "read" => Self::Read,
            "refused" => Self::Refused,
            "either" => Self::Either,
            _ => bail!("`{word}` is no verdict"),
        })
    }
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}
