//! With the help of others, the same is read.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

use textmill_io::{Ahead, Chunk, Input, InputOptions, Limits, Reader};

use crate::util::{Folder, gzip, zstd};

/// Lines of JSON that compress as texts do.
fn lines(count: usize) -> Vec<u8> {
    let word = |line: usize, at: usize| format!("w{:x} ", (line * 2_654_435_761 + at * 40_503) % 65_521);
    let text = |line: usize| (0..20 + line % 60).map(|at| word(line, at)).collect::<String>();
    (0..count).flat_map(|line| format!("{{\"text\":\"{}\"}}\n", text(line)).into_bytes()).collect()
}

/// What a reader gives: each document of each chunk, as it is or why it failed.
fn read(mut reader: Reader) -> Vec<(u64, String)> {
    let mut chunk = Chunk::default();
    let mut read = Vec::new();
    while reader.next(&mut chunk).unwrap() {
        read.extend(chunk.documents().map(|document| match document {
            Ok(document) => (chunk.number(), format!("{} {}", document.origin(), document.text())),
            Err(failure) => (chunk.number(), format!("{} ! {}", failure.origin, failure.message)),
        }));
    }
    read
}

/// Reads alone, with nobody who helps, and with two who do. The documents.
fn check(name: &str, bytes: &[u8]) -> Vec<(u64, String)> {
    check_within(Limits::default(), name, bytes)
}

fn check_within(limits: Limits, name: &str, bytes: &[u8]) -> Vec<(u64, String)> {
    let folder = Folder::with(&[(name, bytes)]);
    let input = Input::open(InputOptions { limits, ..folder.input(name) }).unwrap();
    let alone = read(input.reader());
    // A piece may have 1 MiB, or 16.
    let ahead = |bytes| Ahead::new(NonZeroUsize::new(3).unwrap(), bytes).unwrap();
    let unhelped = read(input.reader_ahead(Some(ahead(4 << 20))));
    same(&unhelped, &alone, &format!("{name}: nobody helps"));
    let ahead = ahead(64 << 20);
    let is_done = AtomicBool::new(false);
    let helped = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    if !ahead.help() {
                        std::thread::yield_now();
                    }
                }
            });
        }
        let helped = read(input.reader_ahead(Some(ahead.clone())));
        is_done.store(true, Ordering::Relaxed);
        helped
    });
    same(&helped, &alone, &format!("{name}: two help"));
    alone
}

fn same(found: &[(u64, String)], expected: &[(u64, String)], what: &str) {
    let mut pairs = found.iter().zip(expected).enumerate();
    assert_eq!(pairs.find(|(_, (found, expected))| found != expected), None, "{what}");
    assert_eq!(found.len(), expected.len(), "{what}");
}

/// Every piece packed, one behind the other.
fn packed(bytes: &[u8], size: usize, pack: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    bytes.chunks(size).flat_map(pack).collect()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut packed = Vec::new();
    bzip2::read::BzEncoder::new(bytes, bzip2::Compression::fast()).read_to_end(&mut packed).unwrap();
    packed
}

