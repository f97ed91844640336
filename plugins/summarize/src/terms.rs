//! The sentences of a document as sparse vectors of its stems: made once, used by every method.

use std::ops::Range;

use crate::language::Language;
use crate::words::Words;

/// Sparse rows, one for each sentence: which terms it has, in ascending order, how often, and with what weight.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    ends: Vec<usize>,
    numbers: Vec<u32>,
    /// How often the sentence has the term; after [`Terms::weigh`], what it weighs there.
    weights: Vec<f64>,
    document_frequency: Vec<u32>,
    row: Vec<u32>,
}

impl Terms {
    /// Begins a document.
    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        self.numbers.clear();
        self.weights.clear();
        self.document_frequency.clear();
    }

    /// Adds a sentence: a range of the words of `text`.
    pub(crate) fn push(&mut self, text: &str, words: &mut Words, range: Range<usize>, language: Language) {
        self.row.clear();
        words.terms(text, range, language, &mut self.document_frequency, &mut self.row);
        self.row.sort_unstable();
        for same in self.row.chunk_by(|one, other| one == other) {
            self.numbers.push(same[0]);
            self.weights.push(as_f64(same.len()));
            self.document_frequency[same[0] as usize] += 1;
        }
        self.ends.push(self.numbers.len());
    }

    /// Gives the terms of all sentences their weights, tf x ln(1 + n / df), each sentence brought to length 1 (0 for one
    /// without terms).
    pub(crate) fn weigh(&mut self) {
        let n = as_f64(self.len());
        let most = self.document_frequency.iter().max().copied().unwrap_or_default();
        // Few frequencies differ, so there are far fewer logarithms than terms.
        let idf: Vec<f64> = (0..=most).map(|frequency| libm::log(1.0 + n / f64::from(frequency))).collect();
        for (term, weight) in self.numbers.iter().zip(&mut self.weights) {
            *weight *= idf[self.document_frequency[*term as usize] as usize];
        }
        for sentence in 0..self.len() {
            let range = self.range(sentence);
            normalize(&mut self.weights[range]);
        }
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

    /// The terms of a sentence and their weights.
    pub(crate) fn weighed(&self, sentence: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.range(sentence);
        let terms = self.numbers[range.clone()].iter().map(|term| *term as usize);
        terms.zip(self.weights[range].iter().copied())
    }

    /// The product of a sentence with a dense vector.
    pub(crate) fn dot(&self, sentence: usize, dense: &[f64]) -> f64 {
        self.weighed(sentence).map(|(term, weight)| weight * dense[term]).sum()
    }

    /// Adds the sentence, times `factor`, to a dense vector.
    pub(crate) fn add_to(&self, sentence: usize, factor: f64, dense: &mut [f64]) {
        for (term, weight) in self.weighed(sentence) {
            dense[term] += factor * weight;
        }
    }

    fn range(&self, sentence: usize) -> Range<usize> {
        let start = if sentence == 0 { 0 } else { self.ends[sentence - 1] };
        start..self.ends[sentence]
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
