//! `run.json`: what a run did, for programs. The doc comments here are the descriptions of its JSON Schema.
//!
//! Every key is always there, and the type of a value never varies; what there is none of is `null`, and only where the
//! schema says so. All but [`Times`] is the same whenever the same pipeline runs over the same input, with any number of
//! threads. Keys may be added; a key that goes, or that means something else, makes a new `schema-version`.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the schema that this program writes, and the only one that it reads.
pub const SCHEMA_VERSION: u32 = 1;

/// What a run of textmill did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "textmill run")]
pub struct Run {
    /// The version of this schema: 1.
    pub schema_version: u32,
    /// The version of textmill.
    pub textmill: String,
    /// The pipeline.
    pub pipeline: Pipeline,
    /// Whether nothing was written, because the run was only tried.
    pub dry_run: bool,
    /// How many documents were to be read; null: all.
    pub limit: Option<u64>,
    /// The built-in stages that the pipeline uses, by name.
    pub built_in: Vec<String>,
    /// The plugins that were loaded, in the order of the pipeline file.
    pub plugins: Vec<Plugin>,
    /// The files that options of stages name.
    pub resources: Vec<Resource>,
    /// What was read.
    pub input: Input,
    /// What was written: the output first.
    pub outputs: Vec<Output>,
    /// What became of the documents.
    pub docs: Docs,
    /// The texts as they were read, those apart that could not be parsed.
    pub before: Texts,
    /// The texts that passed all stages.
    pub after: Texts,
    /// What each stage did, in the order of the pipeline.
    pub stages: Vec<Stage>,
    /// The documents that failed.
    pub failures: Failures,
    /// The conditions that the pipeline file sets for a run: its `[[check]]` tables.
    pub checks: Vec<Check>,
    /// The golden tests of the pipeline file: its `[[test]]` tables.
    pub tests: Vec<Test>,
    /// All that may differ from one run over the same input to the next.
    pub times: Times,
}

/// A pipeline file as it was run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// The pipeline file, absolute.
    pub path: String,
    /// The SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// The text of the file. What the command line put in its place shows in the options of the stages, in the input and in
    /// the outputs.
    pub text: String,
}

/// A plugin that was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Plugin {
    /// What it calls itself.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The library, absolute.
    pub path: String,
    /// The SHA-256 of the library, in hexadecimal.
    pub sha256: String,
    /// The version of the plugin contract that it was made for.
    pub abi: String,
    /// The stages that it offers.
    pub stages: Vec<String>,
}

/// A file that an option of a stage names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Resource {
    /// The path as the option has it.
    pub path: String,
    /// The SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Input {
    /// Files, folders and globs with absolute paths, or `-`.
    pub uris: Vec<String>,
    /// How many bytes were read, as they are stored.
    pub bytes: u64,
    /// Files in folders that were passed over because their names say no format that is read: the first of them.
    pub skipped_files: Vec<String>,
    /// How many such files there are.
    pub skipped_files_total: u64,
    /// Records of web archives that are no pages.
    pub skipped_records: u64,
}

/// A file or a folder that was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Output {
    /// Which one: `output`, `dropped`, `failed` or `ledger`.
    pub kind: String,
    /// Where it is, absolute; `-` for standard output.
    pub path: String,
    /// How many documents it holds; of a ledger, how many entries.
    pub docs: u64,
    /// Its size.
    pub bytes: u64,
    /// How many files it consists of; 0 for standard output.
    pub files: u64,
    /// The SHA-256 of the file, in hexadecimal; null where it is not one file.
    pub sha256: Option<String>,
}

/// What became of the documents: read + emitted = kept + dropped + failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Docs {
    /// Documents that were read, those that could not be parsed among them.
    pub read: u64,
    /// Of those, the ones that could not be parsed.
    pub unreadable: u64,
    /// Of those, the ones that are beyond a limit of `[input.limits]`, by the name of the limit.
    pub over_limits: BTreeMap<String, u64>,
    /// Documents that stages added.
    pub emitted: u64,
    /// Documents in the output.
    pub kept: u64,
    /// Documents that a stage dropped.
    pub dropped: u64,
    /// Documents that failed.
    pub failed: u64,
    /// Of the failed ones, those that passed all stages and that the output could not take.
    pub refused: u64,
    /// Documents in which bytes that are not UTF-8 were replaced.
    pub replaced_utf8: u64,
    /// kept / (read + emitted); 1 where there are none.
    pub kept_ratio: f64,
}

/// The texts of documents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Texts {
    /// Characters of all texts.
    pub chars: u64,
    /// Bytes of all texts.
    pub bytes: u64,
    /// The lengths of the texts in characters.
    pub lengths: Distribution,
}

