//! Files in, documents out.

use textmill_io::{Chunk, FieldNames, Input, InputFormat, InputOptions, InvalidUtf8};

use crate::util::{Folder, gzip, json_lines, read_all, zstd};

/// Reads one file; each document as `util::read_all` prints it.
fn check(name: &str, bytes: &[u8], expected: &[&str]) {
    check_with(name, bytes, InputOptions::default(), expected);
}

fn check_with(name: &str, bytes: &[u8], options: InputOptions, expected: &[&str]) {
    let folder = Folder::with(&[(name, bytes)]);
    let (lines, counts) = read_all(InputOptions { uris: folder.input(name).uris, ..options });
    assert_eq!(lines, expected, "{name}: {:?}", String::from_utf8_lossy(bytes));
    assert_eq!(counts.documents, expected.len() as u64);
}

#[test]
fn a_text_file_is_a_document() {
    check("a.txt", b"one\ntwo\n", &["a.txt@0 a.txt one\ntwo\n"]);
    check("a.txt", b"", &["a.txt@0 a.txt "]);
    check("a.txt", b" \n\t\n", &["a.txt@0 a.txt  \n\t\n"]);
    check("a.txt", b"one\r\ntwo\0\r", &["a.txt@0 a.txt one\r\ntwo\0\r"]);
    check("a.txt", b"\xef\xbb\xbfone", &["a.txt@0 a.txt one"]);
    check("a.txt", b"\xef\xbb\xbf", &["a.txt@0 a.txt "]);
    check("a.txt", b"caf\xe9 \xff\xfe", &["a.txt@0 a.txt caf\u{fffd} \u{fffd}\u{fffd}"]);
    check("a.txt", b"\xff\xfeo\0n\0e\0", &["a.txt@0 ! the text is UTF-16, not UTF-8"]);
    check("a.txt.gz", &gzip(b"one"), &["a.txt.gz@0 a.txt.gz one"]);
    check("gzip-by-magic.txt", &gzip(b"one"), &["gzip-by-magic.txt@0 gzip-by-magic.txt one"]);
    check("a.pdf", b"one", &["a.pdf@0 a.pdf one"]);
}

#[test]
fn invalid_utf8_fails_where_it_should() {
    let fail = || InputOptions { invalid_utf8: InvalidUtf8::Fail, ..InputOptions::default() };
    check_with("a.txt", b"caf\xe9", fail(), &["a.txt@0 ! not valid UTF-8 at byte 3"]);
    let lines = b"{\"text\":\"\xff\"}\n{\"text\":\"two\"}\n";
    check_with(
        "a.jsonl",
        lines,
        fail(),
        &["a.jsonl:1@0 ! not valid UTF-8 at byte 9", "a.jsonl:2@13 a.jsonl#13 two"],
    );
    check("a.jsonl", lines, &["a.jsonl:1@0 a.jsonl#0 \u{fffd}", "a.jsonl:2@13 a.jsonl#13 two"]);
}

#[test]
fn a_json_line_is_a_document() {
    check("a.jsonl", b"", &[]);
    check("a.jsonl", b"\n \n\r\n", &[]);
    check("a.jsonl", b"\xef\xbb\xbf\n{\"text\":\"x\"}", &["a.jsonl:2@4 a.jsonl#4 x"]);
    check("a.jsonl", b"\xef\xbb\xbf{\"text\":\"x\"}", &["a.jsonl:1@0 a.jsonl#0 x"]);
    check(
        "a.jsonl",
        b"{\"id\":\"1\",\"text\":\"a\\nb\"}\r\n\n{\"id\":7,\"text\":\"\"}",
        &["a.jsonl:1@0 1 a\nb", "a.jsonl:3@27 7 "],
    );
    check("a.jsonl.zst", &zstd(b"{\"text\":\"x\"}\n"), &["a.jsonl.zst:1@0 a.jsonl.zst#0 x"]);
    check("a.ndjson", &gzip(b"{\"text\":\"x\"}\n"), &["a.ndjson:1@0 a.ndjson#0 x"]);
    let two_members = [gzip(b"{\"text\":\"x\"}\n{\"te"), gzip(b"xt\":\"y\"}\n")].concat();
    check("a.jsonl.gz", &two_members, &["a.jsonl.gz:1@0 a.jsonl.gz#0 x", "a.jsonl.gz:2@13 a.jsonl.gz#13 y"]);
}

