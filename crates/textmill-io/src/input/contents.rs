//! What the files of an input held when they were read, so that a later run can tell whether it would read the same.
//!
//! A file is first told by its size, its time and its inode, which costs no reading. Where the time or the inode is another, as
//! after a copy or a `touch`, the hash of its bytes decides; it was taken while the file was read. The hash is XXH3 of 128 bits,
//! because one that withstands forgers would cost a third of what reading costs; whoever can forge an input can change the
//! output, too.
//!
//! Not every file has a hash: not one that a limit or damage kept from being read to its end, nor one that is read here and
//! there, as Parquet is. To those the time and the inode are all there is, unless somebody asks for contents.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use super::Input;
use crate::journal::{Key, KeyMaker};
use crate::snapshot::replace_file;
use crate::{Error, Result};

/// The name, in the hidden folder beside an output, of what is remembered of the input.
pub(crate) const SEEN_FILE: &str = "input.json";

const SCHEMA: u32 = 1;

/// So many bytes of a file are read at a time.
const BLOCK: usize = 1 << 20;

/// What tells a file from what it may be later, as far as `stat` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    /// Nanoseconds since 1970.
    modified: i64,
    /// 0 where the system has none.
    inode: u64,
}

/// The files of an input as they were found; see [`Input::stamps`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamps(Vec<Stamp>);

/// What is remembered of an input that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    schema: u32,
    /// A hash of all that the run depended on beside the input.
    pub beside: String,
    /// A hash of all that the run depended on: what the manifests say.
    pub run: String,
    files: Vec<SeenFile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SeenFile {
    name: String,
    #[serde(flatten)]
    stamp: Stamp,
    /// Of all its bytes, as they are stored; in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
}

/// Whether an input is what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sameness {
    /// It is another, or that cannot be told.
    Other,
    /// Nothing says that it has changed.
    Same,
    /// Files were touched, or copied, and hold what they held.
    Touched,
}

/// Hashes the bytes of a file as they are read.
#[derive(Default)]
pub(super) struct Hasher(XxHash3_128);

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// The hash of the bytes so far.
    pub(super) fn hash(&self) -> u128 {
        self.0.finish_128()
    }
}

impl Input {
    /// Looks at the files. `None` where one has no size and no time, as standard input.
    pub fn stamps(&self) -> Option<Stamps> {
        self.files.iter().map(|file| Stamp::of(&file.path)).collect::<Option<_>>().map(Stamps)
    }

    /// What to remember when the input was read, of which the files were these before. `beside`, `run`: see [`Seen`].
    ///
    /// With `is_complete`, files are read for their hash that have none yet.
    pub fn seen(&self, stamps: &Stamps, beside: &str, run: &str, is_complete: bool) -> Seen {
        let files = self.files.iter().zip(&stamps.0).map(|(file, stamp)| {
            let read = || hash_of_file(&file.path).ok().filter(|_| is_complete);
            let hash = file.hash.get().copied().or_else(read);
            SeenFile { name: file.name.to_string(), stamp: stamp.clone(), hash: hash.map(hexadecimal) }
        });
        Seen { schema: SCHEMA, beside: beside.to_owned(), run: run.to_owned(), files: files.collect() }
    }
}

impl Stamps {
    /// What tells this input from what it may be later, with the names of its files.
    pub fn key(&self, input: &Input) -> Key {
        let files = input.files.iter().zip(&self.0);
        let key = files.fold(KeyMaker::default(), |key, (file, stamp)| {
            let Stamp { bytes, modified, inode } = stamp;
            key.and(&*file.name).and(format!("{bytes} {modified} {inode}"))
        });
        key.key()
    }
}

impl Seen {
    /// What is remembered in the hidden folder of an output; `None` where that is nothing.
    pub fn read(state: &Path) -> Option<Self> {
        let seen: Self = serde_json::from_slice(&fs::read(state.join(SEEN_FILE)).ok()?).ok()?;
        (seen.schema == SCHEMA).then_some(seen)
    }

    /// Puts it into the hidden folder of an output.
    ///
    /// # Errors
    /// The system refuses.
    pub fn write(&self, state: &Path) -> Result<()> {
        let path = state.join(SEEN_FILE);
        let json =
            serde_json::to_vec(self).map_err(|error| Error::io(&path, "cannot write", error.into()))?;
        replace_file(&path, &json)
    }

    /// Compares an input with what is remembered. Of files that were touched, the bytes are read; with `is_verified`, of all.
    /// If it is the same, its times are remembered.
    pub fn compare(&mut self, input: &Input, is_verified: bool) -> Sameness {
        let Some(Stamps(stamps)) = input.stamps() else { return Sameness::Other };
        let is_listed = self.files.len() == stamps.len()
            && (self.files.iter().zip(&input.files).zip(&stamps))
                .all(|((seen, file), stamp)| seen.name == *file.name && seen.stamp.bytes == stamp.bytes);
        if !is_listed {
            return Sameness::Other;
        }
        let mut sameness = Sameness::Same;
        for ((seen, file), stamp) in self.files.iter_mut().zip(&input.files).zip(stamps) {
            let is_touched = seen.stamp != stamp;
            if (is_touched || is_verified) && !seen.holds(&file.path) {
                return Sameness::Other;
            }
            if is_touched {
                (seen.stamp, sameness) = (stamp, Sameness::Touched);
            }
        }
        sameness
    }
}

