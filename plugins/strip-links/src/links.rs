//! Inline links: their words stay, their marks and addresses go.
//!
//! Without its marks, what is around a link can read as another link, so a line is read again until nothing is left to do.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr2_iter, memmem, memrchr};
use textmill_stage::{Deletes, Span};
use textmill_text::{Lines, lines};

use crate::judge::Seen;
use crate::rule::{Permissions, Rule};

/// No address and no tag is longer than this many bytes.
const MAX_ADDRESS: usize = 2048;

/// A line that still has links after it was read this often is left as it is.
const MAX_READS: usize = 8;

/// What has to go of the inline links of a text, in order.
#[derive(Debug, Default)]
pub(crate) struct InlineEdits(Vec<(Span, Deletes)>);

impl InlineEdits {
    pub(crate) fn find(text: &str, wanted: bool, permissions: &Permissions) -> Self {
        let mut edits = Self::default();
        if !wanted {
            return edits;
        }
        let kinds =
            Kinds { markdown: permissions.get(Rule::MarkdownLink), html: permissions.get(Rule::HtmlLink) };
        for (start, line) in kinds.lines(text) {
            let marks = kinds.all_marks(line).into_iter();
            edits.0.extend(marks.map(|(span, rule)| (shift(span, start), rule)));
        }
        edits
    }

    /// The lines as they read without their marks.
    pub(crate) fn views<'a>(&self, lines: Lines<'a>) -> impl Iterator<Item = Seen<'a>> {
        let mut rest = self.0.as_slice();
        lines.map(move |line| {
            let inside = rest.iter().take_while(|(span, _)| span.end <= line.span.end).count();
            let (inside, below) = rest.split_at(inside);
            rest = below;
            Seen { line, view: cut(line.text, line.span.start, inside), verdict: None }
        })
    }

    /// The edits that lie in none of the `removals`.
    pub(crate) fn outside<'a>(
        &'a self,
        removals: &'a [(Span, Deletes)],
    ) -> impl Iterator<Item = (Span, Deletes)> + 'a {
        self.0.iter().copied().filter(|(edit, _)| {
            let next = removals.partition_point(|(removal, _)| removal.end <= edit.start);
            removals.get(next).is_none_or(|(removal, _)| edit.end <= removal.start)
        })
    }
}

/// The kinds of links that may go.
struct Kinds {
    markdown: Option<Deletes>,
    html: Option<Deletes>,
}

impl Kinds {
    /// The lines that may have a link, in order, each with where it starts.
    fn lines<'a>(&self, text: &'a str) -> Vec<(usize, &'a str)> {
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        if self.markdown.is_some() {
            found.extend(lines_at(text, memmem::find_iter(bytes, b"](")));
        }
        if self.html.is_some() {
            found.extend(lines_at(text, memchr_iter(b'<', bytes).filter(|at| is_anchor(&bytes[at + 1..]))));
        }
        found.sort_unstable_by_key(|(start, _)| *start);
        found.dedup_by_key(|(start, _)| *start);
        found
    }

    /// What has to go of the line until it has no links.
    fn all_marks(&self, line: &str) -> Vec<(Span, Deletes)> {
        let mut all = Vec::new();
        for _ in 0..MAX_READS {
            let more = self.marks(&cut(line, 0, &all));
            if more.is_empty() {
                return all;
            }
            add(&mut all, &more);
        }
        Vec::new()
    }

    /// The marks that one reading of the line finds: in order, and none over another.
    fn marks(&self, line: &str) -> Vec<(Span, Deletes)> {
        let mut found = Vec::new();
        if let Some(rule) = self.markdown {
            markdown_marks(line, |span| found.push((span, rule)));
        }
        if let Some(rule) = self.html {
            html_tags(line, |span| found.push((span, rule)));
        }
        found.sort_unstable_by_key(|(span, _)| *span);
        let mut end = 0;
        found.retain(|(span, _)| {
            let apart = end <= span.start;
            end = end.max(span.end);
            apart
        });
        found
    }
}

