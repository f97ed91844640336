//! The stage as a whole. All pages are invented.

use std::fmt::Write;

use textmill_stage::testing::{Answered, open};

use crate::ExtractHtml;

/// Sentences enough for an article.
const PARAGRAPHS: [&str; 4] = [
    "The harbour of Ostmere froze over on Tuesday for the first time in thirty years, and the ferry stayed at its pier.",
    "Skippers said that the ice had come within a night, thicker than a hand, and that nobody had laid in salt for it.",
    "The town council met in the afternoon and asked the neighbouring port for its small ice breaker, which is expected on Friday.",
    "Until then a bus takes the long way round the bay, which needs two hours instead of twenty minutes, twice a day.",
];

fn page(head: &str, above: &str, below: &str) -> String {
    let mut html = format!(
        "<!doctype html><html><head>{head}</head><body><nav><a href='/'>Home</a></nav><article>{above}"
    );
    for paragraph in PARAGRAPHS {
        let _ = writeln!(html, "<p>{paragraph}</p>");
    }
    html + below + "</article><footer>All rights reserved</footer></body></html>"
}

fn run(html: &str) -> Answered {
    open::<ExtractHtml>("{}").unwrap().run(html)
}

/// The fields that `head`, and `above` the article, give.
fn check(head: &str, above: &str, expect: &[(&str, &str)]) {
    let answered = run(&page(head, above, ""));
    assert_eq!(answered.failed, None, "{head}");
    let fields: Vec<_> =
        answered.fields.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    assert_eq!(fields, expect, "{head} {above}");
}

fn fails(html: &str, message: &str) {
    let failed = run(html).failed.map(|error| error.message().to_owned()).unwrap_or_default();
    let start: String = html.chars().take(60).collect();
    assert!(failed.contains(message), "{start}: {failed:?}");
}

