//! The phrase tables, and how phrases are found.
//!
//! A row of `data/phrases.tsv` is a rule, a form (how the phrase has to stand in its line), a language, the phrase, and
//! where it was seen. ASCII is matched without case; of phrases with other letters the usual spellings (as written, lower,
//! upper, first letter upper) are looked for, since a comparison of bytes folds no Unicode.
//!
//! There is no automaton: phrases begin where words do, and nearly no word of a text begins like one of them. So each
//! word's first bytes are looked up in a set of hashes, and phrases are compared where it has them.

use std::collections::{BTreeSet, HashMap};

use textmill_stage::{Error, Result, Span};

use crate::rule::{Permissions, Rule};

const PHRASES: &str = include_str!("data/phrases.tsv");

/// How a phrase has to stand in its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// It is the line.
    Line,
    /// It opens the line; a colon, a bar or a headline follows. Alone, it heads a block of links.
    Mark,
    /// It opens the line, and a colon or a bar follows.
    Colon,
    /// It is the heading of a block of links, or opens it.
    Head,
    /// It opens the line.
    Open,
    /// It stands anywhere in the line.
    Part,
    /// With a number it is the line.
    Count,
    /// A number stands before it, and both are the line: a reading time.
    Minutes,
    /// It opens a credit, on its own line or behind a caption.
    Caption,
    /// It ends a credit.
    Agency,
    /// It opens a line that is a date.
    Dated,
    /// It opens a line that is a name.
    By,
    /// It opens the line, and the user said so.
    Own,
}

/// A phrase that was found in a line: what for, and where (bytes).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) rule: Rule,
    pub(crate) form: Form,
    pub(crate) span: Span,
}

impl Hit {
    /// As it is counted from `start` on.
    pub(crate) fn counted_from(self, start: usize) -> Self {
        Self { span: Span::new(self.span.start - start, self.span.end - start), ..self }
    }
}

/// All phrases of the chosen languages and rules.
#[derive(Debug)]
pub(crate) struct Phrases {
    /// Those that open a line.
    opening: Index,
    /// Those that stand anywhere.
    inside: Index,
}

/// Phrases by their first bytes, and what tells most places from those where a phrase begins.
#[derive(Debug, Default)]
struct Index {
    beginnings: Beginnings,
    phrases: HashMap<u64, Vec<Phrase>, foldhash::fast::FixedState>,
}

#[derive(Debug)]
struct Phrase {
    spelling: String,
    rule: Rule,
    form: Form,
}

/// A line of more characters is the article's own, whatever phrase stands inside it.
pub(crate) const MAX_CHARS: usize = 280;

/// The first bytes of phrases, hashed: few words of a text begin like one, and of nearly all others it costs three looks
/// into 8 KiB each to know. Letters of ASCII are taken without case.
#[derive(Debug, Default)]
struct Beginnings {
    /// The first two bytes of phrases of one or two, if there are any.
    tiny: Option<Bits>,
    /// All of phrases of three bytes.
    three: Bits,
    /// The first four bytes of those of up to seven.
    four: Bits,
    /// The first eight bytes of those of more.
    eight: Bits,
}

#[derive(Debug)]
struct Bits(Box<[u64; 1024]>);

impl Phrases {
    pub(crate) fn new(own: &[String], languages: &[String], permissions: &Permissions) -> Self {
        let own = own.iter().map(|phrase| (Rule::Phrase, Form::Own, phrase.as_str()));
        let all = own.chain(rows(languages)).filter(|(rule, ..)| permissions.allows(*rule));
        let mut phrases = Self { opening: Index::default(), inside: Index::default() };
        for (rule, form, phrase) in all {
            let index = if form.is_inside() { &mut phrases.inside } else { &mut phrases.opening };
            for spelling in spellings_of(phrase) {
                index.add(Phrase { spelling, rule, form });
            }
        }
        phrases
    }

