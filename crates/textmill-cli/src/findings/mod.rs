//! What `check`, `test`, `run` and `plugin test` found, for machines: one list, in whatever form was asked for.
//!
//! What is for people goes to stderr while a command works, in its own words. A [`Finding`] holds the same in parts, so that
//! each form (a module below) is written once, for all commands. On stdout there is nothing but the form; annotations of
//! GitHub go to stderr, which its runner reads too, so that they can never get among documents.

mod github;
mod json;
mod junit;
mod markdown;
mod sarif;

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use textmill::{Diagnostic, Diagnostics};
use textmill_report::Run;

use crate::args::ResultFormat;
use crate::exit::{Advised, DataError, Interrupted, Outcome, closed_pipe};
use crate::terminal;

/// All that a command found.
#[derive(Debug)]
pub(crate) struct Findings {
    /// The command: `check`, `test`, `run`, `plugin test`.
    command: &'static str,
    list: Vec<Finding>,
    /// The record of the run, if it was one that came to its end.
    run: Option<Run>,
}

/// Something that was looked at, and what came of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Finding {
    /// What kind of thing it is.
    pub(crate) kind: Kind,
    /// The pipeline file or library that it belongs to.
    pub(crate) group: String,
    /// What it is called there.
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    /// How long it took, where that was measured.
    #[serde(rename = "seconds", serialize_with = "json::seconds")]
    pub(crate) time: Option<Duration>,
    /// What is wrong; none where all is well.
    pub(crate) problems: Vec<Problem>,
}

/// The kinds of things that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// A pipeline file: whether it can be read, its stages opened, its input found.
    Pipeline,
    /// A `[[test]]` of a pipeline file.
    Test,
    /// The documents of a run.
    Documents,
    /// A `[[check]]` over a run.
    Check,
    /// A run beside the one that it was to be compared with.
    Baseline,
    /// A check of `plugin test`.
    Conformance,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Passed,
    /// It did not apply, or was not run.
    Skipped,
    /// Something was found that changes no exit code.
    Warning,
    Failed,
    /// It could not be found out.
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Problem {
    /// What is wrong, in a sentence.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// More lines, as a diff.
    pub(crate) details: Option<String>,
    pub(crate) place: Option<Place>,
}

/// Where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Place {
    /// The file, relative to the root of the checkout where that is known, with `/`.
    pub(crate) file: String,
    /// Line and column, both from 1, the column in characters.
    pub(crate) line: Option<usize>,
    pub(crate) column: Option<usize>,
    /// The column behind the last character.
    pub(crate) end_column: Option<usize>,
}

/// The form that was asked for; in a workflow of GitHub its own, unless another was.
pub(crate) fn format(asked: Option<ResultFormat>) -> ResultFormat {
    asked.unwrap_or_else(|| if terminal::is_github() { ResultFormat::Github } else { ResultFormat::Human })
}

impl Findings {
    pub(crate) fn new(command: &'static str) -> Self {
        Self { command, list: Vec::new(), run: None }
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        self.list.push(finding);
    }

    pub(crate) fn set_run(&mut self, run: Run) {
        self.run = Some(run);
    }

    /// Writes all of it in this form, and into the summary of a step of GitHub. What ended the command, if something did, is
    /// a finding about `subject`.
    pub(crate) fn finish(mut self, format: ResultFormat, subject: &Path, result: Outcome) -> Outcome {
        match &result {
            Err(error) if error.is::<Interrupted>() || closed_pipe(error) => return result,
            Err(error) => self.add(Finding::ended(subject, error)),
            Ok(_) => (),
        }
        let told = self.write(format);
        // What a command came to does not depend on whether it can be shown beside a step.
        if let Err(error) = self.append_summary() {
            terminal::say(&format!("{}: {error:#}", terminal::warning()));
        }
        match told {
            Ok(()) => result,
            // What the command came to is not for whoever has stopped reading to say.
            Err(error) if closed_pipe(&error) => result,
            // An error that ended the command is the one to tell.
            Err(error) => result.and(Err(error)),
        }
    }

