//! A stream of documents that goes into one file: compressed, counted and hashed on its way.
//!
//! A gzip file may consist of members, which every reader takes for one, so that batches can be compressed by the workers.
//! Not so a Zstandard file: readers in wide use stop, without a word, after the first frame. So it is one frame, compressed
//! here.

use std::fmt;
use std::io::{self, Write};
use std::mem;

use sha2::{Digest, Sha256};

use super::encode::{self, EncodedBatch, Encoder};
use super::pack::{Pack, packer};
use super::{Compression, OutputFormat, PublishedFile};
#[cfg(feature = "parquet")]
use crate::table::TableWriter;

/// Small batches are gathered up to so many bytes before they become a member of a gzip file.
const MEMBER: usize = 1 << 20;

/// A stream of documents.
pub(super) struct Part<W> {
    writer: W,
    /// Writes what stands at the beginning, once.
    head: Option<Encoder>,
    packing: Packing,
    hash: Sha256,
    bytes: u64,
    documents: u64,
}

enum Packing {
    Plain,
    /// What waits to become a member.
    Gzip(Vec<u8>),
    Stream(Box<dyn Pack>),
    #[cfg(feature = "parquet")]
    Table(TableWriter),
}

/// About how many bytes a file takes in memory while it is written; `None` where that is next to nothing.
pub(super) fn held(format: OutputFormat) -> Option<usize> {
    match (format, format.compression()) {
        (OutputFormat::Parquet, _) => Some(64 << 20),
        (_, Compression::None) => None,
        (_, Compression::Gzip) => Some(2 * MEMBER),
        (_, Compression::Lz4) => Some(1 << 20),
        (_, Compression::Zstd) => Some(4 << 20),
        (_, Compression::Bzip2) => Some(8 << 20),
        (_, Compression::Xz) => Some(96 << 20),
    }
}

impl<W: Write> Part<W> {
    pub(super) fn new(writer: W, encoder: Encoder) -> io::Result<Self> {
        let compression = encoder.format.compression();
        let packing = match packer(compression)? {
            Some(packer) => Packing::Stream(packer),
            None if compression == Compression::Gzip => Packing::Gzip(Vec::new()),
            None => Packing::Plain,
        };
        Ok(Self { writer, head: Some(encoder), packing, hash: Sha256::new(), bytes: 0, documents: 0 })
    }

    pub(super) fn write(&mut self, batch: &EncodedBatch) -> io::Result<()> {
        self.write_head()?;
        self.documents += batch.written();
        if !batch.files.is_empty() {
            return self.write_texts(batch);
        }
        #[cfg(feature = "parquet")]
        if let (Packing::Table(writer), Some(rows)) = (&mut self.packing, &batch.rows) {
            let ready = writer.write(rows)?;
            return self.put(&ready);
        }
        self.pack(&batch.bytes)?;
        if batch.compressed.is_empty() {
            return Ok(());
        }
        self.end_member()?;
        self.put(&batch.compressed)
    }

    fn write_head(&mut self) -> io::Result<()> {
        let Some(encoder) = self.head.take() else { return Ok(()) };
        #[cfg(feature = "parquet")]
        if let Some(writer) = encoder.table_writer()? {
            self.packing = Packing::Table(writer);
            return Ok(());
        }
        self.pack(&encoder.head())
    }

    fn pack(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.packing {
            Packing::Plain => self.put(bytes),
            Packing::Gzip(gathered) => {
                gathered.extend_from_slice(bytes);
                if gathered.len() >= MEMBER { self.end_member() } else { Ok(()) }
            }
            Packing::Stream(packer) => {
                packer.write_all(bytes)?;
                let ready = packer.ready();
                self.put(&ready)
            }
            #[cfg(feature = "parquet")]
            Packing::Table(_) => Ok(()),
        }
    }

    /// Texts in one stream: each ends with a line end.
    fn write_texts(&mut self, batch: &EncodedBatch) -> io::Result<()> {
        for (_, text) in batch.texts() {
            self.put(text)?;
            if !text.ends_with(b"\n") {
                self.put(b"\n")?;
            }
        }
        Ok(())
    }

    /// Writes a heading and the documents below it, as they are.
    pub(super) fn write_section(
        &mut self,
        heading: &[u8],
        mut documents: impl io::Read,
        count: u64,
    ) -> io::Result<()> {
        self.write_head()?;
        self.pack(heading)?;
        self.documents += count;
        let mut buffer = vec![0; MEMBER];
        loop {
            match documents.read(&mut buffer)? {
                0 => return Ok(()),
                length => self.pack(buffer.get(..length).unwrap_or_default())?,
            }
        }
    }

    /// Writes what was held back, and says what the file `name` holds.
    pub(super) fn finish(mut self, name: &str) -> io::Result<(W, PublishedFile)> {
        self.write_head()?;
        match mem::replace(&mut self.packing, Packing::Plain) {
            Packing::Plain => {}
            Packing::Gzip(gathered) => self.put_member(&gathered)?,
            Packing::Stream(packer) => self.put(&packer.finish()?)?,
            #[cfg(feature = "parquet")]
            Packing::Table(writer) => self.put(&writer.finish()?)?,
        }
        self.writer.flush()?;
        let sha256 = hex(self.hash);
        let file =
            PublishedFile { path: name.to_owned(), bytes: self.bytes, documents: self.documents, sha256 };
        Ok((self.writer, file))
    }

    /// How many bytes there are, as far as that is known: what a compressor holds back is not counted.
    pub(super) fn bytes(&self) -> u64 {
        #[cfg(feature = "parquet")]
        if let Packing::Table(writer) = &self.packing {
            return self.bytes + writer.held() as u64;
        }
        self.bytes
    }

    pub(super) fn writer(&mut self) -> &mut W {
        &mut self.writer
    }

    fn end_member(&mut self) -> io::Result<()> {
        let Packing::Gzip(gathered) = &mut self.packing else { return Ok(()) };
        let gathered = mem::take(gathered);
        if gathered.is_empty() { Ok(()) } else { self.put_member(&gathered) }
    }

    /// Writes the last member even where it is empty and the only one: no bytes at all would be a damaged file.
    fn put_member(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() && self.bytes > 0 {
            return Ok(());
        }
        let mut member = Vec::new();
        encode::gzip(bytes, &mut member)?;
        self.put(&member)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

impl<W> fmt::Debug for Part<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

pub(super) fn hex(hash: Sha256) -> String {
    data_encoding::HEXLOWER.encode(&hash.finalize())
}
