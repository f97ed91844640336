//! Compressed files of several members, which are unpacked by several workers.
//!
//! gzip files may be concatenated, `bgzip` and our own output make many small members; so do the seekable variants of
//! Zstandard with frames, and `pbzip2` with streams. A member begins with a magic number, but that may stand by chance in the
//! middle of another one, and where a member ends is known to the one who unpacks it. So a file is cut where a member seems to
//! begin, and a piece counts only if all of it is whole members. From the first piece on that is not (a number by chance,
//! damage, a member that is larger than a piece may be), the rest is unpacked from the beginning to the end, as any file is.

use std::collections::VecDeque;
use std::io::{self, BufRead, Cursor, Read};
use std::mem;
use std::sync::Arc;

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use memchr::memmem;

use super::ahead::{Ahead, Task};
use super::cap::Cap;
use super::source::{BLOCK, Source, unpack, zstd_decoder};
use crate::format::Compression;

/// A piece has at least so many bytes, compressed as they are.
const LEAST_PIECE: usize = 128 << 10;

/// And no more than so many.
const MOST_PIECE: usize = 4 << 20;

/// So many bytes tell whether a member may begin.
const LOOK: usize = 10;

/// A file as it is stored.
type Raw = Box<dyn Read + Send>;

/// The bytes of a file, unpacked piece by piece.
pub(super) struct Members {
    raw: Raw,
    compression: Compression,
    magic: &'static [u8],
    ahead: Arc<Ahead>,
    cap: Cap,
    /// What was read and is in no piece.
    unread: Vec<u8>,
    /// Up to where in `unread` no member begins.
    searched: usize,
    /// Why there are no more pieces.
    end: Option<End>,
    pieces: VecDeque<Piece>,
    /// How far behind a multiple of [`BLOCK`] the first of them begins in the file.
    at: usize,
    /// What is given out.
    block: Cursor<Vec<u8>>,
    /// What takes over when a piece is none.
    rest: Option<Source>,
}

enum End {
    /// The file ends.
    File,
    /// It cannot be read on.
    Error(io::Error),
    /// What follows is not to be cut.
    Large,
}

struct Piece {
    bytes: Arc<Vec<u8>>,
    /// `None`: this is not all whole members.
    task: Task<Option<Vec<u8>>>,
}

/// What members of a kind begin with, if workers can unpack them.
pub(super) fn magic(compression: Compression) -> Option<&'static [u8]> {
    match compression {
        Compression::Gzip => Some(&[0x1f, 0x8b, 0x08]),
        Compression::Zstd => Some(&[0x28, 0xb5, 0x2f, 0xfd]),
        Compression::Bzip2 => Some(b"BZh"),
        Compression::None | Compression::Xz | Compression::Lz4 => None,
    }
}

/// Whether a member may begin so. A gzip member begins with a number that is short, but with flags, and what made it, that
/// take few values; the first block of a bzip2 stream has a number of its own.
fn may_begin(compression: Compression, bytes: &[u8]) -> bool {
    match compression {
        Compression::Gzip => matches!(bytes, [_, _, _, 0..0x20, _, _, _, _, 0 | 2 | 4, 0..=13 | 255, ..]),
        Compression::Bzip2 => matches!(bytes, [_, _, _, b'1'..=b'9', b'1', b'A', b'Y', b'&', b'S', b'Y', ..]),
        _ => true,
    }
}

impl Members {
    pub(super) fn new(
        raw: Raw,
        compression: Compression,
        magic: &'static [u8],
        ahead: Arc<Ahead>,
        cap: Cap,
    ) -> Self {
        Self {
            raw,
            compression,
            magic,
            ahead,
            cap,
            unread: Vec::new(),
            searched: 0,
            end: None,
            pieces: VecDeque::new(),
            at: 0,
            block: Cursor::default(),
            rest: None,
        }
    }

    /// Makes `block` the next one; an empty one at the end of the file.
    fn next_block(&mut self) -> io::Result<()> {
        loop {
            self.put_up();
            let Some(Piece { bytes, task }) = self.pieces.pop_front() else {
                return self.end_pieces();
            };
            match task.finish(&self.ahead).flatten() {
                Some(block) => {
                    self.at = (self.at + bytes.len()) % BLOCK;
                    if !block.is_empty() {
                        return self.give_out(block);
                    }
                }
                None => return self.give_up(&bytes),
            }
        }
    }

