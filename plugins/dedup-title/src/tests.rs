//! What the stage does to whole documents.

use proptest::prelude::*;
use textmill_stage::testing::{self, Opened};

use super::*;

fn stage() -> Opened<DedupTitle> {
    testing::open("{}").unwrap()
}

/// What is removed is marked in `text`: `<rule>...</>`; the title that is set follows.
#[track_caller]
fn check_with(known: Option<&str>, marked: &str, expect_title: Option<&str>) {
    let rules = ["repeat", "site-name", "near-repeat"];
    let text =
        rules.iter().fold(marked.replace("</>", ""), |text, rule| text.replace(&format!("<{rule}>"), ""));
    let fields: Vec<_> = known.map(|title| ("title", title)).into_iter().collect();
    let answer = stage().run_with(&text, &fields);
    let mut found = text.clone();
    for (span, _, rule) in answer.edits.iter().rev() {
        found.insert_str(span.end, "</>");
        found.insert_str(span.start, &format!("<{rule}>"));
    }
    assert_eq!(found, marked);
    assert_eq!(answer.fields.get("title").and_then(|title| title.as_str()), expect_title, "{text:?}");
}

#[track_caller]
fn check(marked: &str, expect_title: Option<&str>) {
    check_with(None, marked, expect_title);
}

const TITLE: &str = "Harbour Town Opens Its New Bridge";
const BODY: &str = "The bridge that links both banks opened on Monday.\n";

/// A title, and another line below it, which goes under `rule`, or stays where that is empty.
#[track_caller]
fn check_pair(title: &str, other: &str, rule: &str) {
    if rule.is_empty() {
        check_with(Some(title), &format!("{title}\n\n{other}\n\n{BODY}"), None);
    } else {
        check_with(Some(title), &format!("{title}\n\n<{rule}>{other}\n\n</>{BODY}"), None);
    }
}

#[test]
fn a_repeat_goes_with_one_side_of_blank_lines() {
    check(&format!("{TITLE}\n\n<repeat>{TITLE}\n\n</>{BODY}"), Some(TITLE));
    check(&format!("{TITLE}\n<repeat>{TITLE}\n</>\n{BODY}"), Some(TITLE));
    check(&format!("{TITLE}\n<repeat>{TITLE}\n</>{BODY}"), Some(TITLE));
    check(&format!("{TITLE}\r\n\r\n<repeat>{TITLE}\r\n\r\n</>{BODY}"), Some(TITLE));
    check(&format!("\n\n{TITLE}\n\n<repeat>{TITLE}\n\n\n</>{BODY}"), Some(TITLE));
    check(&format!("{TITLE}\n<repeat>\n{TITLE}</>"), Some(TITLE));
    check(&format!("Title\n\n<repeat>Title\n\n</>{BODY}"), Some("Title"));
    check(&format!("{TITLE}\n\n<repeat>{TITLE}\n\n</><repeat>{TITLE}\n\n</>{BODY}"), Some(TITLE));
    check(&format!("{TITLE}\n\nBy Mara Okoye\n\n<repeat>{TITLE}\n\n</>{BODY}"), Some(TITLE));
}

#[test]
fn the_same_but_for_marks() {
    check_pair(TITLE, "HARBOUR TOWN OPENS ITS NEW BRIDGE", "repeat");
    check_pair(TITLE, "Harbour Town opens its new bridge.", "repeat");
    check_pair("Mayor: \"It's done\" - at last", "Mayor: “It’s done” — at  last", "repeat");
    check_pair("L’État ouvre son pont", "L'ETAT OUVRE SON PONT", "repeat");
    check_pair("港町の新しい橋、開通", "港町の新しい橋 開通", "repeat");
    check_pair("बंदरगाह नगर में नया पुल खुला", "‘बंदरगाह नगर’ में नया पुल खुला!", "repeat");
}

#[test]
fn the_same_beside_a_site() {
    check_pair(TITLE, &format!("{TITLE} - The Harbour Post"), "site-name");
    check_pair(TITLE, &format!("{TITLE} | News | Harbour Post"), "site-name");
    check_pair(TITLE, &format!("{TITLE}|Post"), "site-name");
    check_pair(TITLE, &format!("Harbour Post: {TITLE}"), "site-name");
    check_pair(TITLE, &format!("{TITLE} – Harbour Post – 12.05.2024"), "site-name");
    check_pair("港町の新しい橋が開通", "港町の新しい橋が開通｜港新聞デジタル", "site-name");
    check_pair("港町の新しい橋が開通", "港町の新しい橋が開通：港新聞", "site-name");
    check_pair("新大桥昨日正式通车", "新大桥昨日正式通车_新闻中心_海港网", "site-name");
    check_pair("बंदरगाह नगर में नया पुल खुला", "बंदरगाह नगर में नया पुल खुला - बंदरगाह समाचार", "site-name");
    check_pair(
        "بلدة الميناء تفتتح جسرها الجديد",
        "بلدة الميناء تفتتح جسرها الجديد | صحيفة الميناء",
        "site-name",
    );
}

#[test]
fn the_cleaner_one_stays() {
    check(&format!("<site-name>{TITLE} | Harbour Post\n\n</>{TITLE}\n\n{BODY}"), Some(TITLE));
    check(&format!("<site-name>Harbour Post: {TITLE}\n</>{TITLE}\n\n{BODY}"), Some(TITLE));
    let both = format!("{TITLE} | Post\n\nBy Mara Okoye\n\n<site-name>{TITLE}\n\n</>{BODY}");
    check(&both, Some(&format!("{TITLE} | Post")));
    check_with(Some(&format!("{TITLE} - Post")), &format!("{TITLE}\n\n{BODY}"), Some(TITLE));
}