/// How a number is distributed over documents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Distribution {
    /// How many numbers there are.
    pub count: u64,
    /// The least; 0 where there are none, as the others below.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// Half of the numbers are not greater. This and the percentiles are the upper edge of a bin.
    pub p50: f64,
    /// 90 % of the numbers are not greater.
    pub p90: f64,
    /// 95 % of the numbers are not greater.
    pub p95: f64,
    /// 99 % of the numbers are not greater.
    pub p99: f64,
    /// The bins that hold something, in order. They need not touch.
    pub bins: Vec<Bin>,
}

/// A part of a distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Bin {
    /// The least number that it holds.
    pub from: f64,
    /// Where it ends; for whole numbers the first that it does not hold.
    pub to: f64,
    /// How many numbers lie in it.
    pub count: u64,
}

/// What a stage did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Stage {
    /// What the pipeline file calls it.
    pub id: String,
    /// The kind of stage.
    pub uses: String,
    /// Its options, as they were given.
    pub options: Map<String, Value>,
    /// What became of the documents.
    pub docs: StageDocs,
    /// The texts that came in.
    pub entered: Amount,
    /// What its edits took away.
    pub removed: Amount,
    /// What its edits put in.
    pub added: Amount,
    /// Which share of its characters edits took away from a document: of each document that came in, unchanged ones too.
    pub removed_share: Distribution,
    /// What each of its rules did, in the order in which the stage declares them.
    pub rules: Vec<Rule>,
    /// The fields that it can set.
    pub fields: Vec<Field>,
    /// The scores that it reported, by name.
    pub scores: Vec<Score>,
    /// Examples of documents in which it set fields.
    pub field_samples: Vec<Sample>,
}

/// What became of the documents in a stage: entered + emitted = kept + dropped + failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StageDocs {
    /// Documents that came in.
    pub entered: u64,
    /// Documents that it added.
    pub emitted: u64,
    /// Documents that went on.
    pub kept: u64,
    /// Documents that it dropped.
    pub dropped: u64,
    /// Of those, the ones in which it failed, as `on-error = "drop"` says; the others are those of its rules.
    pub dropped_by_error: u64,
    /// Documents that failed in it.
    pub failed: u64,
    /// Documents that went on although it failed with them, as `on-error = "keep"` says.
    pub errored: u64,
    /// Documents whose text or fields it changed.
    pub changed: u64,
}

/// An amount of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Amount {
    /// In characters.
    pub chars: u64,
    /// In bytes.
    pub bytes: u64,
}

/// What a rule of a stage did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it does.
    pub kind: RuleKind,
    /// What it changes, on what evidence: a sentence of the stage.
    pub summary: String,
    /// Documents that it changed or dropped.
    pub docs: u64,
    /// Its edits.
    pub edits: u64,
    /// What its edits took away.
    pub removed: Amount,
    /// What its edits put in.
    pub added: Amount,
    /// Examples of documents that it changed or dropped.
    pub samples: Vec<Sample>,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    /// It deletes parts of the text.
    #[default]
    Deletes,
    /// It replaces parts of the text, or all of it.
    Rewrites,
    /// It drops documents.
    Drops,
}

/// A field that a stage can set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Field {
    /// Its name.
    pub name: String,
    /// In how many documents the stage set it.
    pub docs: u64,
}

/// A score that a stage reported.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Score {
    /// Its name.
    pub name: String,
    /// The threshold; null where there is none.
    pub threshold: Option<f64>,
    /// Documents whose score lay above the threshold.
    pub above: u64,
    /// Of those, the ones that the stage did not edit.
    pub left_alone: u64,
    /// The values.
    pub values: Distribution,
}

/// What a stage did to a document, as an example.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Sample {
    /// The id of the document.
    pub id: String,
    /// Why it was chosen.
    pub chosen: Chosen,
    /// How many characters were taken away and put in, or how many a dropped document had.
    pub chars: u64,
    /// The first of the changes.
    pub excerpts: Vec<Excerpt>,
    /// How many changes more there are.
    pub more: u64,
}

/// Why a sample was chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Chosen {
    /// Nothing that the rule did is larger.
    Extreme,
    /// What it did is as large as mostly.
    Typical,
    /// By chance, which is the same in every run.
    #[default]
    Random,
}

/// A change with a little around it: before it was lead + removed + trail, afterwards lead + added + trail. What is long is
/// cut in its middle, where it has an `…`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Excerpt {
    /// The field that was set; null: it is the text.
    pub field: Option<String>,
    /// Where what was removed begins: in bytes, in the text as it came to the stage.
    pub start: u64,
    /// What stands before it.
    pub lead: String,
    /// What was removed. What a field held before is not known.
    pub removed: String,
    /// What was put in its place.
    pub added: String,
    /// What stands behind it.
    pub trail: String,
    /// The length in bytes of what was removed, uncut.
    pub removed_bytes: u64,
    /// The length in bytes of what was put in, uncut.
    pub added_bytes: u64,
}

