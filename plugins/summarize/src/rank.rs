//! What each sentence is worth: one score for each, by several methods. All take time linear in the number of words.

use crate::candidates::{Candidate, Ending};
use crate::terms::{Terms, as_f64};

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

/// Weights of the recipe `news`. They were fitted to news articles with human summaries before they came here; what they
/// are worth is measured by `cargo xtask eval summaries`, which sets each method beside the first sentences.
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
pub(crate) fn news(candidates: &[Candidate], terms: &Terms) -> Ranking {
    let scores = candidates.iter().zip(centrality(terms)).enumerate();
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
fn centrality(terms: &Terms) -> Vec<f64> {
    let n = terms.len();
    let mut sum = vec![0.0; terms.dimensions()];
    let backward = similarity_on_the_way(terms, 0..n, &mut sum);
    // The way has passed all sentences, so the sum is that of all.
    let centroid = similarity_to(terms, &sum);
    sum.fill(0.0);
    let mut forward = similarity_on_the_way(terms, (0..n).rev(), &mut sum);
    forward.reverse();
    sum.fill(0.0);
    if n > 0 {
        terms.add_to(0, 1.0, &mut sum);
    }
    let lead = similarity_to(terms, &sum);
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
fn similarity_on_the_way(terms: &Terms, way: impl Iterator<Item = usize>, sum: &mut [f64]) -> Vec<f64> {
    let pass = |sentence| {
        let similarity = terms.dot(sentence, sum);
        terms.add_to(sentence, 1.0, sum);
        similarity
    };
    way.map(pass).collect()
}

/// The product of each sentence with a dense vector.
fn similarity_to(terms: &Terms, dense: &[f64]) -> Vec<f64> {
    (0..terms.len()).map(|sentence| terms.dot(sentence, dense)).collect()
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
pub(crate) fn lexrank(terms: &Terms) -> Ranking {
    let n = terms.len();
    let mut dense = vec![0.0; terms.dimensions()];
    let degrees: Vec<f64> = linked(terms, &vec![1.0; n], &mut dense);
    let scores = walk(&degrees, |ranks| linked(terms, ranks, &mut dense));
    Ranking { scores, repetition: 0.0 }
}

/// For each sentence the sum of its cosines with all sentences, each times the rank of the other.
fn linked(terms: &Terms, ranks: &[f64], dense: &mut [f64]) -> Vec<f64> {
    dense.fill(0.0);
    for (sentence, rank) in ranks.iter().enumerate() {
        terms.add_to(sentence, *rank, dense);
    }
    similarity_to(terms, dense)
}

/// `TextRank` (Mihalcea and Tarau 2004): a walk over the graph of shared terms, divided by the sum of the logarithms of
/// the two lengths. A step goes through the terms instead of the pairs, as the divisor can be taken apart: see
/// [`Reciprocal`].
pub(crate) fn textrank(terms: &Terms) -> Ranking {
    let mut graph = Overlap::new(terms);
    let degrees = graph.linked(&vec![1.0; terms.len()]);
    let ranks = walk(&degrees, |ranks| graph.linked(ranks));
    // In short texts exact ties are common. Without the last digits, which the order of summation makes, they are ties
    // here too, and the earlier sentence wins.
    let scores = ranks.iter().map(|rank| libm::round(rank * as_f64(ranks.len()) * 1e9)).collect();
    Ranking { scores, repetition: 0.0 }
}

/// The graph of `TextRank`.
struct Overlap<'a> {
    terms: &'a Terms,
    /// For each sentence what stands for its length.
    features: Vec<Features>,
    /// For each term the sum of the features of the sentences that have it, each times its rank.
    sums: Vec<Features>,
}

/// A value for each part of a [`Reciprocal`].
type Features = [f64; 8];

impl<'a> Overlap<'a> {
    fn new(terms: &'a Terms) -> Self {
        let logarithm = |sentence| libm::log(1.0 + as_f64(terms.row(sentence).len()));
        let logarithms: Vec<f64> = (0..terms.len()).map(logarithm).collect();
        let reciprocal = Reciprocal::new(logarithms.iter().copied().filter(|logarithm| *logarithm > 0.0));
        let features = logarithms.into_iter().map(|logarithm| reciprocal.features(logarithm)).collect();
        Self { terms, features, sums: vec![Features::default(); terms.dimensions()] }
    }

    /// For each sentence the sum of its links to all others, each times the rank of the other.
    fn linked(&mut self, ranks: &[f64]) -> Vec<f64> {
        self.sums.fill(Features::default());
        for (sentence, rank) in ranks.iter().enumerate() {
            let ranked = times(&self.features[sentence], *rank);
            for term in self.terms.row(sentence) {
                add(&mut self.sums[*term as usize], &ranked);
            }
        }
        ranks.iter().enumerate().map(|(sentence, rank)| self.links_of(sentence, *rank)).collect()
    }

    /// The sum of the links of a sentence, without the one to itself.
    fn links_of(&self, sentence: usize, rank: f64) -> f64 {
        let (row, features) = (self.terms.row(sentence), &self.features[sentence]);
        let mut sum = times(features, -rank * as_f64(row.len()));
        for term in row {
            add(&mut sum, &self.sums[*term as usize]);
        }
        features.iter().zip(sum).map(|(feature, sum)| feature * sum).sum()
    }
}

fn times(features: &Features, factor: f64) -> Features {
    let mut product = *features;
    for feature in &mut product {
        *feature *= factor;
    }
    product
}

fn add(sums: &mut Features, features: &Features) {
    for (sum, feature) in sums.iter_mut().zip(features) {
        *sum += feature;
    }
}

/// Takes `1 / (a + b)` apart into a sum of products, of a value that depends on `a` alone and one that depends on `b`.
///
/// For any `p`, `1 / (a + b)` is `2p / ((a + p) (b + p))`, a product, plus `(a - p) / (a + p) * (b - p) / (b + p)` of
/// itself, a small part if `p` is near to `a` or `b`. With eight values of `p` the rest is below 6e-8 of the whole for
/// sentences of 1 to a million terms, far below what ends a walk.
struct Reciprocal {
    points: Features,
}

impl Reciprocal {
    /// For values between the least and the greatest of the given ones, which are above 0: the points are Chebyshev's, on
    /// a scale of logarithms.
    fn new(values: impl Iterator<Item = f64>) -> Self {
        let (least, greatest) = values.fold((f64::MAX, f64::MIN_POSITIVE), |(least, greatest), value| {
            (least.min(value), greatest.max(value))
        });
        let (low, high) = (libm::log(least), libm::log(greatest));
        let angle = |place: usize| std::f64::consts::PI * (as_f64(place) + 0.5) / as_f64(8);
        let point =
            |place| libm::exp(f64::midpoint(low, high) + (high - low) / 2.0 * libm::cos(angle(place)));
        Self { points: std::array::from_fn(point) }
    }

    /// The values that stand for `value`; of two such lists the sum of the products is `1 / (a + b)`.
    fn features(&self, value: f64) -> Features {
        let mut rest = 1.0;
        self.points.map(|point| {
            let feature = libm::sqrt(2.0 * point) / (value + point) * rest;
            rest *= (value - point) / (value + point);
            feature
        })
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

/// The greatest relative error of [`Reciprocal`] for sentences of `least` to `greatest` terms.
#[cfg(test)]
pub(crate) fn error_of_reciprocal(least: usize, greatest: usize) -> f64 {
    let logarithm = |length: usize| libm::log(1.0 + as_f64(length));
    let reciprocal = Reciprocal::new([logarithm(least), logarithm(greatest)].into_iter());
    let lengths = || (0..40).map(|step| logarithm(least + (greatest - least) * step * step / 1521));
    let error = |one: f64, other: f64| {
        let (one_features, other_features) = (reciprocal.features(one), reciprocal.features(other));
        let sum: f64 = one_features.iter().zip(other_features).map(|(one, other)| one * other).sum();
        (1.0 - sum * (one + other)).abs()
    };
    lengths().flat_map(|one| lengths().map(move |other| error(one, other))).fold(0.0, f64::max)
}