#[test]
fn the_article_is_the_text() {
    for mode in ["precise", "fast"] {
        let stage = open::<ExtractHtml>(&format!(r#"{{"mode": "{mode}"}}"#)).unwrap();
        let answered =
            stage.run(&page("<title>Ice</title>", "<h1>Ice closes the harbour of Ostmere</h1>", ""));
        assert_eq!(answered.text, PARAGRAPHS.join("\n\n"), "{mode}");
        assert_eq!(answered.edits[0].2, "article");
    }
}

#[test]
fn lines_that_are_links_elsewhere_go() {
    let below = "<p><a href='/salt'>Salt is short in all three ports of the bay</a></p>\
        <p>What the <a href='https://example.org/ice'>ice atlas</a> of the coast says about the winter to come.</p>";
    let text = run(&page("", "", below)).text;
    assert!(!text.contains("Salt is short"), "{text}");
    assert!(text.contains("ice atlas of the coast"), "{text}");
}

#[test]
fn a_long_line_stands_once() {
    let below = format!("<p>{}</p>", PARAGRAPHS[0]);
    assert_eq!(run(&page("", "", &below)).text.matches(PARAGRAPHS[0]).count(), 1);
}

#[test]
fn the_title_loses_the_name_of_the_site() {
    let site = "<meta property='og:site_name' content='Ostmere Post'>";
    let shared = |title: &str| format!("{site}<meta property='og:title' content='{title}'>");
    check(&shared("Ice in June - Ostmere Post"), "", &[("title", "Ice in June")]);
    check(&shared("Ice in June | OSTMERE POST"), "", &[("title", "Ice in June")]);
    check(&shared("Ice in June - and what now?"), "", &[("title", "Ice in June - and what now?")]);
    check(&shared("港の氷が割れる：Ostmere Post"), "", &[("title", "港の氷が割れる")]);
    check(
        "<title>Ice in the harbour - News</title>",
        "<h1>Ice in the harbour</h1>",
        &[("title", "Ice in the harbour")],
    );
    check(&format!("{site}<title>Ice &amp; salt - Ostmere Post</title>"), "", &[("title", "Ice & salt")]);
    check(site, "<h1>Ostmere Post</h1>", &[]);
}

#[test]
fn titles_are_weighed() {
    let three = |stated: &str, shared: &str| {
        format!(
            "<script type='application/ld+json'>{{\"@type\": \"NewsArticle\", \"headline\": \"{stated}\"}}</script>\
             <meta property='og:title' content='{shared}'><title>Window - Post</title>"
        )
    };
    let heading = "<h1>The harbour is closed</h1>";
    check(&three("Ice in the bay", "The harbour is closed"), heading, &[("title", "The harbour is closed")]);
    check(&three("Ice in the bay", "What ice does"), heading, &[("title", "Ice in the bay")]);
    check(&three("Winter: the ice is here", "The ice is here"), heading, &[("title", "The ice is here")]);
    check("<title>Window</title>", "", &[("title", "Window")]);
}

#[test]
fn fields_come_from_the_page() {
    let data = r#"<script type="application/ld+json">{"@graph": [{"@type": ["NewsArticle"], "headline": "Ice closes the harbour",
        "datePublished": "2024-06-03T07:00:00Z", "author": [{"name": "Mara Oduya"}, {"name": "Jon
        Hale"}, "Mara Oduya"]}]}</script>"#;
    let link = "<link rel='canonical' href='https://example.org/ice'>";
    check(
        &format!("{data}{link}"),
        "",
        &[
            ("author", "Mara Oduya; Jon Hale"),
            ("date", "2024-06-03"),
            ("title", "Ice closes the harbour"),
            ("url", "https://example.org/ice"),
        ],
    );
    let metas = "<meta property='article:published_time' content='Mon, 3 Jun 2024 07:00:00 GMT'>\
        <meta property='og:url' content='https://example.org/2023/01/01/ice'><meta name='author' content='Mara Oduya'>";
    check(
        metas,
        "",
        &[("author", "Mara Oduya"), ("date", "2024-06-03"), ("url", "https://example.org/2023/01/01/ice")],
    );
    check("<link rel='canonical' href='/ice'><script type='application/ld+json'>{broken</script>", "", &[]);
}

#[test]
fn the_stated_article_stands_in_for_a_short_one() {
    let body = PARAGRAPHS.join(" ");
    let html = format!(
        "<title>Ice</title><script type='application/ld+json'>{{\"@type\": \"Article\", \"articleBody\": \"{body}\"}}</script>\
         <p>Please sign in.</p>"
    );
    let answered = run(&html);
    assert_eq!(answered.text, body);
}

#[test]
fn the_page_can_be_in_a_field() {
    let stage = open::<ExtractHtml>(r#"{"from": "html"}"#).unwrap();
    let answered = stage.run_with("a teaser", &[("html", &page("", "", ""))]);
    assert_eq!(answered.text, PARAGRAPHS.join("\n\n"));
    let message = stage.run("a teaser").failed.unwrap().message().to_owned();
    assert_eq!(message, "the field `html` is absent");
}

#[test]
fn what_is_no_page_fails() {
    fails("", "not HTML");
    fails("Just a line of plain text, 3 < 4.", "not HTML");
    fails("\0\u{1}\u{feff}\u{fffd}", "not HTML");
    fails("<html><body><script>let article = 1;</script><img src='a.png'></body></html>", "no article");
    fails("<div></div>", "no article");
    let page = page("", "", "");
    let short = open::<ExtractHtml>(r#"{"max-bytes": 100}"#).unwrap().run(&page);
    assert!(short.failed.unwrap().message().contains("max-bytes"));
    let few = open::<ExtractHtml>(r#"{"max-elements": 5}"#).unwrap().run(&page);
    assert!(few.failed.unwrap().message().contains("max-elements"));
}

/// Tests run on threads with 2 MiB of stack, as the workers of the engine do. An overflow would end the process.
#[test]
fn deep_nesting_fails_or_passes_but_does_not_overflow() {
    for tag in [
        "div",
        "b",
        "span",
        "blockquote",
        "ul><li",
        "table><tr><td",
        "a href='/x'",
        "svg><g",
        "p><font",
        "object",
        "q",
    ] {
        assert!(run(&format!("<{tag}>").repeat(100_000)).failed.is_some(), "{tag}");
        let levels = 380 / (1 + tag.matches('<').count());
        let html = format!(
            "<body>{}{}",
            format!("<{tag}>").repeat(levels),
            PARAGRAPHS.map(|text| format!("<p>{text}</p>")).concat()
        );
        let _ = run(&html);
    }
}

#[test]
fn huge_markup_is_no_trouble() {
    let attribute = format!("<div data-x='{}'>", "y".repeat(3_000_000));
    assert_eq!(run(&page("", &attribute, "")).text, PARAGRAPHS.join("\n\n"));
    let attributes = (0..200_000).map(|number| format!(" a{number}=1")).collect::<Vec<_>>().concat();
    fails(&page("", &format!("<div{attributes}>"), ""), "attributes");
    let class = format!("<div class='{}'>", "comment nav x-y ".repeat(100_000));
    let _ = run(&page("", &class, ""));
    let data = format!("<script type='application/ld+json'>{}</script>", "[".repeat(1_000_000));
    assert_eq!(run(&page(&data, "", "")).text, PARAGRAPHS.join("\n\n"));
    let _ = run(&page("", &"<!--".repeat(100_000), ""));
}
