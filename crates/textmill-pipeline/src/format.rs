//! The forms that inputs and outputs have, and how they are spelled.
//!
//! An output format is a container and a compression, spelled like the end of a file name: `jsonl.zst`. What can be
//! combined is one rule, [`OutputFormat::all`]; the schema that editors complete from, the check and the parser are all
//! made of it.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// The form of the input. Compression is recognised by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum InputFormat {
    /// A file is a document.
    Text,
    /// A file is a document, and its text is an HTML page.
    Html,
    /// A line is a document: a JSON object.
    Jsonl,
    /// A row is a document; the first row names the fields. Fields are separated by commas.
    Csv,
    /// The same, separated by tabs.
    Tsv,
    /// A row of a Parquet file is a document.
    Parquet,
    /// A row of an Arrow IPC file or stream is a document.
    Arrow,
    /// A page of a web archive, or its text (WET), is a document.
    Warc,
}

/// The form of an output: `jsonl`, `csv` or `tsv`, each also as in `jsonl.zst`; `parquet`, `arrow`, `markdown`, `txt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputFormat {
    /// How documents are laid out.
    pub container: Container,
    /// How the bytes are packed.
    pub compression: Compression,
}

/// How documents are laid out in an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// A line of JSON for each document.
    Jsonl,
    /// A row for each document, below a row with the names of the fields; separated by commas.
    Csv,
    /// The same, separated by tabs.
    Tsv,
    /// A Parquet file, with a row for each document.
    Parquet,
    /// An Arrow IPC file, with a row for each document.
    Arrow,
    /// Markdown, for people: a heading for each document, and its summary or text.
    Markdown,
    /// A folder with one `.txt` file for each document.
    Text,
}

/// How the bytes of an output are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip.
    Gz,
    /// Zstandard.
    Zst,
    /// bzip2.
    Bz2,
    /// XZ.
    Xz,
    /// LZ4, in its frame format.
    Lz4,
}

/// A column of an output that has columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name.
    pub name: String,
    /// What it holds; `None` where only the name was given.
    pub kind: Option<ColumnKind>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
#[non_exhaustive]
pub enum ColumnKind {
    /// A text.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// A number.
    Float,
    /// A list of texts.
    Texts,
    /// Anything, as JSON.
    Json,
}

impl Container {
    const ALL: [Self; 7] =
        [Self::Jsonl, Self::Csv, Self::Tsv, Self::Parquet, Self::Arrow, Self::Markdown, Self::Text];

    /// How it is spelled.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Markdown => "markdown",
            Self::Text => "txt",
        }
    }

    /// Whether its files are packed as a whole. Parquet and Arrow pack what is inside them, so that readers can jump.
    fn is_packed(self) -> bool {
        matches!(self, Self::Jsonl | Self::Csv | Self::Tsv)
    }
}

impl Compression {
    const ALL: [Self; 6] = [Self::None, Self::Gz, Self::Zst, Self::Bz2, Self::Xz, Self::Lz4];

    /// The extension, with its dot; empty for none.
    pub fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gz => ".gz",
            Self::Zst => ".zst",
            Self::Bz2 => ".bz2",
            Self::Xz => ".xz",
            Self::Lz4 => ".lz4",
        }
    }
}

impl OutputFormat {
    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        let all = Container::ALL.into_iter().flat_map(|container| {
            Compression::ALL.into_iter().map(move |compression| Self { container, compression })
        });
        all.filter(|format| format.container.is_packed() || format.compression == Compression::None)
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.container.name(), self.compression.extension())
    }
}

impl<'de> Deserialize<'de> for OutputFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spelled = Cow::<'de, str>::deserialize(deserializer)?;
        let found = Self::all().find(|format| format.to_string() == *spelled);
        found.ok_or_else(|| serde::de::Error::custom(format!("there is no format `{spelled}`")))
    }
}

impl JsonSchema for OutputFormat {
    fn schema_name() -> Cow<'static, str> {
        "OutputFormat".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "enum": spelled(|_| true),
            "x-expected": "`jsonl`, `csv` or `tsv`, plain or compressed as in `jsonl.zst`, or `parquet`, `arrow`, `markdown` or `txt`",
        })
    }
}

/// An [`OutputFormat`] that has room for a reason beside the document: lines of JSON.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Lines(pub(crate) OutputFormat);

impl JsonSchema for Lines {
    fn schema_name() -> Cow<'static, str> {
        "Lines".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": spelled(|format| format.container == Container::Jsonl) })
    }
}

fn spelled(is_one: impl Fn(&OutputFormat) -> bool) -> Vec<String> {
    OutputFormat::all().filter(is_one).map(|format| format.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_read_as_it_is_spelled() {
        for format in OutputFormat::all() {
            let read: OutputFormat = serde_json::from_value(format.to_string().into()).unwrap();
            assert_eq!(read, format);
        }
        assert_eq!(spelled(|format| format.container == Container::Parquet), ["parquet"]);
        assert_eq!(OutputFormat::all().count(), 3 * 6 + 4);
        serde_json::from_str::<OutputFormat>("\"parquet.gz\"").unwrap_err();
    }
}
