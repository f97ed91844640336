//! Pure functions on text that stages share: spans, lines, and what else more than one stage asks for.
//!
//! All offsets are bytes on character boundaries; where characters are counted, the name says so. Nothing here does
//! input or output, and nothing depends on another crate of ours.

mod fold;
mod lines;
mod sentences;
mod similarity;
mod span;
mod words;

pub use fold::fold;
pub use lines::{Line, Lines, lines};
pub use sentences::{Sentences, sentence_language, sentences, sentences_in};
pub use similarity::levenshtein_ratio;
pub use span::Span;
pub use words::{Word, Words, words};
