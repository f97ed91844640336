//! What a page would cost, before it is parsed.
//!
//! A parser that does what the HTML standard says takes time in the square of the depth of nesting and of the number of
//! attributes of one tag, and makes elements again that were left open (`<p><b>` over and over): a few hundred kilobytes
//! can ask for minutes and gigabytes. So the tags are scanned first, in linear time, with a rough model of the parser
//! that adds up what it would do. The model need not be exact: pages are far from the limits, and how deep elements really
//! nest is seen once they are parsed.

use std::collections::HashMap;
use std::fmt;

use memchr::{memchr, memmem};

/// Steps of the parser; a page of a newspaper takes some hundred thousand, this many a tenth of a second.
const MAX_STEPS: usize = 100_000_000;

/// What a page may have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) bytes: usize,
    pub(crate) elements: usize,
}

/// Why a page is not parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// There is no tag in it.
    NotHtml,
    /// More bytes than the option allows.
    TooLong(usize),
    /// More elements than the option allows.
    TooManyElements(usize),
    /// Nesting or attributes beyond all reason.
    TooCostly,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHtml => f.write_str("the document is not HTML: there is no tag in it"),
            Self::TooLong(most) => write!(f, "the page has more than {most} bytes (`max-bytes`)"),
            Self::TooManyElements(most) => {
                write!(f, "the page has more than {most} elements (`max-elements`)")
            }
            Self::TooCostly => {
                f.write_str("the page nests its elements too deep, or has too many attributes")
            }
        }
    }
}

/// Whether `html` can be parsed with reasonable time and memory.
pub(crate) fn check(html: &str, limits: Limits) -> Result<(), Problem> {
    if html.len() > limits.bytes {
        return Err(Problem::TooLong(limits.bytes));
    }
    let mut model = Model { max_elements: limits.elements, ..Model::default() };
    let mut tags = Tags { bytes: html.as_bytes(), at: 0 };
    while let Some(tag) = tags.next() {
        model.take(&tag)?;
        if !tag.is_end && [&b"script"[..], b"style"].contains(&tag.name.as_slice()) {
            tags.skip_raw(&tag.name);
        }
    }
    if model.elements == 0 { Err(Problem::NotHtml) } else { Ok(()) }
}

/// The open elements of the parser, roughly.
#[derive(Debug, Default)]
struct Model {
    max_elements: usize,
    elements: usize,
    steps: usize,
    open: Vec<Vec<u8>>,
    open_of_name: HashMap<Vec<u8>, usize>,
    /// Elements that are opened again in the next block: name, and a hash of the tag.
    formatting: Vec<(Vec<u8>, u64)>,
}

impl Model {
    fn take(&mut self, tag: &Tag) -> Result<(), Problem> {
        let is_formatting = FORMATTING.contains(&tag.name.as_slice());
        match (tag.is_end, is_formatting) {
            (true, true) => self.end_formatting(&tag.name),
            (true, false) => self.end(&tag.name),
            (false, true) => self.start_formatting(tag),
            (false, false) => self.start(tag),
        }
        self.steps += 1 + self.open.len() + self.formatting.len() + tag.attributes * tag.attributes;
        if self.elements > self.max_elements {
            return Err(Problem::TooManyElements(self.max_elements));
        }
        if self.steps > MAX_STEPS { Err(Problem::TooCostly) } else { Ok(()) }
    }

    fn start(&mut self, tag: &Tag) {
        self.elements += 1;
        while self.open.last().is_some_and(|open| ends(&tag.name, open)) {
            let last = self.open.last().cloned().unwrap_or_default();
            self.end(&last);
        }
        if BLOCKS_WITH_TEXT.contains(&tag.name.as_slice()) {
            self.elements += self.formatting.len();
        }
        if !VOID.contains(&tag.name.as_slice()) && !tag.closes_itself {
            *self.open_of_name.entry(tag.name.clone()).or_default() += 1;
            self.open.push(tag.name.clone());
        }
    }

    fn end(&mut self, name: &[u8]) {
        if self.open_of_name.get(name).is_none_or(|count| *count == 0) {
            return;
        }
        while let Some(last) = self.open.pop() {
            let is_it = last == name;
            if let Some(count) = self.open_of_name.get_mut(&last) {
                *count -= 1;
            }
            if is_it {
                break;
            }
        }
    }

