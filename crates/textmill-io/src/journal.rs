//! What a run has finished so far, so that one that was interrupted can go on.
//!
//! A journal is a file to which records are appended: a [`Key`], which says what was worked on, and what came of it. It
//! begins with the key of the run, and a journal of another run is no journal. A record is there when all of it is, which
//! its checksum says: what follows the first that is not whole is cut off when the journal is opened, and done again.
//!
//! ```text
//! file:    magic (8 bytes)  key of the run (32)  record*
//! record:  key (32)  documents (8)  length of the body (8)  CRC-32 of all of it (4)  body (LZ4)
//! ```
//!
//! Numbers are little endian.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::step::step;
use crate::{Error, ErrorKind, Result};

const MAGIC: &[u8; 8] = b"TMJRNL\0\x01";
const HEAD: usize = MAGIC.len() + KEY;
const KEY: usize = 32;
/// Before the body of a record: what the checksum is of, beside the body, and the checksum.
const SUMMED: usize = KEY + 8 + 8;
const RECORD_HEAD: usize = SUMMED + 4;
/// A record is read in pieces of so many bytes: its length may be damaged.
const PIECE: usize = 64 << 10;

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

/// What a run has finished, as a file to which records are appended. Locked by nothing: whoever opens it owns the output that it
/// belongs to.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    end: u64,
    records: HashMap<Key, Place>,
    documents: u64,
    flushed: Instant,
}

/// Where a record begins, and how long its body is.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u64,
    length: usize,
}

/// What stands before the body of a record.
struct Head {
    bytes: [u8; RECORD_HEAD],
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

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
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
    /// The system refuses; a symbolic link is there.
    pub fn open(path: &Path, run: Key) -> Result<Self> {
        if path.is_symlink() {
            let message = "a symbolic link is where our journal should be";
            return Err(Error::new(ErrorKind::SymbolicLink, path, message).with_hint("remove the link"));
        }
        let failed = |error| Error::io(path, "cannot open the journal of the run", error);
        let open = || File::options().create(true).truncate(false).read(true).write(true).open(path);
        let mut journal = Self {
            path: path.to_owned(),
            file: step("open", path).and_then(|()| open()).map_err(failed)?,
            end: HEAD as u64,
            records: HashMap::new(),
            documents: 0,
            flushed: Instant::now(),
        };
        journal.load(run).map_err(failed)?;
        Ok(journal)
    }

    /// Whether there is a file that an interrupted run has left.
    pub fn exists(path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok()
    }

