//! The stage `summarize`: the sentences that tell the story, word for word.
//!
//! It chooses and does not write, so a summary says nothing that the text does not say. The default method starts from
//! what is hard to beat on news, the first sentences, and departs from them where later sentences come back to another
//! one, or where an early one is a quotation, a question, or leans on what went before.

mod candidates;
mod choose;
mod forms;
mod language;
mod rank;
mod terms;
mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use textmill_stage::{Doc, Error, Outcome, Plan, Read, Result, Span, StageWithScratch, Write};

use crate::candidates::Candidate;
use crate::choose::{Budget, Purse};
use crate::language::Language;
use crate::terms::{Terms, as_f64};
use crate::words::Words;

/// Writes a summary into a field: whole sentences of the text, word for word and in its order, with a space between
/// them where the writing has one.
///
/// The title (a line at the top that equals the field `title`) and headings are left out where the text has sentences. A
/// text without a sentence gets no summary, and the field is removed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// How sentences are chosen.
    method: Method,
    /// The length of the summary in sentences; 3 if no other length is given.
    #[schemars(range(min = 1))]
    sentences: Option<usize>,
    /// The most words of the summary, in place of `sentences`: whole sentences, the best first, and at least one. With half
    /// of the words used it ends at the first that does not fit, as what fits further down is worth less than nothing.
    #[schemars(range(min = 1))]
    words: Option<usize>,
    /// The length of the summary as a part of the sentences of the text, in place of `sentences`; at least one.
    ratio: Option<f64>,
    /// The field that the summary goes to; `summary` if not given.
    field: Option<String>,
    /// A field for the places of the sentences in the text, as `[[start, end], ...]` in bytes; none if not given.
    spans: Option<String>,
    /// The language of the texts, as an ISO 639-1 code. If not given, the document's field `language` or `lang` names it,
    /// or it is guessed from the text.
    language: Option<String>,
}

/// How sentences are chosen.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Method {
    /// By position, by how much later sentences come back to one, and by form; nothing is said twice.
    #[default]
    News,
    /// By a walk over the graph of similar sentences (Erkan and Radev 2004).
    Lexrank,
    /// By a walk over the graph of shared words (Mihalcea and Tarau 2004).
    Textrank,
    /// The first sentences.
    Lead,
}

/// The stage `summarize`.
#[derive(Debug)]
pub struct Summarize {
    method: Method,
    length: Length,
    language: Option<Language>,
    title: Read<String>,
    languages: Option<[Read<Json>; 2]>,
    summary: Write<String>,
    spans: Option<Write<Json>>,
}

/// The length that the options ask for.
#[derive(Clone, Copy, Debug)]
enum Length {
    Fixed(Budget),
    Ratio(f64),
}

/// Buffers that are used again for the next document.
#[derive(Debug, Default)]
pub struct Scratch {
    words: Words,
    candidates: Vec<Candidate>,
    terms: Terms,
}

/// Sentences with fewer or more words are no news: headings and bylines, lists and tables.
const NEWS_WORDS: std::ops::RangeInclusive<usize> = 5..=80;

/// The fields that may name the language of a document.
const LANGUAGE: [&str; 2] = ["language", "lang"];

impl StageWithScratch for Summarize {
    const NAME: &'static str = "summarize";
    type Config = Config;
    type Scratch = Scratch;

    fn new(config: Config, plan: &mut Plan) -> Result<Self> {
        let language = config.language.as_deref().map(Language::of_code);
        let declared = language.is_none().then(|| LANGUAGE.map(|name| plan.reads(name)));
        let field = config.field.clone().unwrap_or_else(|| "summary".to_owned());
        // A field that it reads and sets is another the next time.
        let is_read = |name: &String| name == "title" || LANGUAGE.contains(&&**name);
        if ![Some(&field), config.spans.as_ref()].into_iter().flatten().any(is_read) {
            plan.claim_idempotent();
        }
        Ok(Self {
            method: config.method,
            length: config.length()?,
            language,
            title: plan.reads("title"),
            languages: declared,
            summary: plan.writes(field),
            spans: config.spans.map(|name| plan.writes(name)),
        })
    }

    fn process(&self, scratch: &mut Scratch, doc: &mut Doc<'_>) -> Result<Outcome> {
        scratch.words.read(doc.words());
        let language = self.language_of(doc).unwrap_or_else(|| scratch.words.guess());
        let Scratch { words, candidates, .. } = scratch;
        let sentences = doc.sentences(language.code());
        candidates::find(doc.text(), sentences, doc.get(self.title), language, words, candidates);
        let mut chosen = self.choose(doc.text(), language, scratch);
        chosen.sort_unstable();
        self.answer(doc, &chosen);
        Ok(Outcome::Keep)
    }
}

