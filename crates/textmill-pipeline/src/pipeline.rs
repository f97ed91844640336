//! What can run: every value checked, every default filled in, every path absolute.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Diagnostics;
use crate::condition::CheckSpec;
use crate::diagnostic::{Diagnostic, Spot, Text};
use crate::format::{Column, Container, InputFormat, OutputFormat};
use crate::golden::TestSpec;
use crate::isolation::OwnProcess;
use crate::name::{NamePart, Named};
use crate::tree::Places;

/// A pipeline in which everything has been checked that can be without opening a stage or a file.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The pipeline file, as it was named.
    pub path: PathBuf,
    /// The folder of the pipeline file, absolute: what relative paths in it start from.
    pub dir: PathBuf,
    /// The name of the pipeline: the stem of the file's name unless the file says another.
    pub name: String,
    /// What is read.
    pub input: Input,
    /// Where documents go that were kept; `None` if the file leaves it to the command line.
    pub output: Option<Output>,
    /// The format that the file names for the output, also where it leaves the place to the command line.
    pub output_format: Option<OutputFormat>,
    /// The columns that the file names for the output, also where it leaves the place to the command line.
    pub output_columns: Option<Vec<Column>>,
    /// The field that the file names for headings of the output, also where it leaves the place to the command line.
    pub output_group_by: Option<String>,
    /// The size that the file names for parts of the output, also where it leaves the place to the command line.
    pub output_max_bytes: Option<NonZeroU64>,
    /// Where documents go that a stage dropped.
    pub dropped: Option<Output>,
    /// Where documents go that could not be read or processed.
    pub failed: Option<Output>,
    /// Where the ledger of the run goes: a file or folder with an absolute path.
    pub ledger: Option<String>,
    /// The folder for the report of the run, absolute.
    pub report: Option<String>,
    /// How to run.
    pub run: Run,
    /// The stages in their order. With none, a run copies.
    pub stages: Vec<StageSpec>,
    /// Conditions over a run.
    pub checks: Vec<CheckSpec>,
    /// Golden tests of the stages.
    pub tests: Vec<TestSpec>,
    pub(crate) places: Places,
    pub(crate) text: Arc<Text>,
}

/// A library that a pipeline file asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginSpec {
    /// Its place in the list `plugins`, counted from 0.
    pub index: usize,
    /// The path or name as it was written.
    pub path: String,
    /// Where it is.
    pub place: PluginPlace,
    /// Whether it is loaded in processes of its own, and never in that of textmill.
    pub isolated: bool,
}

/// Where a library is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginPlace {
    /// In the folders of plugins, under the name that was written.
    Name,
    /// At this absolute path.
    Path(PathBuf),
}

/// What a pipeline reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// Files, folders and globs with absolute paths, or `-`; empty if the file leaves it to the command line.
    pub uris: Vec<String>,
    /// The format; told from the name where it is `None`.
    pub format: Option<InputFormat>,
    /// What to do with bytes that are not UTF-8.
    pub invalid_utf8: InvalidUtf8,
    /// What the fields of a document are called in the input.
    pub fields: FieldNames,
    /// What of it is too much.
    pub limits: Limits,
}

/// What of the input is too much; what is `None` is left to the reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The largest document, in bytes.
    pub document_bytes: Option<NonZeroU64>,
    /// The longest line or row, in bytes.
    pub line_bytes: Option<NonZeroU64>,
    /// The longest page of a web archive, in bytes as it is stored.
    pub record_bytes: Option<NonZeroU64>,
    /// What a file may unpack to, in bytes.
    pub unpacked_bytes: Option<NonZeroU64>,
    /// What a file may unpack to, in multiples of its size.
    pub unpacked_ratio: Option<NonZeroU64>,
    /// How many levels of lists and objects a line of JSON may have, itself among them.
    pub json_depth: Option<NonZeroU32>,
}

/// What to do with bytes that are not UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum InvalidUtf8 {
    /// Put U+FFFD in their place, and count them.
    #[default]
    Replace,
    /// The document goes to `[failed]`.
    Fail,
}

/// What the fields of a document are called in the input, where the name is another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct FieldNames {
    /// The field that holds the id of a document.
    #[schemars(length(min = 1))]
    pub id: Option<String>,
    /// The field that holds its text.
    #[schemars(length(min = 1))]
    pub text: Option<String>,
    /// The field that holds its title.
    #[schemars(length(min = 1))]
    pub title: Option<String>,
    /// The field that holds its address.
    #[schemars(length(min = 1))]
    pub url: Option<String>,
    /// The field that holds its summary.
    #[schemars(length(min = 1))]
    pub summary: Option<String>,
}