impl SeenFile {
    /// Whether the file holds what it held, as far as that is known.
    fn holds(&self, path: &Path) -> bool {
        let Some(hash) = &self.hash else { return false };
        hash_of_file(path).is_ok_and(|found| hexadecimal(found) == *hash)
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let modified = metadata.modified().ok()?;
        let nanoseconds = modified.duration_since(UNIX_EPOCH).map_or_else(
            |before| i64::try_from(before.duration().as_nanos()).map(|nanoseconds| -nanoseconds),
            |since| i64::try_from(since.as_nanos()),
        );
        Some(Self { bytes: metadata.len(), modified: nanoseconds.ok()?, inode: inode(&metadata) })
    }
}

fn hash_of_file(path: &Path) -> io::Result<u128> {
    let (mut file, mut hasher, mut block) = (File::open(path)?, Hasher::default(), vec![0; BLOCK]);
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(hasher.hash()),
            Ok(count) => hasher.update(block.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
}

fn hexadecimal(hash: u128) -> String {
    format!("{hash:032x}")
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// Files have no numbers that std knows.
#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::InputOptions;
    use crate::input::Chunk;

    /// Reads these files to their end, changes them, and compares.
    fn check(files: &[(&str, Vec<u8>)], is_verified: bool, change: impl Fn(&Path), expected: Sameness) {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let open = || {
            let uris = vec![folder.path().to_str().unwrap().to_owned()];
            Input::open(InputOptions { uris, ..InputOptions::default() }).unwrap()
        };
        let input = open();
        let stamps = input.stamps().unwrap();
        let (mut reader, mut chunk) = (input.reader(), Chunk::default());
        while reader.next(&mut chunk).unwrap() {}
        let mut seen = input.seen(&stamps, "beside", "run", false);
        change(folder.path());
        let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
        assert_eq!(seen.compare(&open(), is_verified), expected, "{names:?}");
        if expected == Sameness::Touched {
            assert_eq!(seen.compare(&open(), false), Sameness::Same);
        }
    }

    fn files() -> Vec<(&'static str, Vec<u8>)> {
        let lines = "{\"text\":\"a\"}\n".repeat(50_000);
        vec![
            ("a.jsonl", lines.clone().into_bytes()),
            ("b.jsonl.zst", zstd::encode_all(lines.as_bytes(), 1).unwrap()),
            ("c.txt", b"a text".to_vec()),
            ("d.txt", Vec::new()),
        ]
    }

    fn touch(path: &Path) {
        let file = File::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_mins(1)).unwrap();
    }

    /// Changes a byte, and neither size nor time.
    fn change_quietly(path: &Path) {
        let modified = fs::metadata(path).unwrap().modified().unwrap();
        let mut bytes = fs::read(path).unwrap();
        bytes[3] ^= 1;
        fs::write(path, bytes).unwrap();
        File::options().append(true).open(path).unwrap().set_modified(modified).unwrap();
    }

    #[test]
    fn what_was_touched_is_the_same_if_it_holds_the_same() {
        check(&files(), false, |_| (), Sameness::Same);
        check(&files(), true, |_| (), Sameness::Same);
        for name in ["a.jsonl", "b.jsonl.zst", "c.txt", "d.txt"] {
            check(&files(), false, |folder| touch(&folder.join(name)), Sameness::Touched);
        }
        check(&files(), false, |folder| fs::write(folder.join("c.txt"), "b text").unwrap(), Sameness::Other);
        check(&files(), false, |folder| fs::remove_file(folder.join("c.txt")).unwrap(), Sameness::Other);
        check(&files(), false, |folder| fs::write(folder.join("e.txt"), "").unwrap(), Sameness::Other);
    }

    #[test]
    fn a_quiet_change_shows_when_the_bytes_are_read() {
        for name in ["a.jsonl", "c.txt"] {
            check(&files(), false, |folder| change_quietly(&folder.join(name)), Sameness::Same);
            check(&files(), true, |folder| change_quietly(&folder.join(name)), Sameness::Other);
        }
    }

    #[test]
    fn what_was_not_read_to_its_end_has_no_hash() {
        // Its first block says that it is of a kind that there is not.
        let mut damaged = b"\x28\xb5\x2f\xfd\x00\x58\xff\xff\xff".to_vec();
        damaged.resize(1 << 20, 0);
        let damaged = [("a.jsonl.zst", damaged)];
        check(&damaged, false, |_| (), Sameness::Same);
        check(&damaged, false, |folder| touch(&folder.join("a.jsonl.zst")), Sameness::Other);
        check(&damaged, true, |_| (), Sameness::Other);
    }
}
