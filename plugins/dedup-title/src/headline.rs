//! A line as it is compared: its letters, and where words and parts of it begin.
//!
//! Letters are compared without what stands between them, so that quotes, dashes and white space make no difference and
//! a script needs no spaces between its words. What stood there is kept beside each letter: a site's name is cut where a
//! separator stood, and `1.5` is not `15`.

use std::ops::Range;

use textmill_text::fold;
use unicode_normalization::char::is_combining_mark;

/// What stands before a letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    /// Nothing, or an apostrophe.
    #[default]
    None,
    /// White space, a hyphen, a quotation mark, a comma: a word begins.
    Word,
    /// A colon: what stands before it may be a site's name or a topic, what stands after it seldom is.
    Colon,
    /// Another separator as it stands between a title and a site's name.
    Bar,
}

/// A line as it is compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headline {
    letters: Vec<char>,
    gaps: Vec<Gap>,
}

/// A headline, or what is left of it without parts at its ends. Positions count letters of the headline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Core<'a> {
    line: &'a Headline,
    start: usize,
    end: usize,
}

/// How many parts are cut, at most, before and after a title: `Live | Sport: Title - Section - Site - Country`.
const PARTS_BEFORE: usize = 2;
const PARTS_AFTER: usize = 3;

impl Headline {
    /// Folds a line and finds its parts. Of ASCII only the case is folded, which most first lines gain by.
    pub(crate) fn new(line: &str) -> Self {
        if line.is_ascii() {
            Self::of_folded(line.bytes().map(|byte| char::from(byte.to_ascii_lowercase())), line.len())
        } else {
            Self::of_folded(fold(line), line.len())
        }
    }

    fn of_folded(folded: impl Iterator<Item = char>, most_letters: usize) -> Self {
        let mut headline =
            Self { letters: Vec::with_capacity(most_letters), gaps: Vec::with_capacity(most_letters) };
        let mut folded = folded.peekable();
        let mut gap = Gap::None;
        let mut before = None;
        while let Some(c) = folded.next() {
            if c.is_alphanumeric() || !c.is_ascii() && is_combining_mark(c) {
                headline.letters.push(c);
                headline.gaps.push(std::mem::take(&mut gap));
            } else {
                gap = gap.max(gap_at(before, c, folded.peek().copied()));
            }
            before = Some(c);
        }
        headline
    }

    /// Whether there is nothing to compare.
    pub(crate) fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// All of it.
    pub(crate) fn whole(&self) -> Core<'_> {
        Core { line: self, start: 0, end: self.letters.len() }
    }

    /// All of it, and what is left of it without parts at its ends.
    pub(crate) fn cores(&self) -> Vec<Core<'_>> {
        let whole = self.whole();
        let ends: Vec<_> = [whole.end].into_iter().chain(self.parts().rev().take(PARTS_AFTER)).collect();
        let starts = [0].into_iter().chain(self.parts().take(PARTS_BEFORE));
        starts
            .flat_map(|start| ends.iter().map(move |end| Core { line: self, start, end: *end }))
            .filter(|core| core.start < core.end)
            .collect()
    }

    /// Where parts begin, but for the first.
    fn parts(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.gaps.iter().enumerate().skip(1).filter(|(_, gap)| **gap >= Gap::Colon).map(|(at, _)| at)
    }

    fn gap(&self, at: usize) -> Gap {
        self.gaps.get(at).copied().unwrap_or_default()
    }
}

