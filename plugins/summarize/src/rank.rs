//! What each sentence is worth: one score for each, by several methods. All take time linear in the number of words.

use crate::candidates::{Candidate, Ending};
use crate::terms::{Terms, Vectors, as_f64};

/// What each sentence is worth.
#[derive(Debug)]
pub(crate) struct Ranking {
    pub(crate) scores: Vec<f64>,
    /// What a sentence loses by a cosine of 1 with one that is chosen already.
    pub(crate) repetition: f64,
}

/// How much of the score goes to where links lead, the rest to every sentence alike (Brin and Page 1998).
const DAMPING: f64 = 0.85;

/// A walk has settled when no score moves by more than this part of the mean; it is also cut after so many steps.
const SETTLED: f64 = 1e-4;
const STEPS: usize = 50;

/// Weights of the recipe `news`, found on news of several publishers with human summaries; see the README of the crates.
mod weight {
    pub(super) const POSITION: f64 = 0.65;
    pub(super) const FORWARD: f64 = 0.346;
    pub(super) const BACKWARD: f64 = -0.063;
    pub(super) const CENTROID: f64 = 0.10;
    pub(super) const LEAD: f64 = 0.063;
    pub(super) const NUMBERS: f64 = 0.068;
    pub(super) const FIRST: f64 = -0.117;
    pub(super) const LONG: f64 = -0.089;
    pub(super) const SHORT: f64 = -0.193;
    pub(super) const QUOTE: f64 = -0.112;
    pub(super) const WEAK: f64 = -0.199;
    pub(super) const QUESTION: f64 = -0.263;
    pub(super) const REPETITION: f64 = 0.145;
}

/// Position, centrality towards what follows, and form. What later sentences come back to is what the story is about;
/// what only repeats earlier ones is not.
pub(crate) fn news(candidates: &[Candidate], vectors: &Vectors<'_>) -> Ranking {
    let scores = candidates.iter().zip(centrality(vectors)).enumerate();
    let scores = scores.map(|(place, (candidate, central))| central + form(place, candidate)).collect();
    Ranking { scores, repetition: weight::REPETITION }
}

fn form(place: usize, candidate: &Candidate) -> f64 {
    let when = |condition: bool, weight: f64| if condition { weight } else { 0.0 };
    weight::POSITION * libm::exp(-as_f64(place) / 2.0)
        + weight::NUMBERS * as_f64(candidate.numbers.min(3)) / 3.0
        + when(place == 0, weight::FIRST)
        + weight::LONG * as_f64(candidate.words.saturating_sub(23)) / 20.0
        + weight::SHORT * as_f64(9_usize.saturating_sub(candidate.words)) / 10.0
        + when(candidate.opens_quote, weight::QUOTE)
        + when(candidate.opens_weak, weight::WEAK)
        + when(candidate.ending == Ending::Question, weight::QUESTION)
}

/// The similarities of each sentence to those after it, before it, to all and to the first, weighed.
fn centrality(vectors: &Vectors<'_>) -> Vec<f64> {
    let n = vectors.terms.len();
    let mut nothing = vec![0.0; vectors.terms.dimensions()];
    let backward = similarity_on_the_way(vectors, 0..n);
    let mut forward = similarity_on_the_way(vectors, (0..n).rev());
    forward.reverse();
    let centroid = linked(vectors, &vec![1.0; n], &mut nothing);
    let first: Vec<f64> = (0..n).map(|sentence| if sentence == 0 { 1.0 } else { 0.0 }).collect();
    let lead = linked(vectors, &first, &mut nothing);
    let parts = [
        (weight::FORWARD, forward),
        (weight::BACKWARD, backward),
        (weight::CENTROID, centroid),
        (weight::LEAD, lead),
    ];
    parts.into_iter().fold(vec![0.0; n], |total, (weight, part)| add_share(total, weight, &part))
}

/// For each sentence on the way the sum of its similarities to those passed before: the product with the sum of their
/// vectors, so no pair of sentences is ever looked at.
fn similarity_on_the_way(vectors: &Vectors<'_>, way: impl Iterator<Item = usize>) -> Vec<f64> {
    let mut sum = vec![0.0; vectors.terms.dimensions()];
    let pass = |sentence| {
        let similarity = vectors.dot(sentence, &sum);
        vectors.add_to(sentence, 1.0, &mut sum);
        similarity
    };
    way.map(pass).collect()
}

/// Adds the values, divided by their maximum, times `weight`.
fn add_share(mut total: Vec<f64>, weight: f64, values: &[f64]) -> Vec<f64> {
    let maximum = values.iter().copied().fold(0.0, f64::max);
    if maximum > 0.0 {
        for (total, value) in total.iter_mut().zip(values) {
            *total += weight * value / maximum;
        }
    }
    total
}

