//! Mistakes, where they are, and how they are shown.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str};

/// One or more mistakes, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

/// A mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The file it is in, as that was named; `--set` for an option given on the command line; empty where no file could
    /// be read.
    pub file: String,
    /// The bytes it is about, in the text of the file.
    pub span: Option<Range<usize>>,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// The column in characters, counted from 1.
    pub column: Option<usize>,
    /// The column behind the last character that it is about; a mistake is shown on one line.
    pub end_column: Option<usize>,
    /// What is wrong, in one line.
    pub message: String,
    /// What to write beside the bytes: mostly what was expected there.
    pub label: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    further: Vec<(Range<usize>, String)>,
    text: Option<Arc<Text>>,
}

/// A text in which mistakes can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Bytes of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) text: Arc<Text>,
    pub(crate) span: Range<usize>,
}

impl Diagnostics {
    /// Mistakes in the order of their places; `None` if there are none.
    pub(crate) fn collect(mut list: Vec<Diagnostic>) -> Option<Self> {
        list.sort_by_key(|one| (one.file.clone(), one.span.as_ref().map(|span| (span.start, span.end))));
        list.dedup();
        (!list.is_empty()).then_some(Self { list })
    }

    /// These mistakes and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.list.extend(others.list);
        self
    }

    /// The same mistakes, each with what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: &str) -> Self {
        self.list.iter_mut().for_each(|one| one.hint = Some(hint.to_owned()));
        self
    }

    /// The mistakes.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// All mistakes with the lines they are in, in colour if asked for; ends with a line break.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut out = String::new();
        for (index, one) in self.list.iter().enumerate() {
            if index > 0 {
                out.push('\n');
            }
            out.push_str(&one.render(&renderer));
            out.push('\n');
        }
        out
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Self { list: vec![one] }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Diagnostics {}

impl Diagnostic {
    /// A mistake at a place.
    pub(crate) fn at(spot: &Spot, message: impl Into<String>) -> Self {
        let span = shown(&spot.text.text, &spot.span);
        let (line, column) = position(&spot.text.text, span.start);
        let length = spot.text.text.get(span.clone()).map_or(0, |part| part.chars().count());
        Self {
            file: spot.text.name.clone(),
            span: Some(span),
            line: Some(line),
            column: Some(column),
            end_column: Some(column + length),
            text: Some(Arc::clone(&spot.text)),
            ..Self::nowhere(message)
        }
    }

    /// A mistake that no text holds.
    pub(crate) fn nowhere(message: impl Into<String>) -> Self {
        Self {
            file: String::new(),
            span: None,
            line: None,
            column: None,
            end_column: None,
            message: message.into(),
            label: None,
            hint: None,
            further: Vec::new(),
            text: None,
        }
    }

    pub(crate) fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub(crate) fn with_hint(mut self, hint: Option<&str>) -> Self {
        self.hint = hint.map(ToOwned::to_owned);
        self
    }

    /// Another place of the same text that has to do with it.
    pub(crate) fn with_further(mut self, spot: &Spot, label: impl Into<String>) -> Self {
        self.further.push((shown(&spot.text.text, &spot.span), label.into()));
        self
    }

    fn render(&self, renderer: &Renderer) -> String {
        let mut group = Group::with_title(Level::ERROR.primary_title(self.message.as_str()));
        if let (Some(text), Some(span)) = (&self.text, &self.span) {
            group = group.element(self.snippet(text, span));
        } else if !self.file.is_empty() {
            group = group.element(Origin::path(self.file.as_str()));
        }
        let Some(hint) = &self.hint else { return renderer.render(&[group]) };
        let hint =
            Group::with_title(Level::HELP.with_name("hint").secondary_title(normalize_untrusted_str(hint)));
        // Where no line is shown, no bar leads from it to the hint.
        match self.text {
            Some(_) => renderer.render(&[group, hint]),
            None => renderer.render(&[group]) + "\n" + &renderer.render(&[hint]),
        }
    }

    fn snippet<'a>(
        &'a self,
        text: &'a Text,
        span: &Range<usize>,
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let label = |label: &str| normalize_untrusted_str(label);
        let further = self
            .further
            .iter()
            .map(|(span, text)| AnnotationKind::Context.span(span.clone()).label(label(text)));
        Snippet::source(text.text.as_str())
            .path(text.name.as_str())
            .annotation(AnnotationKind::Primary.span(span.clone()).label(self.label.as_deref().map(label)))
            .annotations(further)
    }
}

/// The part of a span that is shown: its first line, so that a wrong table of a hundred lines is not printed whole, and
/// within the text.
fn shown(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    let first = text.get(start..end).and_then(|part| part.lines().next()).unwrap_or_default();
    start..start + first.len()
}

/// Line and column, both from 1, the column in characters. A byte order mark takes no column.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    (line, last.trim_start_matches('\u{feff}').chars().count() + 1)
}
