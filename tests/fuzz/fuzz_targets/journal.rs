//! The journal: what is opened holds what its checksums say, and can be written to and opened again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use textmill::io::{Journal, KeyMaker, Packed};

fuzz_target!(|bytes: &[u8]| {
    let key = |name: &[u8]| KeyMaker::default().and(name).key();
    let (run, one, other) = (key(b"run"), key(b"one"), key(b"other"));
    let Some((cut, damage)) = bytes.split_first() else { return };
    let path = textmill_fuzz::file("journal", b"");
    std::fs::remove_file(&path).expect("it was there");
    let mut journal = Journal::open(&path, run).expect("a new one");
    journal.append(one, 7, &Packed::new(damage)).expect("there is room");
    drop(journal);
    // What was written is cut off somewhere, and something else follows.
    let mut written = std::fs::read(&path).expect("it is there");
    if cut & 1 == 0 {
        written = damage.to_vec();
    } else {
        written.truncate(written.len().saturating_sub(usize::from(cut >> 1)));
        written.extend_from_slice(damage);
    }
    std::fs::write(&path, &written).expect("there is room");
    let Ok(mut journal) = Journal::open(&path, run) else { return };
    let before = journal.documents();
    if let Some(found) = journal.find(one).expect("it can be read")
        && let Ok(found) = found.unpack()
    {
        assert_eq!(found, damage, "a record that is there is the one that was written");
    }
    journal.append(other, 3, &Packed::new(b"what came of it")).expect("there is room");
    drop(journal);
    let mut again = Journal::open(&path, run).expect("it is a journal");
    assert_eq!(again.documents(), before + 3);
    let found = again.find(other).expect("it can be read").expect("it was appended");
    assert_eq!(found.unpack().expect("it is whole"), b"what came of it");
});
