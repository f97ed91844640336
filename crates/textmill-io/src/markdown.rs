//! Documents as Markdown, for people: a heading with the title, which leads to the address, and the summary below it.
//!
//! What documents hold is text, and stays text: whatever would be markup is escaped, and an address that no browser opens as
//! a page becomes no link.

use std::borrow::Cow;

use crate::document::Document;

/// What has a meaning within a line, in `CommonMark` and in that of GitHub.
const MARKUP: [char; 12] = ['\\', '`', '*', '_', '[', ']', '<', '>', '|', '~', '&', '#'];

/// Appends a document below a heading of this level.
pub(crate) fn write(document: &Document<'_>, level: usize, out: &mut Vec<u8>) {
    let title = text(document, "title").filter(|title| !title.trim().is_empty());
    let title = escape(title.as_deref().unwrap_or(document.id()).trim());
    let title = match text(document, "url").as_deref().and_then(address) {
        Some(address) => format!("[{title}](<{address}>)"),
        None => title,
    };
    heading(level, &title, out);
    let summary = text(document, "summary").filter(|summary| !summary.trim().is_empty());
    let body = summary.as_deref().unwrap_or(document.text());
    for paragraph in body.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        out.extend(block(paragraph).bytes());
        out.extend(b"\n\n");
    }
}

/// Appends a heading, whose text is Markdown already.
pub(crate) fn heading(level: usize, text: &str, out: &mut Vec<u8>) {
    out.extend(std::iter::repeat_n(b'#', level));
    out.push(b' ');
    out.extend(text.bytes());
    out.extend(b"\n\n");
}

/// A text in one line, in which nothing is markup.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' => out.push(' '),
            letter if MARKUP.contains(&letter) => out.extend(['\\', letter]),
            letter => out.push(letter),
        }
    }
    out
}

/// A paragraph, whose lines stay lines of one paragraph.
fn block(paragraph: &str) -> String {
    let lines: Vec<_> = paragraph.lines().map(|line| line_of_text(&escape(line.trim()))).collect();
    lines.join("\n")
}

/// A line at whose beginning is no sign of a list, of a rule or of a heading; such signs have no meaning further on.
fn line_of_text(line: &str) -> String {
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let (number, rest) = line.split_at(digits);
    match rest.chars().next() {
        Some('-' | '+' | '=') if digits == 0 => format!("\\{line}"),
        Some('.' | ')') if digits > 0 => format!("{number}\\{rest}"),
        _ => line.to_owned(),
    }
}

/// The address of a page, as it can stand between `<` and `>`.
fn address(url: &str) -> Option<String> {
    let url = url.trim();
    let is_page = ["https://", "http://"].iter().any(|scheme| {
        url.get(..scheme.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(scheme))
    });
    let encoded = |letter: char| match letter {
        '<' | '>' | '\\' | ' ' => format!("%{:02X}", u32::from(letter)),
        letter if letter.is_control() => String::new(),
        letter => letter.to_string(),
    };
    is_page.then(|| url.chars().map(encoded).collect())
}

/// The value of a field that is a text.
fn text(document: &Document<'_>, name: &str) -> Option<String> {
    document.value(name).ok()??.text().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::SAME;

    fn check(json: &str, expect: &str) {
        let mut out = Vec::new();
        write(&Document::of_json(json, "x", &SAME).unwrap(), 2, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn a_document_is_a_heading_and_its_summary() {
        check(
            r#"{"id":"a","title":"T","url":"https://x.example/a","text":"long","summary":"One.\n\nTwo."}"#,
            "## [T](<https://x.example/a>)\n\nOne.\n\nTwo.\n\n",
        );
        check(r#"{"id":"a","text":"One.\nTwo.","title":3}"#, "## a\n\nOne.\nTwo.\n\n");
    }

    #[test]
    fn what_documents_hold_is_no_markup() {
        check(
            r##"{"id":"a","title":"*a*\n# b","text":"# x\n- y\n1. z\n<script>"}"##,
            "## \\*a\\* \\# b\n\n\\# x\n\\- y\n1\\. z\n\\<script\\>\n\n",
        );
        check(r#"{"id":"a","url":"javascript:alert(1)","text":"t"}"#, "## a\n\nt\n\n");
        check(r#"{"id":"a","url":"https://x/>\n<b","text":"t"}"#, "## [a](<https://x/%3E%3Cb>)\n\nt\n\n");
    }
}
