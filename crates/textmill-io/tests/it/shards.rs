//! Shards: every document is in one, and which one depends on the input and `shard-bytes` alone.

use std::num::NonZeroU64;

use proptest::prelude::*;
use textmill_io::{Chunk, Input, InputOptions, Shard};

use crate::util::{Folder, gzip, zstd};

/// Each document: its shard, its file, its offset, its bytes.
fn sharded(options: InputOptions, shard_bytes: u64) -> Vec<(Shard, String, u64, Vec<u8>)> {
    let shard_bytes = NonZeroU64::new(shard_bytes);
    let mut reader = Input::open(InputOptions { shard_bytes, ..options }).unwrap().reader();
    let mut chunk = Chunk::default();
    let mut found = Vec::new();
    while reader.next(&mut chunk).unwrap() {
        for document in chunk.documents() {
            let failure = document.unwrap_err();
            let (file, offset) = (failure.origin.file.to_string(), failure.origin.offset);
            found.push((chunk.shard(), file, offset, failure.original.to_vec()));
        }
    }
    found
}

/// Lines that are no JSON, so that what was read can be seen as it is; each with its end.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        4 => "[a-z]{1,20}",
        1 => "[ \t]{0,3}",
        1 => (100..5000_usize).prop_map(|length| "x".repeat(length)),
        1 => Just("é漢".to_owned()),
    ];
    let line = (line, prop_oneof![3 => Just("\n"), 1 => Just("\r\n")]);
    let lines = proptest::collection::vec(line, 0..60);
    let has_bom = any::<bool>().prop_map(|has| if has { "\u{feff}" } else { "" });
    (has_bom, lines, any::<bool>()).prop_map(|(bom, lines, has_end)| {
        let text: String = lines.into_iter().flat_map(|(line, end)| [line, end.to_owned()]).collect();
        let text = if has_end { &text } else { text.trim_end_matches('\n') };
        [bom, text].concat().into_bytes()
    })
}

/// The lines that are no blank ones, where they begin, and the part of the file that this is in.
fn expected(bytes: &[u8], shard_bytes: u64) -> Vec<(u64, u64, Vec<u8>)> {
    let mut offset = 0;
    let mut found = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let content =
            if offset == 0 { content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content) } else { content };
        if !content.trim_ascii().is_empty() {
            found.push((offset / shard_bytes, offset, content.to_vec()));
        }
        offset += line.len() as u64;
    }
    found
}

proptest! {
    #[test]
    fn every_line_is_in_the_shard_it_begins_in(bytes in lines(), shard_bytes in 1..3000_u64) {
        let folder = Folder::with(&[
            ("a.jsonl", &bytes),
            ("b.jsonl.gz", &gzip(&bytes)),
            ("c.jsonl.zst", &zstd(&bytes)),
        ]);
        let expected = expected(&bytes, shard_bytes);
        for name in ["a.jsonl", "b.jsonl.gz", "c.jsonl.zst"] {
            let found = sharded(folder.input(name), shard_bytes);
            let numbers: Vec<_> = found.iter().map(|(shard, ..)| shard.number).collect();
            prop_assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] || pair[1] == pair[0] + 1));
            let found: Vec<_> =
                found.into_iter().map(|(shard, _, offset, bytes)| (shard.part, offset, bytes)).collect();
            prop_assert_eq!(&found, &expected, "{}", name);
        }
    }
}

#[test]
fn small_files_share_a_shard() {
    let folder = Folder::new();
    for number in 0..40 {
        folder.put(&format!("{number:02}.jsonl"), b"one\ntwo\n");
    }
    folder.put("17.jsonl", "line\n".repeat(30).as_bytes());
    let found = sharded(folder.input(""), 100);
    let shards: Vec<_> =
        found.iter().map(|(shard, file, ..)| (shard.file, shard.part, file.as_str())).collect();
    let files_of = |shard: (usize, u64)| {
        let mut files: Vec<_> =
            shards.iter().filter(|(file, part, _)| (*file, *part) == shard).map(|(.., file)| *file).collect();
        files.dedup();
        files
    };
    // Twelve of eight bytes; the thirteenth would bring them above a hundred.
    assert_eq!(files_of((0, 0)).len(), 12);
    assert_eq!(files_of((12, 0)), ["12.jsonl", "13.jsonl", "14.jsonl", "15.jsonl", "16.jsonl"]);
    assert_eq!((files_of((17, 0)), files_of((17, 1))), (vec!["17.jsonl"], vec!["17.jsonl"]));
    assert_eq!(files_of((18, 0)).len(), 12);
    assert!(found.windows(2).all(|pair| pair[0].0.number <= pair[1].0.number));
}

#[test]
fn a_file_that_is_added_changes_one_shard() {
    let folder = Folder::new();
    for number in 0..9000 {
        folder.put(&format!("{number:04}.txt"), b"\xff\xfe");
    }
    let shards = || {
        let mut shards: Vec<Vec<String>> = Vec::new();
        for (shard, file, ..) in sharded(folder.input(""), 1 << 20) {
            let number = usize::try_from(shard.number).unwrap();
            shards.resize(shards.len().max(number + 1), Vec::new());
            shards[number].push(file);
        }
        shards
    };
    let before = shards();
    assert!(before.len() > 3, "{}", before.len());
    folder.put("0000-new.txt", b"\xff\xfe");
    let changed = shards().into_iter().filter(|shard| !before.contains(shard)).count();
    assert_eq!(changed, 1);
}