    /// At most three of a kind are opened again, and one link.
    fn start_formatting(&mut self, tag: &Tag) {
        self.elements += 1;
        if tag.name == b"a" {
            self.formatting.retain(|(name, _)| name != b"a");
        }
        let alike = |(name, hash): &&(Vec<u8>, u64)| *name == tag.name && *hash == tag.hash;
        if self.formatting.iter().filter(alike).count() < 3 {
            self.formatting.push((tag.name.clone(), tag.hash));
        }
    }

    fn end_formatting(&mut self, name: &[u8]) {
        if let Some(index) = self.formatting.iter().rposition(|(open, _)| open == name) {
            self.formatting.remove(index);
        }
    }
}

/// A tag, with its name in lower case.
#[derive(Debug)]
struct Tag {
    name: Vec<u8>,
    is_end: bool,
    closes_itself: bool,
    attributes: usize,
    hash: u64,
}

/// Goes through the tags of a page; comments and declarations are passed over.
#[derive(Debug)]
struct Tags<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Tags<'_> {
    fn next(&mut self) -> Option<Tag> {
        loop {
            self.at += memchr(b'<', self.rest())? + 1;
            let is_end = self.rest().first() == Some(&b'/');
            let start = usize::from(is_end);
            match self.rest().get(start)? {
                byte if byte.is_ascii_alphabetic() => {
                    self.at += start;
                    return Some(self.tag(is_end));
                }
                b'!' if self.rest().starts_with(b"!--") => self.skip_past(2, b"-->"),
                b'!' | b'?' => self.skip_past(0, b">"),
                _ => (),
            }
        }
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn skip_past(&mut self, skip: usize, mark: &[u8]) {
        self.at += skip;
        self.at += memmem::find(self.rest(), mark).map_or(self.rest().len(), |found| found + mark.len());
    }

    /// To the end tag of a script or style sheet.
    fn skip_raw(&mut self, name: &[u8]) {
        while let Some(found) = memmem::find(self.rest(), b"</") {
            self.at += found;
            let end = self.rest().get(2..2 + name.len());
            if end.is_some_and(|end| end.eq_ignore_ascii_case(name)) {
                return;
            }
            self.at += 2;
        }
        self.at = self.bytes.len();
    }

    fn tag(&mut self, is_end: bool) -> Tag {
        let begin = self.at;
        let rest = self.rest();
        let is_after = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>');
        let length = rest.iter().position(is_after).unwrap_or(rest.len());
        let name = rest.get(..length).unwrap_or_default().to_ascii_lowercase();
        self.at += length;
        let attributes = self.attributes();
        let whole = self.bytes.get(begin..self.at).unwrap_or_default();
        Tag { name, is_end, closes_itself: whole.ends_with(b"/>"), attributes, hash: hash(whole) }
    }

    /// Goes past the `>` of a tag. How many attributes there are.
    fn attributes(&mut self) -> usize {
        let mut count = 0;
        let mut is_in_name = false;
        while let Some(&byte) = self.rest().first() {
            self.at += 1;
            match byte {
                b'>' => break,
                b'=' => {
                    self.value();
                    is_in_name = false;
                }
                b'/' => is_in_name = false,
                byte if byte.is_ascii_whitespace() => is_in_name = false,
                _ if is_in_name => (),
                _ => {
                    count += 1;
                    is_in_name = true;
                }
            }
        }
        count
    }

    /// Goes past the value of an attribute, whose `=` was read.
    fn value(&mut self) {
        let is_space = |byte: &u8| byte.is_ascii_whitespace();
        self.at += self.rest().iter().position(|byte| !is_space(byte)).unwrap_or(0);
        match self.rest().first() {
            Some(&quote @ (b'"' | b'\'')) => self.skip_past(1, &[quote]),
            Some(_) => {
                let is_end = |byte: &u8| is_space(byte) || *byte == b'>';
                self.at += self.rest().iter().position(is_end).unwrap_or(self.rest().len());
            }
            None => (),
        }
    }
}

/// FNV-1a, 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

const VOID: &[&[u8]] = &[
    b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta", b"param",
    b"source", b"track", b"wbr",
];

/// The standard calls them formatting elements: left open, they are opened again in the next block.
const FORMATTING: &[&[u8]] = &[
    b"a", b"b", b"big", b"code", b"em", b"font", b"i", b"nobr", b"s", b"small", b"strike", b"strong", b"tt",
    b"u",
];

