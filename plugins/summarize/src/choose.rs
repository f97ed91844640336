//! The choice of sentences within a budget.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::candidates::Candidate;
use crate::rank::Ranking;
use crate::terms::Vectors;

/// How long a summary may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Budget {
    /// So many sentences.
    Sentences(usize),
    /// So many words; one sentence is taken even if it has more.
    Words(usize),
}

/// What has been spent of a budget.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purse {
    budget: Budget,
    sentences: usize,
    words: usize,
}

impl Purse {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, sentences: 0, words: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self.budget {
            Budget::Sentences(most) => self.sentences >= most,
            Budget::Words(most) => self.words >= most,
        }
    }

    /// Takes the sentence into the summary, if it fits.
    pub(crate) fn buy(&mut self, candidate: &Candidate) -> bool {
        let fits = match self.budget {
            Budget::Sentences(most) => self.sentences < most,
            Budget::Words(most) => self.sentences == 0 || self.words + candidate.words <= most,
        };
        if fits {
            self.sentences += 1;
            self.words += candidate.words;
        }
        fits
    }
}

/// Two sentences with this cosine or a higher one say the same.
const SAME: f64 = 0.8;

/// Chooses the best sentences one after another, none that says the same as one before it; a sentence loses `repetition`
/// times its highest cosine with those.
///
/// A score only ever falls, so a sentence is looked at again only when it comes to the top with a score that is out of
/// date, and then only against what was chosen since: much less than all against all.
pub(crate) fn greedy(
    ranking: &Ranking,
    candidates: &[Candidate],
    vectors: &Vectors<'_>,
    budget: Budget,
) -> Vec<usize> {
    let Ranking { scores, repetition } = ranking;
    let mut purse = Purse::new(budget);
    let mut chosen = Chosen::new(vectors);
    let entry = |(sentence, score): (usize, &f64)| Entry { score: *score, sentence, seen: 0, cosine: 0.0 };
    let mut heap: BinaryHeap<Entry> = scores.iter().enumerate().map(entry).collect();
    while !purse.is_empty()
        && let Some(mut top) = heap.pop()
    {
        if top.seen < chosen.sentences.len() {
            top.cosine = chosen.highest_cosine(&top).max(top.cosine);
            top.seen = chosen.sentences.len();
            top.score = scores[top.sentence] - repetition * top.cosine;
            if top.cosine < SAME {
                heap.push(top);
            }
        } else if purse.buy(&candidates[top.sentence]) {
            chosen.add(top.sentence);
        }
    }
    chosen.sentences
}

/// A sentence in the queue.
#[derive(Debug)]
struct Entry {
    score: f64,
    sentence: usize,
    /// How many of the chosen sentences the score takes into account.
    seen: usize,
    /// The highest cosine with one of them.
    cosine: f64,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.sentence.cmp(&self.sentence))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

/// The chosen sentences, and for each term those that have it: the inverted index.
struct Chosen<'a> {
    vectors: &'a Vectors<'a>,
    sentences: Vec<usize>,
    postings: Vec<Vec<(usize, f64)>>,
    cosines: Vec<f64>,
}

impl<'a> Chosen<'a> {
    fn new(vectors: &'a Vectors<'a>) -> Self {
        let postings = vec![Vec::new(); vectors.terms.dimensions()];
        Self { vectors, sentences: Vec::new(), postings, cosines: Vec::new() }
    }

    fn add(&mut self, sentence: usize) {
        let place = self.sentences.len();
        for (term, weight) in self.vectors.row(sentence) {
            self.postings[term].push((place, weight));
        }
        self.sentences.push(sentence);
    }

    /// The highest cosine of the sentence with those that it has not been held against.
    fn highest_cosine(&mut self, entry: &Entry) -> f64 {
        self.cosines.clear();
        self.cosines.resize(self.sentences.len() - entry.seen, 0.0);
        for (term, weight) in self.vectors.row(entry.sentence) {
            let new = self.postings[term].iter().rev().take_while(|(place, _)| *place >= entry.seen);
            new.for_each(|(place, other)| self.cosines[place - entry.seen] += weight * other);
        }
        self.cosines.iter().copied().fold(0.0, f64::max)
    }
}