    fn write(&self, format: ResultFormat) -> anyhow::Result<()> {
        let text = match format {
            ResultFormat::Human => return Ok(()),
            ResultFormat::Github => {
                self.annotations().for_each(|line| terminal::say_command(&line));
                return Ok(());
            }
            ResultFormat::Json => self.json()?,
            ResultFormat::Jsonl => self.json_lines()?,
            ResultFormat::Junit => self.junit().to_string()?,
            ResultFormat::Sarif => self.sarif(),
            ResultFormat::Markdown => self.markdown(),
        };
        let mut out = textmill::io::stdout()?;
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// GitHub shows what a step appends to this file.
    fn append_summary(&self) -> anyhow::Result<()> {
        let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
            return Ok(());
        };
        let append = || {
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
            file.write_all((self.markdown() + "\n").as_bytes())
        };
        append().with_context(|| format!("cannot write the summary of the step, `{}`", path.display()))
    }

    fn count(&self, which: impl Fn(Verdict) -> bool) -> usize {
        self.list.iter().filter(|finding| which(finding.verdict)).count()
    }

    /// Every problem, with what it is about.
    fn problems(&self) -> impl Iterator<Item = (&Finding, &Problem)> {
        self.list.iter().flat_map(|finding| finding.problems.iter().map(move |problem| (finding, problem)))
    }
}

impl Finding {
    pub(crate) fn new(
        kind: Kind,
        group: &Path,
        name: impl Into<String>,
        verdict: Verdict,
        problems: Vec<Problem>,
    ) -> Self {
        Self { kind, group: portable(group), name: name.into(), verdict, time: None, problems }
    }

    /// A pipeline file with mistakes, or something else because of which a command could not do its work.
    pub(crate) fn ended(pipeline: &Path, error: &anyhow::Error) -> Self {
        let data = error.downcast_ref::<DataError>();
        let (kind, verdict) = match data {
            Some(_) => (Kind::Documents, Verdict::Failed),
            None => (Kind::Pipeline, Verdict::Error),
        };
        let error = data.map_or(error, |error| &error.0);
        let problems = match error.downcast_ref::<Diagnostics>() {
            Some(mistakes) => mistakes.iter().map(Problem::from).collect(),
            None => vec![Problem {
                message: format!("{error:#}"),
                hint: error.downcast_ref::<Advised>().and_then(|advised| advised.hint.clone()),
                place: Some(Place::of(pipeline)),
                ..Problem::default()
            }],
        };
        let name = pipeline.file_name().unwrap_or(pipeline.as_os_str()).to_string_lossy();
        Self::new(kind, pipeline, name, verdict, problems)
    }
}

impl Verdict {
    fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Error => "error",
        }
    }
}

impl From<&Diagnostic> for Problem {
    fn from(mistake: &Diagnostic) -> Self {
        let place = Place {
            file: portable(Path::new(&mistake.file)),
            line: mistake.line,
            column: mistake.column,
            end_column: mistake.end_column,
        };
        let label = mistake.label.as_ref().map_or_else(String::new, |label| format!(": {label}"));
        Self {
            message: format!("{}{label}", mistake.message),
            hint: mistake.hint.clone(),
            details: None,
            place: Some(place).filter(|place| !place.file.is_empty()),
        }
    }
}

impl Place {
    /// A file as a whole.
    pub(crate) fn of(file: &Path) -> Self {
        Self { file: portable(file), ..Self::default() }
    }
}

/// A path as others can use it: below the root of the checkout relative to that, which in a workflow of GitHub is the
/// workspace and elsewhere the current folder.
fn portable(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let root = std::env::var_os("GITHUB_WORKSPACE").filter(|root| !root.is_empty());
    let root = root.map_or_else(|| here.clone(), Into::into);
    let whole = here.join(path);
    // `a/../b` would be nowhere below the root for whoever compares names.
    let whole = whole.canonicalize().unwrap_or(whole);
    let root = root.canonicalize().unwrap_or(root);
    let short = whole.strip_prefix(&root).unwrap_or(path);
    short.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}
