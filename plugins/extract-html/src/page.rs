//! What a page says about itself: its metadata, its headings, and which of its words are links to other pages.

use std::collections::HashSet;

use serde_json::Value as Json;
use textmill_stage::{Error, Result};
use trafilatura::dom::{Document, NodeId};

use crate::guard::{self, Limits, Problem};
use crate::{blocks, date, key, squeeze};

/// Some sites state the article with its markup: a paragraph is an element or two.
const STATED_LIMITS: Limits = Limits { bytes: 1 << 20, elements: 10_000 };

/// A page, read once from beginning to end.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The text of `<title>`.
    pub(crate) title: String,
    /// The text of each `<h1>`.
    pub(crate) headings: Vec<String>,
    /// The [`key`] of each link, and of each text in one.
    pub(crate) links: HashSet<String>,
    /// `<meta>`: name in lower case, content.
    metas: Vec<(String, String)>,
    canonical: Option<String>,
    /// The `datetime` of the first `<time>`.
    time: Option<String>,
    article: Article,
    publisher: Option<String>,
}

/// What a page states about its article in JSON-LD.
#[derive(Debug, Default)]
struct Article {
    headline: Option<String>,
    body: Option<String>,
    date: Option<String>,
    authors: Vec<String>,
    url: Option<String>,
}

/// What a walk does next.
enum Step {
    Enter(NodeId, usize),
    /// The end of an element whose text was collected from this place on.
    Leave(Kind, usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Link,
    Heading,
    Title,
}

impl Page {
    /// Walks through the document without recursion.
    ///
    /// # Errors
    /// It nests deeper than the code that extracts the article can go.
    pub(crate) fn read(document: &Document, max_depth: usize) -> Result<Self> {
        let mut page = Self::default();
        let mut walk = Walk { steps: vec![Step::Enter(document.root(), 0)], ..Walk::default() };
        while let Some(step) = walk.steps.pop() {
            match step {
                Step::Enter(_, depth) if depth > max_depth => {
                    let message =
                        format!("the page nests its elements more than {max_depth} deep (`max-depth`)");
                    return Err(Error::document(message));
                }
                Step::Enter(node, depth) => page.enter(document, node, depth, &mut walk),
                Step::Leave(kind, start) => page.leave(kind, start, &mut walk),
            }
        }
        Ok(page)
    }

    /// The content of the first `<meta>` with one of these names, in the order of the names.
    pub(crate) fn meta(&self, names: &[&str]) -> Option<&str> {
        let content = |wanted: &&str| self.metas.iter().find(|(name, _)| name == wanted);
        names.iter().find_map(content).map(|(_, content)| content.as_str())
    }

    /// `headline` in JSON-LD.
    pub(crate) fn headline(&self) -> Option<&str> {
        self.article.headline.as_deref()
    }

    /// What the site calls itself.
    pub(crate) fn site_names(&self) -> impl Iterator<Item = &str> {
        let meta = self.meta(&["og:site_name", "application-name"]);
        [meta, self.publisher.as_deref()].into_iter().flatten()
    }

    /// The text of the article as JSON-LD states it, if that is more than a teaser.
    pub(crate) fn stated_article(&self) -> Option<String> {
        let body = self.article.body.as_deref()?;
        let body = unescape(body);
        // A text without tags is one line or more; one with tags is a page again, and as little to be trusted.
        let text = match guard::check(&body, STATED_LIMITS) {
            Ok(()) => blocks::of_html(&body),
            Err(Problem::NotHtml) => blocks::of_lines(&body),
            Err(_) => return None,
        };
        (text.chars().count() >= 200).then_some(text)
    }

    pub(crate) fn author(&self) -> Option<String> {
        let mut authors: Vec<&str> = Vec::new();
        for author in &self.article.authors {
            if !author.is_empty() && !author.contains("://") && !authors.contains(&author.as_str()) {
                authors.push(author);
            }
        }
        (!authors.is_empty()).then(|| authors.join("; "))
    }

    pub(crate) fn url(&self) -> Option<String> {
        let stated = [self.canonical.as_deref(), self.meta(&["og:url"]), self.article.url.as_deref()];
        let is_absolute = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
        stated.into_iter().flatten().map(str::trim).find(is_absolute).map(str::to_owned)
    }

    pub(crate) fn date(&self) -> Option<String> {
        let url = self.url();
        let stated = [self.article.date.as_deref(), self.meta(DATES), self.time.as_deref()];
        let day = stated.into_iter().flatten().find_map(date::day);
        day.or_else(|| date::day_in_url(url.as_deref()?))
    }

    fn enter(&mut self, document: &Document, node: NodeId, depth: usize, walk: &mut Walk) {
        if document.is_text(node) {
            self.text(document, node, walk);
            return;
        }
        let attribute = |name: &str| document.get_attribute(node, name).unwrap_or_default();
        match document.tag_name(node) {
            "meta" => self.take_meta(&attribute),
            "link" if attribute("rel").eq_ignore_ascii_case("canonical") => {
                self.canonical.get_or_insert_with(|| attribute("href"));
            }
            "time" if self.time.is_none() => {
                self.time = Some(attribute("datetime")).filter(|time| !time.is_empty());
            }
            "script" => {
                if attribute("type").eq_ignore_ascii_case("application/ld+json") {
                    self.take_data(&document.text_content(node));
                }
                return;
            }
            "style" | "noscript" | "template" => return,
            "a" if leads_elsewhere(&attribute("href")) => walk.collect(Kind::Link),
            "h1" => walk.collect(Kind::Heading),
            "title" if self.title.is_empty() && depth <= 3 => walk.collect(Kind::Title),
            _ => (),
        }
        let children = document.child_nodes(node);
        walk.steps.extend(children.into_iter().rev().map(|child| Step::Enter(child, depth + 1)));
    }

