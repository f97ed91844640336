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
        let (start, first) = self.find_start()?;
        let rest = self.text.get(start..)?;
        let unspaced = first == Class::Unspaced;
        let len = if unspaced { rest.chars().next()?.len_utf8() } else { spaced_len(rest) };
        self.at = start + len;
        Some(Word { text: rest.get(..len)?, span: Span::new(start, self.at), unspaced })
    }
}

impl Words<'_> {
    /// Where the next word starts, and the class of its first character.
    fn find_start(&self) -> Option<(usize, Class)> {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        loop {
            let byte = *bytes.get(at)?;
            if byte.is_ascii_alphanumeric() {
                return Some((at, Class::Letter));
            }
            if byte.is_ascii() {
                at += 1;
                continue;
            }
            let char = self.text.get(at..)?.chars().next()?;
            match class(char) {
                Class::Other => at += char.len_utf8(),
                class => return Some((at, class)),
            }
        }
    }
}

/// The length in bytes of the word with which `rest` begins. Most words are ASCII up to a space, which is seen at once.
fn spaced_len(rest: &str) -> usize {
    let ascii = ascii_len(rest.as_bytes());
    match rest.as_bytes().get(ascii) {
        Some(b'\'' | b'.' | b',' | 0x80..) => any_len(rest, ascii),
        _ => ascii,
    }
}

/// How many ASCII letters and digits are at the beginning, by eight bytes at a time: a loop over the bytes of a word ends
/// where no branch predictor expects it.
fn ascii_len(bytes: &[u8]) -> usize {
    let mut len = 0;
    while let Some(eight) = bytes.get(len..).and_then(<[u8]>::first_chunk) {
        let others = !alphanumeric(u64::from_le_bytes(*eight)) & TOP_BITS;
        if others != 0 {
            return len + others.trailing_zeros() as usize / 8;
        }
        len += 8;
    }
    let rest = bytes.get(len..).unwrap_or_default();
    len + rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count()
}

/// The top bit of each of eight bytes.
const TOP_BITS: u64 = ONES * 0x80;
const ONES: u64 = 0x0101_0101_0101_0101;

/// Sets the top bit of each byte that is an ASCII letter or digit. With the top bits cleared no sum reaches the next byte:
/// adding `0x80 - c` sets the top bit of the bytes from `c` on.
fn alphanumeric(bytes: u64) -> u64 {
    let within = |bytes: u64, first: u8, last: u8| {
        let from = |bound: u8| bytes + ONES * u64::from(0x80 - bound);
        from(first) & !from(last + 1)
    };
    let low = bytes & !TOP_BITS;
    (within(low | (ONES * 0x20), b'a', b'z') | within(low, b'0', b'9')) & !bytes
}

/// [`spaced_len`] of any word, character by character, after `end` bytes that are ASCII letters and digits.
fn any_len(rest: &str, mut end: usize) -> usize {
    let mut last = end.checked_sub(1).map_or(Class::Other, |last| class(char::from(rest.as_bytes()[last])));
    let mut chars = rest.get(end..).unwrap_or_default().chars();
    while let Some(char) = chars.next() {
        let class = class(char);
        let next = || chars.clone().next().map_or(Class::Other, self::class);
        let joins = match char {
            '\'' | '’' => last == Class::Letter && next() == Class::Letter,
            '.' | ',' => last == Class::Digit && next() == Class::Digit,
            _ => false,
        };
        if !joins && !matches!(class, Class::Letter | Class::Digit) {
            break;
        }
        end += char.len_utf8();
        last = class;
    }
    end
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
        check(
            "internationalisation2026 abcdefgh'i x’y 1.5.2",
            &["internationalisation2026", "abcdefgh'i", "x’y", "1.5.2"],
        );
    }

    #[test]
    fn eight_bytes_at_a_time_are_as_one() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut bytes = *b"a0Zz9Aaa";
                bytes[place] = byte;
                let expect = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                assert_eq!(ascii_len(&bytes), expect, "{bytes:?}");
            }
        }
    }
}
