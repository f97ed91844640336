//! The sentences of a text, with their places.
//!
//! One pass over the bytes: a table finds the few bytes that may end a sentence, and each of them is judged by the word
//! before it and what follows it, both read for a bounded length, so the time is linear whatever the text. Rules and a
//! word list (`data/sentence-words.txt`) do better on news than the Unicode rules (UAX 29), which know no abbreviations,
//! and the published sets of regular expressions are slower by orders of magnitude.
//!
//! A line break ends a sentence: scraped text has a paragraph, a heading or an item on a line. The exception is a line
//! as long as those that a program wraps, if the next one goes on in lower case.

mod lexicon;

use std::iter::Peekable;
use std::str::Chars;

use lexicon::{Kind, Language, Lexicon};

use crate::Span;

/// Iterates over the sentences of a text; see [`sentences`].
#[derive(Clone, Debug)]
pub struct Sentences<'a> {
    text: &'a str,
    at: usize,
    lexicon: &'static Lexicon,
    language: Language,
}

/// The sentences of `text`, as spans without the white space around them. Together they hold every character of the
/// text that is not white space.
pub fn sentences(text: &str) -> Sentences<'_> {
    sentences_in(text, None)
}

/// [`sentences`] of a text in a known language, an ISO 639-1 code such as `de` or `pt-BR`. It adds the abbreviations
/// that are ordinary words elsewhere; a language without any adds nothing.
pub fn sentences_in<'a>(text: &'a str, language: Option<&str>) -> Sentences<'a> {
    let lexicon = Lexicon::get();
    Sentences { text, at: 0, lexicon, language: lexicon.language(language) }
}

/// The language whose abbreviations count for a code, as its own code; `None` where there are none. Texts have the same
/// sentences in two languages for which this is the same.
pub fn sentence_language(code: Option<&str>) -> Option<&'static str> {
    Lexicon::get().language(code)
}

/// What a byte that may end a sentence turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The sentence ends before this byte.
    End(usize),
    /// It does not; go on at this byte.
    On(usize),
}

use Verdict::{End, On};

/// What follows a mark, after white space and opening quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Nothing,
    Lower,
    /// A capital, or a letter of a script without case.
    Upper,
    Digit,
    Other,
}

/// A run of end marks, and of the quotes and brackets that close after them.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: usize,
    /// The byte after it.
    end: usize,
    /// How many full stops or `…`.
    stops: usize,
    /// It has a mark such as `!` or `?`.
    strong: bool,
    /// It has a mark of a script that puts no space after it, such as `。`.
    wide: bool,
    /// Quotes or brackets close in it.
    closed: bool,
}

/// The mark of a list item: `3.`, `3)`, `3.)`, `c.`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item {
    number: u32,
    letter: bool,
    end: &'static str,
}

/// How far the word beside a mark is read, in bytes: longer than the longest abbreviation.
const WORD_BYTES: usize = 40;

/// A line of at least so many bytes may have been wrapped by a program; those of mail have 72.
const WRAPPED_BYTES: usize = 50;

/// The most words that a phrase such as `At 5 p.m.` has before a sentence that it opens goes on.
const PHRASE_WORDS: usize = 3;

/// The bytes that may end a sentence, or with which a character begins that may.
const CANDIDATES: [bool; 256] = {
    let bytes = b"\n.!?)\xD6\xD8\xDB\xE0\xE1\xE2\xE3\xEF";
    let mut table = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};

impl Iterator for Sentences<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        let start = self.skip_space(self.at);
        self.at = start;
        if start == self.text.len() {
            return None;
        }
        self.at = self.find_end(start);
        let sentence = self.text.get(start..self.at).unwrap_or_default();
        Some(Span::new(start, start + sentence.trim_end().len()))
    }
}

