//! Whether two lines are the same title.
//!
//! Three answers count. The lines are the same but for marks; they are the same when parts beside a separator are cut
//! from their ends; or they nearly are, in one of two ways: few letters differ, or one line has the words of the other,
//! in order, and more before or after them. Numbers must be equal in all of them, for a series of articles has titles
//! that differ in nothing else.

use textmill_text::levenshtein_ratio;

use crate::headline::{Core, Headline};

/// How two lines repeat each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The same but for case, quotes, dashes, white space and other marks.
    Same,
    /// The same but for parts before or after a separator.
    Site,
    /// Nearly the same.
    Near,
}

/// Two lines that repeat each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Repeat {
    pub(crate) kind: Kind,
    /// 0 to 1; 1 for all but [`Kind::Near`].
    pub(crate) similarity: f64,
    /// Letters of the first line that are not the title's.
    pub(crate) cut: usize,
    /// Letters of the second line that are not the title's.
    pub(crate) other_cut: usize,
}

/// A title that is less than half of its line has at least so many letters.
const SHORT_TITLE: usize = 12;
/// A site's name that is longer than the title beside it has at most so many words.
const SITE_WORDS: usize = 6;
/// A title whose words stand in a longer line has at least so many of them.
const CONTAINED_WORDS: usize = 4;
/// A title whose words stand in a longer line has at least this share of that line's letters.
const CONTAINED_SHARE: f64 = 0.45;

/// Compares two lines. Similarities below `floor` do not count.
pub(crate) fn compare(one: &Headline, other: &Headline, floor: f64) -> Option<Repeat> {
    same(one, other).or_else(|| {
        let (cores, others) = (one.cores(), other.cores());
        let pairs = || cores.iter().flat_map(|core| others.iter().map(|other| (*core, *other)));
        same_title(pairs()).or_else(|| near(pairs(), floor))
    })
}

/// Whether two lines are the same but for marks.
pub(crate) fn same(one: &Headline, other: &Headline) -> Option<Repeat> {
    let is_same = !one.is_empty() && one.whole().is_same(other.whole());
    is_same.then(|| Repeat::new(Kind::Same, 1.0, one.whole(), other.whole()))
}

impl Repeat {
    fn new(kind: Kind, similarity: f64, core: Core<'_>, other: Core<'_>) -> Self {
        Self { kind, similarity, cut: core.cut(), other_cut: other.cut() }
    }
}

/// The longest core that both lines have.
fn same_title<'a>(pairs: impl Iterator<Item = (Core<'a>, Core<'a>)>) -> Option<Repeat> {
    pairs
        .filter(|(core, other)| core.is_same(*other) && can_cut(*core) && can_cut(*other))
        .filter(|(core, other)| !both_cut(*core, *other) || can_cut_both(*core, *other))
        .max_by_key(|(core, _)| core.len())
        .map(|(core, other)| Repeat::new(Kind::Site, 1.0, core, other))
}

fn both_cut(core: Core<'_>, other: Core<'_>) -> bool {
    core.cut() > 0 && other.cut() > 0
}

/// Whether the rest of the line can be a site's name or a topic: it is the shorter part, or it is short and the title is
/// not. After a colon stands the longer part of a title, not a site's name.
fn can_cut(core: Core<'_>) -> bool {
    core.is_most()
        || !core.ends_at_colon()
            && core.len() >= SHORT_TITLE
            && core.len() * 2 >= core.cut()
            && core.words().len() >= 2
            && core.words_cut() <= SITE_WORDS
}

/// Where something is cut from both lines, what is left must be most of each, and no number may be cut before it: it
/// belongs to the title (`Day 12: Title`).
fn can_cut_both(core: Core<'_>, other: Core<'_>) -> bool {
    let fits = |core: Core<'_>| core.is_most() && !core.follows_number();
    fits(core) && fits(other)
}

/// The two cores that are most alike.
fn near<'a>(pairs: impl Iterator<Item = (Core<'a>, Core<'a>)>, floor: f64) -> Option<Repeat> {
    let mut best: Option<Repeat> = None;
    for (core, other) in pairs.filter(|(core, other)| can_be_near(*core, *other)) {
        let ways = [reworded(core, other, floor), contained(core, other)];
        let similarity = ways.into_iter().flatten().fold(0.0, f64::max);
        if similarity >= floor && best.is_none_or(|best| similarity > best.similarity) {
            best = Some(Repeat::new(Kind::Near, similarity, core, other));
        }
    }
    best
}

fn can_be_near(core: Core<'_>, other: Core<'_>) -> bool {
    let like_sites = core.is_cut_like_site() && other.is_cut_like_site();
    core.is_most()
        && other.is_most()
        && (like_sites || !both_cut(core, other))
        && !core.follows_number()
        && !other.follows_number()
        && core.has_numbers_of(other)
}

/// How alike the letters are. A replaced letter counts twice, as one that is missing and one that is added: a replaced
/// word makes another headline sooner than an added one does.
fn reworded(core: Core<'_>, other: Core<'_>, floor: f64) -> Option<f64> {
    levenshtein_ratio(core.letters(), other.letters(), f64::midpoint(1.0, floor))
        .map(|ratio| 2.0 * ratio - 1.0)
}

/// The share of the shorter title's letters whose words stand in the longer one, in the same order and at one of its
/// ends.
fn contained(core: Core<'_>, other: Core<'_>) -> Option<f64> {
    let (short, long) = if core.len() <= other.len() { (core, other) } else { (other, core) };
    if !short.is_cut_like_site()
        || !long.is_cut_like_site()
        || share(short.len(), long.len()) < CONTAINED_SHARE
    {
        return None;
    }
    let (words, others) = (short.words(), long.words());
    let at_an_end = words.first() == others.first() || words.last() == others.last();
    (at_an_end && words.len() >= CONTAINED_WORDS).then(|| share(common_letters(&words, &others), short.len()))
}

/// How many letters the words have that stand in both, in the same order: the longest common subsequence by letters.
fn common_letters(words: &[&[char]], others: &[&[char]]) -> usize {
    let mut row = vec![0; others.len() + 1];
    for word in words {
        let mut diagonal = 0;
        for (at, other) in others.iter().enumerate() {
            let above = row[at + 1];
            let taken = if word == other { diagonal + word.len() } else { 0 };
            row[at + 1] = above.max(row[at]).max(taken);
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "lengths of lines lie far below 2^52")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}