    fn text(&mut self, document: &Document, node: NodeId, walk: &mut Walk) {
        if walk.collecting.is_empty() {
            return;
        }
        let text = document.outer_html(node);
        if walk.collecting.contains(&Kind::Link) {
            self.links.insert(key(&text));
        }
        walk.collected.push_str(&text);
        walk.collected.push(' ');
    }

    fn leave(&mut self, kind: Kind, start: usize, walk: &mut Walk) {
        let text = walk.collected.get(start..).unwrap_or_default();
        match kind {
            Kind::Link => _ = self.links.insert(key(text)),
            Kind::Heading => self.headings.push(squeeze(text)),
            Kind::Title => self.title = squeeze(text),
        }
        walk.collecting.pop();
        if walk.collecting.is_empty() {
            walk.collected.clear();
        }
    }

    fn take_meta(&mut self, attribute: &dyn Fn(&str) -> String) {
        let names = ["property", "name", "itemprop"].map(attribute);
        let content = squeeze(&attribute("content"));
        for name in names.into_iter().filter(|name| !name.is_empty() && !content.is_empty()) {
            self.metas.push((name.to_lowercase(), content.clone()));
        }
    }

    /// Reads JSON-LD. Line breaks in its strings are wrong and common.
    fn take_data(&mut self, text: &str) {
        let text: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
        if let Ok(data) = serde_json::from_str(&text) {
            self.take_json(&data);
        }
    }

    /// The parser of JSON bounds the depth of this recursion.
    fn take_json(&mut self, data: &Json) {
        match data {
            Json::Array(items) => items.iter().for_each(|item| self.take_json(item)),
            Json::Object(object) => {
                if is_article(&data["@type"]) {
                    self.article.take(data);
                    let publisher = data["publisher"]["name"].as_str().map(clean);
                    self.publisher = self.publisher.take().or(publisher);
                }
                object.values().filter(|value| !value.is_string()).for_each(|value| self.take_json(value));
            }
            _ => (),
        }
    }
}

/// The steps to take, and the text of the links and headings that it is in.
#[derive(Default)]
struct Walk {
    steps: Vec<Step>,
    collecting: Vec<Kind>,
    collected: String,
}

impl Walk {
    fn collect(&mut self, kind: Kind) {
        self.collecting.push(kind);
        self.steps.push(Step::Leave(kind, self.collected.len()));
    }
}

impl Article {
    /// The first value of each; of bodies the longest.
    fn take(&mut self, data: &Json) {
        let text = |name: &str| data[name].as_str().map(clean).filter(|text| !text.is_empty());
        self.headline = self.headline.take().or_else(|| text("headline"));
        self.date = self.date.take().or_else(|| text("datePublished"));
        self.url = self.url.take().or_else(|| text("url"));
        if let Some(body) = data["articleBody"].as_str()
            && self.body.as_ref().is_none_or(|longest| longest.len() < body.len())
        {
            self.body = Some(body.to_owned());
        }
        if self.authors.is_empty() {
            names(&data["author"], &mut self.authors);
        }
    }
}

/// Names of `<meta>` that say when a page was published, the surest first.
const DATES: &[&str] = &[
    "article:published_time",
    "datepublished",
    "og:published_time",
    "og:article:published_time",
    "article:published",
    "parsely-pub-date",
    "sailthru.date",
    "publication_date",
    "publish-date",
    "publishdate",
    "pubdate",
    "dc.date.issued",
    "dcterms.created",
    "dc.date",
    "date",
];

/// The types of schema.org that are articles: `NewsArticle`, `Article`, `BlogPosting` and their kin.
fn is_article(kind: &Json) -> bool {
    match kind {
        Json::String(kind) => kind.contains("Article") || kind.ends_with("Posting"),
        Json::Array(kinds) => kinds.iter().any(|kind| kind.is_string() && is_article(kind)),
        _ => false,
    }
}

fn names(author: &Json, names_of: &mut Vec<String>) {
    match author {
        Json::String(name) => names_of.push(clean(name)),
        Json::Array(authors) => {
            authors.iter().filter(|author| !author.is_array()).for_each(|author| names(author, names_of));
        }
        Json::Object(author) => names_of.extend(author.get("name").and_then(Json::as_str).map(clean)),
        _ => (),
    }
}

/// A link within the page says nothing against the words it stands on.
fn leads_elsewhere(href: &str) -> bool {
    let href = href.trim();
    !href.is_empty() && !href.starts_with('#')
}

/// JSON-LD is often escaped as if it were HTML, and the values of it twice.
fn unescape(text: &str) -> String {
    htmlize::unescape(htmlize::unescape(text)).into_owned()
}

fn clean(text: &str) -> String {
    squeeze(&unescape(text))
}
