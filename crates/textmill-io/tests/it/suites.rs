//! Bad input that others collected, where it is at hand.

use std::fs;
use std::path::PathBuf;

use textmill_io::{Chunk, Input, InputOptions};

use crate::util::{Folder, read_all};

/// Of the suites.
fn suite(name: &str) -> Option<PathBuf> {
    shared(&format!("suites/{name}"))
}

/// Of the folder with the suites and more: `TEXTMILL_SHARED`, or `shared` beside the workspace.
fn shared(name: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("TEXTMILL_SHARED").map_or_else(beside, PathBuf::from);
    let path = shared.join(name);
    if !path.exists() {
        println!("skipped: there is no {}", path.display());
    }
    path.exists().then_some(path)
}

fn files(folder: &PathBuf, extension: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    paths.sort();
    paths
}

/// `y_` is read, `n_` fails; each is the value of a field that no stage reads. `i_` may do either.
#[test]
fn json_values_are_accepted_and_refused_as_the_suite_says() {
    let Some(folder) = suite("json") else { return };
    let mut count = 0;
    for path in files(&folder, "json") {
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut value = fs::read(&path).unwrap();
        // A line end between tokens is the end of our line.
        value.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        let line = [&b"{\"text\":\"x\",\"value\":"[..], &value, b"}"].concat();
        let work = Folder::with(&[("a.jsonl", &line)]);
        let options = InputOptions { invalid_utf8: textmill_io::InvalidUtf8::Fail, ..work.input("a.jsonl") };
        let (lines, _) = read_all(options);
        let is_good = lines.len() == 1 && !lines[0].contains(" ! ");
        match name.as_bytes()[0] {
            b'y' => assert!(is_good, "{name}: {lines:?}"),
            // The line end that makes it wrong is not one of ours.
            b'n' if name == "n_string_unescaped_newline.json" => (),
            b'n' => assert!(!is_good, "{name}: {lines:?}"),
            _ => (),
        }
        count += 1;
    }
    assert!(count > 300, "{count}");
}

#[test]
fn damaged_compression_is_found() {
    let check = |name: &str, is_good: bool| {
        let Some(path) = suite(name) else { return };
        let options =
            InputOptions { uris: vec![path.to_str().unwrap().to_owned()], ..InputOptions::default() };
        let (lines, counts) = read_all(options);
        let failed = lines.iter().filter(|line| line.contains(" ! ")).count();
        assert_eq!(
            failed == 0,
            is_good,
            "{name}: {}",
            lines.join("\n").chars().take(300).collect::<String>()
        );
        assert_eq!(counts.documents, lines.len() as u64);
    };
    check("gzip/good-file.gz", true);
    check("gzip/multi.gz", true);
    check("gzip/corrupt.gz", false);
    check("gzip/truncated.gz", false);
    check("gzip/trailing-garbage.gz", false);
    check("gzip/empty.gz", false);
    check("zstd/block-128k.zst", true);
    check("zstd/empty-block.zst", true);
    check("zstd/rle-first-block.zst", true);
    check("zstd/zeroSeq_2B.zst", true);
    check("zstd/off0.bin.zst", false);
    check("zstd/truncated_huff_state.zst", false);
    check("zstd/zeroSeq_extraneous.zst", false);
}

#[test]
fn invalid_utf8_is_replaced() {
    let Some(path) = suite("utf8-stress.txt") else { return };
    let uris = vec![path.to_str().unwrap().to_owned()];
    let mut reader = Input::open(InputOptions { uris, ..InputOptions::default() }).unwrap().reader();
    let mut chunk = Chunk::default();
    assert!(reader.next(&mut chunk).unwrap());
    let document = chunk.documents().next().unwrap().unwrap();
    assert_eq!(document.text(), String::from_utf8_lossy(&document.original()));
    let itself = document.original().windows(3).filter(|bytes| *bytes == "\u{fffd}".as_bytes()).count();
    assert_eq!(document.text().matches('\u{fffd}').count(), document.replaced_utf8() + itself);
    assert!(document.replaced_utf8() > 100);
}

