//! The simplest things that can be done with the bytes, or with the texts: what all else is held against.

use std::hint::black_box;
use std::io::{self, Read};
use std::rc::Rc;

use aho_corasick::AhoCorasick;
use anyhow::Result;
use flate2::bufread::MultiGzDecoder;
use icu_segmenter::options::{SentenceBreakInvariantOptions, WordBreakInvariantOptions};
use icu_segmenter::{SentenceSegmenter, WordSegmenter};
use unicode_normalization::{IsNormalized, is_nfc_quick};

use super::corpus::Corpus;
use super::plain;
use super::subject::{Subject, timed};

const SET: &str = "floor, one thread";

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

/// One pass over the bytes of all documents.
type OfBytes = (&'static str, Box<dyn Fn(&[u8]) -> usize>);

/// One pass over a text.
type OfText = (&'static str, Box<dyn Fn(&str) -> usize>);

/// All of them.
pub(super) fn subjects(corpus: &Rc<Corpus>) -> Result<Vec<Subject>> {
    let over_bytes = of_bytes(corpus)?.into_iter().map(|(name, pass)| {
        let corpus = corpus.clone();
        floor(name, &corpus.clone(), corpus.bytes.len(), move || pass(&corpus.bytes))
    });
    let over_texts = of_texts()?.into_iter().map(|(name, pass)| {
        let corpus = corpus.clone();
        floor(name, &corpus.clone(), corpus.text_bytes(), move || {
            corpus.texts.iter().map(|text| pass(text)).sum()
        })
    });
    Ok(over_bytes.chain(over_texts).collect())
}

fn floor(name: &str, corpus: &Corpus, bytes: usize, pass: impl Fn() -> usize + 'static) -> Subject {
    let round = Box::new(move || Ok(timed(&pass)));
    Subject { set: SET, name: name.to_owned(), bytes, documents: corpus.texts.len(), round }
}

fn of_bytes(corpus: &Corpus) -> Result<Vec<OfBytes>> {
    let gz = std::fs::read(&corpus.gz)?;
    let zst = zstd::encode_all(corpus.bytes.as_slice(), zstd::DEFAULT_COMPRESSION_LEVEL)?;
    let mut floors: Vec<OfBytes> = vec![
        ("memcpy", Box::new(|bytes| black_box(bytes.to_vec()).len())),
        ("memchr, newlines", Box::new(|bytes| memchr::memchr_iter(b'\n', bytes).count())),
        ("simdutf8, check", Box::new(|bytes| usize::from(simdutf8::basic::from_utf8(bytes).is_ok()))),
        (
            "serde_json, raw values",
            Box::new(|bytes| {
                sum_of_lines(bytes, |line| plain::fields(line).map_or(0, |fields| fields.0.len()))
            }),
        ),
        (
            "serde_json, owned",
            Box::new(|bytes| {
                sum_of_lines(bytes, |line| {
                    usize::from(serde_json::from_slice::<serde_json::Value>(line).is_ok())
                })
            }),
        ),
        ("SHA-256", Box::new(|bytes| textmill::io::sha256(bytes).len())),
        ("gz, unpack", Box::new(move |_| drained(MultiGzDecoder::new(gz.as_slice())))),
        ("zst, unpack", Box::new(move |_| zstd::Decoder::with_buffer(zst.as_slice()).map_or(0, drained))),
    ];
    floors.extend(of_other_parsers());
    Ok(floors)
}

/// What reads JSON and is not in textmill; their crates take longer to build than all else here.
#[cfg(feature = "parsers")]
fn of_other_parsers() -> [OfBytes; 2] {
    [
        (
            "sonic-rs, raw values",
            Box::new(|bytes| {
                sum_of_lines(bytes, |line| {
                    sonic_rs::to_object_iter(line)
                        .map(|field| field.map_or(0, |(_, value)| value.as_raw_str().len()))
                        .sum()
                })
            }),
        ),
        (
            "simd-json, tape",
            Box::new(|bytes| {
                let (mut buffers, mut copy) = (simd_json::Buffers::default(), Vec::new());
                let mut nodes = 0;
                for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    copy.clear();
                    copy.extend_from_slice(line);
                    nodes += simd_json::to_tape_with_buffers(&mut copy, &mut buffers)
                        .map_or(0, |tape| tape.0.len());
                }
                nodes
            }),
        ),
    ]
}

#[cfg(not(feature = "parsers"))]
fn of_other_parsers() -> [OfBytes; 0] {
    []
}

fn of_texts() -> Result<Vec<OfText>> {
    let phrases = AhoCorasick::builder().ascii_case_insensitive(true).build(PHRASES)?;
    let words = WordSegmenter::new_auto(WordBreakInvariantOptions::default());
    let sentences = SentenceSegmenter::new(SentenceBreakInvariantOptions::default());
    Ok(vec![
        (
            "simdutf8, check of texts",
            Box::new(|text| usize::from(simdutf8::basic::from_utf8(text.as_bytes()).is_ok())),
        ),
        ("NFC, quick check", Box::new(|text| usize::from(is_nfc_quick(text.chars()) == IsNormalized::Yes))),
        ("aho-corasick, 13 phrases", Box::new(move |text| phrases.find_iter(text).count())),
        ("ICU4X, words", Box::new(move |text| words.segment_str(text).count())),
        ("ICU4X, sentences", Box::new(move |text| sentences.segment_str(text).count())),
    ])
}

fn sum_of_lines(bytes: &[u8], of: impl Fn(&[u8]) -> usize) -> usize {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(of).sum()
}

fn drained(mut reader: impl Read) -> usize {
    let copied = io::copy(&mut reader, &mut io::sink()).unwrap_or_default();
    usize::try_from(copied).unwrap_or_default()
}
