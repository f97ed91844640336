//! What a run has finished so far, so that one that was interrupted can go on.
//!
//! A journal is a file to which records are appended: a [`Key`], which says what was worked on, and what came of it. It
//! begins with the key of the run, and a journal of another run is no journal. A record is there when all of it is, which
//! its checksum says: what follows the first that is not whole is cut off when the journal is opened, and done again.
//!
//! ```text
//! file:    magic (8 bytes)  key of the run (32)  record*
//! record:  key (32)  length of the body (8, little endian)  CRC-32 of key, length and body (4)  body (LZ4)
//! ```

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"TMJRNL\0\x01";
const HEAD: usize = MAGIC.len() + KEY;
const KEY: usize = 32;
/// Before the body of a record.
const RECORD_HEAD: usize = KEY + 8 + 4;

/// How long what was appended may be lost with the machine. What is lost is done again.
const FLUSH_AFTER: Duration = Duration::from_secs(5);

/// What was worked on: a hash of all that the outcome depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; KEY]);

/// Makes a [`Key`] of parts, in their order. Where one part ends and the next begins is part of it.
#[derive(Clone, Debug, Default)]
pub struct KeyMaker(Sha256);

/// What came of it, as it lies in the journal.
#[derive(Debug)]
pub struct Packed(Vec<u8>);

/// See the [module](self). Locked by nothing: whoever opens it owns the output that it belongs to.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    end: u64,
    records: HashMap<Key, Place>,
    flushed: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    body: u64,
    length: usize,
}

