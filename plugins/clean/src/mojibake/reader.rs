//! Reads bytes as UTF-8 with what tools along the way did to it: a no-break space (A0) that became a space, a byte that
//! was lost, surrogates written one by one (CESU-8).
//!
//! The exceptions are those of python-ftfy (`ftfy/chardata.py`, `ALTERED_UTF8_RE` and `LOSSY_UTF8_RE`): only those where
//! the character that results is likelier than the characters that it is read from.

use super::codepages::{LOST, Quirks};

/// One character and how many bytes it was read from.
pub(super) type Read = (char, usize);

const SPACE: u8 = b' ';
const NO_BREAK_SPACE: u8 = 0xA0;

/// Reads the character at the start of `bytes`, whose first byte is not ASCII; `None` if that is no UTF-8.
pub(super) fn read(bytes: &[u8], quirks: Quirks) -> Option<Read> {
    read_plain(bytes)
        .or_else(|| read_surrogates(bytes))
        .or_else(|| read_with_space(bytes).filter(|_| quirks != Quirks::Mac))
        .or_else(|| read_with_loss(bytes).filter(|_| quirks == Quirks::Windows))
}

fn read_plain(bytes: &[u8]) -> Option<Read> {
    let len = sequence_len(*bytes.first()?)?;
    let text = str::from_utf8(bytes.get(..len)?).ok()?;
    Some((text.chars().next()?, len))
}

fn sequence_len(lead: u8) -> Option<usize> {
    match lead {
        0xC2..=0xDF => Some(2),
        0xE0..=0xEF => Some(3),
        0xF0..=0xF4 => Some(4),
        _ => None,
    }
}

/// Two surrogates of three bytes each.
fn read_surrogates(bytes: &[u8]) -> Option<Read> {
    let (pair, _) = bytes.split_first_chunk::<6>()?;
    let [0xED, a @ 0xA0..=0xAF, b @ 0x80..=0xBF, 0xED, c @ 0xB0..=0xBF, d @ 0x80..=0xBF] = *pair else {
        return None;
    };
    let bits = |byte: u8, mask: u8| u32::from(byte & mask);
    let code =
        (bits(a, 0x0F) << 16) + (bits(b, 0x3F) << 10) + (bits(c, 0x0F) << 6) + bits(d, 0x3F) + 0x1_0000;
    Some((char::from_u32(code)?, 6))
}

/// A sequence in which a no-break space became a space.
fn read_with_space(bytes: &[u8]) -> Option<Read> {
    if let [0xC3, SPACE, rest @ ..] = bytes {
        return Some(('à', if is_own_word(rest) { 1 } else { 2 }));
    }
    let len = match *bytes {
        [0xC2 | 0xC5 | 0xCE | 0xD0 | 0xD9, SPACE, ..] => 2,
        [0xE2 | 0xE3, SPACE, c, ..] | [0xE0..=0xE3, c, SPACE, ..] if is_unlike_space(c) => 3,
        [0xF0, SPACE, b, c, ..] | [0xF0, b, SPACE, c, ..] | [0xF0, b, c, SPACE, ..]
            if continues(b) && continues(c) =>
        {
            4
        }
        _ => return None,
    };
    let mut restored = [0; 4];
    let restored = restored.get_mut(..len)?;
    restored.copy_from_slice(bytes.get(..len)?);
    restored.iter_mut().filter(|byte| **byte == SPACE).for_each(|byte| *byte = NO_BREAK_SPACE);
    read_plain(restored)
}

/// Whether `à` is a word of its own before `rest`, so that the space behind it is meant too: two spaces were made one.
/// It is not in the Portuguese words `às`, `àquele`, `àquela`, `àquilo`.
fn is_own_word(rest: &[u8]) -> bool {
    let parts: [&[u8]; 5] = [b" ", b"quele", b"quela", b"quilo", b"s "];
    !parts.iter().any(|part| rest.starts_with(part))
}

fn continues(byte: u8) -> bool {
    (0x80..=0xBF).contains(&byte)
}

/// 85 is an ellipsis, and A0 the space itself.
fn is_unlike_space(byte: u8) -> bool {
    continues(byte) && byte != 0x85 && byte != NO_BREAK_SPACE
}

/// A sequence of which a byte was lost: U+FFFD. One of the lost bytes may be a question mark.
fn read_with_loss(bytes: &[u8]) -> Option<Read> {
    let lost_surrogates = bytes.first_chunk::<6>().is_some_and(|pair| {
        matches!(pair, [0xED, 0xA0..=0xAF, _, 0xED, 0xB0..=0xBF, _]) && is_lossy(&[pair[2], pair[5]])
    });
    if lost_surrogates {
        return Some(('\u{FFFD}', 6));
    }
    let len = sequence_len(*bytes.first()?)?;
    let tail = bytes.get(1..len)?;
    let question_mark = len > 2 || matches!(bytes, [0xC2 | 0xC3, ..]);
    let allowed = question_mark || !tail.contains(&b'?');
    (allowed && is_lossy(tail)).then_some(('\u{FFFD}', len))
}

fn is_lossy(tail: &[u8]) -> bool {
    let marks = tail.iter().filter(|byte| matches!(byte, b'?')).count();
    let is_lost = |byte: &u8| matches!(*byte, LOST | b'?');
    marks <= 1 && tail.iter().any(is_lost) && tail.iter().all(|byte| is_lost(byte) || continues(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expect: Option<Read>) {
        assert_eq!(read(bytes, Quirks::Windows), expect, "{bytes:x?}");
    }

    #[test]
    fn utf8_is_read() {
        check(b"\xC3\xA9t", Some(('é', 2)));
        check(b"\xE2\x82\xAC", Some(('€', 3)));
        check(b"\xF0\x9F\x98\x80", Some(('😀', 4)));
        check(b"\xED\xA0\xBD\xED\xB8\x8D", Some(('😍', 6)));
        check(b"\xC0\x80", None);
        check(b"\xE9t\xE9", None);
        check(b"\xC3", None);
    }

    #[test]
    fn lost_spaces_are_restored() {
        check(b"\xC3 la", Some(('à', 1)));
        check(b"\xC3  la", Some(('à', 2)));
        check(b"\xC3 s 19h", Some(('à', 2)));
        check(b"\xC5 iaip", Some(('Š', 2)));
        check(b"\xE2 \x80", Some(('\u{2800}', 3)));
        check(b"\xE1 \x93", None);
        check(b"\xE9\x85 ", None);
        assert_eq!(read(b"\xC3 la", Quirks::Mac), None);
    }

    #[test]
    fn lost_bytes_are_marked() {
        check(b"\xE2\x80\x1A", Some(('\u{FFFD}', 3)));
        check(b"\xE2\x80?", Some(('\u{FFFD}', 3)));
        check(b"\xE2??", None);
        check(b"\xC5?", None);
        assert_eq!(read(b"\xE2\x80?", Quirks::None), None);
    }
}
