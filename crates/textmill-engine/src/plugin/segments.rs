//! The optional service `textmill.segments/1`: lines, sentences and words of the documents in hand.
//!
//! Each is found when a stage first asks for it, and kept until a stage edits the text, so that all stages that ask share
//! the work. What nobody asks for costs nothing, and the buffers are used again from batch to batch.
//!
//! A list of words takes a third of the time again that it takes to find them (measured with `summarize`), so a list that
//! only one stage uses is a loss. The host does not know who will ask, but stages ask alike for all documents: it learns
//! from those that it has seen whether a second stage asks.

use std::ffi::c_void;

use textmill_abi::{self as abi, Segment, Status, Str};
use textmill_text::{lines, sentence_language, sentences_in, words};

/// The service as plugins see it.
pub(super) static SERVICE: abi::SegmentsService = abi::SegmentsService {
    size: size_of::<abi::SegmentsService>(),
    lines: find_lines,
    sentences: find_sentences,
    words: find_words,
};

/// What has been found of the documents of a batch, on one thread.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    documents: Vec<Found>,
    lines: Sharing,
    words: Sharing,
    sentences: Sharing,
    /// How many of them are in use.
    len: usize,
    /// The documents that are handed to the stage, in its order.
    handed: Vec<DocumentKey>,
}

/// A document of the batch, by which its segments are found again from stage to stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DocumentKey(usize);

/// What has been found of a document.
#[derive(Debug, Default)]
struct Found {
    lines: List,
    words: List,
    /// Sentences differ from language to language.
    sentences: Vec<(Option<&'static str>, List)>,
}

/// Segments of one kind, if they are known.
#[derive(Debug, Default)]
struct List {
    is_asked: bool,
    is_known: bool,
    segments: Vec<Segment>,
}

/// How often a kind of segments was asked for, for the first time and again.
#[derive(Clone, Copy, Debug, Default)]
struct Sharing {
    first: u32,
    again: u32,
}

/// What the functions of the service work on during one call of `process`: `tm_batch.ctx` leads here.
pub(super) struct Finder<'a> {
    texts: &'a [Str],
    segments: &'a mut Segments,
}

/// A longer text is left to the stage, which can go through it without keeping what it finds.
const MOST_BYTES: usize = 1 << 24;

/// A longer list is not kept for the next batch, so that one large document does not hold memory for ever.
const KEPT_SEGMENTS: usize = 1 << 13;

impl Segments {
    /// Begins a batch, of whose documents nothing is known.
    pub(crate) fn begin(&mut self) {
        self.documents.iter_mut().take(self.len).for_each(Found::forget);
        self.len = 0;
        self.handed.clear();
    }

    /// Begins a batch of so many documents, all of which are handed to the stage.
    pub(crate) fn begin_with(&mut self, n_docs: usize) {
        self.begin();
        for _ in 0..n_docs {
            let document = self.add();
            self.handed.push(document);
        }
    }

    /// A document of the batch.
    pub(crate) fn add(&mut self) -> DocumentKey {
        if self.len == self.documents.len() {
            self.documents.push(Found::default());
        }
        self.len += 1;
        DocumentKey(self.len - 1)
    }

    /// The text of a document has changed.
    pub(crate) fn forget(&mut self, document: DocumentKey) {
        self.documents[document.0].forget();
    }

    /// These documents are handed to the next stage.
    pub(crate) fn hand(&mut self, documents: impl IntoIterator<Item = DocumentKey>) {
        self.handed.clear();
        self.handed.extend(documents);
    }

    /// The context for a stage that is handed these texts, those of the documents of [`Segments::hand`].
    pub(super) fn finder<'a>(&'a mut self, texts: &'a [Str]) -> Finder<'a> {
        Finder { texts, segments: self }
    }
}

impl DocumentKey {
    /// A small number: documents are numbered in the order in which they come into the batch.
    pub(crate) fn index(self) -> usize {
        self.0
    }
}

impl Sharing {
    /// Counts a question.
    fn count(&mut self, is_again: bool) {
        *(if is_again { &mut self.again } else { &mut self.first }) += 1;
        if self.first.max(self.again) > 1 << 20 {
            (self.first, self.again) = (self.first / 2, self.again / 2);
        }
    }

    /// Whether it pays to keep a list: every second one is asked for again.
    fn pays(self) -> bool {
        self.again >= self.first.div_ceil(2)
    }
}

impl Found {
    fn forget(&mut self) {
        let lists = self.sentences.iter_mut().map(|(_, list)| list);
        lists.chain([&mut self.lines, &mut self.words]).for_each(List::forget);
    }

    /// The list for sentences of a language: the one that has them, or one that nobody uses.
    fn sentences(&mut self, language: Option<&'static str>) -> &mut List {
        let found = self.sentences.iter().position(|(of, list)| list.is_asked && *of == language);
        let place = found.or_else(|| self.sentences.iter().position(|(_, list)| !list.is_asked));
        let place = place.unwrap_or_else(|| {
            self.sentences.push((language, List::default()));
            self.sentences.len() - 1
        });
        self.sentences[place].0 = language;
        &mut self.sentences[place].1
    }
}

impl List {
    fn forget(&mut self) {
        (self.is_asked, self.is_known) = (false, false);
        if self.segments.capacity() > KEPT_SEGMENTS {
            self.segments = Vec::new();
        }
    }

