//! Documents that wait on the disk for their file to be written.
//!
//! What is compressed, and what has row groups, needs memory for as long as its file is being written. Where there are more
//! files than memory, the batches of those that come later are put aside as they are, and become files when the others are
//! done: the same files, byte for byte, as if there had been memory for them from the beginning.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use super::encode::EncodedBatch;
use crate::step::step;

/// Writes to a file are gathered up to so many bytes.
const BUFFER: usize = 64 << 10;

/// A file that is closed while it is not written to, if too many are open.
#[derive(Debug)]
pub(super) struct Resting {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

/// Batches that were put aside.
#[derive(Debug)]
pub(super) struct Spill(Resting);

/// How much there is of a batch.
struct Size {
    documents: u64,
    bytes: u64,
    compressed: u64,
    rows: u64,
}

impl Resting {
    /// Makes the file, or empties it.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        step("create", path)?;
        let file = BufWriter::with_capacity(BUFFER, File::create(path)?);
        Ok(Self { path: path.to_owned(), file: Some(file) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the file until it is written to again.
    pub(super) fn rest(&mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), |mut file| file.flush())
    }

    fn open(&mut self) -> io::Result<&mut BufWriter<File>> {
        if self.file.is_none() {
            let file = File::options().append(true).open(&self.path)?;
            self.file = Some(BufWriter::with_capacity(BUFFER, file));
        }
        Ok(self.file.as_mut().expect("it was opened a moment ago"))
    }
}

impl Write for Resting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Spill {
    pub(super) fn new(file: Resting) -> Self {
        Self(file)
    }

    pub(super) fn file(&mut self) -> &mut Resting {
        &mut self.0
    }

    /// Puts a batch aside.
    pub(super) fn push(&mut self, batch: &EncodedBatch) -> io::Result<()> {
        let rows = batch.packed_rows()?;
        let size = Size {
            documents: batch.written(),
            bytes: batch.bytes.len() as u64,
            compressed: batch.compressed.len() as u64,
            rows: rows.len() as u64,
        };
        for part in [&size.to_bytes()[..], &batch.bytes, &batch.compressed, &rows] {
            self.0.write_all(part)?;
        }
        Ok(())
    }

    /// Gives back the batches as they were put aside, and removes the file. An error of the file becomes one of the caller's.
    pub(super) fn replay<E>(
        mut self,
        failed: impl Fn(io::Error) -> E,
        mut take: impl FnMut(&EncodedBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        self.0.rest().map_err(&failed)?;
        let file = File::open(&self.0.path).map_err(&failed)?;
        let mut file = BufReader::with_capacity(BUFFER, file);
        while let Some(batch) = read(&mut file).map_err(&failed)? {
            take(&batch)?;
        }
        fs::remove_file(&self.0.path).map_err(&failed)
    }
}

/// The next batch of a file; `None` at its end.
fn read(file: &mut impl BufRead) -> io::Result<Option<EncodedBatch>> {
    let Some(size) = Size::read(file)? else { return Ok(None) };
    let mut batch = EncodedBatch::default();
    batch.documents = size.documents;
    let mut rows = Vec::new();
    let parts =
        [(size.bytes, &mut batch.bytes), (size.compressed, &mut batch.compressed), (size.rows, &mut rows)];
    for (length, part) in parts {
        if (file.take(length).read_to_end(part)? as u64) < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    batch.unpack_rows(&rows)?;
    Ok(Some(batch))
}

impl Size {
    const BYTES: usize = 32;

    fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let numbers = [self.documents, self.bytes, self.compressed, self.rows];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// `None` at the end of the file.
    fn read(file: &mut impl BufRead) -> io::Result<Option<Self>> {
        if file.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut number = || {
            let mut bytes = [0; 8];
            file.read_exact(&mut bytes).map(|()| u64::from_le_bytes(bytes))
        };
        let (documents, bytes, compressed, rows) = (number()?, number()?, number()?, number()?);
        Ok(Some(Self { documents, bytes, compressed, rows }))
    }
}