#[test]
fn a_bad_line_costs_that_line() {
    let check = |line: &str, message: &str| {
        let bytes = format!("{{\"text\":\"a\"}}\n{line}\n{{\"text\":\"b\"}}\n");
        let failure = format!("a.jsonl:2@13 ! {message}");
        let last = format!("a.jsonl:3@{0} a.jsonl#{0} b", 13 + line.len() + 1);
        check("a.jsonl", bytes.as_bytes(), &["a.jsonl:1@0 a.jsonl#0 a", &failure, &last]);
    };
    check("hello", "the line is not JSON: expected value at byte 1");
    check("{\"text\":\"a\"", "the line is not JSON: EOF while parsing an object at byte 11");
    check("[\"a\"]", "the line is a list, not a JSON object");
    check("{}", "the line has no field `text`");
    check("{\"text\":null}", "the field `text` should be text, found null");
    check("{\"text\":[\"a\"]}", "the field `text` should be text, found a list");
    check("{\"text\":\"a\",\"text\":\"b\"}", "the field `text` stands twice in the line");
    check("{\"id\":1,\"id\":2,\"text\":\"b\"}", "the field `id` stands twice in the line");
    check("{\"id\":1.5,\"text\":\"b\"}", "the field `id` should be text or a whole number, found a number");
    check(
        "{\"text\":\"\\ud800\"}",
        "the field `text` should be text, found text that is not valid Unicode (unexpected end of hex escape)",
    );
    check("{\"text\":\"a\"} {}", "the line is not JSON: trailing characters at byte 14");
}

#[test]
fn fields_have_the_names_that_the_input_gives_them() {
    let fields = FieldNames::new([("text", "content"), ("id", "url")]);
    let options = InputOptions { fields, ..InputOptions::default() };
    let bytes = b"{\"url\":\"u\",\"text\":1,\"content\":\"x\"}\n{\"text\":\"y\"}";
    check_with(
        "a.jsonl",
        bytes,
        options,
        &["a.jsonl:1@0 u x", "a.jsonl:2@35 ! the line has no field `content`"],
    );
}

#[test]
fn what_was_read_before_the_damage_is_kept() {
    let text = json_lines((0..50_000).map(|number| format!("{{\"text\":\"line {number}\"}}")));
    for bytes in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
        let folder =
            Folder::with(&[("a.jsonl", &bytes[..bytes.len() / 2]), ("b.jsonl", b"{\"text\":\"b\"}")]);
        let (lines, counts) = read_all(folder.input(""));
        let (failed, good): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.contains(" ! "));
        assert!(good.len() > 1000, "{}", good.len());
        assert!(good.last().unwrap().starts_with("b.jsonl"));
        assert_eq!(failed.len(), 1);
        assert!(failed[0].ends_with("the file is cut off: its compressed data has no end"), "{failed:?}");
        assert_eq!(counts.documents, lines.len() as u64);
    }
}

#[test]
fn a_broken_file_is_a_document_that_fails() {
    let gz = gzip(b"one");
    check(
        "a.txt.gz",
        b"",
        &["a.txt.gz@0 ! cannot read the file: its name says that it is gzip, but it is empty"],
    );
    check(
        "a.txt.gz",
        b"one",
        &["a.txt.gz@0 ! cannot read the file: its name says that it is gzip, but it does not begin so"],
    );
    check(
        "a.txt.gz",
        &gz[..gz.len() - 1],
        &["a.txt.gz@0 ! the file is cut off: its compressed data has no end"],
    );
    let mut damaged = gz.clone();
    damaged[gz.len() - 6] ^= 1;
    check(
        "a.txt.gz",
        &damaged,
        &["a.txt.gz@0 ! cannot read the file: corrupt gzip stream does not have a matching checksum"],
    );
    let trailing = [&gz[..], b"what follows is junk"].concat();
    check("a.txt.gz", &trailing, &["a.txt.gz@0 ! cannot read the file: invalid gzip header"]);
}

