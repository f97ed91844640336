//! HTML tags that were left of formatting, removed.
//!
//! A tag in a text is either left over or what the text is about, and the second must not be harmed. So the evidence is
//! asked of the whole text: its tags are of the few kinds that prose carries, each one that opens is closed in its line,
//! and there is no other tag, comment or code mark. `<b>` alone may be a ticker symbol; `<td>` is a lesson.

use memchr::{memchr, memchr_iter, memchr2};

use crate::edit::{Edit, part};

pub(crate) const SUMMARY: &str =
    "A tag of formatting that is closed in its line, or `<br>`, in a text without any other markup.";

/// Formatting that prose carries.
const PAIRED: [&str; 18] = [
    "a", "b", "big", "center", "em", "font", "i", "mark", "p", "s", "small", "span", "strike", "strong",
    "sub", "sup", "tt", "u",
];

/// How far a tag may reach, in bytes; a link with a long address has a few hundred.
const MAX_LEN: usize = 2000;

/// Deeper formatting than this is not closed properly.
const MAX_DEPTH: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Open,
    Close,
    Break,
}

struct Tag<'a> {
    kind: Kind,
    name: &'a str,
    start: usize,
    end: usize,
}

/// Finds the tags of formatting, if the text has no others.
pub(crate) fn find(text: &str, edits: &mut Vec<Edit>) {
    if memchr(b'<', text.as_bytes()).is_none() {
        return;
    }
    let mut open: Vec<Tag<'_>> = Vec::new();
    let mut at = 0;
    for start in memchr_iter(b'<', text.as_bytes()) {
        if start < at {
            continue;
        }
        if memchr(b'\n', part(text, at, start).as_bytes()).is_some() {
            open.clear();
        }
        match read(text, start) {
            Read::Tag(tag) => {
                at = tag.end;
                take(text, tag, &mut open, edits);
            }
            Read::Markup => return edits.clear(),
            Read::Text => at = start,
        }
    }
    edits.sort_by_key(|edit| edit.span);
}

fn take<'a>(text: &str, tag: Tag<'a>, open: &mut Vec<Tag<'a>>, edits: &mut Vec<Edit>) {
    match tag.kind {
        Kind::Break => edits.extend(line_break(text, &tag)),
        Kind::Open if open.len() < MAX_DEPTH => open.push(tag),
        Kind::Open => {}
        Kind::Close => {
            let Some(depth) = open.iter().rposition(|other| other.name.eq_ignore_ascii_case(tag.name)) else {
                return;
            };
            let other = open.split_off(depth).into_iter().next();
            edits.extend(other.map(|other| Edit::new(other.start, other.end, "")));
            edits.push(Edit::new(tag.start, tag.end, ""));
        }
    }
}

/// A break becomes a line end where the line does not end anyway. With a space on both sides it is a word of a sentence.
fn line_break(text: &str, tag: &Tag<'_>) -> Option<Edit> {
    let before = part(text, 0, tag.start);
    let after = part(text, tag.end, text.len());
    let is_word = before.ends_with(' ') && after.starts_with(' ');
    let ends_line = after.is_empty() || after.starts_with(['\n', '\r']);
    (!is_word).then(|| Edit::new(tag.start, tag.end, if ends_line { "" } else { "\n" }))
}

enum Read<'a> {
    Tag(Tag<'a>),
    /// Markup of another kind: the text is about it.
    Markup,
    /// No markup, like `a < b` or `<someone@example.org>`.
    Text,
}

/// Reads the tag that begins with the `<` at `start`.
fn read(text: &str, start: usize) -> Read<'_> {
    let rest = part(text, start + 1, text.len());
    let (kind, name) = match rest.strip_prefix('/') {
        Some(rest) => (Kind::Close, rest),
        None => (Kind::Open, rest),
    };
    let quoted = part(text, 0, start).ends_with('`');
    if quoted || rest.starts_with(['!', '?', '%']) {
        return Read::Markup;
    }
    let name_len = name.bytes().take(12).take_while(u8::is_ascii_alphanumeric).count();
    let (name, attributes) = name.split_at_checked(name_len).unwrap_or_default();
    // Stops at the next `<`, so that a text full of them is still read once.
    let Some(close) = memchr2(b'<', b'>', attributes.as_bytes()).filter(|close| *close <= MAX_LEN) else {
        return Read::Text;
    };
    let inside = part(attributes, 0, close);
    if !part(attributes, close, close + 1).starts_with('>') {
        return Read::Text;
    }
    if name.is_empty() || !are_attributes(inside, kind) {
        return Read::Text;
    }
    let end = text.len() - attributes.len() + close + 1;
    let is = |other: &str| other.eq_ignore_ascii_case(name);
    match kind {
        Kind::Open if name.eq_ignore_ascii_case("br") => {
            Read::Tag(Tag { kind: Kind::Break, name, start, end })
        }
        kind if PAIRED.iter().any(|other| is(other)) => Read::Tag(Tag { kind, name, start, end }),
        Kind::Close => Read::Markup,
        _ if MARKUP.iter().any(|other| is(other)) => Read::Markup,
        _ => Read::Text,
    }
}

/// Tags that show markup by themselves; others need their closing tag.
const MARKUP: [&str; 14] = [
    "body", "code", "div", "head", "html", "img", "input", "li", "link", "meta", "pre", "script", "table",
    "td",
];

/// Whether what is between the name and the `>` can be: nothing, or attributes with values in quotes.
fn are_attributes(inside: &str, kind: Kind) -> bool {
    let bare = inside.strip_suffix('/').unwrap_or(inside).trim_ascii();
    if bare.is_empty() {
        return !inside.starts_with('\n');
    }
    let separated = inside.starts_with(|c: char| c.is_ascii_whitespace());
    kind == Kind::Open
        && separated
        && bare.contains('=')
        && bare.ends_with(['"', '\''])
        && !bare.contains(['<', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::check_step;

    fn check(text: &str, expect: &str) {
        check_step(find, text, expect);
    }

    #[test]
    fn formatting_goes() {
        check("<p>It was <b>very</b> <i class=\"x\">late</i>.</p>", "It was very late.");
        check("one<br>two<br />three<br/>\nfour<br>", "one\ntwo\nthree\nfour");
        check("see <a href=\"https://example.org/?a=1\">the <em>page</em></a>", "see the page");
        check("H<SUB>2</SUB>O", "H2O");
    }

    #[test]
    fn what_may_be_meant_stays() {
        for text in [
            "shares of <B> and <GM> rose",
            "a < b and b > c",
            "if (a <b && c> d)",
            "<td><b>cell</b></td>",
            "<!-- note --> <b>x</b>",
            "<div>a <b>b</b>",
            "write to <a@example.org>",
            "`<b>` begins, `</b>` ends: <b>so</b>",
            "<b>never closed",
            "<b>closed\nelsewhere</b>",
            "</b>",
            "<https://example.org>",
            "a <br> breaks the line",
            "<",
        ] {
            check(text, text);
        }
    }
}
