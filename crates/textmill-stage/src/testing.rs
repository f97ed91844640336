//! Try a stage in a unit test, without a host.
//!
//! [`open`] a stage with options as JSON, [`Opened::run`] it on a text, look at the [`Answered`]; or let [`cases`] compare
//! with a folder of texts.
//!
//! ```
//! use textmill_stage::testing::{cases, open};
//! # use textmill_stage::{Deletes, Doc, Outcome, Plan, Result, Stage};
//! # /// What it is for.
//! # #[derive(serde::Deserialize, schemars::JsonSchema)]
//! # #[serde(deny_unknown_fields)]
//! # struct Config {}
//! # struct StripQuotes(Deletes);
//! # impl Stage for StripQuotes {
//! #     const NAME: &'static str = "strip-quotes";
//! #     type Config = Config;
//! #     fn new(_: Config, plan: &mut Plan) -> Result<Self> {
//! #         Ok(Self(plan.deletes("quote", "The line begins with `>`.")))
//! #     }
//! #     fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
//! #         let quotes = doc.lines().filter(|line| line.text.starts_with('>'));
//! #         quotes.for_each(|line| doc.remove(line.span, self.0));
//! #         Ok(Outcome::Keep)
//! #     }
//! # }
//!
//! // One document, and everything that became of it.
//! let answered = open::<StripQuotes>("{}")?.run("yes\n> or no?\n");
//! assert_eq!(answered.text, "yes\n");
//! assert_eq!(answered.edits[0].2, "quote");
//! assert_eq!((answered.dropped, answered.failed), (None, None));
//!
//! // Texts in files: what goes in, and what must come out.
//! let folder = std::env::temp_dir().join(format!("cases-of-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! std::fs::write(folder.join("quote.in.txt"), "> or no?\nno\n").unwrap();
//! std::fs::write(folder.join("quote.out.txt"), "no\n").unwrap();
//! cases::<StripQuotes>(&folder);
//! # std::fs::remove_dir_all(folder).unwrap();
//! # Ok::<(), textmill_stage::Error>(())
//! ```

mod cases;

use std::collections::BTreeMap;

use serde_json::Value as Json;
use textmill_abi as abi;

pub use self::cases::{Became, Case, More, cases, check_cases};
use crate::doc::Answer;
use crate::glue::Shared;
use crate::{Doc, Error, Outcome, Plan, Result, Span, StageWithScratch};

/// An opened stage; see [`open`].
#[derive(Debug)]
pub struct Opened<S> {
    stage: S,
    plan: Plan,
}

/// What a stage did with a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The text after all edits.
    pub text: String,
    /// The edits, in order: span in the text that went in (bytes), replacement, rule.
    pub edits: Vec<(Span, String, &'static str)>,
    /// The fields that were set; null where one was removed.
    pub fields: BTreeMap<String, Json>,
    /// The texts of the documents it emitted.
    pub emitted: Vec<String>,
    /// The numbers that decided: name, value, threshold.
    pub scores: Vec<(&'static str, f64, Option<f64>)>,
    /// The rule under which it was dropped.
    pub dropped: Option<&'static str>,
    /// The error that it failed with; then nothing else is set, and the text is what went in.
    pub failed: Option<Error>,
}

/// Opens a stage with options as JSON, `{}` for the defaults.
///
/// # Errors
/// As [`crate::Stage::new`], or the options do not fit the type.
pub fn open<S: StageWithScratch>(config: &str) -> Result<Opened<S>> {
    open_with_resources(config, &[])
}

/// [`open`] for a stage whose options name files: paths, as the options have them, and their bytes.
///
/// # Errors
/// As [`open`].
pub fn open_with_resources<S: StageWithScratch>(
    config: &str,
    resources: &[(&str, &[u8])],
) -> Result<Opened<S>> {
    let resources = resources.iter().map(|(path, bytes)| ((*path).to_owned(), (*bytes).to_owned()));
    let mut plan = Plan::new(resources.collect());
    let config = serde_json::from_str(config).map_err(|error| Error::config("", error.to_string()))?;
    let stage = S::new(config, &mut plan)?;
    Ok(Opened { stage, plan })
}

impl<S: StageWithScratch> Opened<S> {
    /// Runs the stage on a document that has only a text.
    pub fn run(&self, text: &str) -> Answered {
        self.run_with(text, &[])
    }

    /// Runs the stage on a document with fields: name and value, which is text for a field of type `String`, and JSON
    /// for all others.
    ///
    /// # Panics
    /// If a rule is one that the stage did not declare, which its handles do not allow.
    pub fn run_with(&self, text: &str, fields: &[(&str, &str)]) -> Answered {
        let value_of = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, value)| *value);
        let columns: Vec<_> = self.plan.reads.iter().map(|(name, _)| value_of(name)).collect();
        let mut answer = Answer::default();
        let mut doc = Doc::new(text, &columns, Shared::NOTHING, &mut answer);
        let outcome = self.stage.process(&mut S::Scratch::default(), &mut doc);
        match outcome.and_then(|outcome| answer.finish(text).map(|()| outcome)) {
            Ok(outcome) => self.collect(text, outcome, answer),
            Err(error) => Answered {
                text: text.to_owned(),
                edits: Vec::new(),
                fields: BTreeMap::new(),
                emitted: Vec::new(),
                scores: Vec::new(),
                dropped: None,
                failed: Some(error),
            },
        }
    }

    fn collect(&self, text: &str, outcome: Outcome, answer: Answer) -> Answered {
        let rule = |index: u32| self.plan.rules[index as usize].name;
        let mut edits: Vec<_> = answer
            .edits
            .iter()
            .map(|edit| {
                let replacement = edit.replacement.of(&answer.replacements).unwrap_or_default();
                (edit.span, replacement.to_owned(), rule(edit.rule))
            })
            .collect();
        if let Some((whole, index)) = answer.rewrite {
            edits.push((Span::new(0, text.len()), whole, rule(index)));
        }
        let fields = answer.sets.iter().map(|(column, value)| {
            let (name, kind) = &self.plan.writes[*column];
            (name.clone(), value.as_deref().map_or(Json::Null, |value| decode(*kind, value)))
        });
        let scores = answer.scores.iter().map(|(name, value, threshold)| {
            // Nothing else than "none" is no number.
            (*name, *value, Some(*threshold).filter(|threshold| !threshold.is_nan()))
        });
        Answered {
            text: apply(text, &edits),
            scores: scores.collect(),
            fields: fields.collect(),
            emitted: answer.emits.into_iter().map(|document| document.text).collect(),
            dropped: match outcome {
                Outcome::Keep => None,
                Outcome::Drop(drops) => Some(rule(drops.0)),
            },
            failed: None,
            edits,
        }
    }
}

fn decode(kind: u32, value: &str) -> Json {
    if kind == abi::TEXT {
        value.into()
    } else {
        serde_json::from_str(value).unwrap_or_else(|_| value.into())
    }
}

fn apply(text: &str, edits: &[(Span, String, &str)]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for (span, replacement, _) in edits {
        result.push_str(text.get(at..span.start).unwrap_or_default());
        result.push_str(replacement);
        at = span.end;
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}
