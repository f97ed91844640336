//! Whatever is written, the answer is a pipeline or a mistake with a place.

use proptest::prelude::*;

use crate::{files, resolve};

/// Resolves, renders, and checks what every mistake promises.
fn survive(text: &str) {
    let Err(mistakes) = resolve(text) else { return };
    for one in &mistakes {
        let span = one.span.clone().unwrap();
        if one.file != "--set" {
            assert!(text.get(span).is_some(), "{one:?}");
        }
        assert!(one.line.unwrap() >= 1 && one.column.unwrap() >= 1);
    }
    assert!(mistakes.render(true).len() >= mistakes.render(false).len());
}

/// Parts of pipeline files, so that random texts get past the parser.
fn parts() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "[input]\n",
        "[[stage]]\n",
        "[stage.with]\n",
        "[output]\n",
        "[run]\n",
        "uses = ",
        "with = ",
        "uri = ",
        "id = ",
        "max-errors = ",
        "version = ",
        "lists.\"\u{e4}/~\" = ",
        "\"clean\"",
        "\"summarize\"",
        "\"\"",
        "\"-\"",
        "{ ",
        " }",
        "[",
        "]",
        ", ",
        "scorer = ",
        "kind = ",
        "1",
        "-1",
        "2.5",
        "nan",
        "true",
        "1979-05-27",
        "\n",
        "'''",
        "\u{feff}",
        "\r\n",
        "# ",
    ]);
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        survive(&text);
    }

    #[test]
    fn any_parts(text in parts()) {
        survive(&text);
    }

    #[test]
    fn any_override(text in any::<String>(), value in parts()) {
        let _ = text.parse::<textmill_pipeline::Override>();
        let _ = format!("clean.{value}").parse::<textmill_pipeline::Override>();
        let _ = format!("clean.form={value}").parse::<textmill_pipeline::Override>();
    }
}

#[test]
fn every_half_of_a_file() {
    for path in files("good").iter().chain(&files("bad")) {
        let text = std::fs::read_to_string(path).unwrap();
        let text: String =
            text.lines().filter(|line| !line.starts_with("# --set")).collect::<Vec<_>>().join("\n");
        for (end, _) in text.char_indices() {
            survive(text.get(..end).unwrap());
        }
    }
}

#[test]
fn depth_is_refused_not_followed() {
    let many = 100_000;
    let deep = [
        format!("a = {}", "[".repeat(many)),
        format!("a = {}{}", "[".repeat(many), "]".repeat(many)),
        format!("a = {}", "{ a = ".repeat(many)),
        format!("{}a = 1", "a.".repeat(many)),
        format!("[{}a]\nb = 1", "a.".repeat(many)),
        format!("[[{}a]]\nb = 1", "a.".repeat(many)),
        format!("[[stage]]\nuses = \"clean\"\nwith.{}a = 1", "a.".repeat(70)),
        format!("[[stage]]\nuses = \"clean\"\nwith = {}1{}", "[".repeat(70), "]".repeat(70)),
        format!("[[stage]]\nuses = \"clean\"\nwith = {}a = 1{}", "{ a = ".repeat(70), " }".repeat(70)),
    ];
    for text in deep {
        survive(&text);
        assert!(resolve(&text).is_err());
    }
}
