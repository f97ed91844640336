//! What a user writes. The doc comments here are what editors show.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::bytes;
use crate::condition::WrittenCheck;
use crate::format::{Column, ColumnKind, InputFormat, Lines, OutputFormat};
use crate::golden::WrittenTest;
use crate::isolation::Isolation;
use crate::pipeline::{FieldNames, InvalidUtf8, OnError};

/// A textmill pipeline.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "textmill pipeline")]
pub(crate) struct Written {
    /// The version of this format: 1.
    #[schemars(extend("const" = 1, "x-hint" = "a newer textmill may be needed for this file"))]
    pub(crate) version: Option<u32>,
    /// The name of the pipeline; that of the file unless given.
    #[schemars(length(min = 1))]
    pub(crate) name: Option<String>,
    /// Libraries with more stages. Each is a path, relative to this file, or a name without a separator, which is looked
    /// for in the folders of plugins; or a table with such a `path`.
    pub(crate) plugins: Vec<WrittenPlugin>,
    /// What is read.
    pub(crate) input: WrittenInput,
    /// Where the documents go that are kept.
    pub(crate) output: WrittenOutput,
    /// Where the documents go that a stage drops, with the stage and the reason.
    pub(crate) dropped: Option<WrittenSink>,
    /// Where the documents go that cannot be read or processed, with the reason.
    pub(crate) failed: Option<WrittenSink>,
    /// Where the ledger of a run goes: every edit and verdict.
    pub(crate) ledger: Option<WrittenLedger>,
    /// Where the report of a run goes.
    pub(crate) report: Option<WrittenReport>,
    /// How to run.
    pub(crate) run: WrittenRun,
    /// The stages, in their order.
    #[serde(rename = "stage")]
    pub(crate) stages: Vec<WrittenStage>,
    /// Conditions over the whole run: if one does not hold, the exit code is 1.
    #[serde(rename = "check")]
    pub(crate) checks: Vec<WrittenCheck>,
    /// Golden tests of the stages: `textmill test` runs them.
    #[serde(rename = "test")]
    pub(crate) tests: Vec<WrittenTest>,
}

/// A library with stages: where it is, or a table that says more.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum WrittenPlugin {
    Library(#[schemars(length(min = 1))] String),
    Table(WrittenPluginTable),
}

/// A library with stages.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Plugin")]
pub(crate) struct WrittenPluginTable {
    /// A path, relative to this file, or a name without a separator, which is looked for in the folders of plugins.
    #[schemars(length(min = 1))]
    pub(crate) path: String,
    /// Where its stages run: in the process of textmill (`none`), or each in processes of its own (`process`). Then the library
    /// is never loaded into the process of textmill, not even to ask what it is.
    pub(crate) isolation: Option<Isolation>,
}

/// What is read.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(rename = "Input")]
pub(crate) struct WrittenInput {
    /// A file, a folder, a glob, or `-` for standard input; or a list of them. Relative to this file.
    pub(crate) uri: OneOrMany,
    /// The format; told from the name unless given. Compression is recognised by itself.
    pub(crate) format: Option<InputFormat>,
    /// What to do with bytes that are not UTF-8: put U+FFFD in their place (`replace`), or let the document fail.
    pub(crate) invalid_utf8: InvalidUtf8,
    /// What the fields of a document are called in the input, as `{ id = "doc_id", text = "body" }`.
    pub(crate) fields: FieldNames,
    /// What of the input is too much.
    pub(crate) limits: WrittenLimits,
}

