//! Pure functions on text that stages share: spans, lines, and what else more than one stage asks for.
//!
//! All offsets are bytes on character boundaries; where characters are counted, the name says so. Nothing here does
//! input or output, and nothing depends on another crate of ours.

mod lines;
mod span;

pub use lines::{Line, Lines, lines};
pub use span::Span;
