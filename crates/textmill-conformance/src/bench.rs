//! A stage that is checked: its options, documents for it, and workers that are watched.

use std::mem;
use std::path::PathBuf;

use serde_json::Value;
use textmill_engine::{
    Answer, BuiltIn, Cancel, OpenError, OpenedStage, Registry, StageError, StageFile, Trial, Verdict,
};
use textmill_io::{FieldKind, Snapshot};
use textmill_pipeline::{Catalog as _, Checker, StageKind};

use crate::corpus::{self, Document};
use crate::minimize::{CALLING, minimize};
use crate::perform::Notes;
use crate::report::{Finding, Input};
use crate::tester::{Options, Subject, Task};

/// A stage, and what is needed to check it.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) built_in: &'a [BuiltIn],
    pub(crate) kind: &'a StageKind,
    pub(crate) options: Option<&'a Options>,
    pub(crate) quick: bool,
    pub(crate) notes: &'a Notes,
    registry: &'a Registry,
    corpus: Vec<Document>,
}

/// A document with values for what a stage reads.
#[derive(Clone, Debug)]
pub(crate) struct Row<'d> {
    pub(crate) name: &'d str,
    pub(crate) text: &'d str,
    pub(crate) fields: Vec<Option<String>>,
}

/// A worker of a stage.
#[derive(Debug)]
pub(crate) struct Worker<'s> {
    trial: Trial<'s>,
    n_reads: usize,
    pub(crate) cancel: Cancel,
}

/// In bytes. Longer documents are tried once each, and do not take part in what goes over all documents many times.
const LONG: usize = 64 << 10;

impl<'a> Case<'a> {
    pub(crate) fn new(
        task: &'a Task,
        stage: &str,
        registry: &'a Registry,
        built_in: &'a [BuiltIn],
        notes: &'a Notes,
    ) -> Result<Self, Finding> {
        let kind =
            registry.find(stage).ok_or_else(|| Finding::new(format!("there is no stage `{stage}`")))?;
        let longest = if task.quick { LONG } else { usize::MAX };
        let corpus = match &task.alone {
            Some(document) => vec![document.clone()],
            None => corpus::all(longest, task.corpus.as_deref()).map_err(Finding::new)?,
        };
        let options = task.options.as_ref();
        Ok(Self {
            subject: &task.subject,
            built_in,
            kind,
            options,
            quick: task.quick,
            notes,
            registry,
            corpus,
        })
    }

    /// The schema of the options, ready to check them.
    pub(crate) fn checker(&self) -> Result<Checker, Finding> {
        Checker::new(&self.kind.schema)
            .map_err(|error| Finding::new(format!("the schema of the options is none: {error}")))
    }

    /// The options to try the stage with: those that were given, or `{}`, or the first example of the schema that fits.
    pub(crate) fn default_options(&self) -> Result<Options, Finding> {
        if let Some(options) = self.options {
            return Ok(options.clone());
        }
        let value = self.checker()?.sample().ok_or_else(|| {
            Finding::new(
                "neither `{}` nor an example of the schema are options of this stage: give some with `--options`, or put \
                 `examples` into the schema",
            )
        })?;
        Ok(Options { value, folder: PathBuf::new() })
    }

    /// The examples of the schema.
    pub(crate) fn examples(&self) -> Vec<Value> {
        self.kind.schema.get("examples").and_then(Value::as_array).cloned().unwrap_or_default()
    }

    /// The stage with its default options.
    pub(crate) fn open(&self) -> Result<OpenedStage, Finding> {
        let options = self.default_options()?;
        self.open_with(&options).map_err(|error| {
            Finding::new(format!("the stage does not open with {}: {}", options.value, told(&error)))
        })
    }

    /// The stage with some options, and the files that they name.
    pub(crate) fn open_with(&self, options: &Options) -> Result<OpenedStage, OpenError> {
        let files = self.files(options).map_err(OpenError::Plugin)?;
        OpenedStage::open(self.registry, &self.kind.name, &options.value, files)
    }