impl<'a> Core<'a> {
    /// The letters, digits and marks, folded.
    pub(crate) fn letters(self) -> &'a [char] {
        self.letters_of(self.start..self.end)
    }

    /// How many letters it has.
    pub(crate) fn len(self) -> usize {
        self.end - self.start
    }

    /// How many letters were cut from the line.
    pub(crate) fn cut(self) -> usize {
        self.line.letters.len() - self.len()
    }

    /// Whether it is at least half of its line.
    pub(crate) fn is_most(self) -> bool {
        self.len() >= self.cut()
    }

    /// Whether nothing was cut before it, and what was cut after it followed a separator that is no colon.
    pub(crate) fn is_cut_like_site(self) -> bool {
        self.start == 0 && (self.cut() == 0 || self.line.gap(self.end) == Gap::Bar)
    }

    /// Whether what was cut after it followed a colon.
    pub(crate) fn ends_at_colon(self) -> bool {
        self.line.gap(self.end) == Gap::Colon
    }

    /// Whether a number was cut before it.
    pub(crate) fn follows_number(self) -> bool {
        self.letters_of(0..self.start).iter().any(|c| c.is_numeric())
    }

    /// The words; of a script that writes without spaces, the characters.
    pub(crate) fn words(self) -> Vec<&'a [char]> {
        self.words_of(self.start..self.end)
    }

    /// How many words were cut, on the side where more were.
    pub(crate) fn words_cut(self) -> usize {
        let after = self.words_of(self.end..self.line.letters.len());
        self.words_of(0..self.start).len().max(after.len())
    }

    /// Whether both have the same letters and the same numbers.
    pub(crate) fn is_same(self, other: Core<'_>) -> bool {
        self.letters() == other.letters() && self.has_numbers_of(other)
    }

    /// Whether both have the same numbers in the same order.
    pub(crate) fn has_numbers_of(self, other: Core<'_>) -> bool {
        self.digits().eq(other.digits())
    }

    /// The digits, each with whether it begins a number.
    fn digits(self) -> impl Iterator<Item = (char, bool)> {
        let mut in_number = false;
        (self.start..self.end).filter_map(move |at| {
            let digit = self.line.letters.get(at).copied().filter(|c| c.is_numeric());
            let begins = !in_number || self.line.gap(at) > Gap::None;
            in_number = digit.is_some();
            digit.map(|digit| (digit, begins))
        })
    }

    fn words_of(self, range: Range<usize>) -> Vec<&'a [char]> {
        let begins = |at: usize| {
            self.line.gap(at) > Gap::None || self.line.letters.get(at).copied().is_some_and(is_unspaced)
        };
        let mut words = Vec::new();
        let mut start = range.start;
        for at in range.clone().skip(1).filter(|at| begins(*at)).chain([range.end]) {
            words.push(self.letters_of(start..at));
            start = at;
        }
        words.retain(|word| !word.is_empty());
        words
    }

    fn letters_of(self, range: Range<usize>) -> &'a [char] {
        self.line.letters.get(range).unwrap_or_default()
    }
}

/// What a mark makes of the place between the two characters beside it.
fn gap_at(before: Option<char>, mark: char, after: Option<char>) -> Gap {
    let is_open = |side: Option<char>| side.is_none_or(char::is_whitespace);
    let is_dash = |side: Option<char>| side.is_some_and(|c| "-–‐−".contains(c));
    let is_digit = |side: Option<char>| side.is_some_and(char::is_numeric);
    match mark {
        '\'' | '’' | '‘' | 'ʼ' | '`' => Gap::None,
        '|' | '¦' | '‖' | '│' | '_' | '【' | '】' | '[' | ']' | '—' | '―' => Gap::Bar,
        '-' | '–' | '‐' | '−' if is_open(before) || is_open(after) || is_dash(before) || is_dash(after) => {
            Gap::Bar
        }
        '•' | '·' | '・' | '›' | '»' | '/' | '\\' | '~' | '>' | '<' if is_open(before) && is_open(after) => {
            Gap::Bar
        }
        ':' if !(is_digit(before) && is_digit(after)) => Gap::Colon,
        _ => Gap::Word,
    }
}

/// Whether the character belongs to a script that writes without spaces between words: Thai, Lao, Burmese, Khmer, kana
/// and Han.
pub(crate) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3005}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line's words, `|` and `:` where parts begin.
    fn check(line: &str, expect: &str) {
        let headline = Headline::new(line);
        let mut found = String::new();
        for (letter, gap) in headline.letters.iter().zip(&headline.gaps) {
            found.push_str(match gap {
                Gap::None => "",
                Gap::Word => " ",
                Gap::Colon => ":",
                Gap::Bar => "|",
            });
            found.push(*letter);
        }
        assert_eq!(found, expect, "{line:?}");
    }

    #[test]
    fn marks_part_words_and_sites() {
        check("Olena’s “Plan”, Again", "olenas plan again");
        check("Vor-Ort-Termin", "vor ort termin");
        check("Title - Site", "title|site");
        check("Title – BBC News", "title|bbc news");
        check("Title|Site", "title|site");
        check("題名｜新聞", "題名|新聞");
        check("題名：新聞", "題名:新聞");
        check("标题--时政--网", "标题|时政|网");
        check("Site: Title at 7:30", "site:title at 7 30");
        check("A 16.5 % rise", "a 16 5 rise");
        check("और/या / साइट", "और या|साइट");
        check("—", "");
    }

    #[test]
    fn numbers_are_compared_apart() {
        let equal =
            |one: &str, other: &str| Headline::new(one).whole().has_numbers_of(Headline::new(other).whole());
        assert!(equal("16.5 and 2", "16,5 und 2"));
        assert!(!equal("1.5", "15"));
        assert!(!equal("Bell 11.18.19", "Bell 10.29.19"));
        assert!(!equal("Part 1", "Part"));
        assert!(equal("１２人", "12人"));
    }
}