/// What of the input is too much: a document that is beyond a limit fails, and what follows is read.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(rename = "Limits")]
pub(crate) struct WrittenLimits {
    /// The largest document, in bytes or as `"64MiB"`, as it is read: a file that is one, a line, a row, a page with its
    /// compression undone. 128 MiB unless given.
    pub(crate) document_bytes: Option<WrittenBytes>,
    /// The longest line of JSON and the longest row of CSV, in bytes or as `"64MiB"`. 128 MiB unless given.
    pub(crate) line_bytes: Option<WrittenBytes>,
    /// The longest page of a web archive, in bytes or as `"64MiB"`, as the archive says its length. 128 MiB unless given.
    pub(crate) record_bytes: Option<WrittenBytes>,
    /// What a compressed file may unpack to, in bytes or as `"64GiB"`; what follows in it is not read. 1 TiB unless given.
    pub(crate) unpacked_bytes: Option<WrittenBytes>,
    /// The same in multiples of its size; not asked of standard input, nor below 64 MiB. 1,000 unless given.
    pub(crate) unpacked_ratio: Option<NonZeroU64>,
    /// How deep lists and objects of a line of JSON may lie within each other; the line is the first level. 127 unless given,
    /// which is as deep as stages can read.
    pub(crate) json_depth: Option<NonZeroU32>,
}

/// Where the documents go that are kept. The command line can say it too.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(rename = "Output")]
pub(crate) struct WrittenOutput {
    /// A file or folder, or `-` for standard output. Relative to this file. With placeholders, as in
    /// `out/{language}/{shard}.jsonl.zst`, there is a file for each of their values: `{file}`, `{dir}` and `{stem}` of the
    /// input file, `{shard}`, `{part}`, and any field of the documents.
    #[schemars(length(min = 1))]
    pub(crate) uri: Option<String>,
    /// The format; told from the name unless given. `txt` is a folder with one file for each document.
    pub(crate) format: Option<OutputFormat>,
    /// The columns of a format that has some, as `{ id = "text", stars = "int" }`, or their names alone; those of the input
    /// unless given. All other fields go into one column of JSON, `extra`.
    pub(crate) columns: Option<WrittenColumns>,
    /// The field whose values are the headings of an output of Markdown: documents with the same value stand together. For one
    /// file.
    #[schemars(length(min = 1))]
    pub(crate) group_by: Option<String>,
    /// The size of a part, in bytes or as `"256MiB"`: a file that has as much is followed by the next. For a folder, or a
    /// name with `{part}`.
    pub(crate) max_bytes: Option<WrittenBytes>,
}

/// Where other documents go.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Sink")]
pub(crate) struct WrittenSink {
    /// A file or folder, or `-` for standard output. Relative to this file.
    #[schemars(length(min = 1))]
    pub(crate) uri: String,
    /// The format; told from the name unless given. Lines of JSON only: a text alone has no room for the stage and the
    /// reason.
    pub(crate) format: Option<Lines>,
}

/// Where the ledger of a run goes: every edit and verdict.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Ledger")]
pub(crate) struct WrittenLedger {
    /// A file that ends with `.jsonl.zst` (or another compression of JSON lines), `.parquet` or `.arrow`. Relative to this
    /// file.
    #[schemars(length(min = 1))]
    pub(crate) uri: String,
}

/// Where the report of a run goes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Report")]
pub(crate) struct WrittenReport {
    /// A folder, which gets `report.html` and `run.json`: what the run did, for people and for programs. Relative to this
    /// file.
    #[schemars(length(min = 1))]
    pub(crate) uri: String,
}

/// How to run.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(rename = "Run")]
pub(crate) struct WrittenRun {
    /// How many documents may fail: a number, or a share such as `"1%"`. With more, the run ends early, and nothing is published;
    /// a share counts from 1,000 documents on, and at the end. Unless given, the run goes on to its end whatever fails.
    pub(crate) max_errors: Option<WrittenMaxErrors>,
    /// How many threads work; as many as the machine has unless given.
    pub(crate) threads: Option<NonZeroUsize>,
    /// How much memory may be used for documents on their way, in bytes or as `"2GiB"`; a quarter of the machine's unless
    /// given.
    pub(crate) memory_limit: Option<WrittenBytes>,
    /// The size of a shard, in bytes or as `"64MiB"`: the part of the input that is finished, or not, as a whole. 64 MiB
    /// unless given.
    pub(crate) shard_bytes: Option<WrittenBytes>,
    /// How long a run goes on before what is done is noted on the disk, so that the same command goes on from there if the run
    /// is interrupted; as `10s`, `500ms`, `2m` or `0s`. `2s` unless given.
    #[schemars(regex(pattern = "^[0-9]{1,9}(ms|s|m)$"), extend("x-expected" = "a time such as `10s`, `500ms` or `2m`"))]
    pub(crate) resume_after: Option<String>,
}

