//! What the checks came to.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What all checks came to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// The library, or `built in`.
    pub subject: String,
    /// In the order of the table of checks, stage by stage; those of the library first.
    pub checks: Vec<Checked>,
}

/// What one check came to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Checked {
    /// The name of the check.
    pub check: &'static str,
    /// The stage; `None` for a check of the library.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found, or why the check does not apply, or a figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The document that shows it, or that was in hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub time: Duration,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// What was asked for holds.
    Passed,
    /// The stage does not claim it, so it was not tested.
    NotClaimed,
    /// The check does not apply, or one that it stands on has failed.
    NotRun,
    /// It does not hold.
    Failed,
    /// The process of the check was ended by a signal, or ended itself.
    Crashed,
    /// It was not done within the time limit.
    TimedOut,
    /// It took more memory than the limit.
    OutOfMemory,
}

/// A document that shows what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Input {
    /// Its name in the corpus.
    pub document: String,
    /// Its text, or the beginning of it.
    pub text: String,
    /// The length of its text, in bytes.
    pub bytes: usize,
    /// Whether the text is one that was made as short as still shows it.
    #[serde(default)]
    pub minimized: bool,
}

/// What the process of a check says before it ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    pub(crate) message: Option<String>,
    pub(crate) input: Option<Input>,
    /// The stages of the library; said by the check that loads it.
    pub(crate) stages: Vec<Offered>,
}

/// A stage of a library.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Offered {
    pub(crate) name: String,
    /// What its schema has against the options to open it with.
    pub(crate) violation: Option<String>,
}

/// A line of the file that the process of a check writes as it goes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Note {
    /// This document goes into the stage next.
    Doing(Input),
    /// The check is done.
    Done(Answer),
}

/// What a check found wrong.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) message: String,
    pub(crate) input: Option<Input>,
}

/// What a check that found nothing wrong came to.
#[derive(Clone, Debug)]
pub(crate) enum Pass {
    /// It holds, which may be worth a word.
    Holds(Option<String>),
    /// The stage does not claim it.
    NotClaimed,
    /// The check does not apply.
    NotApplicable(String),
    /// The library was loaded and has these stages.
    Loaded(Vec<Offered>),
}

pub(crate) type Outcome = Result<Pass, Finding>;

impl Report {
    /// Whether no check found anything wrong.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|checked| checked.verdict.is_well())
    }
}

impl Verdict {
    /// Whether nothing was found wrong.
    pub fn is_well(self) -> bool {
        matches!(self, Self::Passed | Self::NotClaimed | Self::NotRun)
    }
}

impl Input {
    /// How many bytes of a text are shown.
    const SHOWN: usize = 400;

    pub(crate) fn new(document: &str, text: &str) -> Self {
        let end = text.floor_char_boundary(Self::SHOWN);
        let shown = text.get(..end).unwrap_or_default();
        Self { document: document.to_owned(), text: shown.to_owned(), bytes: text.len(), minimized: false }
    }

    pub(crate) fn minimized(document: &str, text: &str) -> Self {
        Self { minimized: true, ..Self::new(document, text) }
    }
}

impl Finding {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), input: None }
    }

    pub(crate) fn with(self, input: Input) -> Self {
        Self { input: Some(input), ..self }
    }
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        let answer = |verdict, message| Self { verdict, message, input: None, stages: Vec::new() };
        match outcome {
            Ok(Pass::Holds(message)) => answer(Verdict::Passed, message),
            Ok(Pass::NotClaimed) => answer(Verdict::NotClaimed, None),
            Ok(Pass::NotApplicable(why)) => answer(Verdict::NotRun, Some(why)),
            Ok(Pass::Loaded(stages)) => Self { stages, ..answer(Verdict::Passed, None) },
            Err(Finding { message, input }) => Self { input, ..answer(Verdict::Failed, Some(message)) },
        }
    }
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // Microseconds are as much as a check is worth.
    serializer.serialize_f64((time.as_secs_f64() * 1e6).round() / 1e6)
}
