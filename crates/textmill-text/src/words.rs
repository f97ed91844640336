//! The words of a text, with their places.
//!
//! UAX 29 is not used: its table look-ups cost more than all that a summary does with the words, and on scripts that put
//! no space between words it gives single characters just as this does. Nothing here decides that two words are the same.

use crate::Span;

/// One word of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// The word as it is written.
    pub text: &'a str,
    /// Where it stands in the text (bytes).
    pub span: Span,
    /// It is one character of a script that puts no space between words: Chinese, Japanese, Thai, Khmer.
    pub unspaced: bool,
}

/// Iterates over the words of a text; see [`words`].
#[derive(Clone, Debug)]
pub struct Words<'a> {
    text: &'a str,
    at: usize,
}

/// The words of `text`: runs of letters, digits and marks, with the apostrophes, and the points in numbers, inside of
/// them (`don't`, `3.5`, `10,000`), and single characters of scripts that put no space between words.
pub fn words(text: &str) -> Words<'_> {
    Words { text, at: 0 }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
    Unspaced,
    Other,
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let start = self.find_start()?;
        let rest = self.text.get(start..)?;
        let first = rest.chars().next()?;
        let unspaced = class(first) == Class::Unspaced;
        let len = if unspaced { first.len_utf8() } else { spaced_len(rest) };
        self.at = start + len;
        Some(Word { text: rest.get(..len)?, span: Span::new(start, self.at), unspaced })
    }
}

impl Words<'_> {
    fn find_start(&self) -> Option<usize> {
        let skipped = count(self.text.as_bytes().get(self.at..)?, |byte| !starts_word(byte));
        let start = self.at + skipped;
        let rest = self.text.get(start..)?;
        rest.find(|char| class(char) != Class::Other).map(|found| start + found)
    }
}

/// The length in bytes of the word with which `rest` begins. Most words are ASCII up to a space, which is seen at once.
fn spaced_len(rest: &str) -> usize {
    let ascii = count(rest.as_bytes(), |byte| byte.is_ascii_alphanumeric());
    match rest.as_bytes().get(ascii) {
        Some(b'\'' | b'.' | b',' | 0x80..) => any_len(rest),
        _ => ascii,
    }
}

/// [`spaced_len`] of any word, character by character.
fn any_len(rest: &str) -> usize {
    let mut end = 0;
    let mut last = Class::Other;
    let mut chars = rest.char_indices();
    while let Some((at, char)) = chars.next() {
        let class = class(char);
        let next = || chars.clone().next().map_or(Class::Other, |(_, next)| self::class(next));
        let joins = match char {
            '\'' | '’' => last == Class::Letter && next() == Class::Letter,
            '.' | ',' => last == Class::Digit && next() == Class::Digit,
            _ => false,
        };
        if !joins && !matches!(class, Class::Letter | Class::Digit) {
            break;
        }
        end = at + char.len_utf8();
        last = class;
    }
    end
}

/// How many of the bytes at the beginning are such.
fn count(bytes: &[u8], is: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !is(*byte)).unwrap_or(bytes.len())
}

/// Whether a word may start with the byte; beyond ASCII only the character says.
fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

fn class(char: char) -> Class {
    match char {
        'a'..='z' | 'A'..='Z' => Class::Letter,
        '0'..='9' => Class::Digit,
        '\0'..='\u{7f}' => Class::Other,
        _ if is_unspaced(char) => Class::Unspaced,
        _ if char.is_alphabetic() || is_mark(char) => Class::Letter,
        _ if char.is_numeric() => Class::Digit,
        _ => Class::Other,
    }
}

/// Thai, Lao, Myanmar, Khmer, Hiragana, Katakana and Han, by their blocks; marks of these scripts belong to them.
fn is_unspaced(char: char) -> bool {
    let block = matches!(char, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17d3}'
        | '\u{3041}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}');
    block && !matches!(char, '\u{104a}'..='\u{104f}')
}

/// Marks that are no letters to Unicode but stand within words: accents, viramas, joiners.
fn is_mark(char: char) -> bool {
    matches!(
        char,
        '\u{300}'
            ..='\u{36f}'
                | '\u{93c}'
                | '\u{94d}'
                | '\u{9cd}'
                | '\u{a4d}'
                | '\u{acd}'
                | '\u{b4d}'
                | '\u{bcd}'
                | '\u{c4d}'
                | '\u{ccd}'
                | '\u{d4d}'
                | '\u{dca}'
                | '\u{200c}'
                | '\u{200d}'
                | '\u{ad}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let found: Vec<_> = words(text).map(|word| word.text).collect();
        assert_eq!(found, expect, "{text:?}");
        assert!(words(text).all(|word| word.span.of(text) == Some(word.text)));
    }

    #[test]
    fn words_are_letters_and_digits() {
        check("", &[]);
        check(" ... -- ", &[]);
        check("Don't stop, O’Neil!", &["Don't", "stop", "O’Neil"]);
        check("'quoted' words'", &["quoted", "words"]);
        check("10,000 or 3.5. End.", &["10,000", "or", "3.5", "End"]);
        check("well-known A4", &["well", "known", "A4"]);
        check("e\u{301}te\u{301} हिन्दी", &["e\u{301}te\u{301}", "हिन्दी"]);
        check("你好 world 世", &["你", "好", "world", "世"]);
    }
}
