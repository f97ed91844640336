//! The sentences that a summary may choose from, and what they look like.

use std::ops::Range;

use textmill_text::{Span, fold, lines};

use crate::language::Language;
use crate::words::Words;

/// A sentence of the document.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Where it stands (bytes).
    pub(crate) span: Span,
    /// Its words, among those of the document.
    pub(crate) range: Range<usize>,
    /// How many words it has. Two characters of a script without spaces count as one.
    pub(crate) words: usize,
    /// How many of them have a digit.
    pub(crate) numbers: usize,
    /// It opens with a quotation mark.
    pub(crate) opens_quote: bool,
    /// It opens with a pronoun or a conjunction.
    pub(crate) opens_weak: bool,
    /// How it ends.
    pub(crate) ending: Ending,
}

/// How a sentence ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With a question mark.
    Question,
    /// With another end mark.
    Mark,
    /// With none, as headings and captions do.
    Open,
}

/// A title may stand among the first sentences of the text; further down the same words are a sentence.
const TITLE_PLACES: usize = 4;

/// Fills `found` with those `sentences` of `text` that a summary may choose from. The title is none of them, and neither are
/// headings, unless sentences with end marks are the smaller part of the text: then its script may have none.
pub(crate) fn find(
    text: &str,
    sentences: impl Iterator<Item = Span>,
    title: Option<&str>,
    language: Language,
    words: &mut Words,
    found: &mut Vec<Candidate>,
) {
    found.clear();
    let mut next = 0;
    for span in sentences {
        let range = words.until(next, span.end);
        next = range.end;
        found.extend(look_at(text, span, range, language, words));
    }
    remove_title(text, title, found);
    let marked: usize =
        found.iter().filter(|candidate| has_mark(candidate)).map(|candidate| candidate.words).sum();
    let total: usize = found.iter().map(|candidate| candidate.words).sum();
    if marked * 2 >= total {
        found.retain(has_mark);
    }
}

fn look_at(
    text: &str,
    span: Span,
    range: Range<usize>,
    language: Language,
    words: &mut Words,
) -> Option<Candidate> {
    let sentence = span.of(text).filter(|_| !range.is_empty())?;
    let (mut spaced, mut unspaced, mut numbers) = (0, 0_usize, 0);
    for (form, is_unspaced) in range.clone().map(|word| words.form(word)) {
        unspaced += usize::from(is_unspaced);
        spaced += usize::from(!is_unspaced);
        numbers += usize::from(form.digit);
    }
    Some(Candidate {
        span,
        words: spaced + unspaced.div_ceil(2),
        numbers,
        opens_quote: sentence.starts_with(is_quote),
        opens_weak: words.meaning(range.start, language).opener,
        ending: ending(sentence),
        range,
    })
}

/// Removes the sentences at the top that make up the title: whole lines with its words.
fn remove_title(text: &str, title: Option<&str>, found: &mut Vec<Candidate>) {
    let Some(title) = title.map(key).filter(|title| !title.is_empty()) else { return };
    let top = lines(text).filter(|line| !line.is_blank()).take(TITLE_PLACES);
    let titles: Vec<Span> = top.filter(|line| key(line.text) == title).map(|line| line.content()).collect();
    if !titles.is_empty() {
        let inside = |span: Span| titles.iter().any(|line| line.start <= span.start && span.end <= line.end);
        found.retain(|candidate| !inside(candidate.span));
    }
}

/// The letters and digits of a line, in the form in which writings of the same words are equal.
fn key(line: &str) -> String {
    fold(line).filter(|c| c.is_alphanumeric()).collect()
}

fn has_mark(candidate: &Candidate) -> bool {
    candidate.ending != Ending::Open
}

fn ending(sentence: &str) -> Ending {
    match sentence.trim_end_matches(is_closing).chars().next_back() {
        Some('?' | '？' | '؟') => Ending::Question,
        Some(last) if is_end_mark(last) => Ending::Mark,
        _ => Ending::Open,
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '“' | '”' | '‘' | '«' | '»' | '„' | '‚' | '「' | '『')
}

fn is_closing(c: char) -> bool {
    is_quote(c) || matches!(c, '’' | ')' | ']' | '」' | '』' | '）' | ' ')
}

fn is_end_mark(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '。' | '｡' | '！' | '？' | '؟' | '۔' | '।' | '॥' | '։')
        || matches!(c, '\u{1362}' | '\u{1367}' | '\u{104b}' | '\u{17d4}' | '\u{17d5}')
}
