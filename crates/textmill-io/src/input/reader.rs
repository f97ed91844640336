//! Reads the files of the input one after the other, as chunks.
//!
//! Where a chunk ends depends on the documents alone and not on how many bytes a read happened to give: after 256 documents,
//! before the one that would bring it above 1 MiB, and at the end of a shard.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ahead::Ahead;
use super::chunk::Chunk;
use super::cut::{Carried, Cutting};
use super::shard::Shards;
use super::{InputFile, Shared};
use crate::format::InputFormat;
use crate::{Error, ErrorKind, Result};

/// Reads the input, in order.
pub struct Reader {
    files: std::iter::Enumerate<std::vec::IntoIter<InputFile>>,
    shared: Arc<Shared>,
    current: Option<Cutting>,
    carried: Carried,
    shards: Shards,
    /// The file before the current one.
    before: Option<InputFile>,
    format: Option<InputFormat>,
    next_number: u64,
    counts: Counts,
    bytes_read: Arc<AtomicU64>,
    ahead: Option<Arc<Ahead>>,
}

/// What a [`Reader`] has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files that were opened, or would have been.
    pub files: u64,
    /// Documents, good and bad: as many as the chunks held.
    pub documents: u64,
    /// Lines of white space between documents.
    pub blank_lines: u64,
    /// Records of web archives that are no pages.
    pub skipped_records: u64,
    /// Records of web archives by their kinds, those that are pages among them.
    pub records: BTreeMap<&'static str, u64>,
    /// Bytes of documents, decompressed.
    pub bytes: u64,
}

impl Reader {
    pub(super) fn new(files: Vec<InputFile>, shared: Arc<Shared>, ahead: Option<Arc<Ahead>>) -> Self {
        Self {
            files: files.into_iter().enumerate(),
            shards: Shards::new(shared.shard_bytes),
            shared,
            current: None,
            carried: Carried::default(),
            before: None,
            format: None,
            next_number: 0,
            counts: Counts::default(),
            bytes_read: Arc::default(),
            ahead,
        }
    }

    /// Fills `chunk` with the next documents: at most 256 or 1 MiB, a larger one alone. False: there are none left.
    ///
    /// A file that cannot be read, or not to its end, is no error here: it is a document of the chunk that fails.
    ///
    /// # Errors
    /// The system has nothing left to open a file with. An output of failed documents cannot be read to its end: what it holds
    /// behind that place would be gone with it.
    pub fn next(&mut self, chunk: &mut Chunk) -> Result<bool> {
        chunk.empty();
        chunk.number = self.next_number;
        chunk.shared = Some(Arc::clone(&self.shared));
        self.carried.unload(chunk);
        while !self.is_done_with(chunk) && self.open()? {
            self.cut(chunk);
        }
        if self.shared.is_retried {
            chunk.check_whole()?;
        }
        self.next_number += 1;
        self.counts.documents += chunk.entries.len() as u64;
        self.counts.bytes += chunk.data.len() as u64;
        Ok(!chunk.is_empty())
    }

    /// Bytes read from the files, compressed as they are.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// What was read so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The format of the file that was opened last: what its name says, or its first bytes.
    pub fn format(&self) -> Option<InputFormat> {
        self.format
    }

    fn is_done_with(&self, chunk: &Chunk) -> bool {
        let documents = self.counts.documents + chunk.entries.len() as u64;
        !self.carried.is_empty() || chunk.is_full() || documents >= self.shared.limit
    }

    /// Whether a file is open, after opening the next one if need be.
    fn open(&mut self) -> Result<bool> {
        if self.current.is_none()
            && let Some((index, file)) = self.files.next()
        {
            self.counts.files += 1;
            self.shards.begin(index, &file, self.before.as_ref());
            let cutting = Cutting::new(file, &self.shared, &self.bytes_read, self.ahead.as_ref())?;
            if index > 0 || !cutting.format.has_columns() {
                self.shared.columns.found(Vec::new);
            }
            self.format = Some(cutting.format);
            self.current = Some(cutting);
        }
        Ok(self.current.is_some())
    }

    fn cut(&mut self, chunk: &mut Chunk) {
        let Some(mut current) = self.current.take() else { return };
        let Self { carried, counts, shards, shared, .. } = self;
        if current.cut(chunk, carried, counts, shards, shared.limit) {
            self.current = Some(current);
        } else {
            self.before = Some(current.file);
        }
    }
}

impl Chunk {
    /// What was written as failed has its reason in words; what has it here was not read.
    fn check_whole(&self) -> Result<()> {
        let broken = self.entries.iter().find_map(|entry| Some((entry, entry.failure.as_ref()?)));
        broken.map_or(Ok(()), |(entry, failure)| {
            let message = format!("cannot read what the run before has written: {}", failure.message);
            Err(Error::new(ErrorKind::Io, &*entry.file, message)
                .with_hint("run the pipeline anew, with `--fresh`"))
        })
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.current.as_ref().map(|cutting| &cutting.file.name);
        f.debug_struct("Reader").field("file", &file).field("counts", &self.counts).finish_non_exhaustive()
    }
}
