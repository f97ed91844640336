//! Golden tests: `[[test]]` in a pipeline file, beside the stages that they are about.
//!
//! A test is one document and what must become of it. What was written is checked here as far as that is possible
//! without running it: that there is one document and something to expect, that every stage it names is there, that
//! expressions can be read. Running it is the business of whoever has the stages.

use std::path::{Path, PathBuf};

use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::diagnostic::Diagnostic;
use crate::suggest;
use crate::tree::Tree;
use crate::uri::normal;

/// A golden test of a pipeline.
#[derive(Clone, Debug)]
pub struct TestSpec {
    /// What it is called: unlike any other test of the file.
    pub name: String,
    /// The document.
    pub input: TestInput,
    /// The ids of the stages it passes, which keep the order of the pipeline; `None`: all.
    pub stages: Option<Vec<String>>,
    /// What must become of it.
    pub expect: Expect,
}

/// The document of a test.
#[derive(Clone, Debug, PartialEq)]
pub enum TestInput {
    /// A document with this text and nothing else.
    Text(String),
    /// The first document of this file (an absolute path), read as the input of the pipeline is.
    File(PathBuf),
    /// These fields, by their names in the input.
    Document(Map<String, Value>),
}

/// What must become of the document of a test. What is not said is not looked at, but a document that nobody expects to
/// be dropped or to fail must be kept.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// The text, exactly.
    pub text: Option<String>,
    /// What the text must not contain.
    pub absent: Vec<String>,
    /// What the text must contain.
    pub present: Vec<String>,
    /// Expressions of which each matches somewhere in the text.
    pub matches: Vec<Regex>,
    /// Fields and their values; null: the field is not there.
    pub field: Map<String, Value>,
    /// The stage that drops it, and the rule if one is named.
    pub dropped_by: Option<Cause>,
    /// The stage in which it fails.
    pub failed_by: Option<String>,
    /// Whether it must come out as it went in (`true`), or must not (`false`).
    pub unchanged: Option<bool>,
    /// A file (an absolute path) that holds the document as it must come out, as indented JSON.
    pub snapshot: Option<PathBuf>,
    /// Whether what comes out must pass the same stages unchanged.
    pub idempotent: bool,
}

/// Who dropped a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The id of the stage.
    pub stage: String,
    /// The rule; `None`: any.
    pub rule: Option<String>,
}

/// A golden test: one document, and what must become of it. `textmill test` runs it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Test")]
pub(crate) struct WrittenTest {
    /// What the test is called: a sentence about what it shows.
    #[schemars(length(min = 1))]
    name: String,
    /// The document: one of `text`, `file` and `doc`.
    input: WrittenTestInput,
    /// The ids of the stages that it passes; all unless given.
    #[schemars(length(min = 1))]
    stages: Option<Vec<String>>,
    /// What must become of it.
    expect: WrittenExpect,
}

/// The document of a test.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "TestInput")]
struct WrittenTestInput {
    /// The text of a document that has nothing else.
    text: Option<String>,
    /// A file of which the first document is taken. Relative to this file.
    #[schemars(length(min = 1))]
    file: Option<String>,
    /// The fields of a document, as `{ text = "...", title = "..." }`.
    doc: Option<Map<String, Value>>,
}

/// What must become of the document of a test. What is not said is not looked at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Expect")]
struct WrittenExpect {
    /// The text, exactly.
    text: Option<String>,
    /// What the text must not contain.
    #[serde(default)]
    #[schemars(inner(length(min = 1)))]
    absent: Vec<String>,
    /// What the text must contain.
    #[serde(default)]
    #[schemars(inner(length(min = 1)))]
    present: Vec<String>,
    /// Regular expressions, each of which matches somewhere in the text.
    #[serde(default)]
    #[schemars(inner(length(min = 1)))]
    matches: Vec<String>,
    /// Fields and the values they must have.
    #[serde(default)]
    field: Map<String, Value>,
    /// The stage that drops it: `"STAGE"`, or `"STAGE.RULE"`.
    #[schemars(length(min = 1))]
    dropped_by: Option<String>,
    /// The stage in which it fails.
    #[schemars(length(min = 1))]
    failed_by: Option<String>,
    /// Whether it comes out as it went in.
    unchanged: Option<bool>,
    /// A file that holds the document as it must come out; `textmill test --update` writes it. Relative to this file.
    #[schemars(length(min = 1))]
    snapshot: Option<String>,
    /// Whether what comes out must pass the same stages unchanged.
    #[serde(default)]
    idempotent: bool,
}

