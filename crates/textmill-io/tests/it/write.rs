//! Documents in, files out: staged, published, and never in the place of what is not ours.

use std::fs;

use textmill_io::{
    Body, Chunk, Compression, EncodedBatch, ErrorKind, Input, Origin, Output, OutputFormat, OutputOptions,
    Published, ReadAs, Refused, Rejected, Why,
};

use crate::util::{Folder, gzip, read_all};

/// Copies the input to the output; the documents that were refused.
pub(crate) fn copy(folder: &Folder, from: &str, to: &OutputOptions) -> Vec<Refused> {
    copied(folder, from, to).0
}

fn copied(folder: &Folder, from: &str, to: &OutputOptions) -> (Vec<Refused>, Published) {
    let mut output = Output::open(to).unwrap();
    let refused = fill(folder, from, &mut output);
    (refused, output.publish().unwrap())
}

fn fill(folder: &Folder, from: &str, output: &mut Output) -> Vec<Refused> {
    let mut reader = Input::open(folder.input(from)).unwrap().reader();
    let encoder = output.encoder();
    let (mut chunk, mut batch) = (Chunk::default(), EncodedBatch::default());
    let mut refused = Vec::new();
    while reader.next(&mut chunk).unwrap() {
        batch.clear();
        chunk.documents().for_each(|document| encoder.encode(&document.unwrap(), &mut batch));
        encoder.finish(&mut batch).unwrap();
        refused.extend(output.write(&batch).unwrap());
    }
    refused
}

fn lines(count: usize) -> Vec<u8> {
    let line = |number| {
        format!("{{\"id\":\"{number}\",\"text\":\"some words in line {number}, {}\"}}\n", number * 7919)
    };
    (0..count).map(line).collect::<String>().into_bytes()
}

fn text(options: OutputOptions) -> OutputOptions {
    OutputOptions { format: Some(OutputFormat::Text), ..options }
}

fn overwrite(options: OutputOptions) -> OutputOptions {
    OutputOptions { overwrite: true, ..options }
}

#[test]
fn every_format_can_be_read_again() {
    for count in [0, 1, 10, 5000] {
        let folder = Folder::with(&[("in.jsonl", &lines(count))]);
        let (expected, _) = read_all(folder.input("in.jsonl"));
        let ids = |lines: &[String]| {
            lines.iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect::<Vec<_>>()
        };
        for name in ["out.jsonl", "out.jsonl.gz", "deep/er/out.ndjson.zst"] {
            let (_, published) = copied(&folder, "in.jsonl", &folder.output(name));
            let bytes = fs::read(folder.at(name)).unwrap();
            assert_eq!((published.documents, published.bytes), (count as u64, bytes.len() as u64), "{name}");
            assert_eq!(ids(&read_all(folder.input(name)).0), ids(&expected), "{name}");
        }
        assert_eq!(fs::read(folder.at("out.jsonl")).unwrap(), lines(count));
    }
}

