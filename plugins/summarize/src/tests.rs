use serde_json::json;
use textmill_stage::testing::{Opened, open};

use super::*;

/// A story of ten sentences, with a heading.
const STORY: &str = "\
Harbour town opens its first tidal mill

The town of Arlow opened a tidal mill on Monday that will light all of its 4,000 homes.
The mill turns with every tide, and its makers say that it needs no dam.
\"I have waited for this since I was a girl,\" said the mayor.
Is it cheap?
It costs 20 million crowns, which the town borrowed from its own people.
How the money comes back

The homes of Arlow pay 30 crowns a month for the light from the mill.
Fishermen had feared that the mill would drive the herring away.
The makers of the mill let the boats pass through a gate beside it.
A second mill is planned for the next town along the coast, Berrin.
The tidal mill of Arlow will be open to visitors from June.
";

fn stage(config: &str) -> Opened<Summarize> {
    open(config).unwrap()
}

fn summary(config: &str, text: &str) -> Option<String> {
    let answered = stage(config).run(text);
    assert_eq!(answered.failed, None);
    assert_eq!(answered.text, text, "the text stays as it is");
    answered.fields["summary"].as_str().map(str::to_owned)
}

#[test]
fn every_method_keeps_sentences_word_for_word_in_order() {
    for method in ["news", "lexrank", "textrank", "lead"] {
        let config = json!({ "method": method, "sentences": 4, "spans": "places" }).to_string();
        let answered = stage(&config).run(STORY);
        let spans: Vec<[usize; 2]> = serde_json::from_value(answered.fields["places"].clone()).unwrap();
        assert_eq!(spans.len(), 4, "{method}");
        assert!(spans.is_sorted(), "{method}");
        let parts: Vec<_> = spans.iter().map(|[start, end]| STORY.get(*start..*end).unwrap()).collect();
        assert_eq!(answered.fields["summary"], json!(parts.join(" ")), "{method}");
        assert!(!parts.iter().any(|part| part.contains("first tidal") || part.contains("money comes")));
    }
}

#[test]
fn news_starts_with_the_news() {
    let found = summary("{}", STORY).unwrap();
    assert!(found.starts_with("The town of Arlow opened a tidal mill"), "{found}");
    assert!(!found.contains("Is it cheap?") && !found.contains("since I was a girl"), "{found}");
}