/// Not packed at all, but a member.
fn stored(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn members_of_any_size_are_unpacked_ahead() {
    let lines = lines(6000);
    let count = check("whole.jsonl.gz", &gzip(&lines)).len();
    assert_eq!(count, 6000);
    for size in [5_000, 65_280, 1_000_003] {
        assert_eq!(check("a.jsonl.gz", &packed(&lines, size, gzip)).len(), count, "{size}");
        assert_eq!(check("a.jsonl.zst", &packed(&lines, size, zstd)).len(), count, "{size}");
    }
    assert_eq!(check("a.jsonl.bz2", &packed(&lines, 900_000, bzip2)).len(), count);
}

#[test]
fn a_table_of_frames_at_the_end_is_passed_over() {
    let lines = lines(4000);
    let mut packed = packed(&lines, 300_000, zstd);
    packed.extend_from_slice(&[0x5e, 0x2a, 0x4d, 0x18, 9, 0, 0, 0]);
    // It may well hold what looks like the beginning of a frame.
    packed.extend_from_slice(&[0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0, 0]);
    assert_eq!(check("a.jsonl.zst", &packed).len(), 4000);
}

#[test]
fn damage_costs_what_it_costs_alone() {
    let lines = lines(2500);
    for (name, whole) in [
        ("a.jsonl.gz", packed(&lines, 250_000, gzip)),
        ("a.jsonl.zst", packed(&lines, 250_000, zstd)),
        ("a.jsonl.zst", packed(&lines, 400_000, zstd)),
        ("a.jsonl.bz2", packed(&lines, 250_000, bzip2)),
    ] {
        let (half, end) = (whole.len() / 2, whole.len());
        for at in [half, end - 2] {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            check(name, &damaged);
            let read = check(name, &whole[..at]);
            assert!(read.last().unwrap().1.contains(" ! "), "{name} cut at {at}: {:?}", read.last());
        }
        println!("{name}: behind it");
        for garbage in [b"garbage", &whole[..90_000]] {
            check(name, &[&whole, garbage].concat());
            check(name, &[&whole[..], garbage, &whole].concat());
        }
    }
}

#[test]
fn what_looks_like_a_member_is_none() {
    // Whole members inside of members: the pieces begin at the inner ones.
    let inner = gzip(b"{\"text\":\"inner\"}\n");
    let line = data_encoding::BASE64.encode(&lines(3000));
    let mut bytes = format!("{{\"text\":\"{line}\"}}\n").into_bytes();
    for _ in 0..9 {
        bytes.extend_from_slice(format!("{{\"text\":\"{}\"}}\n", line.get(..150_000).unwrap()).as_bytes());
        bytes.extend_from_slice(&inner);
        bytes.push(b'\n');
    }
    check("a.jsonl.gz", &packed(&bytes, bytes.len(), stored));
    check("a.jsonl.gz", &packed(&bytes, 500_000, stored));
}

#[test]
fn a_member_that_is_too_much_for_a_piece_is_unpacked_bit_by_bit() {
    let line = format!("{{\"text\":\"{}\"}}\n", "x".repeat(100_000));
    // 30 MB in a few kilobytes, between members of the usual size.
    let bomb = line.repeat(300);
    let (before, after) = (packed(&lines(2000), 300_000, gzip), packed(&lines(1000), 300_000, gzip));
    assert_eq!(check("a.jsonl.gz", &[before, gzip(bomb.as_bytes()), after].concat()).len(), 3300);
    // More than a piece even as it is packed.
    let large = stored(&lines(15_000));
    let after = packed(&lines(1000), 300_000, gzip);
    assert_eq!(check("a.jsonl.gz", &[large, after].concat()).len(), 16_000);
}

/// Wherever the last byte lies that a file may unpack to.
#[test]
fn a_file_that_is_too_much_ends_at_the_same_byte() {
    let lines = lines(4000);
    for most in [1, 299_999, 300_000, 300_001, 777_777, lines.len() - 1] {
        let limits = Limits { unpacked_bytes: most as u64, ..Limits::default() };
        let whole = lines[..most].split(|byte| *byte == b'\n').count() - 1;
        for (name, bytes) in
            [("a.jsonl.gz", packed(&lines, 300_000, gzip)), ("a.jsonl.zst", packed(&lines, 300_000, zstd))]
        {
            let read = check_within(limits, name, &bytes);
            let (last, before) = read.split_last().unwrap();
            assert_eq!(before.len(), whole, "{name} {most}");
            assert!(last.1.contains("`unpacked-bytes`"), "{last:?}");
            assert!(before.iter().all(|(_, line)| !line.contains(" ! ")));
        }
    }
}

/// What has to be in memory as a whole is not let in if it is too much.
#[cfg(feature = "parquet")]
#[test]
fn a_large_table_is_not_read_from_a_compressed_file() {
    let mut bytes = b"PAR1".to_vec();
    bytes.resize(257 << 20, 0);
    let limits = Limits { unpacked_ratio: u64::MAX, ..Limits::default() };
    let read = check_within(limits, "a.parquet.zst", &zstd(&bytes));
    assert!(read.len() == 1 && read[0].1.contains("more than 256 MiB"), "{read:?}");
}

#[cfg(feature = "parquet")]
#[test]
fn row_groups_are_decoded_ahead() {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;

    let lines = lines(5000);
    let texts = StringArray::from(std::str::from_utf8(&lines).unwrap().lines().collect::<Vec<_>>());
    let batch = RecordBatch::try_from_iter([("text", Arc::new(texts) as ArrayRef)]).unwrap();
    for rows in [1, 300, 2000, 5000] {
        let slice = batch.slice(0, if rows == 1 { 50 } else { 5000 });
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(rows)).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), slice.schema(), Some(properties)).unwrap();
        writer.write(&slice).unwrap();
        let bytes = writer.into_inner().unwrap();
        assert_eq!(check("a.parquet", &bytes).len(), slice.num_rows());
        assert_eq!(check("a.parquet", &gzip(&bytes)).len(), slice.num_rows());
        for at in [100, bytes.len() / 3, bytes.len() / 2] {
            let mut damaged = bytes.clone();
            damaged[at..at + 20].fill(0xff);
            check("a.parquet", &damaged);
        }
    }
}

/// Fuzzing found that room is made for whatever a file says.
#[cfg(feature = "parquet")]
#[test]
fn a_length_in_an_arrow_file_is_not_believed() {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, RecordBatch, StringArray};

    let column: ArrayRef = Arc::new(StringArray::from(vec!["a text"]));
    let batch = RecordBatch::try_from_iter([("text", column)]).unwrap();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    let bytes = writer.into_inner().unwrap();
    assert_eq!(check("a.arrow", &bytes)[0].1, "a.arrow:1 a text");

    let refused = |at: usize, length: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + length.len()].copy_from_slice(length);
        let read = check("a.arrow", &bytes);
        assert!(read.len() == 1 && read[0].1.contains("longer than the file"), "{read:?}");
    };
    let trailer = bytes.len() - 10;
    refused(trailer, &i32::MAX.to_le_bytes());
    refused(trailer, &(-1_i32).to_le_bytes());
    let footer_length = i32::from_le_bytes(bytes[trailer..trailer + 4].try_into().unwrap());
    let begin = trailer - usize::try_from(footer_length).unwrap();
    let footer = arrow_ipc::root_as_footer(&bytes[begin..trailer]).unwrap();
    let block = footer.recordBatches().unwrap().get(0).0;
    let at = begin + bytes[begin..trailer].windows(block.len()).position(|bytes| *bytes == block).unwrap();
    // A block is an offset, the length of its metadata, and that of its body.
    refused(at + 8, &i32::MAX.to_le_bytes());
    refused(at + 16, &(1_i64 << 40).to_le_bytes());
    refused(at + 16, &(-1_i64).to_le_bytes());
}
