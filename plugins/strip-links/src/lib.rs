//! The stage `strip-links`: deletes what interrupts or trails an article for other stories' sake.
//!
//! A phrase alone is weak evidence, and so is a shape; nearly every rule asks for both. Phrases are tables with their
//! languages and sources (`data/`), shapes are functions of one line (`shape.rs`), and `judge.rs` joins them. Long
//! lines are the article's own and are never looked into, which is also why the stage costs less than a scan for its
//! phrases would: only short lines pass through the automaton.
//!
//! Lines are judged top-down, and a verdict depends only on the line, on the lines above it that stay, and for blocks on
//! the lines below it; so the output passes through unchanged.

mod judge;
mod links;
mod phrases;
mod rule;
mod shape;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use textmill_stage::{Deletes, Doc, Outcome, Plan, Read, Result, Span, Stage};

use crate::judge::{Judge, Seen};
use crate::links::InlineEdits;
use crate::rule::Permissions;
pub use crate::rule::Rule;

/// Removes what interrupts or trails an article for other stories' sake: teasers (`READ MORE: headline`), blocks of
/// related links, share, follow, newsletter and comment lines, credits, marks of advertisements, and leftovers of links.
///
/// Each removal has a rule, and each rule asks for a phrase and a shape: `READ MORE: Headline` on a line of its own
/// goes, "Read more about the treaty in Article 5." in a paragraph stays. The first line and lines that repeat the
/// title stay (of the first line only a mark of an advertisement goes). A line goes with a neighbouring blank line, so
/// that paragraphs stay apart by what separated them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Rules that are switched off.
    off: Vec<Rule>,
    /// Phrases of your own: a short line (at most 480 bytes) that begins with one goes, under the rule `phrase`. Case is ignored.
    phrases: Vec<String>,
    /// The languages whose phrases are used, as ISO 639-1 codes; all of them when empty. Dates know no language.
    languages: Vec<String>,
    /// What becomes of `[words](address)` and `<a href="address">words</a>` within a line that stays.
    inline_links: InlineLinks,
    /// Whether addresses alone on their lines go, save one that the line before announces with a colon. In lists and
    /// poems an address is part of the text, so this is for corpora that are known not to have such lists.
    bare_urls: bool,
    /// Whether short lines with a phrase of copyright go. Off by default, since publishers write them into articles too.
    copyright: bool,
    /// Whether lines that are no sentences go when they follow the last sentence. Good on pages of news, harmful
    /// elsewhere: lists, poems and verses end without a full stop.
    news_tail: bool,
    /// The largest share of the text, in bytes of whole lines, that may go: from 0 to 1. Beyond it the document is left
    /// as it is. The share is reported as the score `removed`, so that a report shows how many documents were beyond.
    #[schemars(range(min = 0.0, max = 1.0))]
    max_removed: f64,
}

/// What becomes of inline links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InlineLinks {
    /// The words stay, the address and the marks around it go.
    #[default]
    KeepWords,
    /// They stay as they are.
    Keep,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            off: Vec::new(),
            phrases: Vec::new(),
            languages: Vec::new(),
            inline_links: InlineLinks::default(),
            bare_urls: false,
            copyright: false,
            news_tail: false,
            max_removed: 0.3,
        }
    }
}

impl Config {
    /// Whether a rule is on.
    fn wants(&self, rule: Rule) -> bool {
        let offered = match rule {
            Rule::BareUrl => self.bare_urls,
            Rule::Copyright => self.copyright,
            Rule::NewsTail => self.news_tail,
            _ => true,
        };
        offered && !self.off.contains(&rule)
    }
}

/// Bytes of a line of news, about: how much room the lines of a document are given beforehand.
const USUAL_LINE: usize = 64;

/// The stage `strip-links`.
#[derive(Debug)]
pub struct StripLinks {
    judge: Judge,
    permissions: Permissions,
    title: Read<String>,
    inline_links: bool,
    max_removed: f64,
}

impl Stage for StripLinks {
    const NAME: &'static str = "strip-links";
    type Config = Config;