#[test]
fn the_length_is_a_number_of_sentences_or_words_or_a_part() {
    let words = |config: &str| summary(config, STORY).unwrap().split_whitespace().count();
    assert!(words(r#"{"words": 40}"#) <= 40);
    assert!(words(r#"{"words": 1}"#) > 1, "one sentence at least");
    let sentences = |config: &str| stage(config).run(STORY).fields["at"].as_array().map(Vec::len);
    assert_eq!(sentences(r#"{"spans": "at"}"#), Some(3));
    assert_eq!(sentences(r#"{"spans": "at", "sentences": 1}"#), Some(1));
    assert_eq!(sentences(r#"{"spans": "at", "ratio": 0.2, "method": "lexrank"}"#), Some(2));
    assert_eq!(sentences(r#"{"spans": "at", "ratio": 0.01}"#), Some(1));
}

/// One budget for all: a sentence that does not fit is passed over while the summary is short, and ends it afterwards.
#[test]
fn all_methods_spend_words_alike() {
    let short = "Rain fell on the hills.";
    let long = "Rain fell on all of the hills, and on the roads, the roofs, the boats, the gardens, the fields and the old \
                stone bridges of the valley, for nineteen days and nights.";
    let check = |words: usize, text: &str, expect: &str| {
        let config = json!({ "method": "lead", "words": words }).to_string();
        assert_eq!(summary(&config, text).as_deref(), Some(expect), "{words}");
    };
    check(20, &format!("{short} {long} {short}"), &format!("{short} {short}"));
    check(10, &format!("{short} {long} {short}"), short);
    check(2, &format!("{short} {long}"), short);
    for method in ["news", "lexrank", "textrank", "lead"] {
        let config = json!({ "method": method, "words": 30 }).to_string();
        let found = summary(&config, STORY).unwrap().split_whitespace().count();
        assert!((15..=30).contains(&found), "{method}: {found}");
    }
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for config in [
        r#"{"sentences": 0}"#,
        r#"{"words": 0}"#,
        r#"{"ratio": 0}"#,
        r#"{"ratio": 1.5}"#,
        r#"{"words": 5, "ratio": 0.5}"#,
        r#"{"sentences": 3, "words": 50}"#,
        r#"{"method": "magic"}"#,
        r#"{"sentence": 3}"#,
    ] {
        assert!(open::<Summarize>(config).is_err(), "{config}");
    }
}

#[test]
fn the_title_is_no_sentence_of_the_story() {
    let text = "The mill is open.\nThe mill is open.\n\nIt turned for the first time on Monday in the rain. \
                Many people came. The music was loud.";
    let answered = stage(r#"{"method": "lead"}"#).run_with(text, &[("title", "The mill is open")]);
    let expect = "It turned for the first time on Monday in the rain. Many people came. The music was loud.";
    assert_eq!(answered.fields["summary"], json!(expect));
}

#[test]
fn a_title_left_twice_is_not_taken_twice() {
    let title = "The town of Arlow opened a tidal mill for all of its homes.";
    for method in ["news", "lexrank", "textrank"] {
        let config = json!({ "method": method, "sentences": 8 }).to_string();
        let found = summary(&config, &format!("{title}\n{title}\n{STORY}")).unwrap();
        assert_eq!(found.matches(title).count(), 1, "{method}: {found}");
    }
}

#[test]
fn the_document_names_its_language() {
    let text =
        "Die Mühle läuft seit Montag. Er sagte, sie laufe gut. Die Stadt lieh das Geld bei ihren Bürgern.";
    for (field, value) in
        [("language", "\"de\""), ("lang", "\"de-AT\""), ("lang", "[1]"), ("language", "\"xx\"")]
    {
        let answered = stage("{}").run_with(text, &[(field, value)]);
        assert!(answered.fields["summary"].as_str().is_some_and(|summary| summary.starts_with("Die Mühle")));
    }
    let guess = |text: &str| {
        let mut words = Words::default();
        words.read(textmill_text::words(text));
        words.guess().code()
    };
    assert_eq!(guess(text), Some("de"));
    assert_eq!(guess("The mill has been running since Monday, and it is loud."), Some("en"));
    assert_eq!(guess("qwx zzt 123 fjfjf"), None);
}

#[test]
fn the_field_can_have_another_name() {
    let answered = stage(r#"{"field": "teaser"}"#).run(STORY);
    assert!(answered.fields["teaser"].is_string());
}

#[test]
fn bad_input_is_summarized_as_well_as_it_can_be() {
    let same = "The same thing is said once more here. ".repeat(50);
    let unspaced = "x".repeat(100_000);
    let thai = "กังหันน้ำขึ้นน้ำลงเปิดแล้ว\nชาวเมืองดีใจมาก\nเรือผ่านได้";
    let thai_paragraph = "กังหันน้ำขึ้นน้ำลงเปิดแล้ว ชาวเมืองดีใจมาก เรือผ่านได้";
    for method in ["news", "lexrank", "textrank", "lead"] {
        let config = json!({ "method": method }).to_string();
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(summary(&config, text).as_deref(), expect, "{method}");
        };
        check("", None);
        check(" \n \n", None);
        check("--- ***", None);
        check("Only one sentence.", Some("Only one sentence."));
        check("Hello", Some("Hello"));
        check(&unspaced, Some(&unspaced));
        check("水车开了。", Some("水车开了。"));
        check("水车开了。\n大家来看。", Some("水车开了。大家来看。"));
        check(thai_paragraph, Some(thai_paragraph));
        check("\u{feff}\u{200b}", None);
        check("🌊 🌊\n🌊", None);
        check("a\0b\u{7f} \r c\r\n", Some("a\0b\u{7f} \r c"));
        check(thai, Some(&thai.replace('\n', " ")));
        let found = summary(&config, &same).unwrap();
        assert_eq!(found.matches("once more").count(), if method == "lead" { 3 } else { 1 }, "{method}");
    }
}

#[test]
fn a_hundred_thousand_sentences_are_no_trouble() {
    use std::fmt::Write;
    let mut text = String::new();
    for number in 0..100_000_u64 {
        let (kind, place) = (number * 7919 % 1009, number * 104_729 % 2003);
        write!(text, "The engine{kind} of mill number {number} was moved to harbour{place} in the spring. ")
            .unwrap();
    }
    for config in [
        r#"{"method": "news", "ratio": 0.01}"#,
        r#"{"method": "lexrank"}"#,
        r#"{"method": "textrank", "words": 60}"#,
        r#"{"method": "lead", "ratio": 1.0}"#,
    ] {
        assert!(summary(config, &text).is_some(), "{config}");
    }
}

/// A word that reached into the next sentence would be counted there and nowhere else.
#[test]
fn no_word_reaches_over_the_end_of_a_sentence() {
    proptest::proptest!(|(text in "([ .!?\n)',’…•a1X]|\\PC|Mr\\.|1\\.|。|“|؟){0,60}")| {
        let whole: Vec<_> = textmill_text::words(&text).map(|word| word.span).collect();
        let parts = textmill_text::sentences(&text).flat_map(|span| {
            let words = textmill_text::words(span.of(&text).unwrap());
            words.map(move |word| Span::new(span.start + word.span.start, span.start + word.span.end))
        });
        proptest::prop_assert_eq!(whole, parts.collect::<Vec<_>>());
    });
}

#[test]
fn one_over_a_sum_comes_apart() {
    for (least, greatest) in [(1_usize, 1), (1, 3), (1, 80), (5, 1_000_000)] {
        let found = rank::error_of_reciprocal(least, greatest);
        assert!(found < 1e-7, "{least} {greatest}: {found}");
    }
}

/// What a worker's buffers hold from the document before must not show.
#[test]
fn the_order_of_documents_does_not_matter() {
    let mut scratch = Scratch::default();
    let stage = stage("{}");
    let first = stage.run(STORY).fields;
    let mut terms = |text: &str, code: &str| {
        let Scratch { words, terms, candidates } = &mut scratch;
        let language = Language::of_code(code);
        words.read(textmill_text::words(text));
        let sentences = textmill_text::sentences_in(text, language.code());
        candidates::find(text, sentences, None, language, words, candidates);
        terms.clear();
        for found in candidates.iter() {
            terms.push(text, words, found.range.clone(), language);
        }
        terms.weigh();
        (0..terms.len()).map(|row| terms.weighed(row).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let before = terms(STORY, "en");
    terms("Other words about other mills.", "en");
    terms("Andere Wörter.", "de");
    assert_eq!(terms(STORY, "en"), before);
    assert_eq!(stage.run(STORY).fields, first);
}

/// The article has a title, a title again, and teasers between its paragraphs, which other stages take away.
#[test]
fn a_real_article() {
    let folder = std::env::var("TEXTMILL_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    let Ok(text) = std::fs::read_to_string(format!("{folder}/data/article.txt")) else {
        println!("skipped: there is no `{folder}/data/article.txt`");
        return;
    };
    let title = text.lines().next().unwrap();
    let clean: Vec<_> = text.lines().skip(2).filter(|line| !line.starts_with("READ MORE")).collect();
    let answered = stage(r#"{"spans": "at"}"#).run_with(&clean.join("\n"), &[("title", title)]);
    let found = answered.fields["summary"].as_str().unwrap();
    assert!(!found.contains(title) && found.ends_with('.'));
    assert_eq!(answered.fields["at"].as_array().map(Vec::len), Some(3));
}