/// As texts, and as ids that name files.
#[test]
fn naughty_strings_come_through() {
    let Some(path) = suite("naughty-strings.json") else { return };
    let strings: Vec<String> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let lines: String = strings
        .iter()
        .map(|string| serde_json::json!({ "id": string, "text": string }).to_string() + "\n")
        .collect();
    let work = Folder::with(&[("in/a.jsonl", lines.as_bytes())]);
    let (read, _) = read_all(work.input("in"));
    assert_eq!(read.len(), strings.len());
    let refused = crate::write::copy(
        &work,
        "in",
        &textmill_io::OutputOptions { format: Some(textmill_io::OutputFormat::Text), ..work.output("out") },
    );
    let unique: std::collections::BTreeSet<_> = strings.iter().collect();
    assert_eq!(refused.len(), strings.len() - unique.len());
    let tree = work.tree();
    let written = tree.iter().filter(|name| !name.contains("/.textmill/") && *name != "in/a.jsonl").count();
    assert_eq!(written, unique.len() + 1, "`_SUCCESS` is one more");
    assert!(tree.iter().all(|name| name.starts_with("out/") || name == "in/a.jsonl"));
}

/// Damaged files of Parquet's own project: each fails, or gives what can be read of it. One counts as damaged because its
/// indices into a dictionary have no bits; but then each is 0, which is there, and other readers read it so, too.
#[cfg(feature = "parquet")]
#[test]
fn damaged_parquet_is_no_panic() {
    let Some(folder) = suite("parquet") else { return };
    for path in files(&folder, "parquet") {
        let options =
            InputOptions { uris: vec![path.to_str().unwrap().to_owned()], ..InputOptions::default() };
        let (lines, counts) = read_all(options);
        assert_eq!(counts.documents, lines.len() as u64);
        let damage = lines.iter().filter(|line| line.contains("cannot read the file")).count();
        if path.ends_with("ARROW-GH-43605.parquet") {
            assert_eq!((lines.len(), damage), (21_186, 0), "{:?}", lines.last());
        } else {
            assert_eq!(damage, 1, "{}: {lines:?}", path.display());
        }
    }
}

/// Web archives as crawlers and people have made them: how many pages each has, and how many cannot be read.
#[test]
fn web_archives_of_others_are_read() {
    let check = |name: &str, pages: usize, failed: usize| {
        let Some(path) = shared(name) else { return };
        let format = Some(textmill_io::InputFormat::Warc);
        let uris = vec![path.to_str().unwrap().to_owned()];
        let (lines, counts) = read_all(InputOptions { uris, format, ..InputOptions::default() });
        // The text of a page may hold whatever the mark of a failure is.
        let found = lines.iter().filter(|line| line.split(' ').nth(1) == Some("!")).count();
        assert_eq!((lines.len() - found, found), (pages, failed), "{name}");
        assert_eq!(counts.documents, lines.len() as u64);
    };
    check("data/warc/dolma-sample-0000.warc.gz", 22, 0);
    check("data/warc/dolma-sample-0001.warc.gz", 15, 0);
    check("data/warc/whirlwind.warc.gz", 1, 0);
    check("data/warc/whirlwind.warc.wet.gz", 1, 0);
    check("suites/warc/example.warc", 1, 0);
    check("suites/warc/example.warc.gz", 1, 0);
    check("suites/warc/example-bad-non-chunked.warc.gz", 1, 0);
    check("suites/warc/example-bad.warc.gz.bad", 2, 0);
    check("suites/warc/example-digest.warc", 0, 0);
    check("suites/warc/example-iana.org-chunked.warc", 1, 0);
    check("suites/warc/example-resource.warc.gz", 1, 0);
    check("suites/warc/example-space-in-target-uri.warc.gz", 0, 0);
    check("suites/warc/example-trunc.warc", 0, 2);
    check("suites/warc/example-wget-bad-target-uri.warc.gz", 1, 0);
    check("suites/warc/example-wrong-chunks.warc.gz", 1, 0);
    check("suites/warc/post-test.warc.gz", 0, 0);
    check("suites/warc/bad.arc", 0, 1);
}
