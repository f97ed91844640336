//! The simplest things that can be done with a text: what the speed of a stage is held against.

use aho_corasick::AhoCorasick;
use anyhow::Result;
use unicode_normalization::{IsNormalized, is_nfc_quick};

/// Thirteen phrases, as a list of teasers might begin.
const PHRASES: [&str; 13] = [
    "read more",
    "also read",
    "read also",
    "see also",
    "related:",
    "recommended",
    "more on this",
    "don't miss",
    "watch:",
    "share this",
    "follow us",
    "sign up for",
    "click here",
];

/// A name and one pass over a text. The number that it returns keeps the compiler from leaving the pass out.
pub(super) type Scan = (&'static str, Box<dyn Fn(&str) -> usize>);

/// All of them.
pub(super) fn all() -> Result<Vec<Scan>> {
    let phrases = AhoCorasick::builder().ascii_case_insensitive(true).build(PHRASES)?;
    Ok(vec![
        ("memchr, newlines", Box::new(|text| memchr::memchr_iter(b'\n', text.as_bytes()).count())),
        (
            "simdutf8, check",
            Box::new(|text| usize::from(simdutf8::basic::from_utf8(text.as_bytes()).is_ok())),
        ),
        ("NFC, quick check", Box::new(|text| usize::from(is_nfc_quick(text.chars()) == IsNormalized::Yes))),
        ("aho-corasick, 13 phrases", Box::new(move |text| phrases.find_iter(text).count())),
    ])
}