#[test]
fn chunks_depend_on_the_documents_alone() {
    let long = "x".repeat(700_000);
    let huge = "y".repeat(3 << 20);
    let mut lines: Vec<String> = (0..600).map(|number| format!("{{\"text\":\"{number}\"}}")).collect();
    lines.extend([&long, &long, "", &huge, &long, "z"].map(|text| format!("{{\"text\":\"{text}\"}}")));
    let text = lines.join("\n\n");
    let folder = Folder::with(&[("a.jsonl", text.as_bytes()), ("b.jsonl.gz", &gzip(text.as_bytes()))]);
    for name in ["a.jsonl", "b.jsonl.gz"] {
        let mut reader = Input::open(folder.input(name)).unwrap().reader();
        let mut chunk = Chunk::default();
        let mut sizes = Vec::new();
        while reader.next(&mut chunk).unwrap() {
            assert_eq!(chunk.number(), sizes.len() as u64);
            sizes.push(chunk.len());
        }
        assert_eq!(sizes, [256, 256, 89, 2, 1, 2], "{name}");
        assert_eq!(reader.counts().blank_lines, 605);
    }
    let (read, _) = read_all(folder.input("a.jsonl"));
    assert_eq!(read.len(), lines.len());
}

#[test]
fn one_huge_line_and_many_small_files() {
    let line = format!("{{\"text\":\"{}\"}}", "word ".repeat(10 << 20));
    let folder = Folder::with(&[("a.jsonl", line.as_bytes())]);
    for number in 0..300 {
        folder.put(&format!("t/{number:03}.txt"), format!("{number}").as_bytes());
    }
    folder.put("z.txt", "large ".repeat(1 << 18).as_bytes());
    let (lines, counts) = read_all(folder.input(""));
    assert_eq!(lines.len(), 302);
    assert_eq!(lines[0].len(), "a.jsonl:1@0 a.jsonl#0 ".len() + 50 * (1 << 20));
    assert_eq!(lines[300], "t/299.txt@0 t/299.txt 299");
    assert_eq!(counts.files, 302);
}

#[test]
fn the_limit_holds() {
    let folder = Folder::with(&[("a.jsonl", &b"{\"text\":\"x\"}\n".repeat(1000)), ("b.txt", b"b")]);
    for limit in [0, 1, 255, 256, 257, 1000, 1001, 5000] {
        let (lines, counts) = read_all(InputOptions { limit: Some(limit), ..folder.input("") });
        assert_eq!(lines.len() as u64, limit.min(1001));
        assert_eq!(counts.documents, limit.min(1001));
    }
}

#[test]
fn a_page_is_a_document() {
    let page = b"<p>one</p>\n<p>two</p>\n";
    let folder = Folder::with(&[("a.html", page), ("b.htm", page), ("c.css", b"p {}"), ("d.xhtml", page)]);
    let (lines, counts) = read_all(folder.input(""));
    assert_eq!(counts.documents, 3);
    assert!(lines.iter().all(|line| line.contains("<p>one</p>\n<p>two</p>")), "{lines:?}");
}

#[test]
fn a_given_format_wins_over_the_name() {
    let format = Some(InputFormat::Text);
    let options = InputOptions { format, ..InputOptions::default() };
    check_with("a.jsonl", b"{}\n", options, &["a.jsonl@0 a.jsonl {}\n"]);
}

#[test]
fn notes_of_the_reader() {
    let folder = Folder::with(&[("a.txt", b"\xef\xbb\xbfcaf\xe9 \xe9")]);
    let mut reader = Input::open(folder.input("a.txt")).unwrap().reader();
    let mut chunk = Chunk::default();
    assert!(reader.next(&mut chunk).unwrap());
    let document = chunk.documents().next().unwrap().unwrap();
    assert!(document.has_bom());
    assert_eq!(document.replaced_utf8(), 2);
    assert_eq!(&*document.original(), b"caf\xe9 \xe9");
    assert_eq!(reader.bytes_read(), 9);
}

#[cfg(unix)]
#[test]
fn a_file_that_is_gone_fails_as_a_document() {
    let folder = Folder::with(&[("a.txt", b"a"), ("b.txt", b"b")]);
    let input = Input::open(folder.input("")).unwrap();
    std::fs::remove_file(folder.at("a.txt")).unwrap();
    let mut chunk = Chunk::default();
    assert!(input.reader().next(&mut chunk).unwrap());
    let documents: Vec<_> = chunk.documents().collect();
    assert!(documents[0].as_ref().unwrap_err().message.starts_with("cannot read the file: No such file"));
    assert_eq!(documents[1].as_ref().unwrap().text(), "b");
}