/// Whether the start of an element ends the open one before it, whose end tag may be left out.
fn ends(name: &[u8], open: &[u8]) -> bool {
    let ended: &[&[u8]] = match name {
        b"li" => &[b"p", b"li"],
        b"dt" | b"dd" => &[b"p", b"dt", b"dd"],
        b"option" => &[b"option"],
        b"optgroup" => &[b"option", b"optgroup"],
        b"td" | b"th" => &[b"p", b"td", b"th"],
        b"tr" => &[b"p", b"td", b"th", b"tr"],
        b"tbody" | b"thead" | b"tfoot" => &[b"p", b"td", b"th", b"tr", b"tbody", b"thead", b"tfoot"],
        b"span" | b"br" | b"img" | b"input" => &[],
        name if BLOCKS_WITH_TEXT.contains(&name) || [&b"ul"[..], b"ol", b"table"].contains(&name) => &[b"p"],
        _ => &[],
    };
    ended.contains(&open)
}

/// Elements in which what was left open is opened again.
const BLOCKS_WITH_TEXT: &[&[u8]] = &[
    b"p",
    b"div",
    b"li",
    b"dt",
    b"dd",
    b"td",
    b"th",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"blockquote",
    b"section",
    b"article",
    b"span",
    b"br",
    b"img",
    b"input",
];

#[cfg(test)]
mod tests {
    use super::{Limits, Problem, check};

    fn verdict(html: &str, expect: Result<(), Problem>) {
        let start: String = html.chars().take(60).collect();
        assert_eq!(check(html, Limits { bytes: 10_000_000, elements: 200_000 }), expect, "{start}");
    }

    fn numbered(count: usize, write: impl Fn(usize) -> String) -> String {
        (0..count).map(write).collect::<Vec<_>>().concat()
    }

    #[test]
    fn ordinary_pages_pass() {
        verdict("<p>One<p>Two", Ok(()));
        verdict(
            "<!doctype html><title>a</title><script>if (a</b>c) '<div>'</script><P CLASS=x>One</P>",
            Ok(()),
        );
        verdict("<p a='>' b=\">\" c = '<div>'>One</p><!-- <div> --><!-->x", Ok(()));
        verdict("<p", Ok(()));
        verdict(&"<p><font color=red>an old page".repeat(20_000), Ok(()));
        verdict(&"<li>one".repeat(100_000), Ok(()));
        verdict(&"<tr><td>one".repeat(50_000), Ok(()));
        verdict(&"<img alt=''>".repeat(100_000), Ok(()));
        verdict(&"<div></div>".repeat(100_000), Ok(()));
    }

    #[test]
    fn what_is_no_html_is_seen() {
        for text in ["", "plain words", "1 < 2 and 3 > 2", "<!-- <p> -->", "<", "</", "<!", "a <3 b"] {
            verdict(text, Err(Problem::NotHtml));
        }
    }

    #[test]
    fn hostile_pages_are_refused() {
        verdict(&"<div>".repeat(100_000), Err(Problem::TooCostly));
        verdict(&"<ul><li>".repeat(50_000), Err(Problem::TooCostly));
        verdict(&"<DIV\n>".repeat(100_000), Err(Problem::TooCostly));
        let attributes = numbered(50_000, |number| format!(" a{number}=1"));
        verdict(&format!("<p{attributes}>"), Err(Problem::TooCostly));
        let reopened = numbered(3_000, |number| format!("<p><b a{number}>x"));
        verdict(&reopened, Err(Problem::TooManyElements(200_000)));
        verdict(&"<br>".repeat(200_001), Err(Problem::TooManyElements(200_000)));
        verdict(&"<p>long".repeat(2_000_000), Err(Problem::TooLong(10_000_000)));
    }

    #[test]
    fn unfinished_markup_is_linear() {
        verdict(&"<!--".repeat(1_000_000), Err(Problem::NotHtml));
        verdict(&"<p a=\"".repeat(1_000_000), Err(Problem::TooCostly));
        verdict(&"<script></".repeat(1_000_000), Ok(()));
        verdict(&format!("<p a=\"{}", "<b ".repeat(3_000_000)), Ok(()));
    }
}
