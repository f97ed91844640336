//! Input that asks for too much: it costs a document or a file, with a reason, and neither memory nor what follows.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Stdio};

use serde_json::json;
use textmill_testkit::Project;

use crate::project;

/// Compresses, or does not.
type Pack = fn(&[u8]) -> Vec<u8>;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// A pipeline that copies `in/` to `out.jsonl`, with these limits.
fn limited(limits: &str) -> Project {
    project()
        .file("p.toml", format!("output.uri = 'out.jsonl'\n[input]\nuri = 'in/'\n[input.limits]\n{limits}\n"))
}

/// A line of JSON between two others, whose text is so many times `x`.
fn long_line(bytes: usize) -> Vec<u8> {
    let text = "x".repeat(bytes);
    format!("{{\"text\":\"before\"}}\n{{\"text\":\"{text}\"}}\n{{\"text\":\"behind\"}}\n").into_bytes()
}

/// A document that follows the file at hand is read whatever that was; and who unpacks makes no difference.
fn check(limits: &str, name: &str, bytes: &[u8], said: &[&str]) -> Project {
    let run = |jobs: &str| {
        let project = limited(limits).file(&format!("in/{name}"), bytes).file("in/z.txt", "the end");
        let _ = project.run(["run", "p.toml", "-j", jobs]).code(1).says(said);
        assert_eq!(project.read_jsonl("out.jsonl").last().unwrap()["text"], "the end");
        project
    };
    let one = run("1");
    let outputs = |project: &Project| (project.read("out.jsonl"), project.read("out.failed.jsonl"));
    assert_eq!(outputs(&run("4")), outputs(&one), "{name}");
    one
}

#[test]
fn a_file_that_unpacks_without_end_is_left() {
    let zeros = vec![0; 65 << 20];
    let ratio =
        ["a.txt.zst", "it unpacks, for its size, to far too much: more than 64MiB", "`unpacked-ratio`"];
    let project = check("", "a.txt.zst", &zstd(&zeros), &ratio);
    assert_eq!(project.read_jsonl("out.failed.jsonl")[0]["original-start"], "\0".repeat(1024));
    check("", "a.jsonl.zst", &zstd(&zeros), &["1 document beyond the limit `unpacked-ratio`"]);
    let lines = "{\"text\":\"a line\"}\n".repeat(60_000);
    for (name, bytes) in [("a.jsonl.gz", gzip(lines.as_bytes())), ("a.jsonl.zst", zstd(lines.as_bytes()))] {
        let total =
            [name, "it unpacks to more than 1MiB", "`unpacked-bytes` in `[input.limits]` can be raised"];
        let project = check("unpacked-bytes = '1MiB'", name, &bytes, &total);
        let read = project.read_jsonl("out.jsonl").len();
        assert_eq!(read, (1 << 20) / "{\"text\":\"a line\"}\n".len() + 1, "what comes before is read");
        let enough = format!("unpacked-bytes = {}", lines.len());
        let project = limited(&enough).file(&format!("in/{name}"), &bytes);
        let _ = project.run(["run", "p.toml"]).code(0).says(&["60,000 documents read = 60,000 kept"]);
    }
}

#[test]
fn many_members_together_are_too_much_as_well() {
    let member = |number: usize| {
        let words: Vec<_> = (0..40_000).map(|at| ((number + at) * 40_503 % 65_521).to_string()).collect();
        gzip(format!("{}\n", json!({ "text": words.join(" ") })).as_bytes())
    };
    let members: Vec<u8> = (0..20).flat_map(member).collect();
    for most in ["1MB", "2000001B"] {
        let limits = format!("unpacked-bytes = '{most}'");
        check(&limits, "a.jsonl.gz", &members, &["1 document beyond the limit `unpacked-bytes`"]);
    }
}

/// The exit code, and the most memory the process had at a time, in kB. What `wait4` says has the memory of this process in it,
/// from which it was started.
#[cfg(target_os = "linux")]
fn watch(mut child: Child) -> (Option<i32>, u64) {
    let mut peak = 0;
    loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let found = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"));
        peak = found.and_then(|found| found.trim().parse().ok()).unwrap_or(peak);
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), peak);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_line_without_end_costs_itself_and_no_memory() {
    let peak = |bytes: usize, pack: Pack, name: &str| {
        let project = limited("line-bytes = '1MiB'").file(&format!("in/{name}"), pack(&long_line(bytes)));
        let child = project.command(["run", "p.toml", "-j", "1"]).stderr(Stdio::null()).spawn().unwrap();
        let (code, peak) = watch(child);
        assert_eq!(code, Some(i32::from(bytes > 1 << 20)), "{name}");
        let texts: Vec<_> =
            project.read_jsonl("out.jsonl").iter().map(|document| document["text"].clone()).collect();
        if bytes > 1 << 20 {
            assert_eq!(texts, ["before", "behind"], "{name}");
            let failed = &project.read_jsonl("out.failed.jsonl")[0];
            assert_eq!((&failed["line"], &failed["offset"]), (&json!(2), &json!(18)));
            assert_eq!(failed["original-start"].as_str().unwrap().len(), 1024);
            assert!(fs::metadata(project.path("out.failed.jsonl")).unwrap().len() < 2000);
        }
        peak
    };
    let small = peak(1000, <[u8]>::to_vec, "a.jsonl");
    let packs = [("a.jsonl", <[u8]>::to_vec as Pack), ("a.jsonl.gz", gzip), ("a.jsonl.zst", zstd)];
    for (name, pack) in packs {
        let large = peak(60 << 20, pack, name);
        assert!(large < small + (20 << 10), "{name}: {large} kB, {small} for a short line");
    }
}

#[test]
fn the_largest_document_is_told_from_a_larger_one() {
    let check = |limit: usize, name: &str, bytes: &[u8], kept: usize| {
        let project = limited(&format!("document-bytes = {limit}")).file(&format!("in/{name}"), bytes);
        let _ = project.run(["run", "p.toml"]).code(i32::from(kept == 0));
        assert_eq!(project.read("out.jsonl").lines().count(), kept, "{name} {limit}");
    };
    let line = b"{\"text\":\"0123456789\"}\n";
    for (name, bytes, length) in [
        ("a.txt", b"0123456789".as_slice(), 10),
        ("a.jsonl", line.as_slice(), 21),
        ("a.csv", b"text\n0123456\n", 7),
    ] {
        check(length, name, bytes, 1);
        check(length - 1, name, bytes, 0);
    }
}

#[test]
fn limits_change_nothing_for_what_is_within_them() {
    let lines = "{\"text\":\"a line\"}\n".repeat(1000);
    let run = |limits: &str| {
        let project = limited(limits).file("in/a.jsonl.gz", gzip(lines.as_bytes()));
        let _ = project.run(["run", "p.toml"]).code(0);
        project.read("out.jsonl")
    };
    assert_eq!(run("line-bytes = 17\nunpacked-ratio = 1\njson-depth = 1"), run(""));
}