    /// Finds the phrases in the `words` of a line (a span of its text) that begin and end at the edges of words.
    pub(crate) fn hits(&self, text: &str, words: Span, mut found: impl FnMut(Hit)) {
        self.opening.hits(text, words, &mut found);
        if !is_looked_into(words.of(text).unwrap_or_default()) {
            return;
        }
        for (block, mut starts) in word_starts(text.as_bytes(), words) {
            while starts != 0 {
                let at = block + starts.trailing_zeros() as usize;
                self.inside.hits(text, Span::new(at, words.end), &mut found);
                starts &= starts - 1;
            }
        }
    }
}

/// Whether phrases are looked for inside a line of these words.
fn is_looked_into(words: &str) -> bool {
    words.len() <= MAX_CHARS || words.chars().nth(MAX_CHARS).is_none()
}

impl Index {
    fn add(&mut self, phrase: Phrase) {
        let bytes = phrase.spelling.as_bytes();
        self.beginnings.add(bytes);
        let key = key(start_of(bytes), key_len(bytes.len()));
        self.phrases.entry(key).or_default().push(phrase);
    }

    /// The phrases that begin where `place` begins, and end in it.
    #[inline]
    fn hits(&self, text: &str, place: Span, found: impl FnMut(Hit)) {
        if self.beginnings.begin(start_at(text.as_bytes(), place.start)) {
            self.compare(text, place, found);
        }
    }

    fn compare(&self, text: &str, place: Span, mut found: impl FnMut(Hit)) {
        let start = start_at(text.as_bytes(), place.start);
        let rest = place.of(text).unwrap_or_default().as_bytes();
        let alike = KEY_LENS.iter().filter_map(|len| self.phrases.get(&key(start, *len))).flatten();
        for Phrase { spelling, rule, form } in alike {
            let here = rest.get(..spelling.len());
            let is_here = here.is_some_and(|here| here.eq_ignore_ascii_case(spelling.as_bytes()));
            let span = Span::new(place.start, place.start + spelling.len());
            if is_here && is_word(text, span) {
                found(Hit { rule: *rule, form: *form, span });
            }
        }
    }
}

/// By how many of its first bytes a phrase is looked up: of each phrase as many as it has.
const KEY_LENS: [usize; 5] = [1, 2, 3, 4, 8];

fn key_len(len: usize) -> usize {
    KEY_LENS.into_iter().rfind(|key_len| *key_len <= len).unwrap_or_default()
}

/// The first `len` bytes of a start. None of them is zero, so that keys of different lengths differ.
fn key(start: u64, len: usize) -> u64 {
    start & u64::MAX.unbounded_shr(64 - 8 * u32::try_from(len).unwrap_or(8))
}

impl Beginnings {
    fn add(&mut self, phrase: &[u8]) {
        let start = start_of(phrase);
        match *phrase {
            [] => {}
            [a] => (0..=u8::MAX).for_each(|b| self.add_tiny(start_of(&[a, b]))),
            [_, _] => self.add_tiny(start),
            [_, _, _] => self.three.set(three(start)),
            [_, _, _, _, _, _, _, _, ..] => self.eight.set(eight(start)),
            _ => self.four.set(four(start)),
        }
    }

    fn add_tiny(&mut self, start: u64) {
        self.tiny.get_or_insert_default().set(two(start));
    }

    /// Whether a phrase may begin so.
    #[inline]
    fn begin(&self, start: u64) -> bool {
        self.tiny.as_ref().is_some_and(|tiny| tiny.get(two(start)))
            | self.three.get(three(start))
            | self.four.get(four(start))
            | self.eight.get(eight(start))
    }
}

impl Bits {
    fn set(&mut self, hash: u16) {
        self.0[usize::from(hash >> 6)] |= 1 << (hash & 63);
    }

    fn get(&self, hash: u16) -> bool {
        self.0[usize::from(hash >> 6)] & (1 << (hash & 63)) != 0
    }
}

impl Default for Bits {
    fn default() -> Self {
        Self(Box::new([0; 1024]))
    }
}

/// The first eight bytes, zeros where there are fewer; letters of ASCII without case.
fn start_of(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(padded(bytes)) | 0x2020_2020_2020_2020
}

/// As [`start_of`], from a place in a text on: what follows the line costs less than to stop at its end.
#[inline]
fn start_at(text: &[u8], at: usize) -> u64 {
    start_of(text.get(at..).unwrap_or_default())
}