/// The documents that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Failures {
    /// How many.
    pub total: u64,
    /// Whether the pipeline's `max-errors` allows as many.
    pub allowed: bool,
    /// The first of them.
    pub shown: Vec<Failure>,
}

/// A document that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Failure {
    /// Its id.
    pub id: String,
    /// Where it was read: file and line, or file.
    pub place: String,
    /// The id of the stage; null if it could not be read, or not be written.
    pub stage: Option<String>,
    /// What went wrong.
    pub message: String,
}

/// A condition that the pipeline file sets for a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Check {
    /// The condition as it was written.
    pub that: String,
    /// What it means if it does not hold.
    pub severity: Severity,
    /// What to say if it does not hold; null: nothing was written.
    pub message: Option<String>,
    /// The number that was found.
    pub found: f64,
    /// Whether it holds.
    pub holds: bool,
}

/// What a broken condition means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The run has failed.
    #[default]
    Error,
    /// It is told.
    Warning,
}

/// A golden test of the pipeline file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Test {
    /// Its name.
    pub name: String,
    /// What it came to. A run does not run tests, unless it is asked for a report.
    pub result: TestResult,
    /// What was expected and not found, a sentence each.
    pub mismatches: Vec<String>,
}

/// What a test came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TestResult {
    /// It was not run.
    #[default]
    NotRun,
    /// All is as expected.
    Passed,
    /// Something is not.
    Failed,
}

/// All that may differ from one run over the same input to the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Times {
    /// When the run began, in seconds since 1970-01-01T00:00:00Z.
    pub started: u64,
    /// How long it took until the output was published, in seconds.
    pub seconds: f64,
    /// Time in each stage over all threads, in seconds, in the order of the stages.
    pub stages: Vec<StageTime>,
    /// How many threads worked.
    pub threads: u64,
    /// The most bytes that were on their way at one time.
    pub peak_bytes: u64,
}

/// The time in a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StageTime {
    /// What the pipeline file calls the stage.
    pub id: String,
    /// The time in it over all threads.
    pub seconds: f64,
}

/// Why a file is no record of a run that can be read.
#[derive(Debug)]
pub enum ReadError {
    /// It is not JSON, or says something else.
    Other(serde_json::Error),
    /// It was written by another version.
    Version(u64),
}

impl Run {
    /// The JSON Schema of `run.json`.
    pub fn schema() -> Schema {
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Self>()
    }

    /// As it is written.
    ///
    /// # Panics
    /// Never: there is nothing in it that JSON cannot say.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("all keys are text");
        json.push('\n');
        json
    }

    /// Reads what [`Run::to_json`] wrote.
    ///
    /// # Errors
    /// If it is something else, or of another version.
    pub fn from_json(json: &[u8]) -> Result<Self, ReadError> {
        let value: Value = serde_json::from_slice(json).map_err(ReadError::Other)?;
        match value.get("schema-version").and_then(Value::as_u64) {
            Some(version) if version != u64::from(SCHEMA_VERSION) => Err(ReadError::Version(version)),
            _ => serde_json::from_value(value).map_err(ReadError::Other),
        }
    }

    /// The output of this kind: `output`, `dropped`, `failed` or `ledger`.
    pub fn output(&self, kind: &str) -> Option<&Output> {
        self.outputs.iter().find(|output| output.kind == kind)
    }
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Other(error) => write!(f, "it is no record of a run: {error}"),
            Self::Version(version) => {
                write!(f, "it has the schema version {version}, and this textmill reads {SCHEMA_VERSION}")
            }
        }
    }
}

impl std::error::Error for ReadError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// After a change: `cargo run -- schema --run > crates/textmill-report/run.schema.json`.
    #[test]
    fn the_published_schema_is_that_of_the_types() {
        let published: Value = serde_json::from_str(include_str!("../run.schema.json")).unwrap();
        assert!(published == Run::schema().to_value(), "another one is published: see above this test");
    }

    #[test]
    fn every_key_is_always_there() {
        let schema = Run::schema().to_value();
        let definitions = schema["$defs"].as_object().unwrap().values().chain([&schema]);
        for object in definitions.filter(|one| one["type"] == "object") {
            let keys: Vec<_> = object["properties"].as_object().unwrap().keys().collect();
            let required = object["required"].as_array().unwrap();
            assert!(keys.iter().all(|key| required.contains(&Value::from(key.as_str()))), "{object:#}");
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let run = Run { schema_version: SCHEMA_VERSION, ..Run::default() };
        assert_eq!(Run::from_json(run.to_json().as_bytes()).unwrap(), run);
        let newer = Run { schema_version: 99, ..Run::default() };
        let error = Run::from_json(newer.to_json().as_bytes()).unwrap_err();
        assert!(error.to_string().contains("99"), "{error}");
    }
}
