//! The lines at the top of a document, as they stand after each removal.
//!
//! What a line may be compared with depends on its neighbours, and removals change neighbours. Keeping the lines as they
//! will stand makes the stage idempotent: it ends where a second run would begin.

use textmill_stage::{Line, Lines, Span};

use crate::headline::Headline;
use crate::shape;

/// A line that is not blank.
#[derive(Debug)]
pub(crate) struct Top<'a> {
    pub(crate) line: Line<'a>,
    /// The line as it is compared; `None` if it is too long for a title.
    pub(crate) headline: Option<Headline>,
    /// Whether it ends as a sentence.
    pub(crate) is_statement: bool,
    /// The blank lines above it.
    blanks: Span,
}

/// The first lines that are not blank, and the one after them.
#[derive(Debug)]
pub(crate) struct Window<'a> {
    tops: Vec<Top<'a>>,
    rest: Lines<'a>,
    size: usize,
}

/// Longer lines (bytes, characters) are not compared.
const LONGEST_BYTES: usize = 1000;
const LONGEST: usize = 250;

impl<'a> Top<'a> {
    /// The title of a document as a line.
    pub(crate) fn of_title(title: &'a str) -> Self {
        Self::new(Line { text: title, span: Span::default() }, Span::default())
    }

    fn new(line: Line<'a>, blanks: Span) -> Self {
        let is_short = line.text.len() <= LONGEST_BYTES && line.text.chars().nth(LONGEST).is_none();
        Self {
            line,
            headline: is_short.then(|| headline(line.text)),
            is_statement: shape::is_statement(line.text),
            blanks,
        }
    }
}

/// A line with an address, or a Markdown image, is no title, however alike its words are: both are made from titles. Nor
/// is one without a letter: two equal lines of a table are not one too many.
fn headline(line: &str) -> Headline {
    let is_none = line.contains("://") || line.starts_with("![") || !line.contains(char::is_alphabetic);
    if is_none { Headline::default() } else { Headline::new(line) }
}

impl<'a> Window<'a> {
    /// The first `size` lines that are not blank.
    pub(crate) fn new(lines: Lines<'a>, size: usize) -> Self {
        let mut window = Self { tops: Vec::new(), rest: lines, size };
        window.fill();
        window
    }

    /// The lines that are looked at.
    pub(crate) fn tops(&self) -> &[Top<'a>] {
        self.tops.get(..self.size).unwrap_or(&self.tops)
    }

    /// Whether the line runs on in the next one, which begins with a small letter.
    pub(crate) fn is_wrapped(&self, index: usize) -> bool {
        self.below(index).is_some_and(|next| next.line.text.trim_start().starts_with(char::is_lowercase))
    }

    /// Whether the line is a paragraph of its own: a blank line or nothing follows, or it is the second line, right below
    /// the first, and a whole sentence follows. The first line of a wrapped paragraph is none.
    pub(crate) fn stands_alone(&self, index: usize) -> bool {
        let is_below_first = index == 1 && self.tops.get(index).is_some_and(|top| top.blanks.is_empty());
        self.below(index).is_none_or(|next| is_below_first && next.is_statement)
    }

    /// Whether the line is one of a list: it has one or two words, and lines that are no sentences run on.
    pub(crate) fn is_listed(&self, index: usize) -> bool {
        let is_short = |top: &Top<'_>| top.line.text.split_whitespace().nth(2).is_none();
        self.tops.get(index).is_some_and(is_short) && !self.stands_alone(index)
    }

    /// The line right below, without a blank line between.
    fn below(&self, index: usize) -> Option<&Top<'a>> {
        self.tops.get(index + 1).filter(|next| next.blanks.is_empty())
    }

    /// Takes out a line, and the blank lines below it if it stands apart from what is above it, or those above it if it
    /// is the last; another line of the document moves up. Gives the spans to remove.
    pub(crate) fn remove(&mut self, index: usize) -> impl Iterator<Item = Span> + use<> {
        let top = self.tops.remove(index);
        let line = top.line.span;
        let stands_apart = index == 0 || !top.blanks.is_empty();
        let blanks = match self.tops.get_mut(index) {
            Some(next) if stands_apart => std::mem::replace(&mut next.blanks, top.blanks),
            Some(_) => Span::default(),
            None => top.blanks,
        };
        self.fill();
        let touch = line.end == blanks.start || blanks.end == line.start;
        let spans = if touch { [line.to(blanks), Span::default()] } else { [line, blanks] };
        spans.into_iter().filter(|span| !span.is_empty())
    }

    /// Reads on until there is one line more than is looked at.
    fn fill(&mut self) {
        let mut blanks: Option<Span> = None;
        while self.tops.len() <= self.size {
            let Some(line) = self.rest.next() else { return };
            if line.is_blank() {
                blanks = Some(blanks.map_or(line.span, |above| above.to(line.span)));
            } else {
                self.tops.push(Top::new(line, blanks.take().unwrap_or_default()));
            }
        }
    }
}