    /// Removes what an interrupted run has left.
    ///
    /// # Errors
    /// The system refuses.
    pub fn remove(path: &Path) -> Result<()> {
        match step("remove", path).and_then(|()| fs::remove_file(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io(path, "cannot remove the journal of the run", error))
            }
            _ => Ok(()),
        }
    }

    /// Whether nothing was finished yet.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many documents the finished batches have.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// What came of something, if it was finished. Its checksum is looked at again: where a file system knows no locks, two
    /// runs may have written here.
    ///
    /// # Errors
    /// The system refuses.
    pub fn find(&mut self, key: Key) -> Result<Option<Packed>> {
        let Some(place) = self.records.get(&key).copied() else { return Ok(None) };
        let found = self.read(place);
        let (head, body) =
            found.map_err(|error| Error::io(&self.path, "cannot read the journal of the run", error))?;
        let is_it = head.key() == key && head.is_of(&body);
        Ok(is_it.then_some(Packed(body)))
    }

    /// Notes that something is finished, which has so many documents.
    ///
    /// # Errors
    /// The system refuses. [`io::ErrorKind::StorageFull`] also where less is free than the journal takes already: the output
    /// needs room too.
    pub fn append(&mut self, key: Key, documents: u64, packed: &Packed) -> Result<()> {
        let appended = self.check_room().and_then(|()| self.write(key, documents, &packed.0));
        appended.map_err(|error| {
            // What is left of the record is no record: the next one is written over it, or it is cut off when it is read.
            _ = self.file.set_len(self.end);
            Error::io(&self.path, "cannot write the journal of the run", error)
        })
    }

    /// What to make sure of that it is on the disk, now and then. That takes a while, in which others may append.
    pub fn to_flush(&mut self) -> Option<File> {
        if self.flushed.elapsed() < FLUSH_AFTER {
            return None;
        }
        self.flushed = Instant::now();
        self.file.try_clone().ok()
    }

    /// Makes sure that all of it is on the disk.
    ///
    /// # Errors
    /// The system refuses.
    pub fn flush(&self) -> Result<()> {
        let flushed = step("flush", &self.path).and_then(|()| self.file.sync_data());
        flushed.map_err(|error| Error::io(&self.path, "cannot write the journal of the run", error))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
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
        while let Some(head) = next_record(&mut reader, size - self.end) {
            let place = Place { start: self.end, length: usize::try_from(head.length()).unwrap_or_default() };
            self.end += (RECORD_HEAD + place.length) as u64;
            if self.records.insert(head.key(), place).is_none() {
                self.documents += head.documents();
            }
        }
        if self.end < size {
            step("cut", &self.path)?;
            self.file.set_len(self.end)?;
        }
        Ok(())
    }

    fn begin(&mut self, run: Key) -> io::Result<()> {
        step("empty", &self.path)?;
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        step("write the head of", &self.path)?;
        self.file.write_all(MAGIC)?;
        self.file.write_all(run.as_ref())
    }

    fn read(&mut self, place: Place) -> io::Result<(Head, Vec<u8>)> {
        self.file.seek(SeekFrom::Start(place.start))?;
        let mut bytes = [0; RECORD_HEAD];
        self.file.read_exact(&mut bytes)?;
        let mut body = vec![0; place.length];
        self.file.read_exact(&mut body)?;
        Ok((Head { bytes }, body))
    }

    fn write(&mut self, key: Key, documents: u64, body: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        step("append to", &self.path)?;
        self.file.write_all(&Head::new(key, documents, body).bytes)?;
        step("end the record of", &self.path)?;
        self.file.write_all(body)?;
        let place = Place { start: self.end, length: body.len() };
        self.end += (RECORD_HEAD + place.length) as u64;
        if self.records.insert(key, place).is_none() {
            self.documents += documents;
        }
        Ok(())
    }

    #[cfg(unix)]
    fn check_room(&self) -> io::Result<()> {
        let Ok(system) = rustix::fs::fstatvfs(&self.file) else { return Ok(()) };
        let free = system.f_bavail.saturating_mul(system.f_frsize);
        if free < self.end { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "other systems are asked")]
    fn check_room(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Head {
    fn new(key: Key, documents: u64, body: &[u8]) -> Self {
        let mut head = Self { bytes: [0; RECORD_HEAD] };
        head.bytes[..KEY].copy_from_slice(key.as_ref());
        head.bytes[KEY..KEY + 8].copy_from_slice(&documents.to_le_bytes());
        head.bytes[KEY + 8..SUMMED].copy_from_slice(&(body.len() as u64).to_le_bytes());
        let sum = head.summed(body);
        head.bytes[SUMMED..].copy_from_slice(&sum.to_le_bytes());
        head
    }

    fn key(&self) -> Key {
        let mut key = [0; KEY];
        key.copy_from_slice(&self.bytes[..KEY]);
        Key(key)
    }

    fn documents(&self) -> u64 {
        self.number(KEY)
    }

    fn length(&self) -> u64 {
        self.number(KEY + 8)
    }

    fn number(&self, at: usize) -> u64 {
        let mut number = [0; 8];
        number.copy_from_slice(&self.bytes[at..at + 8]);
        u64::from_le_bytes(number)
    }

    /// Whether this is the head of a body.
    fn is_of(&self, body: &[u8]) -> bool {
        self.bytes.ends_with(&self.summed(body).to_le_bytes())
    }

    fn summed(&self, body: &[u8]) -> u32 {
        let mut sum = self.sum();
        sum.update(body);
        sum.finalize()
    }

    /// To be gone on with by the body.
    fn sum(&self) -> crc32fast::Hasher {
        let mut sum = crc32fast::Hasher::new();
        sum.update(&self.bytes[..SUMMED]);
        sum
    }
}

/// The head of the next record, of which no more than `left` bytes can be there; `None` if the record is not whole.
fn next_record(reader: &mut impl Read, left: u64) -> Option<Head> {
    let mut bytes = [0; RECORD_HEAD];
    reader.read_exact(&mut bytes).ok()?;
    let head = Head { bytes };
    if head.length() > left.checked_sub(RECORD_HEAD as u64)? {
        return None;
    }
    let mut sum = head.sum();
    let mut rest = reader.take(head.length());
    let mut piece = vec![0; PIECE];
    loop {
        match rest.read(&mut piece).ok()? {
            0 => break,
            count => sum.update(&piece[..count]),
        }
    }
    (rest.limit() == 0 && bytes.ends_with(&sum.finalize().to_le_bytes())).then_some(head)
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
            journal.append(key(&number.to_string()), 1, &Packed::new(body)).unwrap();
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
        assert_eq!(Journal::open(&path, key("run")).unwrap().documents(), 2);
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
