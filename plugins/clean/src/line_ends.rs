//! Line ends, made `\n`.

use memchr::memchr3_iter;

use crate::edit::Edit;

pub(crate) const SUMMARY: &str = "A line end other than `\\n`: `\\r\\n`, `\\r`, U+000B, U+2028 or U+2029.";

/// Finds the other line ends. They are drawn alike, and a text that keeps them makes line rules, diffs and tokenizers see
/// differences that no reader sees, so they go unless told otherwise.
pub(crate) fn find(text: &str, edits: &mut Vec<Edit>) {
    for at in memchr3_iter(b'\r', 0x0B, 0xE2, text.as_bytes()) {
        let bytes = text.as_bytes().get(at..).unwrap_or_default();
        match bytes {
            [b'\r', b'\n', ..] => edits.push(Edit::new(at, at + 1, "")),
            [b'\r' | 0x0B, ..] => edits.push(Edit::new(at, at + 1, "\n")),
            [0xE2, 0x80, 0xA8 | 0xA9, ..] => edits.push(Edit::new(at, at + 3, "\n")),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::check_step;

    fn check(text: &str, expect: &str) {
        check_step(find, text, expect);
    }

    #[test]
    fn every_line_end_is_a_newline() {
        check("a\r\nb\r\n", "a\nb\n");
        check("a\rb\r", "a\nb\n");
        check("a\r\r\nb", "a\n\nb");
        check("a\u{b}b\u{2028}c\u{2029}d", "a\nb\nc\nd");
        check("“a”\n\u{c}", "“a”\n\u{c}");
    }
}
