//! The phrase tables, and automata over them.
//!
//! A row of `data/phrases.tsv` is a rule, a form (how the phrase has to stand in its line), a language, the phrase, and
//! where it was seen. ASCII is matched without case by the automaton; of phrases with other letters the usual spellings
//! (as written, lower, upper, first letter upper) go into it, since no automaton of bytes folds Unicode.

use std::collections::BTreeSet;

use aho_corasick::automaton::OverlappingState;
use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, MatchKind, StartKind};
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

/// All phrases of the chosen languages and rules.
#[derive(Debug)]
pub(crate) struct Phrases {
    /// Those that open a line.
    opening: Automaton,
    /// Those that stand anywhere.
    inside: Automaton,
}

/// A trie to be walked from one place of a line, and what tells most places from those where a phrase begins.
#[derive(Debug)]
struct Automaton {
    trie: AhoCorasick,
    meanings: Vec<(Rule, Form)>,
    beginnings: Beginnings,
}

/// The first bytes of phrases, hashed: few words of a text begin like one, and of nearly all others it costs two looks
/// into 8 KiB each to know. Letters of ASCII are taken without case.
#[derive(Debug, Default)]
struct Beginnings {
    /// The first two bytes of phrases of one or two, if there are any.
    tiny: Option<Bits>,
    /// The first four bytes of phrases of three to seven.
    short: Bits,
    /// The first eight bytes of those of more.
    long: Bits,
}

#[derive(Debug)]
struct Bits(Box<[u64; 1024]>);

impl Phrases {
    pub(crate) fn new(own: &[String], languages: &[String], permissions: &Permissions) -> Result<Self> {
        let own = own.iter().map(|phrase| (Rule::Phrase, Form::Own, phrase.as_str()));
        let all = own.chain(rows(languages)).filter(|(rule, ..)| permissions.allows(*rule));
        let spelled = all
            .flat_map(|(rule, form, phrase)| spellings_of(phrase).into_iter().map(move |s| (s, rule, form)));
        let (inside, opening): (Vec<_>, Vec<_>) = spelled.partition(|(_, _, form)| form.is_inside());
        Ok(Self { opening: Automaton::new(opening)?, inside: Automaton::new(inside)? })
    }

    /// Where in a text phrases may begin that stand inside their lines: a few places, found without a look at its lines.
    pub(crate) fn places(&self, text: &str) -> Vec<usize> {
        let bytes = text.as_bytes();
        let mut places = Vec::new();
        let mut found = [0; BLOCK];
        for (block, mut starts) in word_starts(bytes) {
            let mut count = 0;
            while starts != 0 {
                let at = block + starts.trailing_zeros() as usize;
                // Written in any case and counted if it is one, for the answer is nothing that a processor could guess.
                found[count] = at;
                count += usize::from(self.inside.beginnings.begins(bytes.get(at..).unwrap_or_default()));
                starts &= starts - 1;
            }
            places.extend(found.iter().take(count));
        }
        places
    }

    /// Finds the phrases in `core` of a line that begin and end at the edges of words; `places` are those of
    /// [`Phrases::places`] that lie in the line.
    pub(crate) fn hits(
        &self,
        line: &str,
        core: Span,
        places: impl Iterator<Item = usize>,
        mut found: impl FnMut(Hit),
    ) {
        if self.opening.beginnings.begins(core.of(line).unwrap_or_default().as_bytes()) {
            self.opening.hits(line, core).for_each(&mut found);
        }
        for place in places.filter(|place| (core.start..core.end).contains(place)) {
            self.inside.hits(line, Span::new(place, core.end)).for_each(&mut found);
        }
    }
}