    pub(crate) fn files(&self, options: &Options) -> Result<Vec<StageFile>, String> {
        let checker = self.checker().map_err(|finding| finding.message)?;
        let file = |(pointer, path): (String, String)| {
            let file = Snapshot::read(options.folder.join(&path)).map_err(|error| error.to_string())?;
            Ok(StageFile { pointer, path, file })
        };
        checker.resources(&options.value).into_iter().map(file).collect()
    }

    /// All documents.
    pub(crate) fn rows(&self, stage: &OpenedStage) -> Vec<Row<'_>> {
        rows(&self.corpus, stage)
    }

    /// The documents that may be gone over many times.
    pub(crate) fn short_rows(&self, stage: &OpenedStage) -> Vec<Row<'_>> {
        let mut rows = self.rows(stage);
        rows.retain(|row| row.text.len() <= self.short());
        rows
    }

    /// The texts of those.
    pub(crate) fn short_texts(&self) -> impl Iterator<Item = &str> {
        let texts = self.corpus.iter().map(|document| document.text.as_str());
        texts.filter(|text| text.len() <= self.short())
    }

    /// The answers to documents that are handed over one by one, each told of before.
    pub(crate) fn one_by_one(
        &self,
        worker: &mut Worker<'_>,
        rows: &[Row<'_>],
    ) -> Result<Vec<Answer>, Finding> {
        let mut answers = Vec::new();
        for row in rows {
            self.notes.doing(row.name, row.text);
            answers.extend(worker.batches(std::slice::from_ref(row), 1)?);
        }
        Ok(answers)
    }

    /// In bytes.
    fn short(&self) -> usize {
        if self.quick { LONG / 16 } else { LONG }
    }
}

/// Documents with values for what a stage reads.
pub(crate) fn rows<'d>(documents: &'d [Document], stage: &OpenedStage) -> Vec<Row<'d>> {
    let row = |(number, document): (usize, &'d Document)| {
        let reads = stage.plan().reads.iter().enumerate();
        let fields = reads.map(|(column, (name, kind))| value(document, name, *kind, number + column));
        Row { name: &document.name, text: &document.text, fields: fields.collect() }
    };
    documents.iter().enumerate().map(row).collect()
}

