//! Runs the golden tests of a pipeline file.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::{Map, Value};
use textmill_engine::{Engine, Error, Fate, Registry, Trace, WorkerCommand};
use textmill_pipeline::{Cause, Diagnostics, Expect, Source, TestInput, TestSpec};

use crate::Plugins;
use crate::lock::Guard;

/// The golden tests of a pipeline file.
#[derive(Debug)]
pub struct Suite {
    /// The pipeline with all its stages.
    engine: Engine,
    registry: Registry,
    guard: Guard,
}

/// Something that a test expects and did not find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What it is about: an RFC 6901 pointer into the test, such as `/expect/text`.
    pub pointer: String,
    /// What was found instead, in one line.
    pub message: String,
    /// The text that was expected and the one that was found, where it takes a look at both.
    pub texts: Option<(String, String)>,
}

/// What a test came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tested {
    /// What it expected and did not find; none: it passed.
    pub mismatches: Vec<Mismatch>,
    /// The snapshot that it wrote, because it was asked to and the one there was another.
    pub written: Option<PathBuf>,
}

impl Suite {
    /// Reads a pipeline file and opens its stages; those that ask for a process of their own are run by `worker`.
    ///
    /// # Errors
    /// All mistakes of the file, each with its place.
    pub fn open(path: &Path, plugins: &Plugins, worker: Option<WorkerCommand>) -> Result<Self, Diagnostics> {
        let draft = textmill_pipeline::parse(Source::read(path)?)?;
        let guard = Guard::new(&draft, path, plugins.locking, false)?;
        let registry = crate::load(&draft, plugins, &guard, worker)?;
        let pipeline = draft.resolve(&registry, &[])?;
        let engine = guard.open(pipeline, &registry)?;
        Ok(Self { engine, registry, guard })
    }

    /// The tests, in the order of the file.
    pub fn tests(&self) -> &[TestSpec] {
        &self.engine.pipeline().tests
    }

    /// The pipeline with all its stages, open.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A mismatch of test number `test`, at its place in the file.
    pub fn diagnostic(&self, test: usize, mismatch: &Mismatch) -> Diagnostics {
        self.engine.pipeline().test_diagnostic(test, &mismatch.pointer, &mismatch.message)
    }

    /// Runs a test; with `update`, a snapshot that is missing or another is written and not held against it.
    ///
    /// # Errors
    /// What keeps it from running: the stages cannot be opened. That there is no document is a mismatch.
    pub fn run(&self, test: &TestSpec, update: bool) -> Result<Tested, Diagnostics> {
        let mut pipeline = self.engine.pipeline().clone();
        if let Some(stages) = &test.stages {
            pipeline = pipeline.with_stages(stages);
        }
        if let TestInput::File(path) = &test.input {
            pipeline.replace_input(vec![path.to_string_lossy().into_owned()]);
        }
        let engine = self.guard.open(pipeline, &self.registry)?;
        Ok(match trace(&engine, test) {
            Ok(traced) => Comparison::new(&engine, test, traced, update).run(),
            Err(error) => Tested { mismatches: vec![mismatch("/input", error.to_string())], written: None },
        })
    }
}

fn trace(engine: &Engine, test: &TestSpec) -> Result<Trace, Error> {
    match &test.input {
        TestInput::File(_) => engine.trace_first(),
        TestInput::Document(fields) => {
            engine.trace_json(&Value::Object(fields.clone()).to_string(), &test.name)
        }
        TestInput::Text(whole) => {
            let name = engine.pipeline().input.fields.text.as_deref().unwrap_or("text");
            let fields = Map::from_iter([(name.to_owned(), Value::from(whole.as_str()))]);
            engine.trace_json(&Value::Object(fields).to_string(), &test.name)
        }
    }
}

fn mismatch(pointer: &str, message: impl Into<String>) -> Mismatch {
    Mismatch { pointer: pointer.to_owned(), message: message.into(), texts: None }
}

/// A document that has passed the stages, beside what was expected of it.
struct Comparison<'a> {
    engine: &'a Engine,
    test: &'a TestSpec,
    expect: &'a Expect,
    trace: Trace,
    update: bool,
    tested: Tested,
}

impl<'a> Comparison<'a> {
    fn new(engine: &'a Engine, test: &'a TestSpec, trace: Trace, update: bool) -> Self {
        Self { engine, test, expect: &test.expect, trace, update, tested: Tested::default() }
    }

    fn run(mut self) -> Tested {
        self.fate();
        self.text();
        self.fields();
        self.unchanged();
        self.idempotent();
        self.snapshot();
        self.tested
    }

    fn add(&mut self, pointer: &str, message: impl Into<String>) {
        self.tested.mismatches.push(mismatch(pointer, message));
    }

    fn add_texts(&mut self, pointer: &str, message: &str, expected: String, found: String) {
        let mismatch = Mismatch { texts: Some((expected, found)), ..mismatch(pointer, message) };
        self.tested.mismatches.push(mismatch);
    }

    /// The text as it came out.
    fn after(&self) -> &str {
        self.trace.stages.last().map_or(&self.trace.original, |stage| &stage.after)
    }

    /// What became of the document, in words.
    fn end(&self) -> String {
        let id = |stage: usize| &self.engine.stages()[stage].id;
        match &self.trace.fate {
            Fate::Kept => "the document was kept".to_owned(),
            Fate::Dropped { stage, rule } => format!("the document was dropped by `{}.{rule}`", id(*stage)),
            Fate::Failed { stage, message } => format!("the document failed in `{}`: {message}", id(*stage)),
        }
    }

