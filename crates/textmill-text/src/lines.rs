//! The lines of a text, with their places.

use crate::Span;

/// One line of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The line without its end (`\n` or `\r\n`).
    pub text: &'a str,
    /// Where it stands in the text, its end included: removing this span removes the line.
    pub span: Span,
}

/// Iterates over the lines of a text; see [`lines`].
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    text: &'a str,
    at: usize,
}

/// The lines of `text`. A line ends with `\n`, with `\r\n`, or with the text; a text that ends with `\n` has no empty
/// line after it, and an empty text has no line.
pub fn lines(text: &str) -> Lines<'_> {
    Lines { text, at: 0 }
}

impl Line<'_> {
    /// Where the line stands in the text, without its end.
    pub fn content(&self) -> Span {
        Span::new(self.span.start, self.span.start + self.text.len())
    }

    /// Whether there is nothing but white space on the line.
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let len = memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |at| at + 1);
        let (whole, _) = rest.split_at_checked(len)?;
        let bare = whole.strip_suffix('\n').map_or(whole, |bare| bare.strip_suffix('\r').unwrap_or(bare));
        let span = Span::new(self.at, self.at + len);
        self.at = span.end;
        Some(Line { text: bare, span })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let found: Vec<_> = lines(text).map(|line| line.text).collect();
        assert_eq!(found, expect, "{text:?}");
        let joined: String = lines(text).filter_map(|line| line.span.of(text)).collect();
        assert_eq!(joined, text, "the spans cover the text");
    }

    #[test]
    fn lines_end_with_newline_or_text() {
        check("", &[]);
        check("a", &["a"]);
        check("a\n", &["a"]);
        check("a\n\nb", &["a", "", "b"]);
        check("a\r\nb\r\n", &["a", "b"]);
        check("a\rb\r", &["a\rb\r"]);
        check("\n", &[""]);
        check("é\nü\r\n", &["é", "ü"]);
    }
}
