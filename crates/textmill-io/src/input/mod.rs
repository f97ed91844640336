//! The input: which files there are, how they are cut into chunks, how chunks become documents.

mod ahead;
mod cap;
mod chunk;
mod contents;
mod cut;
mod discover;
mod lines;
mod members;
mod reader;
mod records;
mod retries;
mod rows;
mod shard;
mod source;
#[cfg(feature = "parquet")]
mod tables;
mod whole;

use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

pub use self::ahead::Ahead;
pub use self::chunk::{Chunk, Documents, ReadAs, ReadFailure};
#[cfg(feature = "parquet")]
pub(crate) use self::chunk::{count_invalid, invalid_utf8};
pub(crate) use self::contents::SEEN_FILE;
pub use self::contents::{Sameness, Seen, Stamps};
pub use self::reader::{Counts, Reader};
pub use self::retries::{FailedDocument, FailedDocuments};
pub(crate) use self::retries::{each_line, is_taken_up};
pub use self::shard::Shard;
use crate::columns::InputColumns;
use crate::format::{Compression, InputFormat, InvalidUtf8};
use crate::limits::Limits;
use crate::names::FieldNames;
use crate::{Error, ErrorKind, Result};

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct InputOptions {
    /// Absolute paths of files or folders, globs, or `-` for standard input; read in this order.
    pub uris: Vec<String>,
    /// The format of every file; `None`: what each file's name says.
    pub format: Option<InputFormat>,
    /// What becomes of invalid UTF-8.
    pub invalid_utf8: InvalidUtf8,
    /// What of it is too much.
    pub limits: Limits,
    /// What the input calls its fields.
    pub fields: FieldNames,
    /// Names of fields, as the input has them, if no others are needed; `None`: all. A format that lays out columns one by
    /// one reads no others then.
    pub needed: Option<Vec<String>>,
    /// Read no more than so many documents.
    pub limit: Option<u64>,
    /// The size of a [`Shard`], in bytes; 64 MiB unless given.
    pub shard_bytes: Option<NonZeroU64>,
    /// Files and folders that are left out: the outputs of this very run, where they lie inside an input folder.
    pub exclude: Vec<PathBuf>,
}

/// A file of the input.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// Where it is; `-` for standard input.
    pub path: PathBuf,
    /// Relative to the root of the input, with `/`: what ids and messages are made of.
    pub name: Arc<str>,
    /// The size in bytes, compressed as it is; `None` for standard input and what has no size.
    pub bytes: Option<u64>,
    /// `None`: the first byte decides, `{` for JSON lines.
    pub(crate) format: Option<InputFormat>,
    /// The hash of its bytes as they are stored, once they were all read in their order.
    pub(crate) hash: Arc<OnceLock<u128>>,
}

/// The files of the input, in the order in which they are read.
#[derive(Clone, Debug)]
pub struct Input {
    files: Vec<InputFile>,
    skipped: Vec<String>,
    shared: Arc<Shared>,
}

/// What readers and chunks need to know.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) invalid_utf8: InvalidUtf8,
    pub(crate) limits: Limits,
    pub(crate) fields: FieldNames,
    pub(crate) limit: u64,
    pub(crate) shard_bytes: u64,
    #[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "nothing reads column by column then"))]
    pub(crate) needed: Option<Vec<String>>,
    pub(crate) columns: InputColumns,
    /// Whether the files are outputs of failed documents, which are to be taken up again.
    pub(crate) is_retried: bool,
}

/// What is in all files of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputDigest {
    /// How many files there are.
    pub files: u64,
    /// How many bytes they have, as they are stored.
    pub bytes: u64,
    /// The SHA-256, in hexadecimal, of a line for each file in the order of the input: the SHA-256 of its bytes, two spaces,
    /// its name. It is what `sha256sum` makes of its own output.
    pub sha256: String,
}

impl InputFile {
    /// The format that was asked for or that the name says; `None`: the first bytes decide.
    pub fn format(&self) -> Option<InputFormat> {
        self.format
    }
}

