//! The bytes of a file: opened, counted, decompressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder;
use lzma_rust2::XzReader;

use super::InputFile;
use crate::format::{Compression, NameSays};

/// How many bytes are asked for at a time: enough that the system call does not show, little enough for the cache.
const BLOCK: usize = 128 << 10;

/// The decompressed bytes of one file.
pub(super) type Source = Box<dyn BufRead + Send>;

/// Opens a file, and decompresses it if its first bytes say that it is compressed.
pub(super) fn open(file: &InputFile, bytes_read: &Arc<AtomicU64>) -> io::Result<Source> {
    let raw: Box<dyn Read + Send> =
        if file.path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(&file.path)?) };
    let counted = Counted { inner: raw, bytes_read: Arc::clone(bytes_read) };
    decompress(counted, NameSays::of(&file.name).compression)
}

/// What the first bytes of a plain file on the disk say.
pub(super) fn compression(path: &Path) -> Option<Compression> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut first = [0; 8];
    let mut length = 0;
    let mut file = File::open(path).ok()?;
    while length < first.len() {
        match file.read(&mut first[length..]).ok()? {
            0 => break,
            count => length += count,
        }
    }
    Some(Compression::of_magic(&first[..length]))
}

/// `named`: what the file's name promises. The first bytes decide, but a promise that they break is an error: what was
/// cut off or overwritten at its very beginning must not pass for text.
fn decompress(raw: impl Read + Send + 'static, named: Compression) -> io::Result<Source> {
    let mut raw = Peeked { inner: raw, first: [0; 8], len: 0, at: 0 };
    let compression = Compression::of_magic(raw.peek()?);
    if named != Compression::None && compression != named {
        return Err(broken_promise(named, raw.len == 0));
    }
    let raw = BufReader::with_capacity(BLOCK, raw);
    Ok(match compression {
        Compression::None => Box::new(raw),
        Compression::Gzip => Box::new(BufReader::with_capacity(BLOCK, MultiGzDecoder::new(raw))),
        Compression::Zstd => {
            Box::new(BufReader::with_capacity(BLOCK, zstd::stream::read::Decoder::with_buffer(raw)?))
        }
        Compression::Bzip2 => Box::new(BufReader::with_capacity(BLOCK, MultiBzDecoder::new(raw))),
        Compression::Xz => Box::new(BufReader::with_capacity(BLOCK, XzReader::new(raw, true))),
        Compression::Lz4 => Box::new(BufReader::with_capacity(BLOCK, Lz4Frames(FrameDecoder::new(raw)))),
    })
}

/// The frames of a file, one after the other; the decoder takes the end of each for that of the file.
struct Lz4Frames<R: BufRead>(FrameDecoder<R>);

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.0.read(buffer)?;
            if count > 0 || buffer.is_empty() || self.0.get_mut().fill_buf()?.is_empty() {
                return Ok(count);
            }
        }
    }
}

fn broken_promise(named: Compression, is_empty: bool) -> io::Error {
    let what = if is_empty { "it is empty" } else { "it does not begin so" };
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("its name says that it is {}, but {what}", named.name()),
    )
}

/// Counts what is read, for the progress.
struct Counted<R> {
    inner: R,
    bytes_read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes_read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A reader whose first bytes can be looked at before they are read; a pipe cannot be opened twice.
struct Peeked<R> {
    inner: R,
    first: [u8; 8],
    len: usize,
    at: usize,
}

impl<R: Read> Peeked<R> {
    fn peek(&mut self) -> io::Result<&[u8]> {
        while self.len < self.first.len() {
            match self.inner.read(&mut self.first[self.len..]) {
                Ok(0) => break,
                Ok(count) => self.len += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        Ok(&self.first[..self.len])
    }
}

impl<R: Read> Read for Peeked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.len {
            return self.inner.read(buffer);
        }
        let count = (&self.first[self.at..self.len]).read(buffer)?;
        self.at += count;
        Ok(count)
    }
}
