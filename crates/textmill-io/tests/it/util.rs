//! A folder with files, and what reading it gives.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use textmill_io::{Chunk, Counts, Input, InputOptions, OutputOptions};

/// A temporary folder.
pub(crate) struct Folder(tempfile::TempDir);

/// A document as it was read, in one line: `file:line@offset id text`, or `! message` for one that failed.
pub(crate) type Line = String;

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = Self::new();
        for (name, bytes) in files {
            folder.put(name, bytes);
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        fs::create_dir_all(self.at(name).parent().unwrap()).unwrap();
        fs::write(self.at(name), bytes).unwrap();
    }

    pub(crate) fn uri(&self, name: &str) -> String {
        format!("{}/{name}", self.path().display())
    }

    pub(crate) fn input(&self, name: &str) -> InputOptions {
        InputOptions { uris: vec![self.uri(name)], ..InputOptions::default() }
    }

    pub(crate) fn output(&self, name: &str) -> OutputOptions {
        OutputOptions { uri: self.uri(name), pipeline: "news".to_owned(), ..OutputOptions::default() }
    }

    /// All files below, hidden ones too, with their sizes left out.
    pub(crate) fn tree(&self) -> Vec<String> {
        let entries = walkdir::WalkDir::new(self.path()).sort_by_file_name().into_iter().map(Result::unwrap);
        let files = entries.filter(|entry| !entry.file_type().is_dir());
        files.map(|entry| entry.path().strip_prefix(self.path()).unwrap().display().to_string()).collect()
    }
}

/// Lines of JSON.
pub(crate) fn json_lines(lines: impl Iterator<Item = String>) -> String {
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// All documents of the input.
pub(crate) fn read_all(options: InputOptions) -> (Vec<Line>, Counts) {
    let mut reader = Input::open(options).unwrap().reader();
    let mut chunk = Chunk::default();
    let mut lines = Vec::new();
    while reader.next(&mut chunk).unwrap() {
        assert!(chunk.len() <= 256);
        assert!(chunk.bytes() <= 1 << 20 || chunk.len() == 1);
        lines.extend(chunk.documents().map(|document| match document {
            Ok(document) => format!(
                "{}@{} {} {}",
                document.origin(),
                document.origin().offset,
                document.id(),
                document.text()
            ),
            Err(failure) => format!("{}@{} ! {}", failure.origin, failure.origin.offset, failure.message),
        }));
    }
    assert!(chunk.is_empty());
    (lines, reader.counts().clone())
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}
