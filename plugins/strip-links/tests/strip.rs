//! The stage on whole texts.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::sync::LazyLock;

use proptest::prelude::*;
use textmill_stage::testing::{Answered, Opened, open};
use textmill_strip_links::StripLinks;

fn run(config: &str, text: &str) -> Answered {
    open::<StripLinks>(config).unwrap().run(text)
}

fn check_with(config: &str, text: &str, expect: &str) {
    let answered = run(config, text);
    assert_eq!(answered.text, expect, "{config} {text:?} {:?}", answered.edits);
    assert_eq!(run(config, &answered.text).text, answered.text, "a second pass changes nothing: {text:?}");
}

/// The line goes under this rule from among paragraphs.
fn goes(line: &str, rule: &str) {
    goes_with("{}", line, rule);
}

fn goes_with(config: &str, line: &str, rule: &str) {
    let (before, after) = (paragraphs("Mara"), paragraphs("Tove"));
    let answered = run(config, &format!("{before}\n\n{line}\n\n{after}\n"));
    assert_eq!(answered.text, format!("{before}\n\n{after}\n"), "{line:?} {:?}", answered.edits);
    assert_eq!(answered.edits.first().map(|edit| edit.2), Some(rule), "{line:?}");
}

fn stays(line: &str) {
    let (before, after) = (paragraphs("Mara"), paragraphs("Tove"));
    let text = format!("{before}\n\n{line}\n\n{after}\n");
    check_with("{}", &text, &text);
}

fn paragraphs(name: &str) -> String {
    let sentence =
        format!("{name} rowed to the island before the rain came, and nobody on the quay had seen her go. ");
    let paragraph = sentence.repeat(3);
    ["The Boat That Came Back", paragraph.trim(), paragraph.trim(), "It was late.", "Then it was morning."]
        .join("\n\n")
}

#[test]
fn teasers_need_a_separator_or_a_headline() {
    goes("READ MORE: Harbour Board Picks a New Pilot", "teaser");
    goes("ALSO READ | Three Villages Share One Ferry", "teaser");
    goes("Lire aussi : Le phare rouvre au public", "teaser");
    goes("À LIRE AUSSI Le phare rouvre au public", "teaser");
    goes("Lesen Sie auch: Der Leuchtturm öffnet wieder", "teaser");
    goes("続きを読む", "teaser");
    goes("Читайте также: Маяк снова открыт для всех", "teaser");
    goes("**Read more:** Harbour Board Picks a New Pilot", "teaser");
    goes("Baca juga: Mercusuar Dibuka Kembali", "teaser");
    goes("اقرأ أيضا: المنارة تفتح أبوابها من جديد", "teaser");
    goes("[Read more: Harbour Board Picks a New Pilot](https://example.org/a)", "teaser");
    stays("Read more about the treaty in Article 5.");
    stays("Read more slowly, the teacher said, and then read it again.");
    stays("More than a third of the boats stayed in the harbour.");
    stays("Related species live on the other side of the strait.");
    stays("Follow the path to the lighthouse. Then turn left at the wall.");
}

