//! Web archives: WARC (ISO 28500), and WET, which is WARC with the text of pages.
//!
//! A record is a head, which says how long the block behind it is, and that block: for a `response`, what a server answered.
//! The cutter ([`crate::input`]) finds where records end and decides by their heads which of them are documents; a worker
//! parses them. The crates `fastwarc` and `warc` read a stream of records, head and block at once and on one thread, and
//! bring a dozen crates (or a parser that holds every film in memory); what is needed of them here is the syntax of heads.

mod http;

use std::borrow::Cow;

use self::http::Body;
use crate::cell::Cell;
use crate::columns::TableColumn;
use crate::document::FieldKind;
use crate::format::InvalidUtf8;
use crate::limits::{Failure, Limits};
use crate::names::FieldNames;

/// What every record begins with, and a file of records.
pub(crate) const MAGIC: &[u8] = b"WARC/";

/// How many bytes of a block say what is in it: the head of a server's answer is no longer.
pub(crate) const LOOK: usize = 64 << 10;

/// The kinds of records (ISO 28500:2017, 6).
const KINDS: [&str; 8] =
    ["warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion", "continuation"];

/// The head of a record or of an answer: a first line, and fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a>(&'a [u8]);

/// The fields of a document, and how many invalid sequences of bytes were replaced in its text.
pub(crate) struct Page<'c> {
    pub(crate) cells: Vec<(&'c str, Cell<'c>)>,
    pub(crate) replaced: usize,
}

/// What the block of a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    /// What a server answered: a head, and a body.
    Answer,
    /// The thing itself.
    Thing,
}

impl<'a> Head<'a> {
    /// The head at the beginning of the bytes, with its empty line, and what follows; `None` if it has no end there.
    pub(crate) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut ends = memchr::memchr_iter(b'\n', bytes);
        let end = ends.find(|end| {
            let rest = &bytes[end + 1..];
            rest.starts_with(b"\n") || rest.starts_with(b"\r\n")
        })?;
        let rest = &bytes[end + 1..];
        let empty_line = if rest.starts_with(b"\n") { 1 } else { 2 };
        Some((Self(&bytes[..=end]), &rest[empty_line..]))
    }

    /// The value of the first field of this name, which counts without case.
    pub(crate) fn get(self, name: &str) -> Option<Cow<'a, str>> {
        self.lines().skip(1).find_map(|line| {
            let colon = memchr::memchr(b':', line)?;
            let is_it = line[..colon].trim_ascii().eq_ignore_ascii_case(name.as_bytes());
            is_it.then(|| String::from_utf8_lossy(line[colon + 1..].trim_ascii()))
        })
    }

    /// How long the block is, in bytes. The error is a sentence for people.
    pub(crate) fn length(self) -> Result<u64, String> {
        let length = self.get("Content-Length").ok_or("the record does not say its length")?;
        length.parse().map_err(|_| format!("the record says that its length is `{length}`"))
    }

    /// What kind of record it is.
    pub(crate) fn kind(self) -> Cow<'a, str> {
        self.get("WARC-Type").unwrap_or_default()
    }

    /// The same, of the kinds that there are.
    pub(crate) fn known_kind(self) -> &'static str {
        let kind = self.kind();
        KINDS.into_iter().find(|known| **known == *kind).unwrap_or("of another kind")
    }

    /// Whether the record can be a document, as far as its head says.
    pub(crate) fn may_be_page(self) -> bool {
        match &*self.kind() {
            "response" => true,
            "resource" => is_html(&self.media_type()),
            "conversion" => self.media_type().starts_with("text/"),
            _ => false,
        }
    }

    /// Whether the record is a document. `start`: the first [`LOOK`] bytes of its block.
    pub(crate) fn is_page(self, start: &[u8]) -> bool {
        match self.block(start) {
            Block::Thing => self.kind() != "response" || is_html(&self.media_type()),
            Block::Answer => Head::split(start).is_some_and(|(head, body)| {
                let media_type = head.media_type();
                is_html(&media_type) || media_type.is_empty() && body.trim_ascii_start().starts_with(b"<")
            }),
        }
    }

    fn block(self, start: &[u8]) -> Block {
        let is_answer = self.kind() == "response" && start.starts_with(b"HTTP/");
        if is_answer { Block::Answer } else { Block::Thing }
    }

    /// The media type without its parameters, in lower case; empty where none is named.
    fn media_type(self) -> String {
        let content_type = self.get("Content-Type").unwrap_or_default();
        content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The number in the first line of an answer.
    fn status(self) -> Option<String> {
        let line = str::from_utf8(self.lines().next()?).ok()?;
        let status = line.split_ascii_whitespace().nth(1)?;
        status.bytes().all(|byte| byte.is_ascii_digit()).then(|| status.trim_start_matches('0').to_owned())
    }

    fn lines(self) -> impl Iterator<Item = &'a [u8]> {
        self.0.split(|byte| *byte == b'\n')
    }
}

fn is_html(media_type: &str) -> bool {
    matches!(media_type, "text/html" | "application/xhtml+xml")
}

/// The columns that documents of web archives have, in their order.
pub(crate) fn columns(names: &FieldNames) -> Vec<TableColumn> {
    let column = |name: &str| {
        let kind = if name == "status" { FieldKind::Int } else { FieldKind::Text };
        TableColumn::new(names.in_input(name).to_owned(), kind, false)
    };
    ["id", "url", "date", "content-type", "status", "language", "text"].map(column).to_vec()
}

