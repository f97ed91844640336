//! Mistakes that are found after the file was accepted: still shown in it.

use textmill_pipeline::{Diagnostics, Source, parse};

use crate::{catalog, resolve};

const TEXT: &str = r#"plugins = ["./a.so", "./b.so"]
input.uri = ["a/*.txt", "b["]
output.uri = "out/"
[[stage]]
uses = "summarize"
with = { lists = { stop = ["x.txt"] } }
[[stage]]
uses = "clean"
"#;

fn at(found: &Diagnostics) -> (usize, usize, String) {
    let one = found.iter().next().unwrap();
    let bytes = one.span.clone().unwrap();
    (one.line.unwrap(), one.column.unwrap(), TEXT.get(bytes).unwrap().to_owned())
}

#[test]
fn later_mistakes_have_places() {
    let pipeline = resolve(TEXT).unwrap();
    let draft = parse(Source { path: "news.toml".into(), text: TEXT.to_owned() }).unwrap();
    let cases = [
        (draft.plugin_diagnostic(1, "m"), 1, 22, "\"./b.so\""),
        (pipeline.input_diagnostic(1, "m", Some("h")).unwrap(), 2, 25, "\"b[\""),
        (pipeline.input_diagnostic(7, "m", None).unwrap(), 2, 13, "[\"a/*.txt\", \"b[\"]"),
        (pipeline.output_diagnostic("output", "m", None).unwrap(), 3, 14, "\"out/\""),
        (pipeline.stage_diagnostic(1, "m"), 8, 8, "\"clean\""),
        (pipeline.option_diagnostic(0, "/lists/stop/0", "m"), 6, 28, "\"x.txt\""),
        (pipeline.option_diagnostic(0, "/lists/other", "m"), 6, 18, "{ stop = [\"x.txt\"] }"),
        (pipeline.option_diagnostic(0, "", "m"), 6, 8, "{ lists = { stop = [\"x.txt\"] } }"),
        (pipeline.option_diagnostic(1, "/form", "m"), 8, 8, "\"clean\""),
        (pipeline.option_diagnostic(0, "no pointer", "m"), 6, 8, "{ lists = { stop = [\"x.txt\"] } }"),
    ];
    assert_eq!(pipeline.output_diagnostic("failed", "m", None), None);
    for (found, line, column, bytes) in cases {
        assert_eq!(at(&found), (line, column, bytes.to_owned()));
    }
}

#[test]
fn an_option_of_the_command_line_is_shown_there() {
    let draft = parse(Source { path: "news.toml".into(), text: TEXT.to_owned() }).unwrap();
    let set = ["clean.form=nfkc".parse().unwrap()];
    let pipeline = draft.resolve(&catalog(), &set).unwrap();
    assert_eq!(pipeline.stages[1].options, serde_json::json!({"form": "nfkc"}));
    let shown = pipeline.option_diagnostic(1, "/form", "not this one").render(false);
    assert!(shown.contains("--> --set:1:12") && shown.contains("clean.form=nfkc"), "{shown}");
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("news.toml"), "name = \"\u{e4}\"\nuri = \"").unwrap();
    std::fs::write(folder.path().join("latin1.toml"), b"name = \"a\"\nuri = \"\xe4\"\n").unwrap();
    let read = |name: &str| Source::read(folder.path().join(name)).map_err(|found| found.to_string());
    let cases = [
        ("new.toml", "there is no such file"),
        ("new.toml", "news.toml`?"),
        ("", "it is a folder"),
        ("latin1.toml", "latin1.toml:2:8"),
        ("latin1.toml", "must be UTF-8"),
    ];
    for (name, expected) in cases {
        let found = read(name).unwrap_err();
        assert!(found.contains(expected), "{name}: {found}");
    }
    assert!(read("news.toml").is_ok());
}

#[test]
fn colour_is_decoration() {
    let found = resolve("nmae = 1").unwrap_err();
    let (plain, colored) = (found.render(false), found.render(true));
    assert!(!plain.contains('\u{1b}') && colored.contains('\u{1b}'));
    assert_eq!(found.to_string(), plain.trim_end());
}
