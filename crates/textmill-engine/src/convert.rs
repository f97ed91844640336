//! The pipeline's words in those of reading and writing.
//!
//! The two crates do not know each other: a pipeline can be checked without any reader, and files can be read without any
//! pipeline. So each has its own words, and here they meet.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use textmill_io::{self as io, InputOptions, OutputOptions};
use textmill_pipeline::{self as written, ColumnKind, Container, Pipeline};

use crate::{Engine, Stage};

/// How to read the input of a pipeline.
pub(crate) fn input_options(pipeline: &Pipeline) -> InputOptions {
    let input = &pipeline.input;
    InputOptions {
        uris: input.uris.clone(),
        format: input.format.map(|format| match format {
            written::InputFormat::Html => io::InputFormat::Html,
            written::InputFormat::Jsonl => io::InputFormat::Jsonl,
            written::InputFormat::Csv => io::InputFormat::Csv,
            written::InputFormat::Tsv => io::InputFormat::Tsv,
            written::InputFormat::Parquet => io::InputFormat::Parquet,
            written::InputFormat::Arrow => io::InputFormat::Arrow,
            written::InputFormat::Warc => io::InputFormat::Warc,
            _ => io::InputFormat::Text,
        }),
        invalid_utf8: match input.invalid_utf8 {
            written::InvalidUtf8::Fail => io::InvalidUtf8::Fail,
            _ => io::InvalidUtf8::Replace,
        },
        limits: limits(&input.limits),
        fields: field_names(&input.fields),
        needed: None,
        limit: None,
        shard_bytes: pipeline.run.shard_bytes,
        exclude: outputs(pipeline)
            .map(|output| output.uri)
            .chain(pipeline.report.clone())
            .chain(pipeline.ledger.clone())
            .filter(|uri| uri != "-")
            .map(Into::into)
            .collect(),
    }
}

/// What of the input is too much, where the file says so or else by default.
fn limits(written: &written::Limits) -> io::Limits {
    let default = io::Limits::default();
    let bytes = |written: Option<NonZeroU64>, default| written.map_or(default, NonZeroU64::get);
    let levels = |written: NonZeroU32| usize::try_from(written.get()).unwrap_or(usize::MAX);
    io::Limits {
        document_bytes: bytes(written.document_bytes, default.document_bytes),
        line_bytes: bytes(written.line_bytes, default.line_bytes),
        record_bytes: bytes(written.record_bytes, default.record_bytes),
        unpacked_bytes: bytes(written.unpacked_bytes, default.unpacked_bytes),
        unpacked_ratio: bytes(written.unpacked_ratio, default.unpacked_ratio),
        json_depth: written.json_depth.map_or(default.json_depth, levels),
    }
}

/// The fields that are needed, where no output takes all of them: those of texts alone, and those that stages read.
pub(crate) fn needed_fields(pipeline: &Pipeline, stages: &[Stage], dry_run: bool) -> Option<Vec<String>> {
    let format = pipeline.output.as_ref().and_then(|output| output.format);
    let is_text = format.is_some_and(|format| format.container == Container::Text);
    if !dry_run && !is_text {
        return None;
    }
    let names = field_names(&pipeline.input.fields);
    let read = stages.iter().flat_map(|stage| &stage.plan().reads).map(|(name, _)| name.as_str());
    Some(["id", "text"].into_iter().chain(read).map(|name| names.in_input(name).to_owned()).collect())
}

/// What the input calls its fields.
pub(crate) fn field_names(names: &written::FieldNames) -> io::FieldNames {
    let written::FieldNames { id, text, title, url, summary } = names.clone();
    let pairs = [("id", id), ("text", text), ("title", title), ("url", url), ("summary", summary)];
    io::FieldNames::new(pairs.into_iter().filter_map(|(name, input)| Some((name, input?))))
}

/// How to write one of the outputs of a pipeline.
pub(crate) fn output_options(
    engine: &Engine,
    output: &written::Output,
    columns: &io::InputColumns,
    overwrite: bool,
) -> OutputOptions {
    OutputOptions {
        uri: output.uri.clone(),
        name: output.name.iter().map(name_part).collect(),
        max_bytes: output.max_bytes,
        format: output.format.map(output_format),
        columns: output.columns.as_ref().map(|columns| columns.iter().map(column).collect()),
        group_by: output.group_by.clone(),
        input: columns.clone(),
        others: others(engine.pipeline(), output),
        overwrite,
        pipeline: engine.pipeline().name.clone(),
        made_from: engine.provenance().made_from(),
        join: None,
    }
}

/// All outputs of a pipeline.
fn outputs(pipeline: &Pipeline) -> impl Iterator<Item = written::Output> {
    [pipeline.output.clone(), pipeline.dropped.clone(), pipeline.failed_output()].into_iter().flatten()
}

/// Whatever else a run writes.
fn others(pipeline: &Pipeline, output: &written::Output) -> Vec<PathBuf> {
    let uris = outputs(pipeline)
        .map(|other| other.uri)
        .chain(pipeline.report.clone())
        .chain(pipeline.ledger.clone());
    uris.filter(|uri| *uri != output.uri).map(PathBuf::from).collect()
}

fn name_part(part: &written::NamePart) -> io::NamePart {
    match part {
        written::NamePart::File => io::NamePart::File,
        written::NamePart::Dir => io::NamePart::Dir,
        written::NamePart::Stem => io::NamePart::Stem,
        written::NamePart::Shard => io::NamePart::Shard,
        written::NamePart::Part => io::NamePart::Part,
        written::NamePart::Field(field) => io::NamePart::Field(field.clone()),
        written::NamePart::Literal(text) => io::NamePart::Literal(text.clone()),
    }
}

/// How to write the ledger of a run.
pub(crate) fn ledger_options(engine: &Engine, uri: &str, overwrite: bool) -> io::Result<OutputOptions> {
    let options = OutputOptions {
        uri: uri.to_owned(),
        overwrite,
        pipeline: engine.pipeline().name.clone(),
        made_from: engine.provenance().made_from(),
        ..OutputOptions::default()
    };
    options.for_ledger()
}

fn output_format(format: written::OutputFormat) -> io::OutputFormat {
    let compression = match format.compression {
        written::Compression::Gz => io::Compression::Gzip,
        written::Compression::Zst => io::Compression::Zstd,
        written::Compression::Bz2 => io::Compression::Bzip2,
        written::Compression::Xz => io::Compression::Xz,
        written::Compression::Lz4 => io::Compression::Lz4,
        _ => io::Compression::None,
    };
    match format.container {
        Container::Text => io::OutputFormat::Text,
        Container::Csv => io::OutputFormat::Csv(compression),
        Container::Tsv => io::OutputFormat::Tsv(compression),
        Container::Parquet => io::OutputFormat::Parquet,
        Container::Arrow => io::OutputFormat::Arrow,
        Container::Markdown => io::OutputFormat::Markdown,
        _ => io::OutputFormat::Jsonl(compression),
    }
}

fn column(column: &written::Column) -> io::Column {
    let kind = column.kind.map(|kind| match kind {
        ColumnKind::Bool => io::FieldKind::Bool,
        ColumnKind::Int => io::FieldKind::Int,
        ColumnKind::Float => io::FieldKind::Float,
        ColumnKind::Texts => io::FieldKind::Texts,
        ColumnKind::Json => io::FieldKind::Json,
        _ => io::FieldKind::Text,
    });
    io::Column { name: column.name.clone(), kind }
}
