//! The bytes of a file: opened, counted, decompressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder;
use lzma_rust2::XzReader;

use super::InputFile;
use super::ahead::Ahead;
use super::cap::Cap;
use super::contents::Hasher;
use super::members::{self, Members};
use crate::format::{Compression, NameSays};
use crate::limits::Limits;

/// How many bytes are asked for at a time: enough that the system call does not show, little enough for the cache.
pub(super) const BLOCK: usize = 128 << 10;

/// The decompressed bytes of one file.
pub(super) type Source = Box<dyn BufRead + Send>;

/// Opens a file, and decompresses it if its first bytes say that it is compressed; with the help of others, where the file
/// allows it. What it unpacks to is bounded.
pub(super) fn open(
    file: &InputFile,
    limits: &Limits,
    bytes_read: &Arc<AtomicU64>,
    ahead: Option<&Arc<Ahead>>,
) -> io::Result<Source> {
    let raw: Box<dyn Read + Send> =
        if file.path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(&file.path)?) };
    let counted = Counted {
        inner: raw,
        bytes_read: Arc::clone(bytes_read),
        hasher: Hasher::default(),
        hash: Arc::clone(&file.hash),
    };
    let cap = Cap::new(limits.unpacked(file.bytes));
    decompress(counted, NameSays::of(&file.name).compression, ahead, cap)
}

/// The bytes of a file of ours, decompressed.
pub(super) fn unpacked(path: &Path) -> io::Result<Source> {
    decompress(File::open(path)?, Compression::None, None, Cap::new(Limits::none().unpacked(None)))
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
fn decompress(
    raw: impl Read + Send + 'static,
    named: Compression,
    ahead: Option<&Arc<Ahead>>,
    cap: Cap,
) -> io::Result<Source> {
    let mut raw = Peeked { inner: raw, first: [0; 8], len: 0, at: 0 };
    let compression = Compression::of_magic(raw.peek()?);
    if named != Compression::None && compression != named {
        return Err(broken_promise(named, raw.len == 0));
    }
    if let (Some(ahead), Some(magic)) = (ahead, members::magic(compression)) {
        return Ok(Box::new(Members::new(Box::new(raw), compression, magic, Arc::clone(ahead), cap)));
    }
    if compression == Compression::None {
        return Ok(Box::new(BufReader::with_capacity(BLOCK, raw)));
    }
    unpack(compression, raw, 0, cap)
}

/// Decompresses from the beginning to the end what stands `at` so many bytes behind a multiple of [`BLOCK`] in a file.
pub(super) fn unpack(
    compression: Compression,
    raw: impl Read + Send + 'static,
    at: usize,
    cap: Cap,
) -> io::Result<Source> {
    let raw = BufReader::with_capacity(BLOCK, Blocks { inner: raw, at, error: None });
    Ok(match compression {
        Compression::None => Box::new(raw),
        Compression::Gzip => Box::new(BufReader::with_capacity(BLOCK, cap.over(MultiGzDecoder::new(raw)))),
        Compression::Zstd => Box::new(BufReader::with_capacity(BLOCK, cap.over(zstd_decoder(raw)?))),
        Compression::Bzip2 => Box::new(BufReader::with_capacity(BLOCK, cap.over(MultiBzDecoder::new(raw)))),
        Compression::Xz => Box::new(BufReader::with_capacity(BLOCK, cap.over(XzReader::new(raw, true)))),
        Compression::Lz4 => {
            Box::new(BufReader::with_capacity(BLOCK, cap.over(Lz4Frames(FrameDecoder::new(raw)))))
        }
    })
}

pub(super) fn zstd_decoder<R: BufRead>(raw: R) -> io::Result<zstd::stream::read::Decoder<'static, R>> {
    zstd::stream::read::Decoder::with_buffer(raw)
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

/// Gives blocks that end at multiples of [`BLOCK`] in the file, whatever it is given. A decoder that comes upon damage
/// forgets what it made of the block before that, so which documents are read before the damage must not depend on how a
/// pipe was filled, nor on where decoding began.
struct Blocks<R> {
    inner: R,
    /// How much of the block was given.
    at: usize,
    /// What kept a block from being full.
    error: Option<io::Error>,
}

impl<R: Read> Read for Blocks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let wanted = (BLOCK - self.at).min(buffer.len());
        let mut count = 0;
        while count < wanted {
            match self.inner.read(&mut buffer[count..wanted]) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) if count == 0 => return Err(error),
                Err(error) => {
                    self.error = Some(error);
                    break;
                }
            }
        }
        self.at = (self.at + count) % BLOCK;
        Ok(count)
    }
}

fn broken_promise(named: Compression, is_empty: bool) -> io::Error {
    let what = if is_empty { "it is empty" } else { "it does not begin so" };
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("its name says that it is {}, but {what}", named.name()),
    )
}

/// Counts what is read, for the progress, and hashes it; the hash is there when the end was reached.
struct Counted<R> {
    inner: R,
    bytes_read: Arc<AtomicU64>,
    hasher: Hasher,
    hash: Arc<OnceLock<u128>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes_read.fetch_add(count as u64, Ordering::Relaxed);
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        if count == 0 && !buffer.is_empty() {
            self.hash.get_or_init(|| self.hasher.hash());
        }
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
