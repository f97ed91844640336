//! The kinds of characters in a text that wake a step, all found in one scan.
//!
//! A kind may be seen where its step then finds nothing, never the other way round.

use std::ops::BitOr;

use crate::scan::{BLOCK, block};

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kinds(u8);

impl Kinds {
    /// `&`.
    pub(crate) const AMPERSAND: Self = Self(1);
    /// `<`.
    pub(crate) const ANGLE: Self = Self(1 << 1);
    /// A control character that is no white space.
    pub(crate) const CONTROL: Self = Self(1 << 2);
    /// A line end other than `\n`.
    pub(crate) const LINE_END: Self = Self(1 << 3);
    /// A character that is not ASCII.
    pub(crate) const HIGH: Self = Self(1 << 4);
    /// A character that has a part in Unicode composition.
    pub(crate) const COMPOSABLE: Self = Self(1 << 5);
    /// A character that cannot be seen.
    pub(crate) const INVISIBLE: Self = Self(1 << 6);
    /// Any text at all.
    pub(crate) const ANY: Self = Self(1 << 7);

    /// The kinds in a text.
    pub(crate) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut kinds = Self::ANY;
        for start in (0..bytes.len()).step_by(BLOCK) {
            if block(bytes, start).is_none_or(is_special) {
                let end = bytes.len().min(start + BLOCK);
                kinds = (start..end).fold(kinds, |kinds, at| kinds | kind(bytes, at));
            }
        }
        kinds
    }

    /// Whether a step that wakes at `others` has to look.
    pub(crate) fn wake(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

impl BitOr for Kinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Whether a byte in the block has a kind. Plain text has none, and this compiles to vector code.
fn is_special(block: &[u8; BLOCK]) -> bool {
    let is_special = |byte: u8| {
        (u8::from(byte < b' ') & u8::from(byte != b'\n'))
            | u8::from(byte == b'&')
            | u8::from(byte == b'<')
            | u8::from(byte >= 0x7F)
    };
    block.iter().fold(0, |any, byte| any | is_special(*byte)) != 0
}

/// The kinds of the character that begins at `at`, or of the byte alone.
fn kind(bytes: &[u8], at: usize) -> Kinds {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first() {
        Some(0xCC..) => Kinds::HIGH | wide_kind(rest),
        Some(0xC2) if rest.starts_with(b"\xC2\xAD") => Kinds::HIGH | Kinds::INVISIBLE,
        Some(byte) => BYTES[usize::from(*byte)],
        None => Kinds(0),
    }
}

/// The kinds of bytes below CC, which begins U+0300: all characters up to there are in form C by themselves.
const BYTES: [Kinds; 256] = {
    let mut kinds = [Kinds::CONTROL; 256];
    let mut byte = b' ' as usize;
    while byte < kinds.len() {
        kinds[byte] = if byte < 0x7F { Kinds(0) } else { Kinds::HIGH };
        byte += 1;
    }
    kinds[b'\t' as usize] = Kinds(0);
    kinds[b'\n' as usize] = Kinds(0);
    kinds[0x0B] = Kinds::LINE_END;
    kinds[0x0C] = Kinds(0);
    kinds[b'\r' as usize] = Kinds::LINE_END;
    kinds[0x7F] = Kinds::CONTROL;
    kinds[b'&' as usize] = Kinds::AMPERSAND;
    kinds[b'<' as usize] = Kinds::ANGLE;
    kinds
};

/// The kinds of a character from U+0300 on. Dashes, quotes and ellipses (U+2010 to U+2027), which most texts have, are in
/// form C and combine with nothing.
fn wide_kind(rest: &[u8]) -> Kinds {
    match rest {
        [0xE2, 0x80, 0x90..=0xA7, ..] => Kinds(0),
        [0xE2, 0x80, 0xA8 | 0xA9, ..] => Kinds::LINE_END | Kinds::COMPOSABLE,
        [0xE2, 0x80 | 0x81, ..] | [0xEF, 0xBB | 0xBF, ..] => Kinds::INVISIBLE | Kinds::COMPOSABLE,
        _ => Kinds::COMPOSABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[Kinds]) {
        let expect = expect.iter().fold(Kinds::ANY, |all, kind| all | *kind);
        for before in 0..130 {
            let text = format!("{}{text}", "a".repeat(before));
            assert_eq!(Kinds::of(&text), expect, "{text:?}");
            assert_eq!(Kinds::of(&format!("{text}{}", "a".repeat(99))), expect, "{text:?}");
        }
    }

    #[test]
    fn kinds_of_texts() {
        use Kinds as K;
        check("", &[]);
        check("plain\n\ttext\u{c}", &[]);
        check("a & b < c", &[K::AMPERSAND, K::ANGLE]);
        check("\u{3}", &[K::CONTROL]);
        check("\u{7f}", &[K::CONTROL]);
        check("\r\n", &[K::LINE_END]);
        check("caf\u{e9}\u{a0}!", &[K::HIGH]);
        check("“quotes” — ‘and’ …", &[K::HIGH]);
        check("hy\u{ad}phen", &[K::HIGH, K::INVISIBLE]);
        check("e\u{301}", &[K::HIGH, K::COMPOSABLE]);
        check("\u{2028}", &[K::HIGH, K::LINE_END, K::COMPOSABLE]);
        check("\u{200b}", &[K::HIGH, K::INVISIBLE, K::COMPOSABLE]);
        check("\u{feff}", &[K::HIGH, K::INVISIBLE, K::COMPOSABLE]);
        check("日本", &[K::HIGH, K::COMPOSABLE]);
    }
}
