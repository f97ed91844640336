//! `textmill inspect`: what is in a file of any format, up to where it is damaged.

use std::fs;

use textmill_testkit::Project;

use crate::project;

/// Three documents in this format.
fn with(name: &str) -> Project {
    let lines = "{\"id\":\"1\",\"text\":\"first\\nline\",\"n\":5}\n{\"id\":\"2\",\"text\":\"second\"}\n{\"text\":\"third\"}\n";
    let project = project().file("in.jsonl", lines).file("p.toml", "input.uri = 'in.jsonl'\n");
    let _ = project.run(["run", "p.toml", "-q", "-o", name]).code(0);
    project
}

#[test]
fn every_format_is_shown() {
    for (name, parts) in [
        ("a.jsonl", &["a.jsonl  jsonl, 82 B", "a.jsonl:1", "n (a number) = 5"][..]),
        ("a.jsonl.xz", &["jsonl, XZ", "first⏎line"]),
        ("a.csv.gz", &["csv, gzip", "columns\n  id       text", "n (a number) = 5", "a.csv.gz:2"]),
        ("a.tsv", &["tsv", "a.tsv:2"]),
        ("a.parquet", &["parquet", "1 row group (rows: 3 in", "extra    Utf8", "a.parquet:1"]),
        ("a.arrow", &["arrow", "id       Utf8", "a.arrow:1"]),
    ] {
        let project = with(name);
        let shown = project.run(["inspect", name, "-n", "2"]).code(0).stdout;
        let always = ["id (text) = 1", "text (text) = first⏎line", "text (text) = second", "\n3 documents\n"];
        for part in parts.iter().chain(&always) {
            assert!(shown.contains(part), "{name}: `{part}` is not in\n{shown}");
        }
        assert!(!shown.contains("third"), "{name}: {shown}");
        let bytes = fs::read(project.path(name)).unwrap();
        let piped = project.run_with_stdin(["inspect", "-"], &bytes);
        // Nothing in them says that they are rows of text.
        if !name.contains("sv") {
            assert!(piped.code(0).stdout.contains("first⏎line"), "{name} from stdin");
        }
    }
}

#[test]
fn fields_need_not_be_what_a_pipeline_would_ask_for() {
    let project =
        project().file("a.jsonl", "{\"body\":\"x\",\"text\":5,\"odd\":\"\\ud800\",\"gone\":null}\n");
    let shown = project.run(["inspect", "a.jsonl"]).code(0).stdout;
    for part in ["body (text) = x", "text (a number) = 5", "odd (text) = \"\\ud800\"", "gone (null) = null"] {
        assert!(shown.contains(part), "`{part}` is not in\n{shown}");
    }
}

#[test]
fn a_damaged_file_is_shown_up_to_the_damage() {
    let project = with("a.jsonl.gz");
    let bytes = fs::read(project.path("a.jsonl.gz")).unwrap();
    project.write("a.jsonl.gz", &bytes[..bytes.len() - 4]);
    let shown = project.run(["inspect", "a.jsonl.gz"]).code(1).stdout;
    assert!(shown.contains("first⏎line") && shown.contains("1 cannot be read"), "{shown}");
    assert!(shown.contains("the file is cut off"), "{shown}");
    project.write("b.parquet", "PAR1 and nothing else");
    let shown = project.run(["inspect", "b.parquet"]).code(1).stdout;
    assert!(shown.contains("b.parquet:1: cannot read the file"), "{shown}");
    let _ = project.run(["inspect", "none.csv"]).code(2).says(&["none.csv"]);
    let _ = project.run(["inspect"]).code(2);
}

#[test]
fn nothing_of_a_file_reaches_the_terminal_as_a_command() {
    let project = project().file("a.csv", "text,\u{1b}[2J\n\u{1b}[31mred\u{7},x\n");
    let shown = project.run(["inspect", "a.csv"]).code(0).stdout;
    assert!(!shown.contains(['\u{1b}', '\u{7}']), "{shown:?}");
}