/// The document's own value, or one of several of the type in turn, of which some are absent.
fn value(document: &Document, name: &str, kind: FieldKind, turn: usize) -> Option<String> {
    if let Some(own) = document.fields.get(name).filter(|own| !own.is_null()) {
        let crossing = match (kind, own) {
            (FieldKind::Text, Value::String(text)) => Some(text.clone()),
            (FieldKind::Text, _) => None,
            _ => Some(own.to_string()).filter(|json| kind.check(json).is_ok()),
        };
        return crossing;
    }
    let first_line = document.text.lines().next().unwrap_or_default();
    let values: &[&str] = match kind {
        FieldKind::Text => &[first_line, "", "A Title of a Story", "e\u{301}\0\u{202e}\r\n"],
        FieldKind::Bool => &["true", "false"],
        FieldKind::Int => &["0", "-1", "9223372036854775807", "-9223372036854775808"],
        FieldKind::Float => &["0.0", "-1.5e300", "5e-324"],
        FieldKind::Texts => &["[]", r#"["", "e\u0301\u0000"]"#],
        FieldKind::Json => &[r#"{"a":[1,null,{}]}"#, r#""text""#, "0", "[]"],
    };
    values.get(turn % (values.len() + 1)).map(|value| (*value).to_owned())
}

impl<'s> Worker<'s> {
    pub(crate) fn new(stage: &'s OpenedStage) -> Result<Self, Finding> {
        let trial = stage.trial().map_err(|error| Finding::new(gave_up(&error)))?;
        Ok(Self { trial, n_reads: stage.plan().reads.len(), cancel: Cancel::default() })
    }

    /// The answers to a batch.
    pub(crate) fn batch(&mut self, rows: &[&Row<'_>]) -> Result<Vec<Answer>, StageError> {
        let texts: Vec<_> = rows.iter().map(|row| row.text).collect();
        let column = |column: usize| rows.iter().map(|row| row.fields[column].as_deref()).collect();
        let fields: Vec<_> = (0..self.n_reads).map(column).collect();
        self.columns(&texts, &fields)
    }

    /// The answers to texts, with a value for each text of each field that the stage reads.
    pub(crate) fn columns(
        &mut self,
        texts: &[&str],
        fields: &[Vec<Option<&str>>],
    ) -> Result<Vec<Answer>, StageError> {
        let answers = self.trial.process(texts, fields, &self.cancel)?;
        Ok(answers.iter_mut().map(mem::take).collect())
    }

    /// The answers to all rows, in batches of `size`.
    pub(crate) fn batches(&mut self, rows: &[Row<'_>], size: usize) -> Result<Vec<Answer>, Finding> {
        let mut answers = Vec::new();
        for chunk in rows.chunks(size) {
            let chunk: Vec<_> = chunk.iter().collect();
            answers.extend(self.batch(&chunk).map_err(|error| {
                let first = chunk.first().expect("a chunk is not empty");
                Finding::new(format!("in a batch of {} {}", chunk.len(), gave_up(&error)))
                    .with(Input::new(first.name, first.text))
            })?);
        }
        Ok(answers)
    }

    /// The answer to one document.
    pub(crate) fn one(&mut self, text: &str, fields: &[Option<String>]) -> Result<Answer, StageError> {
        let fields: Vec<_> = fields.iter().map(|value| vec![value.as_deref()]).collect();
        let answers = self.trial.process(&[text], &fields, &self.cancel)?;
        Ok(answers.first_mut().map(mem::take).expect("one answer to one document"))
    }

    /// The answer to one document, if it is one that the contract allows; or else what is wrong with it.
    pub(crate) fn fair(&mut self, text: &str, fields: &[Option<String>]) -> Result<Answer, String> {
        let answer = self.one(text, fields).map_err(|error| gave_up(&error))?;
        if let Some(breach) = self.trial.breaches().first() {
            return Err(breach.message.clone());
        }
        match &answer.verdict {
            Verdict::Fail(message) if message.is_empty() => {
                Err("failed the document without a message".to_owned())
            }
            Verdict::Fail(message) if message.starts_with("panicked") => Err(message.clone()),
            _ => Ok(answer),
        }
    }

    /// The sink's function that was called wrongly for the last batch.
    pub(crate) fn breach(&self) -> Option<(&'static str, &str)> {
        self.trial.breaches().first().map(|breach| (breach.call, breach.message.as_str()))
    }
}

impl Row<'_> {
    /// A finding at this document.
    pub(crate) fn finding(&self, message: impl Into<String>) -> Finding {
        Finding::new(message).with(Input::new(self.name, self.text))
    }

    /// A finding at this document, whose text is made as short as still `fails`, if it does so by itself. The message is
    /// that of the shortest.
    pub(crate) fn minimized(
        &self,
        message: impl Into<String>,
        mut fails: impl FnMut(&str) -> Option<String>,
    ) -> Finding {
        let Some(mut last) = fails(self.text) else { return self.finding(message) };
        let shortest = minimize(self.text, CALLING, |text| match fails(text) {
            Some(message) => {
                last = message;
                true
            }
            None => false,
        });
        Finding::new(last).with(Input::minimized(self.name, &shortest))
    }
}

/// An answer as a value that can be compared, scores that are no number too.
pub(crate) fn digest(answer: &Answer) -> String {
    format!("{answer:?}")
}

pub(crate) fn gave_up(error: &StageError) -> String {
    match error {
        StageError::Fatal(message) => format!("the stage gave up on the whole batch: {message}"),
        StageError::Cancelled => "the stage says it was cancelled, which it was not".to_owned(),
    }
}

/// What a stage said of its options.
pub(crate) fn told(error: &OpenError) -> String {
    match error {
        OpenError::Options(mistakes) => {
            let one = |(pointer, message): &(String, String)| match pointer.as_str() {
                "" => message.clone(),
                pointer => format!("{message} (at `{pointer}`)"),
            };
            mistakes.iter().map(one).collect::<Vec<_>>().join("; ")
        }
        OpenError::Plugin(message) | OpenError::Process { message, .. } => message.clone(),
    }
}
