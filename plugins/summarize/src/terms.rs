//! The sentences of a document as sparse vectors of its stems: made once, used by every method.

use std::collections::HashMap;

use textmill_text::{Word, words};

use crate::language::Language;

/// Sparse rows, one for each sentence: which terms it has, in ascending order, and how often.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    ends: Vec<usize>,
    numbers: Vec<u32>,
    counts: Vec<f64>,
    document_frequency: Vec<u32>,
    row: Vec<u32>,
    vocabulary: Vocabulary,
}

/// What the words of a language stand for. It is kept from document to document, so that the stem of a frequent word is
/// found once; the numbers of terms do not depend on that, as each document counts its own.
#[derive(Debug, Default)]
struct Vocabulary {
    language: Language,
    forms: HashMap<String, Option<u32>>,
    stems: HashMap<String, u32>,
    /// For each stem the document in which it was last seen, and its number there.
    local: Vec<(u64, u32)>,
    document: u64,
    folded: String,
}

/// More forms than this are forgotten, so that memory stays bounded.
const MOST_FORMS: usize = 1 << 17;

impl Terms {
    /// Begins a document in `language`.
    pub(crate) fn begin(&mut self, language: Language) {
        self.ends.clear();
        self.numbers.clear();
        self.counts.clear();
        self.document_frequency.clear();
        self.vocabulary.begin(language);
    }

    /// Adds a sentence. In scripts without spaces two neighbouring characters make a term, as one alone says little.
    pub(crate) fn push(&mut self, sentence: &str) {
        self.row.clear();
        let mut before: Option<Word<'_>> = None;
        for word in words(sentence) {
            let pair = before
                .filter(|before| word.unspaced && before.unspaced && before.span.end == word.span.start);
            let text =
                pair.map_or(word.text, |before| before.span.to(word.span).of(sentence).unwrap_or_default());
            if (!word.unspaced || pair.is_some())
                && let Some(term) = self.vocabulary.term(text, &mut self.document_frequency)
            {
                self.row.push(term);
            }
            before = Some(word);
        }
        self.finish_row();
    }

    fn finish_row(&mut self) {
        self.row.sort_unstable();
        for same in self.row.chunk_by(|one, other| one == other) {
            self.numbers.push(same[0]);
            self.counts.push(f64::from(u32::try_from(same.len()).unwrap_or(u32::MAX)));
            self.document_frequency[same[0] as usize] += 1;
        }
        self.ends.push(self.numbers.len());
    }

    /// How many sentences there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many different terms there are.
    pub(crate) fn dimensions(&self) -> usize {
        self.document_frequency.len()
    }

    /// The terms of a sentence, in ascending order.
    pub(crate) fn row(&self, sentence: usize) -> &[u32] {
        &self.numbers[self.range(sentence)]
    }

    /// The weights of the terms of all sentences, tf x ln(1 + n / df), each sentence brought to length 1.
    pub(crate) fn unit_vectors(&self) -> Vectors<'_> {
        let n = as_f64(self.len());
        let idf = |term: &u32| libm::log(1.0 + n / f64::from(self.document_frequency[*term as usize]));
        let idf_of: Vec<f64> = (0..).take(self.dimensions()).map(|term| idf(&term)).collect();
        let mut weights: Vec<f64> = self
            .numbers
            .iter()
            .zip(&self.counts)
            .map(|(term, count)| count * idf_of[*term as usize])
            .collect();
        for sentence in 0..self.len() {
            normalize(&mut weights[self.range(sentence)]);
        }
        Vectors { terms: self, weights }
    }

    fn range(&self, sentence: usize) -> std::ops::Range<usize> {
        let start = if sentence == 0 { 0 } else { self.ends[sentence - 1] };
        start..self.ends[sentence]
    }
}

/// Sparse vectors of length 1 (or 0, for a sentence without terms).
#[derive(Debug)]
pub(crate) struct Vectors<'a> {
    pub(crate) terms: &'a Terms,
    weights: Vec<f64>,
}

impl Vectors<'_> {
    /// The terms of a sentence and their weights.
    pub(crate) fn row(&self, sentence: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.terms.range(sentence);
        let terms = self.terms.numbers[range.clone()].iter().map(|term| *term as usize);
        terms.zip(self.weights[range].iter().copied())
    }

    /// The product with a dense vector.
    pub(crate) fn dot(&self, sentence: usize, dense: &[f64]) -> f64 {
        self.row(sentence).map(|(term, weight)| weight * dense[term]).sum()
    }

    /// Adds the sentence, times `factor`, to a dense vector.
    pub(crate) fn add_to(&self, sentence: usize, factor: f64, dense: &mut [f64]) {
        for (term, weight) in self.row(sentence) {
            dense[term] += factor * weight;
        }
    }
}

impl Vocabulary {
    fn begin(&mut self, language: Language) {
        if self.language != language || self.forms.len() > MOST_FORMS {
            *self = Self { language, document: self.document, ..Self::default() };
        }
        self.document += 1;
    }

    /// The number of the word's stem in this document; `None` for a stop word. `counts` gets a place for a new one.
    fn term(&mut self, word: &str, counts: &mut Vec<u32>) -> Option<u32> {
        self.folded.clear();
        if word.is_ascii() {
            self.folded.push_str(word);
            self.folded.make_ascii_lowercase();
        } else {
            self.folded.extend(word.chars().flat_map(char::to_lowercase));
        }
        let stem = match self.forms.get(self.folded.as_str()) {
            Some(known) => (*known)?,
            None => self.learn()?,
        };
        let (document, local) = &mut self.local[stem as usize];
        if *document != self.document {
            *document = self.document;
            *local = u32::try_from(counts.len()).unwrap_or(u32::MAX);
            counts.push(0);
        }
        Some(*local)
    }

    fn learn(&mut self) -> Option<u32> {
        let stem = (!self.language.is_stop_word(&self.folded)).then(|| {
            let stem = self.language.stem(&self.folded);
            let next = u32::try_from(self.local.len()).unwrap_or(u32::MAX);
            let number = *self.stems.entry(stem.into_owned()).or_insert(next);
            if number == next {
                self.local.push((0, 0));
            }
            number
        });
        self.forms.insert(self.folded.clone(), stem);
        stem
    }
}

fn normalize(weights: &mut [f64]) {
    let length = libm::sqrt(weights.iter().map(|weight| weight * weight).sum());
    if length > 0.0 {
        for weight in weights {
            *weight /= length;
        }
    }
}

/// Counts are far below 2^52, where this is exact.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn as_f64(count: usize) -> f64 {
    count as f64
}