/// The document of a record.
pub(crate) fn page<'c>(
    record: &'c [u8],
    names: &'c FieldNames,
    invalid_utf8: InvalidUtf8,
    limits: &Limits,
) -> Result<Page<'c>, Failure> {
    let (head, block) = Head::split(record).ok_or("the head of the record has no end")?;
    let (answer, body) = match head.block(block) {
        Block::Answer => Head::split(block).map_or((None, block), |(answer, body)| (Some(answer), body)),
        Block::Thing => (None, block),
    };
    let content_type = answer.unwrap_or(head).get("Content-Type");
    let body =
        answer.map_or(Ok(Body::Borrowed(body)), |answer| http::body(answer, body, limits.document()))?;
    if body.len() as u64 > limits.document_bytes {
        return Err(limits.document().failure("the page has"));
    }
    let is_text = head.kind() == "conversion";
    let text = http::decode(body, content_type.as_deref().unwrap_or_default(), is_text);
    if text.replaced > 0 && invalid_utf8 == InvalidUtf8::Fail {
        return Err(format!("the page is not valid {}", text.encoding).into());
    }
    let cell = |name: &'static str, value: Option<Cow<'c, str>>| {
        value.map(|value| (names.in_input(name), Cell::Text(value)))
    };
    let status = answer.and_then(Head::status).filter(|status| !status.is_empty());
    let cells = [
        cell("id", head.get("WARC-Record-ID").map(bare)),
        cell("url", head.get("WARC-Target-URI").map(bare)),
        cell("date", head.get("WARC-Date")),
        cell("content-type", content_type),
        status.map(|status| (names.in_input("status"), Cell::Json(Cow::Owned(status)))),
        cell("language", head.get("WARC-Identified-Content-Language")),
        cell("text", Some(text.text)),
    ];
    Ok(Page { cells: cells.into_iter().flatten().collect(), replaced: text.replaced })
}

/// An address without the angle brackets that it may stand in.
fn bare(address: Cow<'_, str>) -> Cow<'_, str> {
    match address.strip_prefix('<').and_then(|address| address.strip_suffix('>')) {
        Some(inside) => Cow::Owned(inside.to_owned()),
        None => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(record: &str, is_page: bool, expected: &[(&str, &str)]) {
        let record = record.replace('\n', "\r\n");
        let (head, block) = Head::split(record.as_bytes()).unwrap();
        assert_eq!(head.may_be_page() && head.is_page(block), is_page, "{record}");
        if is_page {
            let names = FieldNames::same();
            let page = page(record.as_bytes(), &names, InvalidUtf8::Replace, &Limits::default()).unwrap();
            let found: Vec<_> = page.cells.iter().map(|(name, cell)| (*name, cell.written())).collect();
            assert_eq!(found, expected, "{record}");
        }
    }

    #[test]
    fn what_is_a_page() {
        let response = "WARC/1.0\nWARC-Type: response\nWARC-Record-ID: <urn:uuid:1>\n\n";
        check(
            &format!("{response}HTTP/1.1 200 OK\ncontent-type: text/HTML; charset=utf-8\n\n<p>é"),
            true,
            &[
                ("id", "urn:uuid:1"),
                ("content-type", "text/HTML; charset=utf-8"),
                ("status", "200"),
                ("text", "<p>é"),
            ],
        );
        check(&format!("{response}HTTP/1.1 200 OK\nContent-Type: image/png\n\n<p>"), false, &[]);
        check(&format!("{response}HTTP/1.1 200\nX: y\n\nPNG"), false, &[]);
        check(
            &format!("{response}HTTP/1.1\nX: y\n\n <html>"),
            true,
            &[("id", "urn:uuid:1"), ("text", " <html>")],
        );
        check(&format!("{response}20140101 a.b IN A 1.2.3.4"), false, &[]);
        check("WARC/1.0\nWARC-Type: request\n\nGET / HTTP/1.1\n\n", false, &[]);
        let resource = "WARC/1.1\nWARC-Type: resource\nWARC-Target-URI: a b\nContent-Type: text/html\n\n<p>";
        check(resource, true, &[("url", "a b"), ("content-type", "text/html"), ("text", "<p>")]);
        let text = "WARC/1.0\nWARC-Type: conversion\nWARC-Date: d\nContent-Type: text/plain\n\n<meta charset=latin1>";
        check(
            text,
            true,
            &[("date", "d"), ("content-type", "text/plain"), ("text", "<meta charset=latin1>")],
        );
    }

    #[test]
    fn lengths_are_checked() {
        let check = |fields: &str, expected: Result<u64, &str>| {
            let head = format!("WARC/1.0\n{fields}\n\n");
            let found = Head::split(head.as_bytes()).unwrap().0.length();
            assert_eq!(found, expected.map_err(str::to_owned), "{fields}");
        };
        check("content-length : 12", Ok(12));
        check("A: b", Err("the record does not say its length"));
        check("Content-Length: -1", Err("the record says that its length is `-1`"));
        assert!(Head::split(b"WARC/1.0\nA: b\n").is_none());
    }
}
