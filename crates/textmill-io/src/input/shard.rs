//! Shards: the units of input that are finished, or not, as a whole.
//!
//! A large file whose documents can be told apart by their places is cut at every multiple of `shard-bytes`: a shard holds
//! the documents that begin between two of them. The offsets are those of the decompressed file, so that a file is cut
//! alike however it is packed, and where a document belongs follows from its offset alone. Small files share a shard, up to
//! `shard-bytes` as they are stored; a file whose name's hash says so is the last of its shard, so that a file that is added
//! to a folder changes one shard and not all that follow.

use serde::{Deserialize, Serialize};

use super::InputFile;

/// The size of a shard, in bytes, unless somebody says another: large enough that what is done once for each does not
/// show, small enough that little is done twice after a run was killed.
pub(super) const DEFAULT_BYTES: u64 = 64 << 20;

/// One file in so many is the last of its shard.
const FILES: u64 = 1024;

/// A shard: the first of its files, and its part of that file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shard {
    /// The index of its first file in [`super::Input::files`].
    pub file: usize,
    /// Which part of a large file it is, from 0: it holds the documents that begin in the bytes from `part` times
    /// `shard-bytes` up to the next multiple.
    pub part: u64,
    /// The shards that hold documents are numbered from 0, in their order.
    pub number: u64,
}

/// Tells which shard a document belongs to. Files and documents come in their order.
#[derive(Debug)]
pub(super) struct Shards {
    /// The size of a shard.
    bytes: u64,
    /// The file that is being read.
    file: usize,
    /// The shard of its first part, if it shares that with the files before it.
    shared: Option<Shard>,
    /// The sizes of the files of that shard.
    filled: u64,
    last: Option<Shard>,
}

impl Shards {
    pub(super) fn new(bytes: u64) -> Self {
        Self { bytes: bytes.max(1), file: 0, shared: None, filled: 0, last: None }
    }

    /// The documents of the file with this index follow; `before` is the file that ended.
    pub(super) fn begin(&mut self, index: usize, file: &InputFile, before: Option<&InputFile>) {
        self.file = index;
        let is_closed = before.is_none_or(|before| before.bytes.is_none() || ends_shard(&before.name));
        let room = self.bytes.saturating_sub(self.filled);
        let fits = !is_closed && file.bytes.is_some_and(|bytes| bytes <= room);
        self.shared = self.last.filter(|shard| shard.part == 0 && fits);
        let filled = if self.shared.is_some() { self.filled } else { 0 };
        self.filled = filled.saturating_add(file.bytes.unwrap_or(self.bytes));
    }

    /// The shard of the document that begins at this byte of the file.
    pub(super) fn at(&mut self, offset: u64) -> Shard {
        let part = offset / self.bytes;
        if let Some(shared) = self.shared.filter(|_| part == 0) {
            return shared;
        }
        let same = self.last.filter(|last| (last.file, last.part) == (self.file, part));
        let number = self.last.map_or(0, |last| last.number + 1);
        let shard = same.unwrap_or(Shard { file: self.file, part, number });
        self.last = Some(shard);
        shard
    }
}

/// By FNV-1a, which is the same on every machine.
fn ends_shard(name: &str) -> bool {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // The low bits of this hash depend on the low bits of the name alone.
    (hash >> 32).is_multiple_of(FILES)
}