/// A stage.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Stage")]
pub(crate) struct WrittenStage {
    /// The kind of stage; `textmill list` shows them.
    #[schemars(length(min = 1))]
    pub(crate) uses: String,
    /// What this stage is called here, where one kind is used twice.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]+$"), extend("x-expected" = "letters, digits, `-` and `_`"))]
    pub(crate) id: Option<String>,
    /// The options of the stage; `textmill doc STAGE` explains them.
    #[serde(default)]
    pub(crate) with: Map<String, Value>,
    /// What becomes of a document that the stage cannot process: it goes to `[failed]` (`fail`), is dropped (`drop`), or
    /// goes on as it came (`keep`).
    #[serde(default)]
    pub(crate) on_error: OnError,
    /// Where the stage runs: in the process of textmill (`none`), or in one of its own (`process`), so that a crash, an
    /// endless loop or a lack of memory costs the documents that cause it and nothing else.
    pub(crate) isolation: Option<Isolation>,
    /// How long one document may take before it fails, as `5s`, `500ms` or `2m`. Needs `isolation = "process"`.
    #[schemars(regex(pattern = "^[1-9][0-9]{0,8}(ms|s|m)$"), extend("x-expected" = "a time such as `5s`, `500ms` or `2m`"))]
    pub(crate) timeout: Option<String>,
    /// How much memory the stage may have for itself, in bytes or as `"512MiB"`; the document for which it needs more fails.
    /// Needs `isolation = "process"`.
    pub(crate) memory_limit: Option<WrittenBytes>,
}

/// A string, or a list of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum OneOrMany {
    One(#[schemars(length(min = 1))] String),
    Many(#[schemars(inner(length(min = 1)))] Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl From<OneOrMany> for Vec<String> {
    fn from(written: OneOrMany) -> Self {
        match written {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        }
    }
}

/// Names of columns, with or without what they hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum WrittenColumns {
    Names(#[schemars(length(min = 1), inner(length(min = 1)), extend("uniqueItems" = true))] Vec<String>),
    /// A map that keeps the order of the file.
    Kinds(#[schemars(with = "BTreeMap<String, ColumnKind>", extend("minProperties" = 1))] Map<String, Value>),
}

impl From<WrittenColumns> for Vec<Column> {
    fn from(written: WrittenColumns) -> Self {
        match written {
            WrittenColumns::Names(names) => {
                names.into_iter().map(|name| Column { name, kind: None }).collect()
            }
            WrittenColumns::Kinds(kinds) => {
                // The schema lets nothing through that is no kind.
                let column = |(name, kind)| Column { name, kind: serde_json::from_value(kind).ok() };
                kinds.into_iter().map(column).collect()
            }
        }
    }
}

/// A [`crate::MaxErrors`] as it is spelled.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum WrittenMaxErrors {
    Count(u64),
    Share(String),
}

/// Written by hand: a derived schema would say the two halves, and not what they are together.
impl JsonSchema for WrittenMaxErrors {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MaxErrors".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": "^([0-9]|[1-9][0-9]|100)(\\.[0-9]+)?%$",
            "x-expected": "a number of documents, or a share such as `\"1%\"`",
        })
    }
}

/// A number of bytes as it is spelled.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum WrittenBytes {
    Count(NonZeroU64),
    Text(String),
}

/// Written by hand: a derived schema would say the two halves, and not what they are together.
impl JsonSchema for WrittenBytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bytes".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "string"],
            "minimum": 1,
            "pattern": bytes::PATTERN,
            "x-expected": bytes::EXPECTED,
        })
    }
}
