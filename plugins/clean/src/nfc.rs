//! Unicode normalization form C (UAX #15).

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::edit::{Edit, part};
use crate::scan::position;

pub(crate) const SUMMARY: &str = "Characters that are not in Unicode normalization form C.";

/// Below this byte no UTF-8 sequence begins that is not in form C by itself: U+0300 is CC 80.
const FIRST_LEAD: u8 = 0xCC;

/// Finds the stretches that are not in form C: from a character that nothing before it can compose with to the next one
/// (UAX #15, 9.1), so that each edit is as small as can be.
pub(crate) fn find(text: &str, edits: &mut Vec<Edit>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = position(bytes, at, |byte| byte >= FIRST_LEAD) {
        if is_lone_quote(bytes.get(found..).unwrap_or_default()) {
            at = found + 3;
            continue;
        }
        let start = part(text, at, found).char_indices().next_back().map_or(found, |(before, _)| at + before);
        let end = run_end(bytes, found);
        let run = part(text, start, end);
        if is_nfc_quick(run.chars()) != IsNormalized::Yes {
            compose_run(run, start, edits);
        }
        at = end;
    }
}

/// A dash, quote or ellipsis (U+2010 to U+2027) with ASCII behind it: most texts have many, and nothing combines with it.
fn is_lone_quote(rest: &[u8]) -> bool {
    matches!(rest, [0xE2, 0x80, 0x90..=0xA7, 0..0x80, ..])
}

/// Where the characters that are not ASCII end.
fn run_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().position(u8::is_ascii).unwrap_or(rest.len())
}

fn compose_run(run: &str, offset: usize, edits: &mut Vec<Edit>) {
    let mut starts =
        run.char_indices().filter(|(_, c)| is_boundary(*c)).map(|(at, _)| at).skip_while(|at| *at == 0);
    let mut start = 0;
    while start < run.len() {
        let end = starts.next().unwrap_or(run.len());
        let piece = part(run, start, end);
        if is_nfc_quick(piece.chars()) != IsNormalized::Yes {
            let composed: String = piece.nfc().collect();
            if composed != piece {
                edits.push(Edit::new(offset + start, offset + end, composed));
            }
        }
        start = end;
    }
}

/// Whether nothing before it reorders or composes with this character.
fn is_boundary(c: char) -> bool {
    canonical_combining_class(c) == 0 && is_nfc_quick(std::iter::once(c)) == IsNormalized::Yes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::edit::apply;

    fn check(text: &str, edits_expected: usize) {
        let mut edits = Vec::new();
        find(text, &mut edits);
        assert_eq!(apply(text, &edits), text.nfc().collect::<String>(), "{text:?}");
        assert_eq!(edits.len(), edits_expected, "{text:?}: {edits:?}");
    }

    #[test]
    fn only_what_differs_is_edited() {
        check("plain, café, “quotes”, Привет, 日本語", 0);
        check("cafe\u{301} and cafe\u{301}", 2);
        check("\u{212b} \u{fb1d}", 2);
        check("a\u{323}\u{307} ok a\u{307}\u{323}", 2);
        check("q\u{307}\u{323}", 1);
        check("\u{1112}\u{1161}\u{11ab}", 1);
        check("é\u{323}", 1);
        check("\u{301}", 0);
    }

    proptest! {
        #[test]
        fn equals_whole_normalization(text in "[aeé ẹṩ가\u{1100}\u{1161}\u{11a8}\u{301}\u{323}\u{307}\u{327}\u{212b}\u{958}\u{344}\u{f73}б]{0,30}") {
            let mut edits = Vec::new();
            find(&text, &mut edits);
            prop_assert_eq!(apply(&text, &edits), text.nfc().collect::<String>());
        }
    }
}