#[test]
fn lines_of_the_page_go() {
    goes("Share this article", "share");
    goes("Teilen", "share");
    goes("Follow us on Example for the latest", "follow");
    goes("Sign up for our newsletter and never miss a boat.", "newsletter");
    goes("12 Comments", "comments");
    goes("Leave a Reply", "comments");
    goes("Photo: Ines Holm / Harbour Archive", "credit");
    goes("© Ines Holm", "credit");
    goes("The pier at dawn. Foto: Ines Holm", "caption");
    goes("ADVERTISEMENT", "advertisement");
    goes("- Anzeige -", "advertisement");
    goes("Log in", "paywall");
    goes("Skip to main content", "interface");
    goes("Published: 4 March 2021 at 09:15", "date");
    goes("5 min read", "date");
    goes_with(r#"{"bare-urls": true}"#, "https://example.org/a/b", "bare-url");
    goes_with(r#"{"copyright": true}"#, "All rights reserved.", "copyright");
    goes_with(r#"{"phrases": ["Our partner"]}"#, "our partner: boats from the yard next door", "phrase");
    goes_with(r#"{"phrases": ["» Our partner:"]}"#, "» Our partner: boats from the yard next door", "phrase");
    stays("https://example.org/a/b");
    stays("He promised to sign the paper on 4 March 2021, at the latest.");
    stays("The photo: a boat, a man and a dog, and behind them nothing but the sea.");
}

#[test]
fn blocks_of_links_go_to_the_end_or_from_three_lines() {
    let text = paragraphs("Mara");
    check_with(
        "{}",
        &format!("{text}\n\nRelated stories\n\nA Ferry for All\n\nPilot Wanted\n"),
        &format!("{text}\n"),
    );
    let block = "Most read\n- A Ferry for All\n- Pilot Wanted\n- Storm Warning Lifted";
    check_with("{}", &format!("{text}\n\n{block}\n\n{text} End.\n"), &format!("{text}\n\n{text} End.\n"));
    let one = format!("{text}\n\nA Ferry for All\n\n{text} End.\n");
    check_with("{}", &format!("{text}\n\nRelated stories\n\nA Ferry for All\n\n{text} End.\n"), &one);
}

#[test]
fn code_stays() {
    let text =
        "Boats in a Row\n\nRun the tests:\n\n```\nRan 3 tests\nOK\nShare this article\n```\n\nAll is well.\n";
    check_with("{}", text, text);
    check_with(
        r#"{"max-removed": 1}"#,
        "A title\n\nShare this article\n\n```\nOK\n```\n",
        "A title\n\n```\nOK\n```\n",
    );
}

#[test]
fn the_rest_of_a_broken_sentence_stays() {
    let text = "Pilots Ask for More\n\nThe harbour board offered every pilot a premium of 13 a\nshare.\n\nThey met again.\n";
    check_with("{}", text, text);
    let text = "Board Reports a Loss\n\nThe board lost eleven boats in the year that ended on\nJanuary 31, 1987.\n\nIt said so.\n";
    check_with("{}", text, text);
}

#[test]
fn headings_end_a_block_of_links() {
    check_with(
        r#"{"max-removed": 1}"#,
        "A title\n\nThe text ends.\n\n## Read more\n\nBoats in a Row\n\nA New Pilot\n\nThree Ferries\n\n## The pilots\n\nThey went on.\n",
        "A title\n\nThe text ends.\n\n## The pilots\n\nThey went on.\n",
    );
}

#[test]
fn titles_stay() {
    let body = paragraphs("Mara");
    let first = format!("READ MORE: How to Steer by the Stars\n\n{body}\n");
    check_with("{}", &first, &first);
    let stage = open::<StripLinks>("{}").unwrap();
    let text = format!("{body}\n\nOpinion: The Sea Is Ours\n\nIt ends here.\n");
    assert_eq!(stage.run_with(&text, &[("title", "Opinion: The Sea Is Ours")]).text, text);
    assert_ne!(stage.run(&text).text, text);
}

#[test]
fn a_line_goes_with_one_neighbouring_gap() {
    let (a, b) = ("a".repeat(90), "b".repeat(90));
    let teaser = "READ MORE: A Ferry for All";
    check_with("{}", &format!("{a}\n\n{teaser}\n\n{b}\n"), &format!("{a}\n\n{b}\n"));
    check_with("{}", &format!("{a}\n{teaser}\n{b}\n"), &format!("{a}\n{b}\n"));
    check_with("{}", &format!("{a}\r\n\r\n{teaser}\r\n\r\n{b}\r\n"), &format!("{a}\r\n\r\n{b}\r\n"));
    check_with("{}", &format!("{a}\n\n{b}\n\n{teaser}\n"), &format!("{a}\n\n{b}\n"));
    check_with("{}", &format!("{a}\n\n{b}\n\n{teaser}"), &format!("{a}\n\n{b}"));
    check_with("{}", &format!("{a}\n\n{teaser}\n{teaser}\n\n{b}"), &format!("{a}\n\n{b}"));
}

#[test]
fn too_much_is_left_as_it_is() {
    let text = "The boat came back.\nREAD MORE: A Ferry for All\nREAD MORE: Pilot Wanted\n";
    check_with("{}", text, text);
    check_with(r#"{"max-removed": 1.0}"#, text, "The boat came back.\n");
}

#[test]
fn inline_links_keep_their_words() {
    let (before, after) = (
        paragraphs("Mara"),
        "The [boat](https://example.org/b \"a boat\") is <a href=\"x\">back</a> [1] f[i](x).",
    );
    let text = format!("{before}\n{after}\n");
    check_with("{}", &text, &format!("{before}\nThe boat is back [1] f[i](x).\n"));
    check_with(r#"{"inline-links": "keep"}"#, &text, &text);
    check_with(r#"{"off": ["html-link", "markdown-link"]}"#, &text, &text);
}

/// Without its marks, what is around a link can read as another.
#[test]
fn links_that_others_leave_behind_go_too() {
    let check = |line: &str, expected: &str| {
        let before = paragraphs("Mara");
        check_with("{}", &format!("{before}\n{line}\n"), &format!("{before}\n{expected}\n"));
    };
    check("[<a ]>]()", "");
    check("A [boat](<a >) came", "A boat came");
    check("A [<a >boat](/b) came", "A boat came");
    check("A <[a](/b) >boat came", "A boat came");
    check("myFile = new [File][5](\"example.txt\");", "myFile = new [File][5](\"example.txt\");");
    let deep = format!("{}a ", "<".repeat(9)) + &">a ".repeat(8) + ">boat";
    check(&deep, &deep);
}

#[test]
fn options_choose_rules_and_languages() {
    let text = format!("{}\n\nLire aussi : Le phare rouvre\n\nTeilen\n\nIt ends.\n", paragraphs("Mara"));
    let without = |line: &str| text.replace(&format!("{line}\n\n"), "");
    check_with(r#"{"off": ["share"]}"#, &text, &without("Lire aussi : Le phare rouvre"));
    check_with(r#"{"languages": ["de"]}"#, &text, &without("Teilen"));
    assert!(open::<StripLinks>(r#"{"languages": ["xx"]}"#).is_err());
    assert!(open::<StripLinks>(r#"{"max-removed": 3.0}"#).is_err());
    assert!(open::<StripLinks>(r#"{"unknown": 1}"#).is_err());
}

#[test]
fn a_tail_goes_on_request() {
    let text = format!("{}\n\nHarbour desk\n\nIsland pages\n", paragraphs("Mara"));
    check_with("{}", &text, &text);
    let tailed = format!("{}\n\nThe last full sentence of the article is here.\n", paragraphs("Mara"));
    let config = r#"{"news-tail": true}"#;
    check_with(config, &format!("{tailed}\nHarbour desk\n\nIsland pages\n"), &tailed);
}

static DEFAULT: LazyLock<Opened<StripLinks>> = LazyLock::new(|| open("{}").unwrap());
static EAGER: LazyLock<Opened<StripLinks>> =
    LazyLock::new(|| open(r#"{"max-removed": 1.0, "bare-urls": true, "news-tail": true}"#).unwrap());

proptest! {
    #![proptest_config(many())]

    #[test]
    fn a_second_pass_changes_nothing(
        lines in proptest::collection::vec(proptest::sample::select(PIECES), 0..24),
        gap in proptest::sample::select(&["\n", "\n\n", "\r\n", " "][..]),
        eager in any::<bool>(),
    ) {
        let stage = if eager { &EAGER } else { &DEFAULT };
        let text = lines.join(gap);
        let once = stage.run(&text);
        prop_assert!(once.failed.is_none());
        prop_assert_eq!(&stage.run(&once.text).text, &once.text);
    }

    #[test]
    fn links_made_of_links_go_at_once(
        pieces in proptest::collection::vec(proptest::sample::select(MARKS), 0..16),
        eager in any::<bool>(),
    ) {
        let stage = if eager { &EAGER } else { &DEFAULT };
        let once = stage.run(&pieces.concat());
        prop_assert!(once.failed.is_none());
        prop_assert_eq!(&stage.run(&once.text).text, &once.text);
    }

    #[test]
    fn any_text_is_safe(text in "[\\[\\]()<>a/ !.:\n\r©Photo読é]{0,120}") {
        let once = EAGER.run(&text);
        prop_assert!(once.failed.is_none());
        prop_assert_eq!(&EAGER.run(&once.text).text, &once.text);
    }
}

/// A dozen times as many cases as usual, so that `PROPTEST_CASES` still says how long to look.
fn many() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.saturating_mul(12), failure_persistence: None, ..usual }
}

const MARKS: &[&str] = &[
    "[",
    "]",
    "(",
    ")",
    "](",
    "](/a)",
    "![",
    "<a ",
    "<a href='(/b)'",
    "</a>",
    "<",
    ">",
    "/",
    "a",
    " ",
    "\n",
];

const PIECES: &[&str] = &[
    "The boat came back before the rain, and nobody on the quay had seen it go out that morning.",
    "It was late. Nobody spoke.",
    "READ MORE: A Ferry for All",
    "Related stories",
    "Most read",
    "More from Harbour",
    "A Ferry for All",
    "- Pilot Wanted",
    "By Ines Holm",
    "4 March 2021, 09:15",
    "Share",
    "12 comments",
    "Photo: Ines Holm",
    "https://example.org/a",
    "See also:",
    "Advertisement",
    "",
    "   ",
    "[boat](https://example.org/b)",
    "[[a](/b)](/c)",
    "]",
    "(/x)",
    "<",
    "<a href='x'>",
    "</a>",
    "Newsletter",
    "Table 12 13 14",
];
