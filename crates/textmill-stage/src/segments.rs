//! Sentences and words of a document: those that the host shares with all stages that ask, or else those that this library
//! finds, which are the same.
//!
//! Lines are not asked for: the end of a line is found faster than a list of them is read, all the more by a stage that
//! looks at the first lines only.

use std::slice;

use textmill_abi::{Segment, WORD_UNSPACED};
use textmill_text::{Span, Word};

/// Iterates over the sentences of a document; see [`crate::Doc::sentences`].
#[derive(Clone, Debug)]
pub struct Sentences<'a>(Source<'a, textmill_text::Sentences<'a>>);

/// Iterates over the words of a document; see [`crate::Doc::words`].
#[derive(Clone, Debug)]
pub struct Words<'a>(Source<'a, textmill_text::Words<'a>>);

/// Where segments come from.
#[derive(Clone, Debug)]
enum Source<'a, I> {
    Shared { text: &'a str, segments: slice::Iter<'a, Segment> },
    Own(I),
}

impl<'a> Sentences<'a> {
    pub(crate) fn new(text: &'a str, shared: Option<&'a [Segment]>, language: Option<&str>) -> Self {
        Self(Source::new(text, shared, |text| textmill_text::sentences_in(text, language)))
    }
}

impl<'a> Words<'a> {
    pub(crate) fn new(text: &'a str, shared: Option<&'a [Segment]>) -> Self {
        Self(Source::new(text, shared, textmill_text::words))
    }
}

impl<'a, I> Source<'a, I> {
    fn new(text: &'a str, shared: Option<&'a [Segment]>, own: impl FnOnce(&'a str) -> I) -> Self {
        shared.map_or_else(|| Self::Own(own(text)), |found| Self::Shared { text, segments: found.iter() })
    }
}

impl Iterator for Sentences<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        match &mut self.0 {
            Source::Own(sentences) => sentences.next(),
            Source::Shared { segments, .. } => segments.next().map(span),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        match &mut self.0 {
            Source::Own(words) => words.next(),
            Source::Shared { text, segments } => {
                let segment = segments.next()?;
                let span = span(segment);
                let unspaced = segment.flags & WORD_UNSPACED != 0;
                Some(Word { text: span.of(text)?, span, unspaced })
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<I: Iterator> Source<'_, I> {
    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Own(own) => own.size_hint(),
            Self::Shared { segments, .. } => segments.size_hint(),
        }
    }
}

/// The host promises that a segment does not end before it starts; one that does is empty.
fn span(segment: &Segment) -> Span {
    let start = segment.start as usize;
    Span { start, end: (segment.end as usize).max(start) }
}