/// Where documents go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// A file or folder with an absolute path, or `-`. A slash at the end is kept: it asks for a folder.
    pub uri: String,
    /// The names of the files in the folder, if they have placeholders; else empty.
    pub name: Vec<NamePart>,
    /// The format; told from the name where it is `None`.
    pub format: Option<OutputFormat>,
    /// The columns, for a format that has some; `None`: those of the input.
    pub columns: Option<Vec<Column>>,
    /// The field whose values are headings, where the format has some.
    pub group_by: Option<String>,
    /// The size of a part in bytes, where there are parts.
    pub max_bytes: Option<NonZeroU64>,
}

impl Output {
    pub(crate) fn new(uri: String) -> Self {
        Self { uri, name: Vec::new(), format: None, columns: None, group_by: None, max_bytes: None }
    }

    /// Where documents of another kind go, if nobody says: `news.failed.jsonl` beside `news.jsonl.zst`, `failed.jsonl` in a
    /// folder; nowhere if this is stdout.
    pub fn beside(&self, kind: &str) -> Option<Self> {
        if self.uri == "-" {
            return None;
        }
        let (folder, name) = self.uri.rsplit_once('/').unwrap_or((".", &self.uri));
        let uri = match name.split_once('.') {
            Some((stem, _)) if !stem.is_empty() => format!("{folder}/{stem}.{kind}.jsonl"),
            _ if name.is_empty() => format!("{folder}/{kind}.jsonl"),
            _ => format!("{}.{kind}.jsonl", self.uri),
        };
        Some(Self::new(uri))
    }

    /// Where the ledger of a run goes that would otherwise be at `ledger`: `news.ledger.jsonl.zst` beside `news.jsonl`; nowhere
    /// if this is stdout.
    pub fn ledger_beside(&self, ledger: &str) -> Option<String> {
        let beside = self.beside("ledger")?.uri;
        let name = ledger.trim_end_matches('/').rsplit('/').next().unwrap_or(ledger);
        // What stands before the extension can have dots in it: `news.ledger.jsonl.zst`.
        let known = ["jsonl", "parquet", "arrow"].map(|container| format!(".{container}"));
        let extension = known.iter().find_map(|dotted| name.get(name.rfind(dotted)? + 1..));
        let extension = extension.unwrap_or("jsonl");
        Some(format!("{}{extension}", beside.trim_end_matches("jsonl")))
    }

    /// The folder for the report of a run, if nobody says: `news.report` beside `news.jsonl.zst`, and `out.report` beside the
    /// folder `out/`, so that whoever reads that finds documents in it and nothing else; nowhere if this is stdout.
    pub fn report_beside(&self) -> Option<String> {
        if self.uri == "-" {
            return None;
        }
        let (folder, name) = self.uri.trim_end_matches('/').rsplit_once('/').unwrap_or((".", &self.uri));
        let stem = name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(name);
        Some(format!("{folder}/{stem}.report/"))
    }
}

/// How to run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// How many documents may fail before the run ends early. `None`: it goes on to its end, and counts as failed if one did.
    pub max_errors: Option<MaxErrors>,
    /// How many threads work; `None` leaves it to the machine.
    pub threads: Option<NonZeroUsize>,
    /// How many bytes of documents may be on their way; `None` leaves it to the machine.
    pub memory_limit: Option<NonZeroU64>,
    /// The size of a shard in bytes; `None` leaves it to the reader.
    pub shard_bytes: Option<NonZeroU64>,
    /// After how long what is done is noted on the disk; `None` leaves it to the engine.
    pub resume_after: Option<Duration>,
}

/// How many documents may fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxErrors {
    /// This many documents.
    Count(u64),
    /// This share of the documents that were read, from 0 to 1. The file writes it in percent: `"1%"` is 0.01.
    Share(f64),
}

impl MaxErrors {
    /// Whether so many of so many documents may fail.
    pub fn allows(self, failed: u64, documents: u64) -> bool {
        match self {
            Self::Count(count) => failed <= count,
            #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
            Self::Share(share) => failed as f64 <= share * documents as f64,
        }
    }
}

