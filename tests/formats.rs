//! What is written in which form, and what is said where a form is impossible.

use std::fs;
use std::io::Read as _;

use serde_json::json;
use textmill_testkit::{Project, Tree};

use crate::project;

/// Enough for several batches, of which some are worth a gzip member of their own.
fn lines() -> String {
    (0..3000)
        .map(|id| {
            json!({"id": id.to_string(), "text": format!("document {id} ").repeat(20)}).to_string() + "\n"
        })
        .collect()
}

fn copying(more: &str) -> Project {
    project().file("p.toml", format!("input.uri = 'in.jsonl'\n{more}")).file("in.jsonl", lines())
}

fn gunzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(bytes, flate2::Compression::fast()).read_to_end(&mut packed).unwrap();
    packed
}

fn unzstd(bytes: &[u8]) -> String {
    String::from_utf8(zstd::decode_all(bytes).unwrap()).unwrap()
}

#[test]
fn the_name_of_the_output_says_its_form() {
    let project = copying("");
    for (name, unpack) in [("out.jsonl.gz", gunzip as fn(&[u8]) -> String), ("out.jsonl.zst", unzstd)] {
        let run = |jobs| {
            let _ = project.run(["run", "p.toml", "-q", "-o", name, "-j", jobs]).code(0);
            fs::read(project.path(name)).unwrap()
        };
        let one = run("1");
        assert_eq!(unpack(&one), lines());
        assert!(one.len() < lines().len() / 5);
        assert!(run("2") == one && run("4") == one, "the same bytes, whatever -j");
        let again = project.run(["run", "p.toml", "-q", "-i", name, "-o", "-"]).code(0);
        assert_eq!(again.stdout, lines(), "it can be read again");
    }
}

#[test]
fn the_format_of_the_file_holds_for_the_output_of_the_command_line() {
    for more in ["output.format = 'jsonl.gz'\n", "[output]\nuri = 'elsewhere.jsonl'\nformat = 'jsonl.gz'\n"] {
        let project = copying(more);
        let _ = project.run(["run", "p.toml", "-q", "-o", "out.bin"]).code(0);
        assert_eq!(gunzip(&fs::read(project.path("out.bin")).unwrap()), lines());
    }
    let output = copying("output.format = 'jsonl.zst'\n")
        .command(["run", "p.toml", "-q", "-o", "-"])
        .output()
        .unwrap();
    assert_eq!(unzstd(&output.stdout), lines());
}

#[test]
fn a_form_that_cannot_be_is_refused() {
    let check = |more: &str, parts: &[&str]| {
        let project = copying(more);
        let _ = project.run(["run", "p.toml"]).code(2).says(parts).says(&["p.toml:2:14", "hint"]);
        assert_eq!(project.list(""), ["in.jsonl", "p.toml"]);
    };
    check("output.uri = 'out.pdf'\n", &["out.pdf", "format", ".jsonl"]);
    check("output.uri = 'out.jsonl'\noutput.columns = ['id']\n", &["the output has columns", "`jsonl`"]);
    check("output.uri = 'out'\n", &["format"]);
    check("output.uri = 'out.txt'\n", &["one file of text cannot hold many documents"]);
}

#[test]
fn texts_can_go_to_stdout() {
    let project = project()
        .file("p.toml", "output.format = 'txt'\n")
        .file("in.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n");
    let ran = project.run(["run", "p.toml", "-q", "-i", "in.jsonl", "-o", "-"]).code(0);
    assert_eq!(ran.stdout, "a\nb\n");
}

#[test]
fn a_folder_has_one_file_of_lines_unless_texts_are_asked_for() {
    let project = copying("");
    let _ = project.run(["run", "p.toml", "-q", "-o", "out/"]).code(0);
    assert_eq!(Tree::of(&project.path("out")).names(), ["_SUCCESS", "part-00000.jsonl"]);
    assert_eq!(project.read("out/part-00000.jsonl"), lines());
    project.write("p.toml", "input.uri = 'in.jsonl'\noutput.format = 'txt'\n");
    let _ = project.run(["run", "p.toml", "-q", "-o", "texts/"]).code(0);
    assert_eq!(Tree::of(&project.path("texts")).names().len(), 3001);
    assert_eq!(project.read("texts/7.txt"), "document 7 ".repeat(20));
}

#[test]
fn the_manifest_says_what_is_there() {
    let project = copying("");
    let _ = project.run(["run", "p.toml", "-q", "-o", "out.jsonl"]).code(0);
    let manifest: serde_json::Value =
        serde_json::from_str(&project.read(".out.jsonl.textmill/manifest.json")).unwrap();
    assert_eq!((&manifest["documents"], &manifest["pipeline"]), (&json!(3000), &json!("p")));
    assert_eq!(
        (&manifest["files"][0]["path"], &manifest["files"][0]["bytes"]),
        (&json!("out.jsonl"), &json!(lines().len()))
    );
    assert_eq!(manifest["files"][0]["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn many_members_are_read_alike_by_any_number_of_threads() {
    let line = |id: usize| {
        json!({"id": id.to_string(), "text": format!("{:x} ", id * 7_919).repeat(40)}).to_string() + "\n"
    };
    let input: String = (0..12_000).map(line).collect();
    let packed: Vec<u8> = input.as_bytes().chunks(70_001).flat_map(gzip).collect();
    let project = project().file("p.toml", "input.uri = 'in.jsonl.gz'\n").file("in.jsonl.gz", packed);
    for args in [["-j", "1"], ["-j", "4"], ["-j3", "--memory-limit=16MiB"]] {
        let ran = project.run([&["run", "p.toml", "-q", "-o", "-"][..], &args].concat()).code(0);
        assert!(ran.stdout == input, "{args:?}");
    }
}