    fn fate(&mut self) {
        let id = |stage: usize| &*self.engine.stages()[stage].id;
        let is_cause = |cause: &Cause| match &self.trace.fate {
            Fate::Dropped { stage, rule } => {
                id(*stage) == cause.stage && cause.rule.as_ref().is_none_or(|expected| expected == rule)
            }
            _ => false,
        };
        let fails_in = |expected: &String| match &self.trace.fate {
            Fate::Failed { stage, .. } => id(*stage) == expected,
            _ => false,
        };
        let expect = self.expect;
        let wrong = match (&expect.dropped_by, &expect.failed_by) {
            (Some(cause), _) if !is_cause(cause) => Some("/expect/dropped-by"),
            (_, Some(stage)) if !fails_in(stage) => Some("/expect/failed-by"),
            (None, None) if self.trace.fate != Fate::Kept => Some("/expect"),
            _ => None,
        };
        if let Some(pointer) = wrong {
            self.add(pointer, self.end());
        }
    }

    fn text(&mut self) {
        let (expect, after) = (self.expect, self.after().to_owned());
        if let Some(text) = expect.text.as_ref().filter(|text| **text != after) {
            self.add_texts("/expect/text", "the text is another", text.clone(), after.clone());
        }
        for (index, part) in expect.absent.iter().enumerate().filter(|(_, part)| after.contains(*part)) {
            self.add(&format!("/expect/absent/{index}"), format!("the text contains {}", quoted(part)));
        }
        for (index, part) in expect.present.iter().enumerate().filter(|(_, part)| !after.contains(*part)) {
            self.add(
                &format!("/expect/present/{index}"),
                format!("the text does not contain {}", quoted(part)),
            );
        }
        for (index, regex) in expect.matches.iter().enumerate().filter(|(_, regex)| !regex.is_match(&after)) {
            self.add(&format!("/expect/matches/{index}"), format!("nothing in the text matches `{regex}`"));
        }
    }

    fn fields(&mut self) {
        let found = self.document();
        for (name, expected) in &self.expect.field {
            let value = found.get(name).unwrap_or(&Value::Null);
            if value != expected {
                let pointer = format!("/expect/field/{}", name.replace('~', "~0").replace('/', "~1"));
                let message = format!("the field `{name}` is {}", shown(value));
                let texts = (expected.as_str(), value.as_str());
                match texts {
                    (Some(expected), Some(value)) => {
                        self.add_texts(
                            &pointer,
                            &format!("the field `{name}` is another"),
                            expected.to_owned(),
                            value.to_owned(),
                        );
                    }
                    _ => self.add(&pointer, message),
                }
            }
        }
    }

    fn unchanged(&mut self) {
        let Some(expected) = self.expect.unchanged else { return };
        let sets =
            self.trace.stages.iter().any(|stage| !stage.fields.is_empty() || !stage.emitted.is_empty());
        let is_unchanged = self.trace.original == self.after() && !sets;
        match (expected, is_unchanged) {
            (true, false) => {
                let (before, after) = (self.trace.original.clone(), self.after().to_owned());
                self.add_texts("/expect/unchanged", "the document was changed", before, after);
            }
            (false, true) => self.add("/expect/unchanged", "the document was not changed"),
            _ => (),
        }
    }

    fn idempotent(&mut self) {
        if !self.expect.idempotent || self.trace.fate != Fate::Kept {
            return;
        }
        let once = String::from_utf8_lossy(&self.trace.document).into_owned();
        match self.engine.trace_json(&once, &self.test.name) {
            Ok(twice) if twice.fate == Fate::Kept && twice.document == self.trace.document => (),
            Ok(twice) => {
                let found = String::from_utf8_lossy(&twice.document).into_owned();
                self.add_texts(
                    "/expect/idempotent",
                    "passing the stages once more changes it",
                    indented(&once),
                    indented(&found),
                );
            }
            Err(error) => self.add("/expect/idempotent", error.to_string()),
        }
    }

    fn snapshot(&mut self) {
        let Some(path) = &self.expect.snapshot else { return };
        let found = indented(&String::from_utf8_lossy(&self.trace.document));
        let expected = match fs::read_to_string(path) {
            Ok(expected) => Some(expected),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                return self.add("/expect/snapshot", format!("cannot read `{}`: {error}", path.display()));
            }
        };
        if expected.as_ref() == Some(&found) {
            return;
        }
        if self.update {
            return self.write_snapshot(path, &found);
        }
        match expected {
            Some(expected) => self.add_texts(
                "/expect/snapshot",
                "the document is not that of the snapshot",
                expected,
                found,
            ),
            None => self.add("/expect/snapshot", "there is no such file; `textmill test --update` writes it"),
        }
    }

    fn write_snapshot(&mut self, path: &Path, found: &str) {
        let folder = path.parent().unwrap_or(path);
        match fs::create_dir_all(folder).and_then(|()| fs::write(path, found)) {
            Ok(()) => self.tested.written = Some(path.to_owned()),
            Err(error) => self.add("/expect/snapshot", format!("cannot write `{}`: {error}", path.display())),
        }
    }

    fn document(&self) -> Map<String, Value> {
        serde_json::from_slice(&self.trace.document).unwrap_or_default()
    }
}

/// The document of a snapshot: easy to read, and to compare line by line.
fn indented(json: &str) -> String {
    let value: Option<Value> = serde_json::from_str(json).ok();
    let pretty = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    pretty.map_or_else(|| json.to_owned(), |pretty| pretty + "\n")
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A value in a message: absent where it is null, and not longer than a line.
fn shown(value: &Value) -> String {
    const MOST: usize = 80;
    match value {
        Value::Null => "absent".to_owned(),
        value => {
            let json = value.to_string();
            let short: String = json.chars().take(MOST).collect();
            if short.len() < json.len() { format!("{short}…") } else { json }
        }
    }
}