#[test]
fn nearly_the_same() {
    check_pair(TITLE, "Harbour Town Opens New Bridge", "near-repeat");
    check_pair(TITLE, "Harbour Town Opens Its New Bridge After Ten Years", "near-repeat");
    check_pair("港町の新しい橋がきょう開通、市民ら祝う", "港町の新しい橋が開通、市民ら祝う", "near-repeat");
    check_pair(TITLE, "Why Harbour Town Needed a Bridge", "");
    check_pair("The Best Boots for Every Walk", "The Best Boots for Snow", "");
}

#[test]
fn numbers_must_be_equal() {
    check_pair("Opening Bell 11.18.19", "Opening Bell 10.29.19", "");
    check_pair("Bridge costs 15 million more than planned", "Bridge costs 1.5 million more than planned", "");
    check_pair(
        "Bridge diary, day 2: the long wait for steel",
        "Bridge diary, day 3: the long wait for steel",
        "",
    );
    check_pair("Day 2: the long wait for steel", "Day 3: the long wait for steel", "");
}

#[test]
fn the_article_stays() {
    check_pair(TITLE, "Harbour Town opens its new bridge on Monday, the mayor said.", "");
    check_pair("Bridge Plan 2030: What the Town Will Pay for Steel", "Bridge Plan 2030", "");
    check_pair(TITLE, "https://example.org/harbour-town-opens-its-new-bridge", "");
    check(&format!("{TITLE}\n\nHarbour Town opens its new\nbridge on Monday, and {BODY}"), Some(TITLE));
    check(&format!("{TITLE}\n\nHarbour Town Opens Its New\nBridge Road and {BODY}"), Some(TITLE));
    check(&format!("{TITLE}\n\n{BODY}\nHarbour Town's New Bridge\n\n{BODY}"), Some(TITLE));
    check(&format!("{BODY}\nIt cost much.\n"), None);
}

#[test]
fn nothing_to_do() {
    check("", None);
    check("\n\n", None);
    check("One line alone of five", None);
    check("apple\napple\npear\n", None);
    check("10 10\n10 10\n20 20\n", None);
    check(&format!("Politics\n\n{BODY}"), None);
    check_with(Some(TITLE), &format!("{BODY}\n{TITLE}\n"), None);
    check_with(Some("Another title"), &format!("{TITLE}\n\n{BODY}"), None);
}

#[test]
fn the_known_title_finds_its_repeats() {
    let text = format!("Politics\n\n{TITLE}\n\n<site-name>{TITLE} | Post\n\n</>{BODY}");
    check_with(Some(TITLE), &text, None);
}

#[test]
fn options_are_heeded() {
    let run = |config: &str, text: &str| testing::open::<DedupTitle>(config).unwrap().run(text);
    let near = format!("{TITLE}\n\nHarbour Town Opens New Bridge\n\n{BODY}");
    assert_eq!(run(r#"{"near": false}"#, &near).text, near);
    let far = format!("{TITLE}\n\nPolitics\n\n{TITLE}\n\n{BODY}");
    assert_eq!(run(r#"{"lines": 2}"#, &far).text, far);
    assert!(run(r#"{"set-title": false}"#, &far).fields.is_empty());
    assert!(testing::open::<DedupTitle>(r#"{"line": 2}"#).is_err());
    assert!(testing::open::<DedupTitle>(r#"{"lines": 0}"#).is_err());
    assert!(testing::open::<DedupTitle>(r#"{"similarity": 0.2}"#).is_err());
}

#[test]
fn many_repeats_and_long_lines_take_no_time() {
    let text = format!("{TITLE}\n\n").repeat(20_000);
    assert_eq!(stage().run(&text).text, format!("{TITLE}\n\n"));
    let long = "word ".repeat(1_000_000);
    assert_eq!(stage().run(&format!("{long}\n\n{long}\n")).edits, []);
}

/// Documents of lines that resemble each other, in all their orders.
fn documents() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "",
        "",
        "",
        " ",
        TITLE,
        "Harbour Town Opens Its New Bridge | Harbour Post",
        "Post: Harbour Town Opens Its New Bridge",
        "HARBOUR TOWN OPENS ITS NEW BRIDGE",
        "Harbour Town Opens New Bridge",
        "Harbour Town Opens Its New Bridge at Last",
        "opens its new bridge",
        "Politics",
        "Harbour Town opens its new bridge.",
        "The bridge opened.",
        "港町の新しい橋が開通",
        "港町の新しい橋が開通｜港新聞",
    ]);
    let ending = prop::sample::select(vec!["\n", "\n\n", "\r\n", "\n \n", ""]);
    prop::collection::vec((line, ending), 0..14)
        .prop_map(|lines| lines.into_iter().flat_map(|(line, ending)| [line, ending]).collect())
}

/// Many times as many cases as usual, so that `PROPTEST_CASES` still says how long to look.
fn many() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.saturating_mul(8), failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn a_second_run_changes_nothing(text in documents(), known in prop::option::of(prop::sample::select(vec![TITLE, "Harbour Town Opens Its New Bridge | Harbour Post"]))) {
        let fields: Vec<_> = known.map(|title| ("title", title)).into_iter().collect();
        let once = stage().run_with(&text, &fields);
        prop_assert_eq!(&once.failed, &None);
        let title = once.fields.get("title").and_then(|title| title.as_str()).or(known);
        let fields: Vec<_> = title.map(|title| ("title", title)).into_iter().collect();
        let twice = stage().run_with(&once.text, &fields);
        prop_assert_eq!(&twice.text, &once.text);
        prop_assert!(twice.fields.is_empty());
    }
}
