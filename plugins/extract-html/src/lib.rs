//! The stage `extract-html`: the article of a web page, and what the page says about it.
//!
//! The article is found by the crate `trafilatura`. What is ours is what a page can tell about its own text: which lines
//! are links to other pages, what its title is where it names several, and what it states as data (JSON-LD).
//!
//! A page is text from strangers, so `guard` looks at it before any parser does, and `page` once it is parsed.

mod blocks;
mod date;
mod guard;
mod page;
mod title;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use textmill_stage::{Doc, Error, Outcome, Plan, Read, Result, Rewrites, Stage, Write};
use trafilatura::dom::Document;
use trafilatura::{HtmlDateMode, Options};

use crate::guard::Limits;
use crate::page::Page;

/// Takes an HTML page to the text of its article, and to `title`, `url`, `date` and `author`.
///
/// The text becomes the article: a paragraph, heading or list item per line, blank lines between them, without the title,
/// which goes to its field. Lines that are nothing but a link to another page, and long paragraphs that stand twice, are
/// left out. A field that the page does not name keeps its value; `date` is the day of publication as `YYYY-MM-DD`.
///
/// A document that is not HTML, in which no article is found, or that would take a parser out of its depth (elements nested
/// deeper than `max-depth`, a tag with tens of thousands of attributes) fails, and goes to the `failed` output.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// The field that holds the page. The text is the page if not given.
    #[schemars(length(min = 1))]
    from: Option<String>,
    /// How to look for the article.
    mode: Mode,
    /// How many bytes a page may have. Pages of newspapers have some hundred thousand, most of it not their article.
    #[schemars(range(min = 1))]
    max_bytes: usize,
    /// How many elements a page may have: each takes some kilobytes of memory.
    #[schemars(range(min = 1))]
    max_elements: usize,
    /// How deep elements may nest, to 400 at most: pages nest some thirty deep, bad ones a hundred, and the parser follows
    /// elements by recursion.
    #[schemars(range(min = 1, max = 400))]
    max_depth: usize,
}

/// How to look for the article.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    /// Three ways, and the one that fits the page best.
    #[default]
    Precise,
    /// One way: twice as fast, and more often too little or too much.
    Fast,
}

impl Default for Config {
    fn default() -> Self {
        Self { from: None, mode: Mode::default(), max_bytes: 4 << 20, max_elements: 200_000, max_depth: 400 }
    }
}

/// The stage `extract-html`.
#[derive(Debug)]
pub struct ExtractHtml {
    config: Config,
    from: Option<Read<String>>,
    article: Rewrites,
    stated: Rewrites,
    title: Write<String>,
    url: Write<String>,
    date: Write<String>,
    author: Write<String>,
}

impl Stage for ExtractHtml {
    const NAME: &'static str = "extract-html";
    type Config = Config;

    fn new(config: Config, plan: &mut Plan) -> Result<Self> {
        Ok(Self {
            from: config.from.clone().map(|name| plan.reads(name)),
            config,
            article: plan.rewrites("article", "The text is the article that was found in the page."),
            stated: plan.rewrites(
                "stated-article",
                "The text is what the page itself states as its `articleBody`, because less than half as much was found.",
            ),
            title: plan.writes("title"),
            url: plan.writes("url"),
            date: plan.writes("date"),
            author: plan.writes("author"),
        })
    }

    fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
        let html = self.html(doc)?;
        let limits = Limits { bytes: self.config.max_bytes, elements: self.config.max_elements };
        guard::check(html, limits).map_err(|problem| Error::document(problem.to_string()))?;
        let parsed = Document::parse(html);
        let page = Page::read(&parsed, self.config.max_depth)?;
        let found = self.extract(parsed);
        let (text, rule) = self.choose(&page, found.as_ref().map_or("", |found| &found.content_html));
        if text.is_empty() {
            return Err(Error::document("no article was found in the page"));
        }
        doc.rewrite(text, rule);
        self.set_fields(doc, &page, found.map_or_else(String::new, |found| found.metadata.author));
        Ok(Outcome::Keep)
    }
}

impl ExtractHtml {
    fn html<'a>(&self, doc: &Doc<'a>) -> Result<&'a str> {
        let Some(field) = self.from else { return Ok(doc.text()) };
        let missing = || format!("the field `{}` is absent", self.config.from.as_deref().unwrap_or_default());
        doc.get(field).ok_or_else(|| Error::document(missing()))
    }

    /// Dates are read by [`date`]: `trafilatura` asks the clock which years are plausible.
    fn extract(&self, parsed: Document) -> Option<trafilatura::ExtractResult> {
        let options = Options::default()
            .with_fallback(self.config.mode == Mode::Precise)
            .with_exclude_comments(true)
            .with_html_date_mode(HtmlDateMode::Disabled);
        trafilatura::extract_document(parsed, &options).ok()
    }

    fn choose(&self, page: &Page, content: &str) -> (String, Rewrites) {
        let found = blocks::article(content, page);
        match page.stated_article() {
            Some(stated) if 2 * found.len() < stated.len() => (stated, self.stated),
            _ => (found, self.article),
        }
    }

    fn set_fields(&self, doc: &mut Doc<'_>, page: &Page, author: String) {
        let author = page.author().unwrap_or(author);
        let fields = [
            (self.title, title::of(page)),
            (self.url, page.url()),
            (self.date, page.date()),
            (self.author, Some(author)),
        ];
        for (field, value) in fields {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                doc.set(field, &value);
            }
        }
    }
}

/// Letters and digits alone, so that two ways to set the same words are equal.
fn key(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let lower = |text: &str| {
        text.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    if text.is_ascii() { lower(text) } else { lower(&text.nfkc().collect::<String>()) }
}

/// One line, with single spaces.
fn squeeze(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests;
