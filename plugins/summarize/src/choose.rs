//! The choice of sentences within a budget.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::candidates::Candidate;
use crate::rank::Ranking;
use crate::terms::Terms;

/// How long a summary may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Budget {
    /// So many sentences.
    Sentences(usize),
    /// So many words; one sentence is taken even if it has more.
    Words(usize),
}

/// What has been spent of a budget. It is spent alike by all methods, which offer sentences in the order in which they
/// prefer them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purse {
    budget: Budget,
    sentences: usize,
    words: usize,
    closed: bool,
}

impl Purse {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, sentences: 0, words: 0, closed: false }
    }

    /// Whether nothing more is bought.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Takes the sentence into the summary, if it fits. One that does not is passed over only while less than half of
    /// the words are used: later ones are in the summary for being short, not for being good.
    pub(crate) fn buy(&mut self, candidate: &Candidate) -> bool {
        let fits = match self.budget {
            Budget::Sentences(most) => self.sentences < most,
            Budget::Words(most) => self.sentences == 0 || self.words + candidate.words <= most,
        };
        if fits {
            self.sentences += 1;
            self.words += candidate.words;
        }
        self.closed = match self.budget {
            Budget::Sentences(most) => self.sentences >= most,
            Budget::Words(most) => self.words >= most || (!fits && self.words * 2 >= most),
        };
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
    terms: &Terms,
    budget: Budget,
) -> Vec<usize> {
    let Ranking { scores, repetition } = ranking;
    let mut purse = Purse::new(budget);
    let mut chosen = Chosen::new(terms);
    let entry = |(sentence, score): (usize, &f64)| Entry { score: *score, sentence, seen: 0, cosine: 0.0 };
    let mut heap: BinaryHeap<Entry> = scores.iter().enumerate().map(entry).collect();
    while !purse.is_closed()
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
    terms: &'a Terms,
    sentences: Vec<usize>,
    /// For each term the place of its newest posting, plus 1, or 0.
    newest: Vec<u32>,
    postings: Vec<Posting>,
    cosines: Vec<f64>,
}

/// A chosen sentence that has a term.
struct Posting {
    /// The sentence, by its place among the chosen ones.
    place: usize,
    weight: f64,
    /// The posting of the same term before, as in [`Chosen::newest`].
    older: u32,
}

impl<'a> Chosen<'a> {
    fn new(terms: &'a Terms) -> Self {
        let newest = vec![0; terms.dimensions()];
        Self { terms, sentences: Vec::new(), newest, postings: Vec::new(), cosines: Vec::new() }
    }

    fn add(&mut self, sentence: usize) {
        let place = self.sentences.len();
        for (term, weight) in self.terms.weighed(sentence) {
            self.postings.push(Posting { place, weight, older: self.newest[term] });
            self.newest[term] = u32::try_from(self.postings.len()).expect("there are no more than words");
        }
        self.sentences.push(sentence);
    }

    /// The highest cosine of the sentence with those that it has not been held against.
    fn highest_cosine(&mut self, entry: &Entry) -> f64 {
        self.cosines.clear();
        self.cosines.resize(self.sentences.len() - entry.seen, 0.0);
        for (term, weight) in self.terms.weighed(entry.sentence) {
            let mut next = self.newest[term];
            while let Some(posting) = self.postings.get((next as usize).wrapping_sub(1))
                && posting.place >= entry.seen
            {
                self.cosines[posting.place - entry.seen] += weight * posting.weight;
                next = posting.older;
            }
        }
        self.cosines.iter().copied().fold(0.0, f64::max)
    }
}