/// A stage of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct StageSpec {
    /// What this stage is called here: unlike that of any other stage. The name of its kind unless the file says another.
    pub id: String,
    /// The kind of stage.
    pub uses: String,
    /// Its options: an object that its schema accepts.
    pub options: serde_json::Value,
    /// What becomes of a document that the stage cannot process.
    pub on_error: OnError,
    /// The process of its own that it runs in; `None`: it runs in that of textmill.
    pub process: Option<OwnProcess>,
    /// The files that options name, in the order of their pointers.
    pub resources: Vec<ResourceSpec>,
}

/// What becomes of a document that a stage cannot process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OnError {
    /// It goes to `[failed]` and counts as an error.
    #[default]
    Fail,
    /// It is dropped, with the error as the reason.
    Drop,
    /// It goes on as it came to the stage.
    Keep,
}

/// A file that an option names: every option whose schema says `"format": "resource"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceSpec {
    /// Where the option stands: an RFC 6901 pointer into the options.
    pub pointer: String,
    /// The path as it was written.
    pub path: String,
    /// The same path, absolute.
    pub absolute: PathBuf,
}

impl Pipeline {
    /// The text of the pipeline file as it was read.
    pub fn text(&self) -> &str {
        &self.text.text
    }

    /// Reads these URIs (absolute paths, globs or `-`) in the place of those in the file.
    pub fn replace_input(&mut self, uris: Vec<String>) {
        self.input.uris = uris;
        self.places.forget("/input/uri");
    }

    /// Writes to this URI (an absolute path, with placeholders or without, or `-`) in the place of that in the file, in the
    /// format that the file says. The dropped and failed documents, the ledger and the report go beside it, so that those
    /// of a run into the file's own output stay as they are. There is nothing beside stdout: then they go where the file says,
    /// because otherwise they would be lost.
    ///
    /// # Errors
    /// A mistake in a placeholder.
    pub fn replace_output(&mut self, uri: &str) -> Result<(), Diagnostics> {
        let named = Named::parse(uri).map_err(|error| {
            let text = Arc::new(Text { name: "--output".to_owned(), text: uri.to_owned() });
            error.at(&Spot { text, span: 0..uri.len() }, 0, uri)
        })?;
        let output = Output {
            max_bytes: self.output_max_bytes.filter(|_| named.has_parts()),
            format: self.output_format,
            columns: self.output_columns.clone(),
            group_by: self.output_group_by.clone().filter(|_| self.is_markdown(&named.uri)),
            name: named.name,
            ..Output::new(named.uri)
        };
        self.places.forget("/output/uri");
        for (sink, kind) in [(&mut self.dropped, "dropped"), (&mut self.failed, "failed")] {
            if let (Some(sink), Some(beside)) = (sink, output.beside(kind)) {
                *sink = beside;
                self.places.forget(&format!("/{kind}/uri"));
            }
        }
        if let Some(ledger) = &mut self.ledger
            && let Some(beside) = output.ledger_beside(ledger)
        {
            *ledger = beside;
            self.places.forget("/ledger/uri");
        }
        if let (Some(report), Some(beside)) = (&mut self.report, output.report_beside()) {
            *report = beside;
            self.places.forget("/report/uri");
        }
        self.output = Some(output);
        Ok(())
    }

    /// Whether an output of this name is Markdown.
    fn is_markdown(&self, uri: &str) -> bool {
        match self.output_format {
            Some(format) => format.container == Container::Markdown,
            None => [".md", ".markdown"].iter().any(|ending| uri.to_lowercase().ends_with(ending)),
        }
    }

    /// Writes the ledger to this path (absolute) in the place of that in the file.
    pub fn replace_ledger(&mut self, uri: String) {
        self.places.forget("/ledger/uri");
        self.ledger = Some(uri);
    }

    /// Where documents go that failed: the output that the file names, or else one beside the output. Nothing is lost for
    /// want of a line in the file.
    pub fn failed_output(&self) -> Option<Output> {
        self.failed.clone().or_else(|| self.output.as_ref()?.beside("failed"))
    }

    /// Something is wrong with the pipeline as a whole.
    pub fn diagnostic(&self, message: &str, hint: &str) -> Diagnostics {
        let mut one = Diagnostic::nowhere(message).with_hint(Some(hint));
        one.file.clone_from(&self.text.name);
        one.into()
    }