impl Sentences<'_> {
    fn find_end(&self, start: usize) -> usize {
        let mut at = start;
        while let Some(candidate) = self.find_candidate(at) {
            match self.judge(start, candidate) {
                End(end) => return end,
                On(next) => at = next,
            }
        }
        self.text.len()
    }

    fn find_candidate(&self, at: usize) -> Option<usize> {
        let rest = self.text.as_bytes().get(at..)?;
        rest.iter().position(|byte| CANDIDATES[usize::from(*byte)]).map(|found| at + found)
    }

    fn judge(&self, start: usize, at: usize) -> Verdict {
        match self.text.as_bytes()[at] {
            b'\n' => self.judge_line_end(start, at),
            b'.' => self.judge_stop(start, at),
            b')' => self.next_item(start, at).unwrap_or(On(at + 1)),
            b'!' | b'?' => self.judge_strong(start, self.run(at)),
            _ => self.judge_beyond_ascii(start, at),
        }
    }

    fn judge_line_end(&self, start: usize, at: usize) -> Verdict {
        let next = self.skip_space(at);
        let breaks = self.breaks(at, next);
        let line = self.text.as_bytes().get(start..at).unwrap_or_default();
        let line = memchr::memrchr(b'\n', line).map_or(line.len(), |found| line.len() - found);
        let wrapped = breaks == 1 && line >= WRAPPED_BYTES && self.next_at(next) == Next::Lower;
        if wrapped { On(next) } else { End(next) }
    }

    fn judge_beyond_ascii(&self, start: usize, at: usize) -> Verdict {
        match self.char_at(at) {
            Some('…') => self.judge_ellipsis(start, self.run(at)),
            Some(mark) if is_strong(mark) => self.judge_strong(start, self.run(at)),
            Some(bullet @ ('•' | '⁃')) if at > start && self.char_at(start) == Some(bullet) => End(at),
            other => On(at + other.map_or(1, char::len_utf8)),
        }
    }

    /// A full stop. Most of those that are none of a sentence stand before a letter or a digit, and are passed at once.
    fn judge_stop(&self, start: usize, at: usize) -> Verdict {
        if self.text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_alphanumeric) {
            return On(at + 1);
        }
        if let Some(verdict) = self.next_item(start, at) {
            return verdict;
        }
        let run = self.run(at);
        if run.strong {
            self.judge_strong(start, run)
        } else if run.stops > 1 {
            self.judge_ellipsis(start, run)
        } else if self.is_followed_by_space(run.end) {
            self.judge_word(start, run)
        } else {
            On(run.end)
        }
    }

    /// A single full stop before white space: the word before it decides, together with what follows.
    fn judge_word(&self, start: usize, run: Run) -> Verdict {
        let next = self.skip_space(run.end);
        let follows = self.next_at(next);
        let word = self.word_before(start, run.start);
        let ends = match self.abbreviation(word) {
            Some(Kind::BeforeName) => false,
            Some(Kind::BeforeNumber) => follows == Next::Upper,
            Some(_) => !self.is_phrase(start, run.start) && self.starts_sentence(next),
            None if self.is_item(start, run) || self.goes_on(word, run, next) => false,
            None => follows != Next::Lower || ends_without_capital(word, run),
        };
        let paragraph_ends = self.breaks(run.end, next) > 0 && follows != Next::Lower;
        if ends || paragraph_ends || follows == Next::Nothing { End(next) } else { On(run.end) }
    }

    /// Whether what follows belongs to the sentence: the source of a quotation, a smiley, the month of an ordinal.
    fn goes_on(&self, word: &str, run: Run, next: usize) -> bool {
        let number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let head = self.head(next);
        (run.closed && head.starts_with(is_dash))
            || head.starts_with([':', ';', ')'])
            || (number && self.lexicon.is(Kind::AfterNumber, self.word_at(next), self.language))
    }

    /// `!`, `?` and their like: they end a sentence, unless it goes on in lower case after a quote or a name.
    fn judge_strong(&self, start: usize, run: Run) -> Verdict {
        if run.wide {
            return self.judge_wide(run);
        }
        if !self.is_followed_by_space(run.end) {
            return On(run.end);
        }
        let next = self.skip_space(run.end);
        let name = || {
            let word = self.word_before(start, run.start);
            self.lexicon.is(Kind::Exclamation, word, self.language)
        };
        let goes_on = self.next_at(next) == Next::Lower && self.breaks(run.end, next) == 0;
        if goes_on && (run.closed || name()) { On(run.end) } else { End(next) }
    }

    /// Marks with no space after them. Japanese goes on with a particle after a quotation, in hiragana.
    fn judge_wide(&self, run: Run) -> Verdict {
        let particle = matches!(self.char_at(run.end), Some('\u{3041}'..='\u{309f}'));
        if run.closed && particle { On(run.end) } else { End(run.end) }
    }

    /// `...` and `…` end a sentence where the next one begins with a capital or a digit; `[...]` and ` . . . ` stand for
    /// words that are left out within one.
    fn judge_ellipsis(&self, start: usize, run: Run) -> Verdict {
        let next = self.skip_space(run.end);
        let follows = self.next_at(next);
        if follows == Next::Nothing || self.breaks(run.end, next) > 0 {
            return End(next);
        }
        let before = self.text.get(start..run.start).unwrap_or_default();
        let omission =
            before.ends_with('[') || (before.ends_with(' ') && self.is_omission(run.start, run.end));
        let capital = next > run.end && matches!(follows, Next::Upper | Next::Digit);
        if omission || before.is_empty() || !capital {
            return On(run.end);
        }
        // In `one. . . . Two` the first full stop ends the sentence, and the others stand for what is left out.
        let attached = !before.ends_with(' ') && self.is_omission(run.start + 2, run.end);
        End(if attached { run.start + 1 } else { next })
    }

    fn is_omission(&self, from: usize, to: usize) -> bool {
        self.text.get(from..to) == Some(". . .")
    }

    /// In a list within a line, `1. One 2. Two`, an item ends where the mark of the next one stands.
    fn next_item(&self, start: usize, at: usize) -> Option<Verdict> {
        let (item_start, item) = self.item_before(start, at)?;
        let first = self.item_at(start)?.0;
        let follows = item.number == first.number + 1 && item.letter == first.letter && item.end == first.end;
        (follows && item_start > start).then_some(End(item_start))
    }

    /// Whether the full stop belongs to the mark of the list item with which the sentence starts.
    fn is_item(&self, start: usize, run: Run) -> bool {
        self.item_at(start).is_some_and(|(_, end)| end > run.start)
    }

    /// The mark of a list item that ends with the byte `at`, and where it starts.
    fn item_before(&self, start: usize, at: usize) -> Option<(usize, Item)> {
        let bytes = self.text.as_bytes();
        let from = at.saturating_sub(4).max(start);
        let digits = bytes[from..at].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let letter = usize::from(digits == 0 && at > from && bytes[at - 1].is_ascii_lowercase());
        let item_start = at - digits - letter;
        let free = item_start == start || bytes[item_start - 1].is_ascii_whitespace();
        let (item, _) = self.item_at(item_start).filter(|_| free)?;
        Some((item_start, item))
    }

    /// The mark of a list item that starts at the byte `at`, after a bullet or not, and where it ends.
    fn item_at(&self, at: usize) -> Option<(Item, usize)> {
        let rest = self.head(at);
        let bare = rest.trim_start_matches(['•', '⁃']).trim_start_matches(' ');
        let digits = bare.bytes().take(4).take_while(u8::is_ascii_digit).count();
        let letter = digits == 0 && bare.starts_with(|first: char| first.is_ascii_lowercase());
        let (mark, after) = bare.split_at_checked(digits.max(usize::from(letter)))?;
        let end = [".)", ")", "."].into_iter().find(|end| after.starts_with(end))?;
        let number = if letter { u32::from(mark.bytes().next()?) } else { mark.parse().ok()? };
        let len = rest.len() - bare.len() + mark.len() + end.len();
        Some((Item { number, letter, end }, at + len))
    }

    /// The kind of abbreviation that `word` is: from the list, or by its form (`J`, `U.S`).
    fn abbreviation(&self, word: &str) -> Option<Kind> {
        let listed = || self.lexicon.abbreviation(word, self.language);
        let letters =
            word.split('.').all(|part| part.chars().count() == 1 && part.starts_with(char::is_alphabetic));
        if word.is_empty() { None } else { listed().or(letters.then_some(Kind::MayEnd)) }
    }

    /// Whether what was read of the sentence is too short to be one, as `At 5 p.m.`.
    fn is_phrase(&self, start: usize, at: usize) -> bool {
        let sentence = self.text.get(start..at).unwrap_or_default();
        sentence.len() < WORD_BYTES && sentence.split_whitespace().count() <= PHRASE_WORDS
    }

    /// Whether a word that opens sentences stands at `at`, or nothing.
    fn starts_sentence(&self, at: usize) -> bool {
        let word = self.word_at(at);
        let stem = word.split(['\'', '’']).next().unwrap_or_default();
        let opens = [word, stem].iter().any(|word| self.lexicon.is(Kind::Starter, word, self.language));
        at == self.text.len() || (opens && !word.starts_with(char::is_lowercase))
    }

    /// The word at `at`, opening quotes and brackets left out.
    fn word_at(&self, at: usize) -> &str {
        let rest = self.head(at).trim_start_matches(is_opening);
        let after =
            rest.trim_start_matches(|char: char| char.is_alphanumeric() || matches!(char, '\'' | '’'));
        rest.get(..rest.len() - after.len()).unwrap_or_default()
    }

    fn next_at(&self, at: usize) -> Next {
        match self.head(at).chars().find(|char| !is_opening(*char) && !char.is_whitespace()) {
            None if at == self.text.len() => Next::Nothing,
            Some(char) if char.is_lowercase() => Next::Lower,
            Some(char) if char.is_alphabetic() => Next::Upper,
            Some(char) if char.is_numeric() => Next::Digit,
            _ => Next::Other,
        }
    }

    /// The run of end marks that starts at `at`.
    fn run(&self, at: usize) -> Run {
        let mut run = Run { start: at, end: at, stops: 0, strong: false, wide: false, closed: false };
        let mut rest = self.text.get(at..).unwrap_or_default().chars().peekable();
        while let Some(char) = rest.next() {
            match char {
                '.' | '…' => run.stops += 1,
                ' ' if run.stops > 0 && is_spaced_stop(&mut rest) => {}
                _ if is_strong(char) => {
                    run.strong = true;
                    run.wide |= !char.is_ascii();
                }
                _ if is_closing(char) => run.closed = true,
                // The closing quote of German is the opening one of English.
                '“' | '‘' if rest.peek().is_none_or(|next| next.is_whitespace()) => run.closed = true,
                _ => break,
            }
            run.end += char.len_utf8();
        }
        run
    }

    /// The letters, digits and full stops that end before `at`.
    fn word_before(&self, start: usize, at: usize) -> &str {
        let from = self.text.floor_char_boundary(at.saturating_sub(WORD_BYTES)).max(start);
        let before = self.text.get(from..at).unwrap_or_default();
        let word = before.trim_end_matches(|char: char| char.is_alphanumeric() || ".°º".contains(char));
        before.get(word.len()..).unwrap_or_default()
    }

    /// The next few characters from `at`.
    fn head(&self, at: usize) -> &str {
        let end = self.text.floor_char_boundary(at.saturating_add(WORD_BYTES));
        self.text.get(at..end).unwrap_or_default()
    }

    fn char_at(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    /// Scripts without spaces put none after an ASCII mark either.
    fn is_followed_by_space(&self, at: usize) -> bool {
        self.char_at(at).is_none_or(|char| char.is_whitespace() || matches!(char, '\u{3000}'..='\u{9fff}'))
    }

    fn skip_space(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        self.text.len() - rest.trim_start().len()
    }

    /// How many line breaks there are between two places.
    fn breaks(&self, from: usize, to: usize) -> usize {
        memchr::memchr_iter(b'\n', self.text.as_bytes().get(from..to).unwrap_or_default()).count()
    }
}

