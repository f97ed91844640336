//! Formats and compressions, and what a file's name says about them.

use std::fmt;

use crate::csv::Separator;

/// How documents are laid out in an input file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputFormat {
    /// The file is one document.
    Text,
    /// The file is one document, whose text is an HTML page.
    Html,
    /// Each line is a document, a JSON object.
    Jsonl,
    /// Each row is a document; the first row names the fields.
    Csv,
    /// The same, separated by tabs.
    Tsv,
    /// Each row of a Parquet file is a document.
    Parquet,
    /// Each row of an Arrow IPC file or stream is a document.
    Arrow,
    /// Each page of a web archive, or its text, is a document.
    Warc,
}

impl fmt::Display for InputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Html => "html",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Warc => "warc",
        })
    }
}

/// How documents are laid out in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// A folder with a file for each document, which holds the text and nothing else.
    Text,
    /// A JSON object per line.
    Jsonl(Compression),
    /// A row per document, below a row with the names of the columns.
    Csv(Compression),
    /// The same, separated by tabs.
    Tsv(Compression),
    /// A Parquet file, packed with Zstandard inside.
    Parquet,
    /// An Arrow IPC file.
    Arrow,
    /// Markdown, for people: titles and summaries.
    Markdown,
}

/// The compression of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// As it is.
    #[default]
    None,
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstd,
    /// `.bz2`
    Bzip2,
    /// `.xz`
    Xz,
    /// `.lz4`, the frame format
    Lz4,
}

/// What becomes of bytes in a text that are not UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum InvalidUtf8 {
    /// Each invalid sequence becomes U+FFFD, and is counted.
    #[default]
    Replace,
    /// The document fails.
    Fail,
}

/// What the name of a file says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameSays {
    /// `None`: the extension is not one of ours.
    pub(crate) format: Option<InputFormat>,
    pub(crate) compression: Compression,
}

impl Compression {
    /// The extension, with its dot; empty for none.
    pub fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
            Self::Bzip2 => ".bz2",
            Self::Xz => ".xz",
            Self::Lz4 => ".lz4",
        }
    }

    /// What the first bytes of a file say.
    pub(crate) fn of_magic(bytes: &[u8]) -> Self {
        match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or one of the frames that a reader skips.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            // A block, or the end of an empty file; three letters alone begin many a text.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0x00, ..] => Self::Xz,
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Lz4,
            _ => Self::None,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "Zstandard",
            Self::Bzip2 => "bzip2",
            Self::Xz => "XZ",
            Self::Lz4 => "LZ4",
        }
    }
}

impl NameSays {
    /// Looks at the extensions of `path`, without case.
    pub(crate) fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
        let (stem, compression) = split_compression(&name);
        let format = match stem.rsplit_once('.').map(|(_, extension)| extension) {
            Some("txt" | "text" | "md") => Some(InputFormat::Text),
            Some("html" | "htm" | "xhtml") => Some(InputFormat::Html),
            Some("jsonl" | "ndjson" | "json") => Some(InputFormat::Jsonl),
            Some("csv") => Some(InputFormat::Csv),
            Some("tsv" | "tab") => Some(InputFormat::Tsv),
            Some("parquet" | "pq") => Some(InputFormat::Parquet),
            Some("warc" | "wet") => Some(InputFormat::Warc),
            Some("arrow" | "arrows" | "feather" | "ipc") => Some(InputFormat::Arrow),
            _ => None,
        };
        Self { format, compression }
    }
}

/// The name of a file without the extensions of its format and compression.
pub(crate) fn stem(name: &str) -> &str {
    let lower = name.to_lowercase();
    let packed = split_compression(&lower).0.len();
    let unpacked = name.get(..packed).unwrap_or(name);
    let is_known = NameSays::of(unpacked).format.is_some();
    unpacked
        .rsplit_once('.')
        .filter(|(stem, _)| is_known && !stem.is_empty())
        .map_or(unpacked, |(stem, _)| stem)
}

fn split_compression(name: &str) -> (&str, Compression) {
    let endings = [
        (".gz", Compression::Gzip),
        (".zst", Compression::Zstd),
        (".zstd", Compression::Zstd),
        (".bz2", Compression::Bzip2),
        (".xz", Compression::Xz),
        (".lz4", Compression::Lz4),
    ];
    let known = endings.iter().find_map(|(ending, kind)| Some((name.strip_suffix(ending)?, *kind)));
    known.unwrap_or((name, Compression::None))
}

