//! White space that nobody sees: at the ends of lines, and blank lines beyond a number.
//!
//! Indentation and columns are layout, no-break spaces are typography (French sets them before `!`, everyone in `10 km`)
//! and data (they part thousands), so none of these is touched.

use memchr::memchr_iter;

use crate::edit::Edit;
use crate::scan::any_triple;

pub(crate) const SUMMARY: &str =
    "Spaces or tabs at the end of a line, or more blank lines than `max-blank-lines`.";

/// Finds spaces and tabs before a line end or the end of the text, and line ends that follow too many others.
pub(crate) fn find(text: &str, max_blank_lines: usize, edits: &mut Vec<Edit>) {
    let bytes = text.as_bytes();
    if !may_find(bytes, max_blank_lines) {
        return;
    }
    let mut blank = 0;
    let mut line_start = 0;
    for newline in memchr_iter(b'\n', bytes) {
        let line = bytes.get(line_start..newline).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let kept = trailing(line, line_start, edits);
        blank = if kept == 0 { blank + 1 } else { 0 };
        if blank > max_blank_lines {
            remove_line(line_start, newline + 1, edits);
        }
        line_start = newline + 1;
    }
    trailing(bytes.get(line_start..).unwrap_or_default(), line_start, edits);
}

/// Whether there is white space before a line end or the end, or three line ends in a row: a look at each line costs more
/// than all other steps together.
fn may_find(bytes: &[u8], max_blank_lines: usize) -> bool {
    // To take all control characters for spaces is a comparison less, and costs a look where there are any.
    let newline = |byte| u8::from(byte == b'\n');
    let space = |byte| u8::from(byte <= b' ') & u8::from(byte != b'\n');
    let found = |a, b, c| newline(c) & (space(b) | (newline(a) & newline(b)));
    max_blank_lines < 2
        || matches!(bytes, [] | [b'\n', ..] | [_, b'\n', ..])
        || bytes.last().is_some_and(|last| space(*last) != 0)
        || any_triple(bytes, found)
}

/// Removes the white space at the end of a line, and says how many bytes stay.
fn trailing(line: &[u8], start: usize, edits: &mut Vec<Edit>) -> usize {
    let kept = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    if kept < line.len() {
        edits.push(Edit::new(start + kept, start + line.len(), ""));
    }
    kept
}

/// A blank line that goes takes the edit of its spaces with it.
fn remove_line(start: usize, end: usize, edits: &mut Vec<Edit>) {
    edits.pop_if(|edit| edit.span.start >= start);
    match edits.last_mut() {
        Some(last) if last.span.end == start => last.span.end = end,
        _ => edits.push(Edit::new(start, end, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::apply;

    fn check(text: &str, expect: &str) {
        let mut edits = Vec::new();
        find(text, 2, &mut edits);
        assert_eq!(apply(text, &edits), expect, "{text:?}");
    }

    #[test]
    fn line_ends_are_bare() {
        check("a \nb\t\n  \nc  ", "a\nb\n\nc");
        check("a \r\nb", "a\r\nb");
        check(" ", "");
        check("\t\nx", "\nx");
        check(" \n", "\n");
    }

    #[test]
    fn blank_lines_are_limited() {
        check("a\n\n\nb", "a\n\n\nb");
        check("a\n\n\n\n \n\nb\n", "a\n\n\nb\n");
        check("\n\n\n\na", "\n\na");
    }

    #[test]
    fn layout_stays() {
        for text in ["    indented\n\tmore", "a  b   c", "10\u{a0}km\u{a0}\n", "a\n\nb\n", ""] {
            check(text, text);
        }
    }
}