impl KeyMaker {
    /// Adds a part.
    #[must_use]
    pub fn and(mut self, part: impl AsRef<[u8]>) -> Self {
        let part = part.as_ref();
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    /// The key of all parts.
    pub fn key(self) -> Key {
        Key(self.0.finalize().into())
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Packed {
    /// Packs bytes. Call it in the worker.
    pub fn new(bytes: &[u8]) -> Self {
        Self(lz4_flex::compress_prepend_size(bytes))
    }

    /// The bytes.
    ///
    /// # Errors
    /// They are damaged, in spite of the checksum.
    pub fn unpack(&self) -> io::Result<Vec<u8>> {
        lz4_flex::decompress_size_prepended(&self.0)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

impl Journal {
    /// Opens the journal of the run, or begins one. One of another run is thrown away.
    ///
    /// # Errors
    /// The system refuses.
    pub fn open(path: &Path, run: Key) -> Result<Self> {
        let failed = |error| Error::io(path, "cannot open the journal of the run", error);
        let open = || File::options().create(true).truncate(false).read(true).write(true).open(path);
        let file = open().map_err(failed)?;
        let mut journal = Self {
            path: path.to_owned(),
            file,
            end: HEAD as u64,
            records: HashMap::new(),
            flushed: Instant::now(),
        };
        journal.load(run).map_err(failed)?;
        Ok(journal)
    }

    /// Whether there is a file that an interrupted run has left.
    pub fn exists(path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether nothing was finished yet.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// What came of something, if it was finished.
    ///
    /// # Errors
    /// The system refuses.
    pub fn find(&mut self, key: Key) -> Result<Option<Packed>> {
        let Some(place) = self.records.get(&key).copied() else { return Ok(None) };
        let mut body = vec![0; place.length];
        let read = self.file.seek(SeekFrom::Start(place.body)).and_then(|_| self.file.read_exact(&mut body));
        read.map_err(|error| Error::io(&self.path, "cannot read the journal of the run", error))?;
        Ok(Some(Packed(body)))
    }

    /// Notes that something is finished.
    ///
    /// # Errors
    /// The system refuses, for want of room as a rule. The journal is then as it was before.
    pub fn append(&mut self, key: Key, packed: &Packed) -> Result<()> {
        let appended = self.write(key, &packed.0);
        appended.map_err(|error| {
            // What is left of the record is no record: the next one is written over it, or it is cut off when it is read.
            _ = self.file.set_len(self.end);
            Error::io(&self.path, "cannot write the journal of the run", error)
        })
    }

    /// Makes sure that all of it is on the disk.
    ///
    /// # Errors
    /// The system refuses.
    pub fn flush(&mut self) -> Result<()> {
        self.flushed = Instant::now();
        let flushed = self.file.sync_data();
        flushed.map_err(|error| Error::io(&self.path, "cannot write the journal of the run", error))
    }

    /// Removes it: the run has come to its end, or is not to go on.
    ///
    /// # Errors
    /// The system refuses.
    pub fn remove(self) -> Result<()> {
        let removed = fs::remove_file(&self.path);
        removed.map_err(|error| Error::io(&self.path, "cannot remove the journal of the run", error))
    }

    fn load(&mut self, run: Key) -> io::Result<()> {
        let size = self.file.metadata()?.len();
        let mut reader = BufReader::with_capacity(1 << 20, &self.file);
        let mut head = [0; HEAD];
        let is_ours =
            reader.read_exact(&mut head).is_ok() && head.starts_with(MAGIC) && head.ends_with(run.as_ref());
        if !is_ours {
            return self.begin(run);
        }
        while let Some((key, length)) = next_record(&mut reader, size - self.end) {
            let body = self.end + RECORD_HEAD as u64;
            self.records.insert(key, Place { body, length });
            self.end = body + length as u64;
        }
        if self.end < size {
            self.file.set_len(self.end)?;
        }
        Ok(())
    }

    fn begin(&mut self, run: Key) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(MAGIC)?;
        self.file.write_all(run.as_ref())
    }

    fn write(&mut self, key: Key, body: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&record_head(key, body))?;
        self.file.write_all(body)?;
        let place = Place { body: self.end + RECORD_HEAD as u64, length: body.len() };
        self.records.insert(key, place);
        self.end = place.body + place.length as u64;
        if self.flushed.elapsed() >= FLUSH_AFTER {
            self.flushed = Instant::now();
            self.file.sync_data()?;
        }
        Ok(())
    }
}

fn record_head(key: Key, body: &[u8]) -> [u8; RECORD_HEAD] {
    let length = (body.len() as u64).to_le_bytes();
    let mut head = [0; RECORD_HEAD];
    head[..KEY].copy_from_slice(key.as_ref());
    head[KEY..KEY + 8].copy_from_slice(&length);
    let checksum = checksum(&head[..KEY + 8], body);
    head[KEY + 8..].copy_from_slice(&checksum.to_le_bytes());
    head
}

fn checksum(key_and_length: &[u8], body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(key_and_length);
    crc.update(body);
    crc.finalize()
}

/// The next record, of which no more than `left` bytes can be there: its key, and the length of its body; `None` if it is not
/// whole.
fn next_record(reader: &mut impl Read, left: u64) -> Option<(Key, usize)> {
    let mut head = [0; RECORD_HEAD];
    reader.read_exact(&mut head).ok()?;
    let (key_and_length, crc) = head.split_at(KEY + 8);
    let (key, length) = key_and_length.split_at(KEY);
    let length = u64::from_le_bytes(length.try_into().ok()?);
    if length > left.checked_sub(RECORD_HEAD as u64)? {
        return None;
    }
    let mut body = vec![0; usize::try_from(length).ok()?];
    reader.read_exact(&mut body).ok()?;
    let is_whole = checksum(key_and_length, &body).to_le_bytes() == crc;
    is_whole.then(|| Some((Key(key.try_into().ok()?), body.len())))?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(name: &str) -> Key {
        KeyMaker::default().and(name).key()
    }

    fn fill(path: &Path, bodies: &[Vec<u8>]) {
        let mut journal = Journal::open(path, key("run")).unwrap();
        for (number, body) in bodies.iter().enumerate() {
            journal.append(key(&number.to_string()), &Packed::new(body)).unwrap();
        }
    }

    /// What the journal says of each of the numbers up to `count`.
    fn read(path: &Path, run: &str, count: usize) -> Vec<Option<Vec<u8>>> {
        let mut journal = Journal::open(path, key(run)).unwrap();
        let find = |number: usize| journal.find(key(&number.to_string())).unwrap();
        (0..count).map(find).map(|found| found.map(|packed| packed.unpack().unwrap())).collect()
    }

    #[test]
    fn parts_of_a_key_do_not_run_into_each_other() {
        let maker = KeyMaker::default;
        assert_ne!(maker().and("ab").and("c").key(), maker().and("a").and("bc").key());
        assert_ne!(maker().and("").key(), maker().key());
    }

    #[test]
    fn what_another_run_noted_is_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        fill(&path, &[vec![1], vec![2]]);
        assert_eq!(read(&path, "run", 3), [Some(vec![1]), Some(vec![2]), None]);
        assert_eq!(read(&path, "another", 2), [None, None]);
        assert_eq!(read(&path, "run", 2), [None, None]);
    }

    proptest! {
        /// Whatever is cut off or overwritten: what comes back is a beginning of what was noted, and more can be appended.
        #[test]
        fn a_torn_tail_is_cut(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..6),
            place in any::<prop::sample::Index>(),
            torn in prop_oneof![Just(None), any::<u8>().prop_map(Some)],
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal");
            fill(&path, &bodies);
            let mut bytes = fs::read(&path).unwrap();
            let at = place.index(bytes.len());
            let is_torn = torn != Some(bytes[at]);
            match torn {
                Some(byte) => bytes[at] = byte,
                None => bytes.truncate(at),
            }
            fs::write(&path, bytes).unwrap();

            let found = read(&path, "run", bodies.len());
            let whole = found.iter().take_while(|found| found.is_some()).count();
            prop_assert!(found[whole..].iter().all(Option::is_none));
            for (found, body) in found.iter().zip(&bodies).take(whole) {
                prop_assert_eq!(found.as_ref(), Some(body));
            }
            prop_assert!(whole == bodies.len() || is_torn);

            fill(&path, &bodies);
            prop_assert_eq!(read(&path, "run", bodies.len()), bodies.into_iter().map(Some).collect::<Vec<_>>());
        }
    }
}
