//! Control characters and terminal escape sequences, removed.

use crate::edit::{Edit, remove};
use crate::scan::position;

pub(crate) const SUMMARY: &str = "A control character, or a terminal escape sequence.";

const ESCAPE: u8 = 0x1B;

/// Finds C0 controls and DEL. White space stays (form feeds part pages), and so does U+001A, SUBSTITUTE: like U+FFFD it
/// stands where a character was lost, and without it two words would look like one. C1 controls are the business of
/// mojibake: those it cannot read as windows-1252 stay as the trace that they are.
pub(crate) fn find(text: &str, edits: &mut Vec<Edit>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(start) = position(bytes, at, is_control) {
        let end = start + control_len(bytes.get(start..).unwrap_or_default());
        remove(edits, start, end);
        at = end;
    }
}

fn is_control(byte: u8) -> bool {
    (byte < 0x20 && !(b'\t'..=b'\r').contains(&byte) && byte != 0x1A) || byte == 0x7F
}

/// One byte, or a whole `ESC [ parameters letter`.
fn control_len(bytes: &[u8]) -> usize {
    let [ESCAPE, b'[', rest @ ..] = bytes else { return 1 };
    let parameters =
        rest.iter().take(32).take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b'?')).count();
    match rest.get(parameters) {
        Some(letter) if letter.is_ascii_alphabetic() => 2 + parameters + 1,
        _ => 1,
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
    fn controls_go_and_white_space_stays() {
        check("end\u{3}", "end");
        check("\0n\0u\0l\u{7f}", "nul");
        check("\t\n\r\u{b}\u{c}\u{1a}\u{85}", "\t\n\r\u{b}\u{c}\u{1a}\u{85}");
        check(&format!("{}\u{3}", "a".repeat(200)), &"a".repeat(200));
    }

    #[test]
    fn a_run_of_controls_is_one_edit() {
        let mut edits = Vec::new();
        find(&"\0".repeat(1000), &mut edits);
        assert_eq!(edits.len(), 1, "a gigabyte of them must not become a billion edits");
    }

    #[test]
    fn escape_sequences_go_as_a_whole() {
        check("\u{1b}[1;31mred\u{1b}[0m", "red");
        check("\u{1b}[é", "[é");
        check("\u{1b}", "");
    }
}
