//! The stage as a whole: its steps together, and its promises.

use proptest::prelude::*;
use textmill_stage::testing::{Opened, open};

use crate::Clean;

fn clean() -> Opened<Clean> {
    open("{}").unwrap()
}

#[track_caller]
fn check(text: &str, expect: &str, rules: &[&str]) {
    let answered = clean().run(text);
    assert_eq!(answered.text, expect, "{text:?}");
    let found: Vec<_> = answered.edits.iter().map(|(_, _, rule)| *rule).collect();
    assert_eq!(found, rules, "{text:?}: {:?}", answered.edits);
    assert_eq!(clean().run(expect).edits, [], "{expect:?} is not left alone");
}

#[test]
fn each_change_has_the_rule_of_its_cause() {
    check(
        "cafÃ© &amp; bar \u{3}\r\n",
        "café & bar\n",
        &["mojibake", "entity", "space", "control", "line-end"],
    );
    check("a\u{3}b\u{feff}c", "abc", &["control", "invisible"]);
    check("cafe\u{301}", "café", &["nfc"]);
    check("<b>bold</b>", "bold", &["tag", "tag"]);
}

#[test]
fn steps_see_what_others_left() {
    check("&amp;amp;lt;", "<", &["entity"]);
    check("x&#3;y", "xy", &["entity"]);
    check("&\u{3}amp;", "&", &["control"]);
    check("caf&Atilde;&copy;", "café", &["entity"]);
    check("e\u{feff}\u{301}", "é", &["invisible"]);
    check("&lt;i&gt;x&lt;/i&gt;", "x", &["entity", "entity"]);
    check("x &#13;\ny", "x\ny", &["space", "entity"]);
}

#[test]
fn clean_prose_is_left_alone() {
    for text in [
        "",
        "One line",
        "A title\n\nA paragraph — with “quotes”, café, naïve.\n\n    indented\n\tby a tab\n",
        "Il a dit\u{a0}: «\u{a0}voilà\u{a0}!\u{a0}»",
        "Привет, мир. Ελληνικά. 日本語のテキスト。 ภาษาไทย",
        "if a < b && c > d { x & y }",
    ] {
        check(text, text, &[]);
    }
}

#[test]
fn damage_without_end_is_left_alone() {
    // Each removed control completes the next entity, which is one more control.
    let text = (0..200).fold("&#3;".to_owned(), |inner, _| format!("&#{inner}3;"));
    assert_eq!(clean().run(&text).edits, []);
    let text = (0..20).fold("&#3;".to_owned(), |inner, _| format!("&#{inner}3;"));
    check(&text, "", &["entity"]);
}