/// The first bytes, zeros where there are fewer.
#[inline]
fn padded<const LEN: usize>(bytes: &[u8]) -> [u8; LEN] {
    bytes.first_chunk().copied().unwrap_or_else(|| {
        let mut padded = [0; LEN];
        padded.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        padded
    })
}

fn two(start: u64) -> u16 {
    top(start << 48)
}

fn three(start: u64) -> u16 {
    top((start << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn four(start: u64) -> u16 {
    top((start << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn eight(start: u64) -> u16 {
    top(start.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// The upper sixteen bits, which depend on all bits of a product.
fn top(product: u64) -> u16 {
    (product >> 48) as u16
}

/// Where words begin in a span of a text, as one bit for each byte of a block: at each byte of a letter or digit that has no
/// ASCII letter or digit before it, for behind letters of other scripts a word may begin anywhere. With each block where
/// it starts.
fn word_starts(text: &[u8], span: Span) -> impl Iterator<Item = (usize, u64)> {
    let mut before = 0;
    (span.start..span.end).step_by(BLOCK).map(move |start| {
        let block: [u8; BLOCK] = padded(text.get(start..).unwrap_or_default());
        let mut starts = 0;
        for (index, bytes) in block.as_chunks().0.iter().enumerate() {
            let bytes = u64::from_le_bytes(*bytes);
            let words = ascii_words(bytes);
            let here = (words | (bytes & TOP)) & !(words << 8 | before);
            before = words >> 56;
            starts |= gathered(here) << (8 * index);
        }
        let len = span.end - start;
        (start, if len < BLOCK { starts & ((1 << len) - 1) } else { starts })
    })
}

/// The top bits of eight bytes, in one byte.
fn gathered(tops: u64) -> u64 {
    (tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

const BLOCK: usize = 64;
const EACH: u64 = 0x0101_0101_0101_0101;
const TOP: u64 = 0x80 * EACH;

/// The top bits of those of eight bytes that are letters or digits of ASCII. All eight are looked at with one addition
/// for each bound: with seven bits to a byte, none carries into the next.
fn ascii_words(bytes: u64) -> u64 {
    let low = bytes & !TOP;
    let from = |bytes: u64, bound: u8| bytes + u64::from(0x80 - bound) * EACH;
    let letters = from(low | (0x20 * EACH), b'a') & !from(low | (0x20 * EACH), b'z' + 1);
    let digits = from(low, b'0') & !from(low, b'9' + 1);
    (letters | digits) & !bytes & TOP
}

impl Form {
    /// Whether the phrase may stand elsewhere than at the start of its line.
    const fn is_inside(self) -> bool {
        matches!(self, Self::Part | Self::Count | Self::Minutes | Self::Caption | Self::Agency)
    }
}

/// Refuses a language that no table knows.
pub(crate) fn check_languages(languages: &[String]) -> Result<()> {
    let known: BTreeSet<_> = table().map(|(_, _, language, _)| language).collect();
    match languages.iter().position(|language| !known.contains(language.as_str())) {
        None => Ok(()),
        Some(index) => {
            let known: Vec<_> = known.into_iter().collect();
            let message = format!("no phrases of `{}`; there are: {}", languages[index], known.join(", "));
            Err(Error::config(format!("/languages/{index}"), message))
        }
    }
}

/// Rule, form, language and phrase of each row.
fn table() -> impl Iterator<Item = (Rule, Form, &'static str, &'static str)> {
    PHRASES.lines().skip(1).filter_map(|row| {
        let mut columns = row.split('\t');
        let rule = rule_of(columns.next()?)?;
        Some((rule, form_of(columns.next()?)?, columns.next()?, columns.next()?))
    })
}

fn rows(languages: &[String]) -> impl Iterator<Item = (Rule, Form, &str)> {
    let wanted =
        |language: &str| languages.is_empty() || language == "und" || languages.iter().any(|l| l == language);
    table()
        .filter(move |(_, _, language, _)| wanted(language))
        .map(|(rule, form, _, phrase)| (rule, form, phrase))
}

/// The tables say `related` for the rule that is named after what it removes.
fn rule_of(name: &str) -> Option<Rule> {
    if name == "related" { Some(Rule::RelatedBlock) } else { Rule::named(name) }
}

fn form_of(name: &str) -> Option<Form> {
    Some(match name {
        "line" => Form::Line,
        "mark" => Form::Mark,
        "colon" => Form::Colon,
        "head" => Form::Head,
        "open" => Form::Open,
        "part" => Form::Part,
        "count" => Form::Count,
        "minutes" => Form::Minutes,
        "caption" => Form::Caption,
        "agency" => Form::Agency,
        "dated" => Form::Dated,
        "by" => Form::By,
        _ => return None,
    })
}

/// The spellings of a phrase: with and without the typographic apostrophe, and in the usual cases where ASCII folding
/// does not reach. What stands around a line's own words or closes it (a bullet, a colon) is no part of it.
fn spellings_of(phrase: &str) -> BTreeSet<String> {
    let phrase = crate::shape::core(phrase)
        .of(phrase)
        .unwrap_or_default()
        .trim_end_matches([':', '.', '!', '?', '？', '：'])
        .trim();
    let mut spellings: BTreeSet<String> = [phrase.to_owned()].into();
    if !phrase.is_ascii() {
        let mut letters = phrase.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        spellings.extend([phrase.to_lowercase(), phrase.to_uppercase(), first + letters.as_str()]);
    }
    let curly: Vec<_> = spellings.iter().filter(|s| s.contains('\'')).map(|s| s.replace('\'', "’")).collect();
    spellings.extend(curly);
    spellings.retain(|spelling| !spelling.is_empty());
    spellings
}

/// Whether the span does not begin or end within a word. Scripts that write without spaces have no such edges.
fn is_word(line: &str, span: Span) -> bool {
    let inside = span.of(line).unwrap_or_default();
    let before = line.get(..span.start).and_then(|before| before.chars().next_back());
    let after = line.get(span.end..).and_then(|after| after.chars().next());
    !joins(before, inside.chars().next()) && !joins(inside.chars().next_back(), after)
}

fn joins(left: Option<char>, right: Option<char>) -> bool {
    let spaced = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !crate::shape::is_unspaced(c));
    spaced(left) && spaced(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_behind_what_is_no_letter_or_digit() {
        let all: Vec<u8> = (0..=u8::MAX).rev().chain(0..=u8::MAX).collect();
        for text in
            [b"".as_slice(), b"a", b" ", b"a b", b"12:30 Uhr, \xc3\x84rger a\xc3\xa4", b"seventh 8th", &all]
        {
            let is_word = |at: &usize| text[*at].is_ascii_alphanumeric() || !text[*at].is_ascii();
            for span in [Span::new(0, text.len()), Span::new(text.len() / 3, text.len() / 2)] {
                let begins = |at: &usize| *at == span.start || !text[at - 1].is_ascii_alphanumeric();
                let bits = |(start, bits): (usize, u64)| {
                    (0..BLOCK).filter(move |bit| bits >> bit & 1 != 0).map(move |bit| start + bit)
                };
                let found: Vec<_> = word_starts(text, span).flat_map(bits).collect();
                let expect: Vec<_> = (span.start..span.end).filter(is_word).filter(begins).collect();
                assert_eq!(found, expect, "{text:?} {span:?}");
            }
        }
    }

    #[test]
    fn phrases_inside_a_line_begin_with_a_word() {
        for (_, _, _, phrase) in table().filter(|(_, form, ..)| form.is_inside()) {
            for spelling in spellings_of(phrase) {
                assert!(
                    spelling.starts_with(|c: char| !c.is_ascii() || c.is_ascii_alphanumeric()),
                    "{phrase}"
                );
            }
        }
    }

    #[test]
    fn beginnings_miss_no_phrase() {
        for phrase in ["a", "by", "Von", "Foto", "Photos", "comments", "read more about"] {
            let mut beginnings = Beginnings::default();
            beginnings.add(phrase.as_bytes());
            for rest in [phrase.to_owned(), phrase.to_uppercase(), format!("{phrase}: b")] {
                assert!(beginnings.begin(start_of(rest.as_bytes())), "{rest:?}");
            }
            assert!(!beginnings.begin(start_of(b"xylophone")));
        }
    }
}
