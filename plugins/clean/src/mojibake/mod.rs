//! Mojibake: UTF-8 that was read as a single-byte encoding, any number of times.
//!
//! As in python-ftfy (Robyn Speer), whose findings this follows with code and tables of its own: a line is looked at only
//! if it has a sequence of characters that nobody writes ([`badness`]). Then, in this order: the whole line is taken back to
//! the bytes of each encoding in turn, and the first that makes UTF-8 is it; or stretches inside the line are, where each
//! is bad by itself; or C1 control characters are what windows-1252 has in their places, as browsers read them.
//!
//! One call undoes one layer; the stage calls again until nothing is found.

mod badness;
mod codepages;
mod reader;
mod stretches;

use memchr::{memchr, memrchr};

pub(crate) use self::badness::is_bad;
use self::codepages::{CODE_PAGES, CodePage};
use self::stretches::stretches;
use crate::edit::{Edit, part};

pub(crate) const SUMMARY: &str = "UTF-8 that was read as a single-byte encoding, or a C1 control that stands for a windows-1252 character.";

/// Finds what one layer of wrong decoding made of the characters of a line.
pub(crate) fn find(text: &str, edits: &mut Vec<Edit>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(bad) = badness::find(text, at) {
        let start =
            memrchr(b'\n', bytes.get(at..bad - 1).unwrap_or_default()).map_or(at, |found| at + found + 1);
        let end = memchr(b'\n', bytes.get(bad..).unwrap_or_default()).map_or(text.len(), |found| bad + found);
        fix_line(part(text, start, end), start, edits);
        at = end;
    }
}

fn fix_line(line: &str, offset: usize, edits: &mut Vec<Edit>) {
    if fix_whole(line, offset, edits) {
        return;
    }
    let before = edits.len();
    for stretch in stretches(line) {
        let part = stretch.of(line).unwrap_or_default();
        if is_bad(part) && !fix_whole(part, offset + stretch.start, edits) {
            fix_controls(part, offset + stretch.start, edits);
        }
    }
    if edits.len() == before {
        fix_controls(line, offset, edits);
    }
}

/// Whether the whole text is UTF-8 in one of the encodings.
fn fix_whole(text: &str, offset: usize, edits: &mut Vec<Edit>) -> bool {
    let found = CODE_PAGES.iter().find_map(|page| decode(page, text, offset));
    let is_found = found.is_some();
    edits.extend(found.unwrap_or_default());
    is_found
}

/// The edits that read `text` as UTF-8 that was taken for the encoding of `page`, if it can be read as that.
fn decode(page: &CodePage, text: &str, offset: usize) -> Option<Vec<Edit>> {
    let bytes = page.encode(text)?;
    let mut edits = Vec::new();
    let mut chars = text.char_indices();
    let mut rest = bytes.as_slice();
    while let Some(byte) = rest.first() {
        if byte.is_ascii() {
            chars.next();
            rest = rest.get(1..)?;
            continue;
        }
        let (c, len) = reader::read(rest, page.quirks)?;
        let start = chars.offset();
        chars.nth(len - 1);
        replace(offset + start, offset + chars.offset(), c, &mut edits);
        rest = rest.get(len..)?;
    }
    Some(edits)
}

/// Adds an edit, or extends the last one if it ends here: a word is one edit, not ten.
fn replace(start: usize, end: usize, c: char, edits: &mut Vec<Edit>) {
    match edits.last_mut() {
        Some(last) if last.span.end == start => {
            last.span.end = end;
            last.text.push(c);
        }
        _ => edits.push(Edit::new(start, end, c)),
    }
}

/// C1 controls that have a character in their place in windows-1252.
fn fix_controls(text: &str, offset: usize, edits: &mut Vec<Edit>) {
    for (at, c) in text.char_indices().filter(|(_, c)| matches!(c, '\u{80}'..='\u{9F}')) {
        if let Some(meant) = codepages::windows_1252(c) {
            edits.push(Edit::new(offset + at, offset + at + c.len_utf8(), meant));
        }
    }
}

#[cfg(test)]
mod tests;