/// Whether a sentence may end after `word` though no capital follows: a long word is hardly an abbreviation.
fn ends_without_capital(word: &str, run: Run) -> bool {
    !run.closed && word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Whether a full stop comes next that belongs to no name or number (`.NET`, `.5`).
fn is_spaced_stop(rest: &mut Peekable<Chars<'_>>) -> bool {
    let mut ahead = rest.clone();
    ahead.next() == Some('.') && ahead.next().is_none_or(|char| !char.is_alphanumeric())
}

/// Marks that end a sentence by themselves, in the scripts that have them: Latin, Chinese and Japanese, Arabic, Urdu,
/// Devanagari, Armenian, Ethiopic, Myanmar, Khmer.
fn is_strong(char: char) -> bool {
    matches!(char, '!' | '?' | '‼' | '⁇' | '⁈' | '⁉' | '。' | '｡' | '！' | '？' | '؟' | '۔' | '।' | '॥')
        || matches!(char, '։' | '\u{1362}' | '\u{1367}' | '\u{104b}' | '\u{17d4}' | '\u{17d5}')
}

fn is_closing(char: char) -> bool {
    matches!(
        char,
        '"' | '\'' | ')' | ']' | '}' | '”' | '’' | '»' | '›' | '」' | '』' | '）' | '】' | '》' | '〉'
    )
}

fn is_dash(char: char) -> bool {
    matches!(char, '-' | '–' | '—')
}

fn is_opening(char: char) -> bool {
    matches!(
        char,
        '"' | '\'' | '(' | '[' | '{' | '“' | '‘' | '«' | '‹' | '„' | '‚' | '「' | '『' | '（' | '【'
    ) || matches!(char, '《' | '〈' | '¿' | '¡' | '*' | '_')
        || is_dash(char)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `expect` has the sentences with `|` between them; the text is the same without the bars.
    fn check_in(language: Option<&str>, expect: &str) {
        let expect: Vec<_> = expect.split('|').collect();
        let text = expect.concat();
        let found: Vec<_> = sentences_in(&text, language).filter_map(|span| span.of(&text)).collect();
        let trimmed: Vec<_> = expect.iter().map(|sentence| sentence.trim()).collect();
        assert_eq!(found, trimmed, "{text:?}");
    }

    fn check(expect: &str) {
        check_in(None, expect);
    }

    #[test]
    fn end_marks_end_sentences() {
        check("It rained. |We stayed in. |Why not? |Because! |Fine.");
        check("Stop!! |Who goes there?! |Nobody.");
        check("The shop closed in 1999. |It opened again.");
        check("all in lower case. |nobody cares about capitals");
        check("One mark.\n|no capital");
    }

    #[test]
    fn abbreviations_do_not() {
        check("Dr. Lee met Mrs. Ortiz at 5 p.m. on Friday. |They spoke.");
        check("He moved to the U.S. in May. |He left the U.S. |They stayed.");
        check("Rs. 500 and No. 5 of J. K. Birch were sold by Elm Inc. of Maine.");
        check("Exports fell to $16.5 Billion. |They had been $18.2 Billion.");
        check("Write to a.b@example.org or see www.example.org/a.html. |We answer.");
        check("The firm of Oak, Ash & Co. |It went under.");
        check("She is from Salem, Mass. and likes it there.");
        check("It was a great mass. |Everyone came.");
    }

    #[test]
    fn quotes_and_brackets_close_with_the_sentence() {
        check("“We won.” |She smiled.");
        check("\"Really?\" he asked. |\"Really!\" |(Nobody believed it.) |It was late.");
        check("Er sagte: „Wir gehen.“ |Dann ging er.");
        check("\"It is done.\" - A. Writer");
    }

    #[test]
    fn ellipses_end_a_sentence_before_a_capital() {
        check("Well... maybe not. |So it goes... |Then it stops.");
        check("He said [...] that it works. |A pause … and on. |A pause… |Then on.");
        check("Words . . . I think . . . are missing.");
        check("The rest was left out. |. . . It was long.");
    }

    #[test]
    fn list_items_are_apart() {
        check("1. Open the box |2. Take it out |3. Close the box");
        check("1.) One |2.) Two");
        check("a) one |b) two");
        check("• 9. First |• 10. Second");
    }

    #[test]
    fn lines_are_apart_unless_wrapped() {
        check("A heading\n|A line. |Another one\n\n|last");
        check("A line that a mail program has broken at a width of seventy\nand that goes on below. |Yes.");
        check("a\r\n|b");
    }

    #[test]
    fn other_scripts_have_other_marks() {
        check("今日は雨です。|明日は晴れますか？|はい。");
        check("彼は「行く。」と言った。|そして行った。");
        check("他走了。|“我们走！”|她说。");
        check("ما اسمك؟ |اسمي سلمى. |أهلا");
        check("वह घर गया। |वह सो गया।");
        check("یہ ٹھیک ہے۔ |شکریہ");
        check("Я живу в г. Туле с 2001 г. и доволен. |А ты?");
    }

    #[test]
    fn a_known_language_adds_its_abbreviations() {
        check_in(
            Some("de-AT"),
            "Der Preis, z. B. in Wien, stieg bes. |Am Abend fiel er.".replace('|', "").as_str(),
        );
        check_in(Some("de"), "Am 3. Mai kam er. |Sie blieb.");
        check_in(Some("fr"), "Le 5 janv. Paul est parti. |Il revient.");
    }

    #[test]
    fn a_text_without_sentences_has_none() {
        assert_eq!(sentences(" \n\t ").count(), 0);
        assert_eq!(sentences("").count(), 0);
        check("no mark");
        check("...");
        check("!");
    }

    /// Each of these would take minutes if a rule looked further than a bounded length.
    #[test]
    fn long_runs_take_linear_time() {
        for part in
            [".", ". ", "•", ")", "1)", "a.", "!", "\n", " .", "…", "“", ".\"", "x", "。", "- ", "1. "]
        {
            let text = part.repeat(200_000);
            assert!(sentences(&text).count() <= 200_000, "{part:?}");
        }
    }

    proptest! {
        #[test]
        fn every_character_is_in_one_sentence(text in "([ .!?\n)]|\\PC|Mr\\.|1\\.|\\.\\.\\.|。|“|a){0,60}") {
            let joined: String = sentences(&text).map(|span| span.of(&text).unwrap()).collect();
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(bare(&joined), bare(&text));
        }
    }
}