    /// Of the last block that may be given out, perhaps a part; what is beyond is met by the call that follows.
    fn give_out(&mut self, mut block: Vec<u8>) -> io::Result<()> {
        let taken = self.cap.take(block.len() as u64)?;
        if taken < block.len() as u64 {
            let beyond = block.split_off(usize::try_from(taken).unwrap_or(usize::MAX));
            let task = self.ahead.put_up(move || Some(beyond));
            self.pieces.push_front(Piece { bytes: Arc::default(), task });
        }
        self.block = Cursor::new(block);
        Ok(())
    }

    /// Lets others unpack what comes next.
    fn put_up(&mut self) {
        while self.end.is_none() && self.pieces.len() < self.ahead.depth() {
            let Some(bytes) = self.cut() else { return };
            let bytes = Arc::new(bytes);
            let (compression, most) = (self.compression, self.ahead.task_bytes());
            let shared = Arc::clone(&bytes);
            let task = self.ahead.put_up(move || unpack_whole(compression, &shared, most));
            self.pieces.push_back(Piece { bytes, task });
        }
    }

    /// The next piece; `None` if there is none, and `end` says why.
    fn cut(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.find_member() {
                let rest = self.unread.split_off(at);
                self.searched = 0;
                return Some(mem::replace(&mut self.unread, rest));
            }
            if self.unread.len() > MOST_PIECE {
                self.end = Some(End::Large);
                return None;
            }
            match self.read_more() {
                Ok(0) => {
                    self.end = Some(End::File);
                    return Some(mem::take(&mut self.unread)).filter(|bytes| !bytes.is_empty());
                }
                Ok(_) => (),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => {
                    self.end = Some(End::Error(error));
                    return None;
                }
            }
        }
    }

    /// Where the first member begins that is not too near.
    fn find_member(&mut self) -> Option<usize> {
        let mut from = self.searched.max(LEAST_PIECE);
        while let Some(found) = self.unread.get(from..).and_then(|bytes| memmem::find(bytes, self.magic)) {
            let at = from + found;
            let Some(begin) = self.unread.get(at..at + LOOK) else { break };
            if may_begin(self.compression, begin) {
                return Some(at);
            }
            from = at + 1;
        }
        // What stands at the end is looked at again with what follows.
        self.searched = self.unread.len().saturating_sub(LOOK);
        None
    }

    fn read_more(&mut self) -> io::Result<usize> {
        let length = self.unread.len();
        self.unread.resize(length + BLOCK, 0);
        let result = self.raw.read(&mut self.unread[length..]);
        self.unread.truncate(length + result.as_ref().map_or(0, |count| *count));
        result
    }

    /// After the last piece.
    fn end_pieces(&mut self) -> io::Result<()> {
        if matches!(self.end, Some(End::File)) {
            self.block = Cursor::default();
            return Ok(());
        }
        self.give_up(&[])
    }

    /// These bytes are no whole members, or too many: they and all that follows are unpacked from the beginning to the end.
    fn give_up(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut read = bytes.to_vec();
        for piece in self.pieces.drain(..) {
            read.extend_from_slice(&piece.bytes);
        }
        read.append(&mut self.unread);
        let error = if let Some(End::Error(error)) = self.end.take() { Some(error) } else { None };
        let raw = mem::replace(&mut self.raw, Box::new(io::empty()));
        let raw = Cursor::new(read).chain(Failing { error, raw });
        self.rest = Some(unpack(self.compression, raw, self.at, self.cap)?);
        Ok(())
    }
}

/// The bytes, unpacked, if they are whole members and, unpacked, no more than `most`.
fn unpack_whole(compression: Compression, bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut left = bytes;
    let mut block = Vec::new();
    let limit = most as u64 + 1;
    match compression {
        Compression::Gzip => MultiGzDecoder::new(&mut left).take(limit).read_to_end(&mut block),
        Compression::Zstd => zstd_decoder(&mut left).ok()?.take(limit).read_to_end(&mut block),
        Compression::Bzip2 => MultiBzDecoder::new(&mut left).take(limit).read_to_end(&mut block),
        Compression::None | Compression::Xz | Compression::Lz4 => return None,
    }
    .ok()?;
    (block.len() <= most && left.is_empty()).then_some(block)
}

impl Read for Members {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Members {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.rest.is_none() && self.block.fill_buf()?.is_empty() {
            self.next_block()?;
        }
        match &mut self.rest {
            Some(rest) => rest.fill_buf(),
            None => self.block.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        match &mut self.rest {
            Some(rest) => rest.consume(count),
            None => self.block.consume(count),
        }
    }
}

/// What cannot be read on: the error, and then whatever there is.
struct Failing {
    error: Option<io::Error>,
    raw: Raw,
}

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.error.take().map_or_else(|| self.raw.read(buffer), Err)
    }
}