/// Adds to the marks of a line those that were found in the line without them. One that is found around others takes them in.
fn add(marks: &mut Vec<(Span, Deletes)>, found: &[(Span, Deletes)]) {
    let mut rest = std::mem::take(marks).into_iter().peekable();
    let mut cut = 0;
    for (span, rule) in found {
        while let Some(before) = rest.next_if(|(mark, _)| mark.start - cut <= span.start) {
            cut += before.0.end - before.0.start;
            marks.push(before);
        }
        let start = span.start + cut;
        while let Some((inside, _)) = rest.next_if(|(mark, _)| mark.start - cut < span.end) {
            cut += inside.end - inside.start;
        }
        marks.push((Span::new(start, span.end + cut), *rule));
    }
    marks.extend(rest);
}

/// The line, which starts at `start`, without the spans of `marks`, which lie in it.
fn cut<'a>(line: &'a str, start: usize, marks: &[(Span, Deletes)]) -> Cow<'a, str> {
    if marks.is_empty() {
        return Cow::Borrowed(line);
    }
    let mut view = String::new();
    let mut at = 0;
    for (span, _) in marks {
        view.push_str(line.get(at..span.start - start).unwrap_or_default());
        at = span.end - start;
    }
    view.push_str(line.get(at..).unwrap_or_default());
    Cow::Owned(view)
}

/// The lines in which there is a place, each with where it starts.
fn lines_at(text: &str, places: impl Iterator<Item = usize>) -> impl Iterator<Item = (usize, &str)> {
    let mut end = 0;
    places.filter_map(move |place| {
        let above = text.as_bytes().get(end..place)?;
        let start = memrchr(b'\n', above).map_or(end, |newline| end + newline + 1);
        let line = lines(text.get(start..)?).next()?;
        end = start + line.span.end;
        Some((start, line.text))
    })
}

fn shift(span: Span, by: usize) -> Span {
    Span::new(span.start + by, span.end + by)
}

/// `[` and `](address)` of the links of a line, `![` of its images.
fn markdown_marks(line: &str, mut mark: impl FnMut(Span)) {
    let bytes = line.as_bytes();
    let mut open = Vec::new();
    let mut done = 0;
    for at in memchr2_iter(b'[', b']', bytes) {
        if at < done {
            continue;
        }
        if bytes[at] == b'[' {
            let image = at > 0 && bytes[at - 1] == b'!';
            open.push(Span::new(at - usize::from(image), at + 1));
            continue;
        }
        let Some(start) = open.pop() else { continue };
        let Some(len) = address_len(&bytes[at + 1..]) else { continue };
        done = at + 1 + len;
        // `[File][5]("a.txt")` calls what a reference names; the address is none.
        if start.start == 0 || bytes[start.start - 1] != b']' {
            mark(start);
            mark(Span::new(at, done));
        }
    }
}

/// The length of `(address)` or `(address "title")` at the start, if it is one.
fn address_len(bytes: &[u8]) -> Option<usize> {
    let inside = bytes.strip_prefix(b"(")?;
    let inside = &inside[..inside.len().min(MAX_ADDRESS)];
    let mut depth = 0_usize;
    let mut end = None;
    for (at, byte) in inside.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 0 => {
                end = Some(at);
                break;
            }
            b')' => depth -= 1,
            _ => {}
        }
    }
    let address = &inside[..end?];
    let bare = address.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let title = address[bare.len()..].trim_ascii();
    let titled = title.is_empty() || matches!(title.first(), Some(b'"' | b'\''));
    let known = bare.is_empty()
        || bare.starts_with(b"#")
        || bare.iter().any(|byte| matches!(byte, b'/' | b'.' | b':'));
    (titled && known).then_some(address.len() + 2)
}

/// `<a ...>` and `</a>`.
fn html_tags(line: &str, mut mark: impl FnMut(Span)) {
    let bytes = line.as_bytes();
    let mut done = 0;
    for at in memchr_iter(b'<', bytes) {
        if at < done || !is_anchor(&bytes[at + 1..]) {
            continue;
        }
        let window = &bytes[at..bytes.len().min(at + MAX_ADDRESS)];
        if let Some(len) = memchr(b'>', window) {
            done = at + len + 1;
            mark(Span::new(at, done));
        }
    }
}

/// Whether what follows a `<` is `/a>`, or `a` with attributes.
fn is_anchor(rest: &[u8]) -> bool {
    match rest {
        [b'/', b'a' | b'A', b'>', ..] => true,
        [b'a' | b'A', space, ..] => space.is_ascii_whitespace(),
        _ => false,
    }
}