#[test]
fn the_manifest_lists_what_is_there() {
    let folder = Folder::with(&[("in.jsonl", &lines(3))]);
    copy(&folder, "in.jsonl", &folder.output("out/"));
    let expected = [
        "in.jsonl",
        "out/.textmill/manifest.json",
        "out/.textmill/owner.json",
        "out/_SUCCESS",
        "out/part-00000.jsonl",
    ];
    assert_eq!(folder.tree(), expected);
    let manifest = fs::read_to_string(folder.at("out/.textmill/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["pipeline"], "news");
    assert_eq!(manifest["documents"], 3);
    assert_eq!(manifest["files"][0]["path"], "part-00000.jsonl");
    assert_eq!(manifest["files"][0]["bytes"], lines(3).len());
    assert_eq!(manifest["files"][0]["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn a_folder_of_texts_is_renewed_and_leaves_strangers_alone() {
    let folder = Folder::with(&[("in/a.txt", b"a"), ("in/b/c.txt", b"c\r\n")]);
    let options = text(folder.output("out"));
    copy(&folder, "in", &options);
    assert_eq!(fs::read(folder.at("out/b/c.txt")).unwrap(), b"c\r\n");
    folder.put("out/mine.txt", b"mine");
    fs::remove_dir_all(folder.at("in/b")).unwrap();
    folder.put("in/a.txt", b"new");
    copy(&folder, "in", &options);
    let tree: Vec<_> = folder.tree().into_iter().filter(|name| !name.contains(".textmill")).collect();
    assert_eq!(tree, ["in/a.txt", "out/_SUCCESS", "out/a.txt", "out/mine.txt"]);
    assert!(!folder.at("out/b").exists());
    assert_eq!(fs::read(folder.at("out/a.txt")).unwrap(), b"new");

    folder.put("in/mine.txt", b"not mine");
    let mut output = Output::open(&options).unwrap();
    let mut batch = EncodedBatch::default();
    let document = textmill_io::Document::new("mine", "text", origin("x", None));
    output.encoder().encode(&document, &mut batch);
    assert_eq!(output.write(&batch).unwrap_err().kind(), ErrorKind::NotOurs);
    drop(output);
    assert_eq!(fs::read(folder.at("out/mine.txt")).unwrap(), b"mine");
    copy(&folder, "in", &overwrite(options));
    assert_eq!(fs::read(folder.at("out/mine.txt")).unwrap(), b"not mine");
}

#[test]
fn many_texts_are_written() {
    let folder = Folder::with(&[("in.jsonl", &lines(2000))]);
    let refused = copy(&folder, "in.jsonl", &text(folder.output("out/")));
    assert!(refused.is_empty());
    assert_eq!(fs::read_to_string(folder.at("out/1999.txt")).unwrap(), "some words in line 1999, 15830081");
    assert_eq!(folder.tree().len(), 2004);
}

#[test]
fn a_second_document_with_the_same_id_is_handed_back() {
    let folder =
        Folder::with(&[("in.jsonl", b"{\"id\":\"a\",\"text\":\"1\"}\n{\"id\":\"a\",\"text\":\"2\"}\n")]);
    let (refused, published) = copied(&folder, "in.jsonl", &text(folder.output("out/")));
    assert_eq!(published.documents, 1);
    assert_eq!((refused[0].id.as_str(), refused[0].bytes.as_slice()), ("a", &b"2"[..]));
    assert_eq!(refused[0].origin.line, Some(2));
}

#[test]
fn what_is_not_ours_is_refused() {
    let refused = |folder: &Folder, name: &str| {
        let before = folder.tree();
        let error = Output::open(&folder.output(name)).unwrap_err();
        assert_eq!(folder.tree(), before, "{name}");
        assert!(error.hint().is_some(), "{error}");
        error.kind()
    };
    let folder = Folder::with(&[("file.jsonl", b"x"), ("full/x", b"x"), ("in.jsonl", &lines(1))]);
    assert_eq!(refused(&folder, "file.jsonl"), ErrorKind::NotOurs);
    assert_eq!(refused(&folder, "full"), ErrorKind::NotOurs);
    assert_eq!(refused(&folder, "file.jsonl/"), ErrorKind::Io);
    assert_eq!(refused(&folder, "file.jsonl/deep/out.jsonl"), ErrorKind::Io);
    assert_eq!(refused(&folder, "new.txt"), ErrorKind::InvalidOption);
    assert_eq!(refused(&folder, "new.pdf"), ErrorKind::InvalidOption);
    assert_eq!(refused(&folder, "new"), ErrorKind::InvalidOption);

    copy(&folder, "in.jsonl", &overwrite(folder.output("full")));
    copy(&folder, "in.jsonl", &overwrite(folder.output("file.jsonl")));
    copy(&folder, "in.jsonl", &folder.output("file.jsonl"));
    assert_eq!(fs::read(folder.at("full/x")).unwrap(), b"x");
    let other = OutputOptions { pipeline: "other".to_owned(), ..folder.output("file.jsonl") };
    let error = Output::open(&other).unwrap_err();
    assert_eq!(error.message(), "the output belongs to the pipeline `news`");
    copy(&folder, "in.jsonl", &overwrite(other));
}

#[test]
fn outputs_may_lie_in_one_another() {
    let folder = Folder::with(&[("in.jsonl", &lines(1))]);
    for _ in 0..2 {
        let inner = Output::open(&folder.output("out/dropped/")).unwrap();
        let beside = Output::open(&folder.output("out/failed.jsonl")).unwrap();
        let outer = Output::open(&folder.output("out/")).unwrap();
        for output in [outer, inner, beside] {
            output.publish().unwrap();
        }
    }
    assert!(folder.at("out/failed.jsonl").exists());
    assert!(folder.at("out/part-00000.jsonl").exists());
}

#[test]
fn what_is_not_published_leaves_no_trace() {
    let folder = Folder::with(&[("in.jsonl", &lines(10))]);
    let before = folder.tree();
    for name in ["out/", "out.jsonl", "new/deep/out.jsonl.gz"] {
        let mut output = Output::open(&folder.output(name)).unwrap();
        fill(&folder, "in.jsonl", &mut output);
        drop(output);
        assert_eq!(folder.tree(), before, "{name}");
        assert!(!folder.at("new").exists() && !folder.at("out").exists());
    }
    copy(&folder, "in.jsonl", &folder.output("out.jsonl"));
    let published = fs::read(folder.at("out.jsonl")).unwrap();
    folder.put("in.jsonl", &lines(3));
    let mut output = Output::open(&folder.output("out.jsonl")).unwrap();
    fill(&folder, "in.jsonl", &mut output);
    drop(output);
    assert_eq!(fs::read(folder.at("out.jsonl")).unwrap(), published);
    copy(&folder, "in.jsonl", &folder.output("out.jsonl"));
    assert_eq!(fs::read(folder.at("out.jsonl")).unwrap(), lines(3));
}

#[test]
fn what_is_withdrawn_leaves_no_trace_of_the_run_before() {
    let folder = Folder::with(&[("in.jsonl", &lines(3))]);
    let before = folder.tree();
    for options in [folder.output("new/failed.jsonl"), text(folder.output("failed/"))] {
        copy(&folder, "in.jsonl", &options);
        Output::open(&options).unwrap().withdraw().unwrap();
        assert_eq!(folder.tree(), before);
        Output::open(&options).unwrap().withdraw().unwrap();
        assert_eq!(folder.tree(), before);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_says_what_to_do() {
    let options = OutputOptions { uri: "/dev/full".to_owned(), ..OutputOptions::default() };
    let mut output = Output::open(&options).unwrap();
    let mut batch = EncodedBatch::default();
    let document = textmill_io::Document::new("a", "text", origin("x", None));
    output.encoder().encode(&document, &mut batch);
    let error = output.write(&batch).map(|_| ()).and_then(|()| output.publish().map(|_| ())).unwrap_err();
    assert_eq!((error.kind(), error.hint()), (ErrorKind::Io, Some("make room, or write somewhere else")));
}

#[test]
fn a_second_run_waits_for_nothing() {
    let folder = Folder::new();
    let first = Output::open(&folder.output("out/")).unwrap();
    assert_eq!(Output::open(&folder.output("out/")).unwrap_err().kind(), ErrorKind::Busy);
    drop(first);
    Output::open(&folder.output("out/")).unwrap();
}

#[test]
fn a_killed_publication_is_taken_up() {
    let folder = Folder::with(&[("in/a.txt", b"a"), ("in/b.txt", b"b")]);
    let options = text(folder.output("out"));
    copy(&folder, "in", &options);
    // As if the run had been killed before the last rename.
    fs::rename(folder.at("out/.textmill/manifest.json"), folder.at("out/.textmill/publishing.json")).unwrap();
    fs::remove_file(folder.at("in/b.txt")).unwrap();
    copy(&folder, "in", &options);
    assert!(!folder.at("out/b.txt").exists());
    assert!(!folder.at("out/.textmill/publishing.json").exists());
}

#[cfg(unix)]
#[test]
fn links_in_the_output_are_not_followed() {
    let folder = Folder::with(&[
        ("in/a/b.txt", b"new"),
        ("in/c.txt", b"new"),
        ("outside/b.txt", b"old"),
        ("c.txt", b"old"),
    ]);
    fs::create_dir(folder.at("out")).unwrap();
    std::os::unix::fs::symlink(folder.at("outside"), folder.at("out/a")).unwrap();
    std::os::unix::fs::symlink(folder.at("c.txt"), folder.at("out/c.txt")).unwrap();
    let options = overwrite(text(folder.output("out")));
    let mut output = Output::open(&options).unwrap();
    fill(&folder, "in", &mut output);
    assert_eq!(output.publish().unwrap_err().kind(), ErrorKind::SymbolicLink);
    fs::remove_file(folder.at("out/a")).unwrap();
    copy(&folder, "in", &options);
    assert_eq!(fs::read(folder.at("outside/b.txt")).unwrap(), b"old");
    assert_eq!(fs::read(folder.at("c.txt")).unwrap(), b"old");
    assert_eq!(fs::read(folder.at("out/c.txt")).unwrap(), b"new");
    let elsewhere = folder.at("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::create_dir(folder.at("linked")).unwrap();
    std::os::unix::fs::symlink(elsewhere, folder.at("linked/.textmill")).unwrap();
    assert_eq!(Output::open(&folder.output("linked/")).unwrap_err().kind(), ErrorKind::SymbolicLink);
}

#[cfg(unix)]
#[test]
fn a_device_is_written_and_not_replaced() {
    let folder = Folder::with(&[("in.jsonl", &lines(3))]);
    let format = Some(OutputFormat::Jsonl(Compression::None));
    let options = OutputOptions { uri: "/dev/null".to_owned(), format, ..OutputOptions::default() };
    let (_, published) = copied(&folder, "in.jsonl", &options);
    assert_eq!(published.documents, 3);
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

fn origin(file: &str, line: Option<u64>) -> Origin {
    Origin { file: file.into(), line, offset: 5 }
}

#[test]
fn rejected_documents_say_why() {
    let check = |rejected: &Rejected<'_>, expected: &str| {
        let folder = Folder::new();
        let mut output = Output::open(&folder.output("out.jsonl")).unwrap();
        let mut batch = EncodedBatch::default();
        output.encoder().reject(rejected, &mut batch);
        output.write(&batch).unwrap();
        output.publish().unwrap();
        assert_eq!(fs::read_to_string(folder.at("out.jsonl")).unwrap(), format!("{expected}\n"));
    };
    let origin = origin("a.jsonl", Some(2));
    let rejected =
        Rejected { id: "i", origin: &origin, stage: Some("s"), why: Why::Rule("r"), body: Body::Text("t") };
    check(&rejected, r#"{"id":"i","file":"a.jsonl","line":2,"offset":5,"stage":"s","rule":"r","text":"t"}"#);
    let failed = Rejected {
        stage: None,
        why: Why::Error("e"),
        body: Body::Original(b"{", ReadAs::default()),
        ..rejected
    };
    check(&failed, r#"{"id":"i","file":"a.jsonl","line":2,"offset":5,"error":"e","original":"{"}"#);
    let binary = Rejected { body: Body::Original(b"\xff{", ReadAs::default()), ..failed };
    check(&binary, r#"{"id":"i","file":"a.jsonl","line":2,"offset":5,"error":"e","original-base64":"/3s="}"#);
}

#[test]
fn the_same_documents_give_the_same_bytes() {
    let folder = Folder::with(&[("in.jsonl", &lines(3000)), ("in2.jsonl.gz", &gzip(&lines(3000)))]);
    for name in ["jsonl.gz", "jsonl.zst"] {
        let (first, second) = (format!("a.{name}"), format!("b.{name}"));
        copy(&folder, "in.jsonl", &folder.output(&first));
        copy(&folder, "in2.jsonl.gz", &folder.output(&second));
        assert_eq!(fs::read(folder.at(&first)).unwrap(), fs::read(folder.at(&second)).unwrap());
    }
}

#[test]
fn documents_with_the_same_value_stand_below_it() {
    let line = |id: usize, group: &str| format!("{{\"id\":\"{id}\",\"text\":\"t{id}\",\"g\":{group}}}\n");
    let input: String = ["\"b\"", "1", "null", "\"b\"", "[]", "\"\"", "1"]
        .iter()
        .enumerate()
        .map(|(id, group)| line(id, group))
        .collect();
    let folder = Folder::with(&[("in.jsonl", input.as_bytes())]);
    let options = OutputOptions {
        group_by: Some("g".to_owned()),
        pipeline: "all".to_owned(),
        ..folder.output("out.md")
    };
    let (refused, published) = copied(&folder, "in.jsonl", &options);
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].message, "the field `g` is a list, which cannot be a heading");
    let expect = "# all\n\n## 2\n\nt2\n\n## 5\n\nt5\n\n\
        ## b\n\n### 0\n\nt0\n\n### 3\n\nt3\n\n## 1\n\n### 1\n\nt1\n\n### 6\n\nt6\n\n";
    assert_eq!(fs::read_to_string(&published.path).unwrap(), expect);
    assert_eq!((published.documents, published.files[0].documents), (6, 6));
    let error = Output::open(&OutputOptions { uri: "-".to_owned(), ..options.clone() });
    assert!(error.is_err());
}

#[test]
fn more_sections_than_files_can_be_open() {
    let line = |id: usize| format!("{{\"id\":\"{id}\",\"text\":\"t\",\"g\":\"{:04}\"}}\n", id % 700);
    let input: String = (0..2100).map(line).collect();
    let folder = Folder::with(&[("in.jsonl", input.as_bytes())]);
    let options = OutputOptions { group_by: Some("g".to_owned()), ..folder.output("out.md") };
    let (_, published) = copied(&folder, "in.jsonl", &options);
    let text = fs::read_to_string(&published.path).unwrap();
    let headings: Vec<_> = text.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(headings.len(), 700);
    assert!(headings.is_sorted());
    assert!(text.contains("## 0699\n\n### 699\n\nt\n\n### 1399\n\nt\n\n### 2099\n"), "{text}");
}