    /// A stage refused its options when it was opened. `pointer` is an RFC 6901 pointer into the options; where nothing
    /// was written at that place, the nearest place around it is shown.
    pub fn option_diagnostic(&self, stage: usize, pointer: &str, message: &str) -> Diagnostics {
        let within = self.places.nearest_within(&format!("/stage/{stage}/with"), pointer);
        let place = within.unwrap_or_else(|| self.places.nearest(&format!("/stage/{stage}/uses")));
        Diagnostic::at(place.value(), message).into()
    }

    /// Something is wrong with a stage as a whole; shown at its `uses`.
    pub fn stage_diagnostic(&self, stage: usize, message: &str) -> Diagnostics {
        let place = self.places.nearest(&format!("/stage/{stage}/uses"));
        Diagnostic::at(place.value(), message).into()
    }

    /// Something is wrong with a condition over the run, or it does not hold.
    pub fn check_diagnostic(&self, check: usize, message: &str) -> Diagnostics {
        let place = self.places.nearest(&format!("/check/{check}/that"));
        Diagnostic::at(place.value(), message).into()
    }

    /// A test did not find what it expects: the message at that place. `pointer` is an RFC 6901 pointer into the test.
    pub fn test_diagnostic(&self, test: usize, pointer: &str, message: &str) -> Diagnostics {
        let place = self.places.nearest(&format!("/test/{test}{pointer}"));
        Diagnostic::at(place.value(), message).into()
    }

    /// The pipeline with no other stages than these.
    #[must_use]
    pub fn with_stages(mut self, ids: &[String]) -> Self {
        self.stages.retain(|stage| ids.contains(&stage.id));
        // They are about runs of all stages.
        self.checks.clear();
        self
    }

    /// Something is wrong with one of [`Input::uris`], counted from 0; `None` if the file says nothing of it.
    pub fn input_diagnostic(
        &self,
        uri_index: usize,
        message: &str,
        hint: Option<&str>,
    ) -> Option<Diagnostics> {
        let spot =
            self.places.get(&format!("/input/uri/{uri_index}")).or_else(|| self.places.get("/input/uri"))?;
        Some(Diagnostic::at(spot.value(), message).with_hint(hint).into())
    }

    /// Something is wrong with an output; `key` is `output`, `dropped` or `failed`. `None` if the file says nothing of it.
    pub fn output_diagnostic(&self, key: &str, message: &str, hint: Option<&str>) -> Option<Diagnostics> {
        let spot = self.places.get(&format!("/{key}/uri"))?;
        Some(Diagnostic::at(spot.value(), message).with_hint(hint).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_documents_have_a_place() {
        let check = |uri: &str, expect: Option<&str>| {
            let output = Output::new(uri.to_owned());
            assert_eq!(output.beside("failed").map(|beside| beside.uri).as_deref(), expect);
        };
        check("/a/news.jsonl.zst", Some("/a/news.failed.jsonl"));
        check("/a/out/", Some("/a/out/failed.jsonl"));
        check("/a/out", Some("/a/out.failed.jsonl"));
        check("/a/.hidden", Some("/a/.hidden.failed.jsonl"));
        check("-", None);
    }

    #[test]
    fn a_ledger_lies_beside_its_output_in_its_own_format() {
        let output = |uri: &str| Output::new(uri.to_owned());
        let beside = |uri: &str, ledger: &str| output(uri).ledger_beside(ledger);
        assert_eq!(beside("/a/news.jsonl", "/b/l.jsonl.zst").as_deref(), Some("/a/news.ledger.jsonl.zst"));
        assert_eq!(beside("/a/out/", "/b/l.parquet").as_deref(), Some("/a/out/ledger.parquet"));
        assert_eq!(beside("/a/x.csv", "/b/a.ledger.parquet").as_deref(), Some("/a/x.ledger.parquet"));
        assert_eq!(beside("/a/out/", "/b/l/").as_deref(), Some("/a/out/ledger.jsonl"));
        assert_eq!(beside("-", "/b/l.parquet"), None);
    }

    #[test]
    fn a_report_lies_beside_its_output() {
        let check = |uri: &str, expect: Option<&str>| {
            let output = Output::new(uri.to_owned());
            assert_eq!(output.report_beside().as_deref(), expect);
        };
        check("/a/news.jsonl.zst", Some("/a/news.report/"));
        check("/a/out/", Some("/a/out.report/"));
        check("/a/.hidden", Some("/a/.hidden.report/"));
        check("-", None);
    }
}
