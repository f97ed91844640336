//! Characters that cannot be seen and mean nothing, removed.
//!
//! Most characters that cannot be seen mean something: joiners shape Persian, Indic and emoji, direction marks order
//! Hebrew and Arabic, variation selectors and tags choose glyphs. They are not in question here.

use memchr::memchr3_iter;
use unicode_normalization::char::is_combining_mark;

use crate::edit::{Edit, part, remove};

pub(crate) const SUMMARY: &str = "A byte order mark, zero-width space, word joiner, soft hyphen in a word, object replacement, or deprecated format character.";

/// Finds them by their first bytes: C2 for the soft hyphen, E2 for U+2xxx, EF for U+Fxxx.
pub(crate) fn find(text: &str, edits: &mut Vec<Edit>) {
    for at in memchr3_iter(0xC2, 0xE2, 0xEF, text.as_bytes()) {
        if !may_begin(text.as_bytes().get(at..).unwrap_or_default()) {
            continue;
        }
        let rest = part(text, at, text.len());
        let Some(found) = rest.chars().next() else { continue };
        let end = at + found.len_utf8();
        let around = || (part(text, 0, at).chars().next_back(), part(text, end, text.len()).chars().next());
        if is_void(found, around) {
            remove(edits, at, end);
        }
    }
}

/// A look at two bytes, which spares quotes and dashes (E2 80 90 and up) the rest.
fn may_begin(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0xC2, 0xAD, ..] | [0xE2, 0x80, 0x8B, ..] | [0xE2, 0x81, 0xA0..=0xBF, ..] | [0xEF, 0xBB | 0xBF, ..]
    )
}

fn is_void(found: char, around: impl FnOnce() -> (Option<char>, Option<char>)) -> bool {
    match found {
        '\u{AD}' => matches!(around(), (Some(before), Some(after)) if is_inside_word(before, after)),
        '\u{200B}' => {
            let (before, after) = around();
            !before.is_some_and(needs_word_breaks)
                && !after.is_some_and(|c| needs_word_breaks(c) || is_combining_mark(c))
        }
        '\u{2060}' | '\u{206A}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFC}' => true,
        _ => false,
    }
}

/// A soft hyphen behind a capital that is not ASCII may be the second byte of `í`, read as windows-1252.
fn is_inside_word(before: char, after: char) -> bool {
    let lead = !before.is_ascii() && before.is_uppercase();
    before.is_alphabetic() && !lead && after.is_alphabetic()
}

/// Scripts without spaces between words, where a zero-width space is how a writer marks one (Unicode 16, 23.2):
/// South-East Asian scripts and Tibetan.
fn needs_word_breaks(letter: char) -> bool {
    matches!(letter, '\u{E00}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{1950}'..='\u{1AAF}' | '\u{A980}'..='\u{AADF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::check_step;

    fn check(text: &str, expect: &str) {
        check_step(find, text, expect);
    }

    #[test]
    fn void_characters_go() {
        check("\u{feff}text\u{feff}", "text");
        check("a\u{200b} b\u{2060}c\u{fffc}", "a bc");
        check("hy\u{ad}phen", "hyphen");
    }

    #[test]
    fn meaning_stays() {
        for text in [
            "می\u{200c}خواهم",
            "👩\u{200d}👧",
            "\u{200f}שלום",
            "ภาษา\u{200b}ไทย",
            "the vowel sign “\u{200b}ि”",
            "5\u{ad} x",
            "Ã\u{ad}a",
            "“quotes”… — ﷽ ｆ ﬁ \u{fffd}",
            "❤\u{fe0f}",
        ] {
            check(text, text);
        }
    }
}