impl Input {
    /// Finds the files.
    ///
    /// # Errors
    /// A path that does not exist, a folder that cannot be listed, a folder or glob without a file to read, a bad glob.
    pub fn open(options: InputOptions) -> Result<Self> {
        let found = discover::discover(&options)?;
        let limit = options.limit.unwrap_or(u64::MAX);
        let shard_bytes = options.shard_bytes.map_or(shard::DEFAULT_BYTES, NonZeroU64::get);
        let columns = InputColumns::new(options.fields.clone());
        let InputOptions { invalid_utf8, limits, fields, needed, .. } = options;
        let is_retried = false;
        let shared = Shared { invalid_utf8, limits, fields, limit, shard_bytes, needed, columns, is_retried };
        Ok(Self { files: found.files, skipped: found.skipped, shared: Arc::new(shared) })
    }

    /// The documents of an output of failed ones, as they stood in their files. `options` say how to read them; how far that
    /// output unpacks is no matter of theirs.
    pub fn of_failed(failed: &FailedDocuments, options: InputOptions) -> Self {
        let files = failed.files.iter().map(|path| InputFile {
            name: Arc::from(path.file_name().unwrap_or_default().to_string_lossy()),
            bytes: fs::metadata(path).ok().map(|metadata| metadata.len()),
            path: path.clone(),
            format: Some(InputFormat::Jsonl),
            hash: Arc::default(),
        });
        let columns = InputColumns::new(options.fields.clone());
        let InputOptions { invalid_utf8, limits, fields, needed, .. } = options;
        let limits = Limits { unpacked_bytes: u64::MAX, unpacked_ratio: u64::MAX, ..limits };
        let (limit, shard_bytes, is_retried) = (options.limit.unwrap_or(u64::MAX), u64::MAX, true);
        let shared = Shared { invalid_utf8, limits, fields, limit, shard_bytes, needed, columns, is_retried };
        Self { files: files.collect(), skipped: Vec::new(), shared: Arc::new(shared) }
    }

    /// The files, in order.
    pub fn files(&self) -> &[InputFile] {
        &self.files
    }

    /// Files in folders that were left out because their extension is none that we read.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The size of all files, compressed as they are; `None` if one has no size.
    pub fn total_bytes(&self) -> Option<u64> {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The row groups of a Parquet file on the disk: how many rows and how many bytes (packed) each has. Nothing where it
    /// cannot be opened, which a reader says.
    pub fn row_groups(&self, file: &InputFile) -> Vec<(u64, u64)> {
        #[cfg(feature = "parquet")]
        return tables::row_groups(file);
        #[cfg(not(feature = "parquet"))]
        {
            _ = file;
            Vec::new()
        }
    }

    /// How a file is compressed, by its first bytes; `None` where it cannot be opened twice, or at all.
    pub fn compression(&self, file: &InputFile) -> Option<Compression> {
        source::compression(&file.path)
    }

    /// What is in its files, all of which are read.
    ///
    /// # Errors
    /// A file cannot be read; standard input, which could not be read once more.
    pub fn digest(&self) -> Result<InputDigest> {
        let (mut lines, mut bytes) = (String::new(), 0);
        for file in &self.files {
            let metadata =
                fs::metadata(&file.path).map_err(|error| Error::io(&file.path, "cannot read", error))?;
            if !metadata.is_file() {
                return Err(no_input(&file.name, "it is no file, and cannot be read twice"));
            }
            bytes += metadata.len();
            lines.extend([&crate::sha256_of_file(&file.path)?, "  ", &*file.name, "\n"]);
        }
        Ok(InputDigest { files: self.files.len() as u64, bytes, sha256: crate::sha256(lines.as_bytes()) })
    }

    /// The columns of the input, for an output that has columns.
    pub fn columns(&self) -> InputColumns {
        self.shared.columns.clone()
    }

    /// Whether an output there would replace a file of the input: it is that file, or a folder of ours that the file lies in.
    pub fn is_read_from(&self, output: &Path) -> bool {
        let Ok(output) = output.canonicalize() else { return false };
        let is_ours = output.join(crate::output::FOLDER).is_dir();
        let mut files = self.files.iter().filter_map(|file| file.path.canonicalize().ok());
        files.any(|file| if output.is_dir() { is_ours && file.starts_with(&output) } else { file == output })
    }

    /// Reads from the beginning. Standard input can be read once.
    pub fn reader(&self) -> Reader {
        self.reader_ahead(None)
    }

    /// As [`Input::reader`], with the help of those who call [`Ahead::help`] while another one has the reader. What is read
    /// is the same.
    pub fn reader_ahead(&self, ahead: Option<Arc<Ahead>>) -> Reader {
        Reader::new(self.files.clone(), Arc::clone(&self.shared), ahead)
    }
}

fn no_input(path: &str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::NoInput, path, message)
}