impl Automaton {
    fn new(phrases: Vec<(String, Rule, Form)>) -> Result<Self> {
        let trie = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Anchored)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(phrases.iter().map(|(spelling, ..)| spelling))
            .map_err(|error| Error::config("/phrases", error.to_string()))?;
        let mut beginnings = Beginnings::default();
        for (spelling, ..) in &phrases {
            beginnings.add(spelling.as_bytes());
        }
        let meanings = phrases.into_iter().map(|(_, rule, form)| (rule, form)).collect();
        Ok(Self { trie, meanings, beginnings })
    }

    /// The phrases that begin where `place` begins.
    fn hits<'a>(&'a self, line: &'a str, place: Span) -> impl Iterator<Item = Hit> + 'a {
        let input = Input::new(line).range(place.start..place.end).anchored(Anchored::Yes);
        let mut state = OverlappingState::start();
        let found = std::iter::from_fn(move || {
            self.trie.find_overlapping(input.clone(), &mut state);
            state.get_match()
        });
        found.filter_map(move |found| {
            let (rule, form) = self.meanings[found.pattern().as_usize()];
            let span = Span::new(found.start(), found.end());
            is_word(line, span).then_some(Hit { rule, form, span })
        })
    }
}

impl Beginnings {
    fn add(&mut self, phrase: &[u8]) {
        let start = start_of(phrase);
        match *phrase {
            [] => {}
            [a] => (0..=u8::MAX).for_each(|b| self.add_tiny(start_of(&[a, b]))),
            [_, _] => self.add_tiny(start),
            // A letter would go on with the word.
            [a, b, c] => (0..=u8::MAX)
                .filter(|d| !c.is_ascii_alphanumeric() || !d.is_ascii_alphanumeric())
                .for_each(|d| self.short.set(four(start_of(&[a, b, c, d])))),
            [_, _, _, _, _, _, _, _, ..] => self.long.set(eight(start)),
            _ => self.short.set(four(start)),
        }
    }

    fn add_tiny(&mut self, start: u64) {
        self.tiny.get_or_insert_default().set(two(start));
    }

    /// Whether a phrase may begin here.
    fn begins(&self, rest: &[u8]) -> bool {
        let start = start_of(rest);
        self.tiny.as_ref().is_some_and(|tiny| tiny.get(two(start)))
            | self.short.get(four(start))
            | self.long.get(eight(start))
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
    let start = bytes.first_chunk().copied().unwrap_or_else(|| filled_up(bytes));
    u64::from_le_bytes(start) | 0x2020_2020_2020_2020
}

fn filled_up(bytes: &[u8]) -> [u8; 8] {
    let mut filled = [0; 8];
    filled.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    filled
}

fn two(start: u64) -> u16 {
    top(start << 48)
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

/// Where words begin, as one bit for each byte of a block: at each byte of a letter or digit that has no ASCII letter or
/// digit before it, for behind letters of other scripts a word may begin anywhere. With each block where it starts.
fn word_starts(text: &[u8]) -> impl Iterator<Item = (usize, u64)> {
    let mut before = 0;
    (0..).step_by(BLOCK).zip(text.chunks(BLOCK)).map(move |(start, block)| {
        let (whole, rest) = block.as_chunks();
        let mut starts = 0;
        for (index, bytes) in
            whole.iter().chain(Some(&filled_up(rest)).filter(|_| !rest.is_empty())).enumerate()
        {
            let bytes = u64::from_le_bytes(*bytes);
            let words = ascii_words(bytes);
            let here = (words | (bytes & TOP)) & !(words << 8 | before);
            before = words >> 56;
            starts |= gathered(here) << (8 * index);
        }
        (start, starts)
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
            let begins = |at: &usize| !text[..*at].last().is_some_and(u8::is_ascii_alphanumeric);
            let bits = |(start, bits): (usize, u64)| {
                (0..BLOCK).filter(move |bit| bits >> bit & 1 != 0).map(move |bit| start + bit)
            };
            let found: Vec<_> = word_starts(text).flat_map(bits).collect();
            assert_eq!(found, (0..text.len()).filter(is_word).filter(begins).collect::<Vec<_>>(), "{text:?}");
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
                assert!(beginnings.begins(rest.as_bytes()), "{rest:?}");
            }
            assert!(!beginnings.begins(b"xylophone"));
        }
    }
}