impl WrittenTest {
    /// The test that can run; what was written has passed [`check`].
    pub(crate) fn build(self, dir: &Path) -> TestSpec {
        let absolute = |path: String| normal(&dir.join(path));
        let WrittenTestInput { text, file, doc } = self.input;
        let file = file.map(|file| TestInput::File(absolute(file)));
        let document = doc.map(TestInput::Document).or(file);
        let expect = self.expect;
        let matches = expect.matches.iter().filter_map(|expression| Regex::new(expression).ok());
        TestSpec {
            name: self.name,
            input: document.unwrap_or_else(|| TestInput::Text(text.unwrap_or_default())),
            stages: self.stages,
            expect: Expect {
                matches: matches.collect(),
                dropped_by: expect.dropped_by.as_deref().map(Cause::parse),
                snapshot: expect.snapshot.map(absolute),
                text: expect.text,
                absent: expect.absent,
                present: expect.present,
                field: expect.field,
                failed_by: expect.failed_by,
                unchanged: expect.unchanged,
                idempotent: expect.idempotent,
            },
        }
    }
}

impl Cause {
    fn parse(written: &str) -> Self {
        match written.split_once('.') {
            Some((stage, rule)) => Self { stage: stage.to_owned(), rule: Some(rule.to_owned()) },
            None => Self { stage: written.to_owned(), rule: None },
        }
    }
}

/// Finds what no schema can say: in every test, one document, something to expect, and stages that are there.
pub(crate) fn check(tree: &Tree, stages: &[&str], found: &mut Vec<Diagnostic>) {
    let tests = tree.value.get("test").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (index, test) in tests.iter().enumerate() {
        let test = Test { tree, pointer: format!("/test/{index}"), value: test, stages };
        test.check_name(tests.get(..index).unwrap_or_default(), found);
        test.check_input(found);
        test.check_expect(found);
        test.check_stages(found);
        test.check_expressions(found);
    }
}

/// A test as it was written.
struct Test<'a> {
    tree: &'a Tree,
    pointer: String,
    value: &'a Value,
    stages: &'a [&'a str],
}

impl Test<'_> {
    fn check_name(&self, earlier: &[Value], found: &mut Vec<Diagnostic>) {
        let Some(name) = self.text("/name") else { return };
        if earlier.iter().any(|other| other.get("name").and_then(Value::as_str) == Some(name)) {
            found.push(
                self.at("/name", &format!("two tests are called `{name}`")).with_label("the same again"),
            );
        }
    }

    fn check_input(&self, found: &mut Vec<Diagnostic>) {
        let Some(input) = self.value.get("input").and_then(Value::as_object) else { return };
        let given = ["text", "file", "doc"].iter().filter(|key| input.contains_key(**key)).count();
        if given != 1 {
            let what = if given == 0 { "no document" } else { "more than one document" };
            found.push(
                self.at("/input", &format!("the test has {what}"))
                    .with_label("expected one of `text`, `file` and `doc`"),
            );
        }
    }

    fn check_expect(&self, found: &mut Vec<Diagnostic>) {
        if self.value.get("expect").and_then(Value::as_object).is_some_and(Map::is_empty) {
            found.push(self.at("/expect", "the test expects nothing").with_hint(Some(
                "say what must become of the document, as in `expect.absent = [\"READ MORE:\"]`",
            )));
        }
    }

    fn check_stages(&self, found: &mut Vec<Diagnostic>) {
        let listed = self.value.get("stages").and_then(Value::as_array).map_or(0, Vec::len);
        let pointers = (0..listed).map(|index| format!("/stages/{index}"));
        let causes = ["/expect/dropped-by", "/expect/failed-by"].map(ToOwned::to_owned);
        for pointer in pointers.chain(causes) {
            let Some(written) = self.text(&pointer) else { continue };
            // An id has no dot in it, so what follows one is a rule.
            let stage = if pointer.ends_with("dropped-by") {
                Cause::parse(written).stage
            } else {
                written.to_owned()
            };
            if !self.stages.contains(&stage.as_str()) {
                found.push(
                    self.at(&pointer, &format!("the pipeline has no stage `{stage}`"))
                        .with_label("expected the id of a stage")
                        .with_hint(suggest::suggestion(&stage, "stage", self.stages).as_deref()),
                );
            }
        }
    }

    fn check_expressions(&self, found: &mut Vec<Diagnostic>) {
        let number = self.value.pointer("/expect/matches").and_then(Value::as_array).map_or(0, Vec::len);
        for pointer in (0..number).map(|index| format!("/expect/matches/{index}")) {
            let Some(Err(error)) = self.text(&pointer).map(Regex::new) else { continue };
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            found.push(self.at(&pointer, "this is no regular expression").with_label(reason));
        }
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.value.pointer(pointer)?.as_str()
    }

    fn at(&self, pointer: &str, message: &str) -> Diagnostic {
        Diagnostic::at(self.tree.places.nearest(&format!("{}{pointer}", self.pointer)).value(), message)
    }
}