    fn new(config: Config, plan: &mut Plan) -> Result<Self> {
        phrases::check_languages(&config.languages)?;
        if !(0.0..=1.0).contains(&config.max_removed) {
            return Err(textmill_stage::Error::config("/max-removed", "a share is from 0 to 1"));
        }
        let permissions = Permissions::declare(plan, |rule| config.wants(rule));
        plan.claim_idempotent();
        Ok(Self {
            judge: Judge::new(&config.phrases, &config.languages, &permissions),
            permissions,
            title: plan.reads("title"),
            inline_links: config.inline_links == InlineLinks::KeepWords,
            max_removed: config.max_removed,
        })
    }

    fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
        let text = doc.text();
        let inline = InlineEdits::find(text, self.inline_links, &self.permissions);
        // A line of nothing but marks of links will be blank.
        let seen = inline.views(doc.lines()).filter(|seen| !seen.view.chars().all(char::is_whitespace));
        let mut lines = Vec::with_capacity(text.len() / USUAL_LINE);
        lines.extend(seen);
        self.judge.lines(text, &mut lines, doc.get(self.title));

        let removals = removals(text, &lines, &self.permissions);
        let removed: usize = removals.iter().map(|(span, _)| span.len()).sum();
        if removed > 0 && self.is_too_much(removed, doc) {
            return Ok(Outcome::Keep);
        }
        for (span, rule) in inline.outside(&removals) {
            doc.remove(span, rule);
        }
        for (span, rule) in removals {
            doc.remove(span, rule);
        }
        Ok(Outcome::Keep)
    }
}

impl StripLinks {
    /// Reports the share of the text that would go, and whether it is beyond what may.
    #[expect(clippy::cast_precision_loss, reason = "a text has fewer than 2^52 bytes")]
    fn is_too_much(&self, removed: usize, doc: &mut Doc<'_>) -> bool {
        let share = removed as f64 / doc.text().len() as f64;
        doc.score("removed", share, Some(self.max_removed));
        let beyond = share > self.max_removed;
        if beyond {
            tracing::debug!(share, max = self.max_removed, "left as it is: more than `max-removed` would go");
        }
        beyond
    }
}

/// The spans to remove: runs of condemned lines, each with the blank lines on one side of it, cut so that every line
/// keeps its own rule.
fn removals(text: &str, lines: &[Seen<'_>], permissions: &Permissions) -> Vec<(Span, Deletes)> {
    let mut removals = Vec::new();
    let mut kept_end = 0;
    let mut rest = lines;
    while let Some(kept) = rest.iter().position(|line| line.verdict.is_some()) {
        let (above, below) = rest.split_at(kept);
        kept_end = above.last().map_or(kept_end, |line| line.line.span.end);
        let (run, below) = below.split_at(below.iter().take_while(|line| line.verdict.is_some()).count());
        let whole = run_span(text, kept_end, run, below.first());
        for (index, seen) in run.iter().enumerate() {
            let start = if index == 0 { whole.start } else { seen.line.span.start };
            let end = run.get(index + 1).map_or(whole.end, |next| next.line.span.start);
            let permission = seen.verdict.and_then(|rule| permissions.get(rule));
            removals.extend(permission.map(|permission| (Span::new(start, end), permission)));
        }
        rest = below;
    }
    removals
}

/// The span of a run of lines that go, with the blank lines after it where blank lines (or the start of the text) stand
/// before it, and with those before it at the end of the text.
fn run_span(text: &str, kept_end: usize, run: &[Seen<'_>], next: Option<&Seen<'_>>) -> Span {
    let first = run.first().map_or(kept_end, |first| first.line.span.start);
    let last = run.last().map_or(first, |last| last.line.span.end);
    match next {
        Some(next) if first > kept_end || kept_end == 0 => Span::new(first, next.line.span.start),
        Some(_) => Span::new(first, last),
        None if text.ends_with('\n') => Span::new(kept_end, text.len()),
        None => {
            let kept = text.get(..kept_end).unwrap_or_default();
            let bare = kept.strip_suffix('\n').map_or(kept, |bare| bare.strip_suffix('\r').unwrap_or(bare));
            Span::new(bare.len(), text.len())
        }
    }
}