    /// The segments, those that are `found` if need be; `None` if they are wanted only where that pays, and it does not.
    fn get(
        &mut self,
        sharing: &mut Sharing,
        only_if_shared: u32,
        found: impl Iterator<Item = Segment>,
    ) -> Option<&[Segment]> {
        sharing.count(self.is_asked);
        self.is_asked = true;
        if !self.is_known {
            if only_if_shared != 0 && !sharing.pays() {
                return None;
            }
            self.segments.clear();
            self.segments.extend(found);
            self.is_known = true;
        }
        Some(&self.segments)
    }
}

impl<'a> Finder<'a> {
    fn lines(&mut self, index: usize, only_if_shared: u32) -> Option<&[Segment]> {
        let (text, key) = self.document(index)?;
        let Segments { documents, lines, .. } = self.segments;
        documents.get_mut(key.0)?.lines.get(lines, only_if_shared, lines_of(text))
    }

    fn words(&mut self, index: usize, only_if_shared: u32) -> Option<&[Segment]> {
        let (text, key) = self.document(index)?;
        let Segments { documents, words, .. } = self.segments;
        documents.get_mut(key.0)?.words.get(words, only_if_shared, words_of(text))
    }

    fn sentences(&mut self, index: usize, code: Option<&str>, only_if_shared: u32) -> Option<&[Segment]> {
        let (text, key) = self.document(index)?;
        let language = sentence_language(code);
        let Segments { documents, sentences, .. } = self.segments;
        let list = documents.get_mut(key.0)?.sentences(language);
        list.get(sentences, only_if_shared, sentences_of(text, language))
    }

    /// The text of document `index` of the batch in hand, and its key; `None` where the stage must look for itself.
    fn document(&self, index: usize) -> Option<(&'a str, DocumentKey)> {
        let key = *self.segments.handed.get(index)?;
        // SAFETY: the host's own column 0, valid UTF-8 and alive for this call.
        let text = unsafe { self.texts.get(index)?.text_unchecked() }?;
        (text.len() <= MOST_BYTES).then_some((text, key))
    }
}

/// A segment of a text that is no longer than [`MOST_BYTES`].
#[expect(clippy::cast_possible_truncation, reason = "longer texts have no segments")]
fn segment(start: usize, end: usize, flags: u32) -> Segment {
    Segment { start: start as u32, end: end as u32, flags }
}

fn lines_of(text: &str) -> impl Iterator<Item = Segment> {
    lines(text).map(|line| {
        let end =
            u32::try_from(line.span.end - line.content().end).expect("a line ends with two bytes at most");
        segment(line.span.start, line.span.end, end)
    })
}

fn words_of(text: &str) -> impl Iterator<Item = Segment> {
    words(text).map(|word| {
        let flags = if word.unspaced { abi::WORD_UNSPACED } else { 0 };
        segment(word.span.start, word.span.end, flags)
    })
}

fn sentences_of(text: &str, language: Option<&'static str>) -> impl Iterator<Item = Segment> {
    sentences_in(text, language).map(|span| segment(span.start, span.end, 0))
}

/// Answers with what `find` gives.
///
/// # Safety
/// `ctx` comes from [`Segments::finder`], on the thread that made it, while `process` runs; `out` is a place for the answer.
unsafe fn answer(
    ctx: *mut c_void,
    out: *mut abi::Segments,
    find: impl for<'f> FnOnce(&'f mut Finder<'_>) -> Option<&'f [Segment]>,
) -> Status {
    // SAFETY: what the caller promises; null is a batch of which nothing is known.
    let finder = unsafe { ctx.cast::<Finder<'_>>().as_mut() };
    let Some(segments) = finder.and_then(find) else { return abi::E_UNSUPPORTED };
    // SAFETY: what the caller promises.
    unsafe { out.write(abi::Segments { ptr: segments.as_ptr(), len: segments.len() }) };
    abi::OK
}

unsafe extern "C" fn find_lines(
    ctx: *mut c_void,
    index: usize,
    only_if_shared: u32,
    out: *mut abi::Segments,
) -> Status {
    // SAFETY: the plugin passes the context of its batch.
    unsafe { answer(ctx, out, |finder| finder.lines(index, only_if_shared)) }
}

unsafe extern "C" fn find_words(
    ctx: *mut c_void,
    index: usize,
    only_if_shared: u32,
    out: *mut abi::Segments,
) -> Status {
    // SAFETY: the plugin passes the context of its batch.
    unsafe { answer(ctx, out, |finder| finder.words(index, only_if_shared)) }
}

unsafe extern "C" fn find_sentences(
    ctx: *mut c_void,
    index: usize,
    language: Str,
    only_if_shared: u32,
    out: *mut abi::Segments,
) -> Status {
    // SAFETY: the plugin keeps the contract: valid for this call.
    let language = unsafe { language.bytes() };
    // A code that is no text is one that nobody knows.
    let code = language.and_then(|code| str::from_utf8(code).ok());
    // SAFETY: the plugin passes the context of its batch.
    unsafe { answer(ctx, out, |finder| finder.sentences(index, code, only_if_shared)) }
}

#[cfg(test)]
mod tests;