/// Continuous `LexRank` (Erkan and Radev 2004): a walk over the graph of cosines. The matrix of cosines is that of the
/// vectors times its transpose, so a step goes through the terms instead of the pairs.
pub(crate) fn lexrank(vectors: &Vectors<'_>) -> Ranking {
    let n = vectors.terms.len();
    let mut dense = vec![0.0; vectors.terms.dimensions()];
    let degrees: Vec<f64> = linked(vectors, &vec![1.0; n], &mut dense);
    let scores = walk(&degrees, |ranks| linked(vectors, ranks, &mut dense));
    Ranking { scores, repetition: 0.0 }
}

/// For each sentence the sum of its cosines with all sentences, each times the rank of the other.
fn linked(vectors: &Vectors<'_>, ranks: &[f64], dense: &mut [f64]) -> Vec<f64> {
    dense.fill(0.0);
    for (sentence, rank) in ranks.iter().enumerate() {
        vectors.add_to(sentence, *rank, dense);
    }
    (0..ranks.len()).map(|sentence| vectors.dot(sentence, dense)).collect()
}

/// `TextRank` (Mihalcea and Tarau 2004): a walk over the graph of shared terms, divided by the logarithms of the two
/// lengths. Sentences of one length are taken together, so a step goes through the terms once for each length.
pub(crate) fn textrank(terms: &Terms) -> Ranking {
    let graph = Overlap::new(terms);
    let degrees = graph.linked(&vec![1.0; terms.len()]);
    let scores = walk(&degrees, |ranks| graph.linked(ranks));
    Ranking { scores, repetition: 0.0 }
}

/// The graph of `TextRank`: sentences by length.
struct Overlap<'a> {
    terms: &'a Terms,
    by_length: Vec<(f64, Vec<usize>)>,
    logarithms: Vec<f64>,
}

impl<'a> Overlap<'a> {
    fn new(terms: &'a Terms) -> Self {
        let length = |sentence: &usize| terms.row(*sentence).len();
        let mut order: Vec<_> = (0..terms.len()).filter(|sentence| length(sentence) > 0).collect();
        order.sort_by_key(length);
        let logarithm = |sentence: usize| libm::log(1.0 + as_f64(terms.row(sentence).len()));
        let groups = order.chunk_by(|one, other| length(one) == length(other));
        let by_length = groups.map(|group| (logarithm(group[0]), group.to_vec())).collect();
        let logarithms = (0..terms.len()).map(logarithm).collect();
        Self { terms, by_length, logarithms }
    }

    /// For each sentence the sum of its links to all others, each times the rank of the other.
    fn linked(&self, ranks: &[f64]) -> Vec<f64> {
        let mut result = vec![0.0; ranks.len()];
        let mut dense = vec![0.0; self.terms.dimensions()];
        for (logarithm, group) in &self.by_length {
            dense.fill(0.0);
            for sentence in group {
                self.terms.row(*sentence).iter().for_each(|term| dense[*term as usize] += ranks[*sentence]);
            }
            for (sentence, sum) in result.iter_mut().enumerate() {
                let shared: f64 = self.terms.row(sentence).iter().map(|term| dense[*term as usize]).sum();
                *sum += shared / (self.logarithms[sentence] + logarithm);
            }
        }
        let own = |sentence: usize| {
            as_f64(self.terms.row(sentence).len()) / (2.0 * self.logarithms[sentence]).max(f64::MIN_POSITIVE)
        };
        result.iter_mut().enumerate().for_each(|(sentence, sum)| *sum -= own(sentence) * ranks[sentence]);
        result
    }
}

/// The ranks on which a walk along the links settles; `linked` sums the links of each sentence to the given ranks.
fn walk(degrees: &[f64], mut linked: impl FnMut(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let n = degrees.len();
    let base = 1.0 / as_f64(n.max(1));
    let mut ranks = vec![base; n];
    for _ in 0..STEPS {
        let share = |(rank, degree): (&f64, &f64)| if *degree > 1e-9 { rank / degree } else { 0.0 };
        let shares: Vec<f64> = ranks.iter().zip(degrees).map(share).collect();
        let next: Vec<f64> =
            linked(&shares).into_iter().map(|sum| (1.0 - DAMPING) * base + DAMPING * sum).collect();
        let moved = ranks.iter().zip(&next).map(|(rank, next)| (rank - next).abs()).fold(0.0, f64::max);
        ranks = next;
        if moved < SETTLED * base {
            break;
        }
    }
    ranks
}