impl InputFormat {
    /// Whether it has columns.
    pub(crate) fn has_columns(self) -> bool {
        !matches!(self, Self::Text | Self::Html | Self::Jsonl)
    }

    /// Whether a file has many documents, each of which is somewhere in it.
    pub(crate) fn has_places(self) -> bool {
        !matches!(self, Self::Text | Self::Html)
    }
}

impl OutputFormat {
    /// What stands between the fields of a row, where there are rows of text.
    pub(crate) fn separator(self) -> Option<Separator> {
        match self {
            Self::Csv(_) => Some(Separator::COMMA),
            Self::Tsv(_) => Some(Separator::TAB),
            _ => None,
        }
    }

    /// How its files are compressed as a whole.
    pub fn compression(self) -> Compression {
        match self {
            Self::Jsonl(compression) | Self::Csv(compression) | Self::Tsv(compression) => compression,
            Self::Text | Self::Parquet | Self::Arrow | Self::Markdown => Compression::None,
        }
    }

    /// Whether this program was built without it.
    pub(crate) fn is_left_out(self) -> bool {
        cfg!(not(feature = "parquet")) && matches!(self, Self::Parquet | Self::Arrow)
    }

    /// Whether it has columns.
    pub(crate) fn has_columns(self) -> bool {
        !matches!(self, Self::Text | Self::Jsonl(_) | Self::Markdown)
    }

    /// The format that the name of an output file asks for; `None` where it says nothing we know.
    pub fn of_name(path: &str) -> Option<Self> {
        let says = NameSays::of(path);
        let lower = path.to_lowercase();
        if [".md", ".markdown"].iter().any(|ending| lower.ends_with(ending)) {
            return Some(Self::Markdown);
        }
        match says.format? {
            InputFormat::Jsonl => Some(Self::Jsonl(says.compression)),
            InputFormat::Csv => Some(Self::Csv(says.compression)),
            InputFormat::Tsv => Some(Self::Tsv(says.compression)),
            InputFormat::Text if says.compression == Compression::None => Some(Self::Text),
            InputFormat::Parquet if says.compression == Compression::None => Some(Self::Parquet),
            InputFormat::Arrow if says.compression == Compression::None => Some(Self::Arrow),
            _ => None,
        }
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("txt"),
            Self::Parquet => f.write_str("parquet"),
            Self::Arrow => f.write_str("arrow"),
            Self::Markdown => f.write_str("markdown"),
            Self::Jsonl(compression) => write!(f, "jsonl{}", compression.extension()),
            Self::Csv(compression) => write!(f, "csv{}", compression.extension()),
            Self::Tsv(compression) => write!(f, "tsv{}", compression.extension()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, format: Option<InputFormat>, compression: Compression) {
        assert_eq!(NameSays::of(name), NameSays { format, compression }, "{name}");
    }

    #[test]
    fn a_stem_is_what_is_left_of_a_name() {
        let check = |name: &str, expect: &str| assert_eq!(stem(name), expect);
        check("a.jsonl.gz", "a");
        check("a.b.TXT", "a.b");
        check("a.pdf", "a.pdf");
        check("a.pdf.zst", "a.pdf");
        check(".jsonl", ".jsonl");
        check("a", "a");
    }

    #[test]
    fn a_name_says_what_is_inside() {
        check("a.txt", Some(InputFormat::Text), Compression::None);
        check("a/b.TXT.GZ", Some(InputFormat::Text), Compression::Gzip);
        check("a.md", Some(InputFormat::Text), Compression::None);
        check("a/b.html", Some(InputFormat::Html), Compression::None);
        check("a.HTM.gz", Some(InputFormat::Html), Compression::Gzip);
        check("a.jsonl.zst", Some(InputFormat::Jsonl), Compression::Zstd);
        check("a.ndjson.zstd", Some(InputFormat::Jsonl), Compression::Zstd);
        check("a.csv.gz", Some(InputFormat::Csv), Compression::Gzip);
        check("a.TSV", Some(InputFormat::Tsv), Compression::None);
        check("a.pdf", None, Compression::None);
        check("txt", None, Compression::None);
        check("a.txt/readme", None, Compression::None);
    }
}