impl Config {
    fn length(&self) -> Result<Length> {
        match (self.sentences, self.words, self.ratio) {
            (Some(0), ..) => Err(Error::config("/sentences", "a summary has at least one sentence")),
            (_, Some(0), _) => Err(Error::config("/words", "a summary has at least one word")),
            (Some(sentences), None, None) => Ok(Length::Fixed(Budget::Sentences(sentences))),
            (None, Some(words), None) => Ok(Length::Fixed(Budget::Words(words))),
            (None, None, Some(ratio)) if ratio > 0.0 && ratio <= 1.0 => Ok(Length::Ratio(ratio)),
            (None, None, Some(_)) => Err(Error::config("/ratio", "expected a number above 0 and up to 1")),
            (None, None, None) => Ok(Length::Fixed(Budget::Sentences(3))),
            (_, Some(_), _) => Err(Error::config("/words", ONE_LENGTH)),
            _ => Err(Error::config("/ratio", ONE_LENGTH)),
        }
    }
}

const ONE_LENGTH: &str = "give one of `sentences`, `words` and `ratio`";

impl Summarize {
    /// The language that the options or the document name.
    fn language_of(&self, doc: &Doc<'_>) -> Option<Language> {
        let declared = || self.languages?.into_iter().find_map(|field| doc.get(field));
        let named = || declared().as_ref().and_then(Json::as_str).map(Language::of_code);
        self.language.or_else(named)
    }

    fn choose(&self, text: &str, language: Language, scratch: &mut Scratch) -> Vec<Span> {
        let budget = self.length.budget(scratch.candidates.len());
        if self.method == Method::News && scratch.candidates.iter().any(is_news) {
            scratch.candidates.retain(is_news);
        }
        let Scratch { words, candidates, terms } = scratch;
        let chosen = if self.method == Method::Lead {
            lead(candidates, budget)
        } else {
            terms.clear();
            for candidate in candidates.iter() {
                terms.push(text, words, candidate.range.clone(), language);
            }
            self.rank(candidates, terms, budget)
        };
        chosen.into_iter().map(|sentence| candidates[sentence].span).collect()
    }

    fn rank(&self, candidates: &[Candidate], terms: &mut Terms, budget: Budget) -> Vec<usize> {
        terms.weigh();
        let ranking = match self.method {
            Method::Lexrank => rank::lexrank(terms),
            Method::Textrank => rank::textrank(terms),
            _ => rank::news(candidates, terms),
        };
        choose::greedy(&ranking, candidates, terms, budget)
    }

    fn answer(&self, doc: &mut Doc<'_>, chosen: &[Span]) {
        let sentences: Vec<_> = chosen.iter().filter_map(|span| span.of(doc.text())).collect();
        if sentences.is_empty() {
            doc.unset(self.summary);
        } else {
            doc.set(self.summary, &join(&sentences));
        }
        if let Some(field) = self.spans {
            let pairs = chosen.iter().map(|span| Json::from(vec![span.start, span.end]));
            doc.set(field, &pairs.collect::<Json>());
        }
    }
}

/// Sentences in a row: with a space between them, but where the writing has none after a full-width end mark.
fn join(sentences: &[&str]) -> String {
    let mut summary = String::new();
    for sentence in sentences {
        if !summary.is_empty() && !summary.ends_with(FULL_WIDTH_ENDS) {
            summary.push(' ');
        }
        summary.push_str(sentence);
    }
    summary
}

/// End marks and closing brackets of Chinese and Japanese, which bring their own space.
const FULL_WIDTH_ENDS: [char; 8] = ['。', '！', '？', '．', '」', '』', '）', '】'];

impl Length {
    fn budget(self, sentences: usize) -> Budget {
        match self {
            Self::Fixed(budget) => budget,
            Self::Ratio(ratio) => Budget::Sentences(part(sentences, ratio)),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and `sentences`")]
fn part(sentences: usize, ratio: f64) -> usize {
    libm::ceil(as_f64(sentences) * ratio) as usize
}

fn is_news(candidate: &Candidate) -> bool {
    NEWS_WORDS.contains(&candidate.words)
}

fn lead(candidates: &[Candidate], budget: Budget) -> Vec<usize> {
    let mut purse = Purse::new(budget);
    let mut chosen = Vec::new();
    for (sentence, candidate) in candidates.iter().enumerate() {
        if purse.is_closed() {
            break;
        }
        if purse.buy(candidate) {
            chosen.push(sentence);
        }
    }
    chosen
}

#[cfg(test)]
mod tests;