#[test]
fn options_turn_steps_off() {
    let text = "cafÃ© &amp; <b>x</b> e\u{301}\u{feff}\u{3} \r\n";
    let off = r#"{"mojibake": false, "entities": false, "tags": false, "nfc": false, "invisible": false,
        "controls": false, "line-ends": false, "spaces": false}"#;
    assert_eq!(open::<Clean>(off).unwrap().run(text).edits, []);
    let folds = r#"{"quotes": true, "ligatures": true, "full-width": true, "no-break-spaces": true}"#;
    assert_eq!(open::<Clean>(folds).unwrap().run("“ﬁＡ\u{a0}b”").text, "\"fiA b\"");
    assert_eq!(open::<Clean>(r#"{"max-blank-lines": 0}"#).unwrap().run("a\n\n\nb").text, "a\nb");
    assert!(open::<Clean>(r#"{"entity": false}"#).is_err());
}

/// The stage's own output passes through it unchanged, and its edits lead there.
#[track_caller]
fn is_settled(text: &str) {
    let once = clean().run(text);
    assert_eq!(once.failed, None, "{text:?}");
    let twice = clean().run(&once.text);
    assert_eq!(twice.edits, [], "{text:?} became {:?}", once.text);
}

/// Pieces that damage is made of, next to each other in every order.
const PIECES: [&str; 72] = [
    "a",
    "z",
    "Z",
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "\n\n\n",
    "&",
    "&amp;",
    "amp;",
    "lt;",
    "&lt;",
    "&gt;",
    "&#3;",
    "&#13;",
    "#10;",
    "&nbsp;",
    "&shy;",
    "&Atilde;",
    "&copy;",
    "&frac14;",
    "&eacute;",
    "&#x301;",
    ";",
    "<",
    ">",
    "<b>",
    "</b>",
    "<br>",
    "<p",
    "</i>",
    "`",
    "/",
    "b",
    "Ã",
    "©",
    "Â",
    "\u{a0}",
    "â",
    "€",
    "™",
    "œ",
    "\u{9d}",
    "\u{85}",
    "Ð",
    "°",
    "Ñ",
    "ƒ",
    "Р",
    "Ђ",
    "√",
    "├",
    "?",
    "\u{fffd}",
    "é",
    "e",
    "\u{301}",
    "\u{323}",
    "\u{345}",
    "\u{1112}",
    "\u{1161}",
    "\u{11ab}",
    "\u{3}",
    "\u{1b}[1m",
    "\u{1a}",
    "\u{200b}",
    "\u{ad}",
    "\u{feff}",
    "ก",
];

/// Many times as many cases as usual, so that `PROPTEST_CASES` still says how long to look.
fn many() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.saturating_mul(16), failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn pieces_are_settled(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..24)) {
        is_settled(&pieces.concat());
    }

    #[test]
    fn misread_text_is_settled(text in "[ a-zéàßçœ–’“€йщλ日😀&;\u{301}\u{3}\n]{0,12}", layers in 1..4usize) {
        let misread = |text: String| text.bytes().map(char::from).collect::<String>();
        is_settled(&(0..layers).fold(text, |text, _| misread(text)));
    }

    #[test]
    fn any_text_is_settled(text in any::<String>()) {
        is_settled(&text);
    }

    #[test]
    fn latin_1_noise_is_settled(text in "[\u{80}-\u{ff}â€™œžšŸƒ†‡ˆ‰ a]{0,16}") {
        is_settled(&text);
    }
}

/// A file of the shared measuring data, where it is there.
fn shared(path: &str) -> Option<Vec<u8>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into();
    let root: std::path::PathBuf = std::env::var_os("TEXTMILL_SHARED").map_or(beside, Into::into);
    let found = std::fs::read(root.join(path)).ok();
    if found.is_none() {
        println!("skipped: there is no {path}");
    }
    found
}

#[test]
fn naughty_strings_are_settled() {
    let Some(file) = shared("suites/naughty-strings.json") else { return };
    let texts: Vec<String> = serde_json::from_slice(&file).unwrap();
    for text in &texts {
        is_settled(text);
    }
    is_settled(&texts.join("\n"));
}

#[test]
fn utf8_stress_is_settled() {
    let Some(file) = shared("suites/utf8-stress.txt") else { return };
    let text = String::from_utf8_lossy(&file);
    text.lines().for_each(is_settled);
    is_settled(&text);
    // The same bytes as tools that know no UTF-8 read them.
    is_settled(&file.iter().copied().map(char::from).collect::<String>());
}

#[test]
fn a_clean_article_is_left_alone() {
    let Some(file) = shared("data/article.txt") else { return };
    assert_eq!(clean().run(&String::from_utf8(file).unwrap()).edits, []);
}

#[test]
fn mojibake_is_undone_and_no_other_text_harmed() {
    for group in ["in-the-wild", "synthetic", "negative", "language-names"] {
        let Some(file) = shared(&format!("eval/mojibake/{group}.json")) else { return };
        let cases: Vec<serde_json::Value> = serde_json::from_slice(&file).unwrap();
        for case in cases.iter().filter(|case| case["expect"] == "pass") {
            let want = case.get("fixed-encoding").unwrap_or(&case["fixed"]).as_str().unwrap();
            let text = case["original"].as_str().unwrap();
            assert_eq!(clean().run(text).text, want, "{}", case["label"]);
            is_settled(text);
        }
    }
}
