//! Examples of what a rule does: the most extreme ones, some taken at random, and some that are typical.
//!
//! Which documents are taken depends on the documents alone: the random ones are those whose hash is lowest, so that every
//! thread can choose for itself and all together come to the same. What is kept of a document is cut to a few hundred bytes.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use textmill_io::Origin;

use crate::histogram::{Histogram, Scale};
use crate::plugin::Answer;

/// What a stage did to one document under one rule, as an example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The id of the document.
    pub id: String,
    /// How many characters the rule took away or put in; of a document that it dropped, all of them.
    pub chars: u64,
    /// The first of the changes.
    pub excerpts: Vec<Excerpt>,
    /// How many changes more there are.
    pub more: u64,
    /// By which documents are chosen.
    hash: u64,
}

/// A change with a little around it. Each part is cut in its middle where it is long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The field that was set; `None`: it is the text.
    pub field: Option<String>,
    /// Where what was removed begins, in bytes of the text as it came to the stage.
    pub start: usize,
    /// What stands before it.
    pub lead: String,
    /// What was removed.
    pub removed: String,
    /// What was put in its place.
    pub added: String,
    /// What stands behind it.
    pub trail: String,
    /// The length of what was removed, uncut.
    pub removed_bytes: usize,
    /// The length of what was put in, uncut.
    pub added_bytes: usize,
}

/// Why a sample was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chosen {
    /// Nothing that the rule did is larger.
    Extreme,
    /// What it did is as large as mostly.
    Typical,
    /// By chance, which is the same in every run.
    Random,
}

/// Chooses samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    sizes: Histogram,
    /// The largest first.
    extreme: Vec<Sample>,
    /// The lowest hash first.
    random: Vec<Sample>,
}

/// By which a document is chosen at random or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw(u64);

/// How many of each kind are shown.
const SHOWN: usize = 2;
/// From so many the typical ones are chosen.
const DRAWN: usize = 8;
/// How many changes of a document are shown.
const EXCERPTS: usize = 3;
/// How many bytes are kept of what was removed or put in, and of what stands around it.
const PART: usize = 400;
const AROUND: usize = 80;
/// Seed of the random choice: any number, always the same.
const SEED: u64 = 0x7e87_3111;

impl Draw {
    /// The draw of a document.
    pub(crate) fn new(id: &str, origin: &Origin) -> Self {
        let bytes = id.bytes().chain([0]).chain(origin.file.bytes()).map(u64::from);
        // FNV-1a.
        let fold = |hash: u64, number: u64| (hash ^ number).wrapping_mul(0x0100_0000_01b3);
        Self(bytes.chain([origin.offset]).fold(SEED, fold))
    }

    /// Its draw for one thing that a stage did: `rule`, or setting fields.
    pub(crate) fn of(self, stage: usize, rule: Option<usize>) -> Self {
        // The finalizer of SplitMix64, so that what is drawn for one rule says nothing about the next.
        let salt = (stage as u64) << 32 | rule.map_or(0, |rule| rule as u64 + 1);
        let mut hash = self.0 ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(hash ^ (hash >> 31))
    }
}

impl Default for Samples {
    fn default() -> Self {
        Self { sizes: Histogram::new(Scale::Whole), extreme: Vec::new(), random: Vec::new() }
    }
}

impl Samples {
    /// Offers a document; `make` is called if it is taken for now.
    pub(crate) fn offer(
        &mut self,
        draw: Draw,
        chars: u64,
        make: impl FnOnce() -> (String, Vec<Excerpt>, u64),
    ) {
        self.sizes.add_whole(chars);
        let is_extreme = self.extreme.len() < SHOWN
            || self.extreme.last().is_some_and(|last| last.size_key() > (Reverse(chars), draw.0));
        let is_random =
            self.random.len() < DRAWN || self.random.last().is_some_and(|last| draw.0 < last.hash);
        if !is_extreme && !is_random {
            return;
        }
        let (id, excerpts, more) = make();
        let sample = Sample { id, chars, excerpts, more, hash: draw.0 };
        if is_extreme {
            self.extreme.push(sample.clone());
        }
        if is_random {
            self.random.push(sample);
        }
        self.cut();
    }

    /// Takes over what another thread has chosen.
    pub(crate) fn join(&mut self, other: &Self) {
        if other.sizes.count() == 0 {
            return;
        }
        self.sizes += &other.sizes;
        self.extreme.extend(other.extreme.iter().cloned());
        self.random.extend(other.random.iter().cloned());
        self.cut();
    }

    fn cut(&mut self) {
        self.extreme.sort_by_key(Sample::size_key);
        self.extreme.truncate(SHOWN);
        self.random.sort_by_key(|sample| sample.hash);
        self.random.truncate(DRAWN);
    }

    /// The samples: some that are extreme, some that are typical, some at random, each document once.
    pub fn chosen(&self) -> Vec<(Chosen, &Sample)> {
        let median = self.sizes.quantile(0.5);
        #[expect(clippy::cast_precision_loss, reason = "no text has 2^53 characters")]
        let distance = |sample: &Sample| (sample.chars as f64 - median).abs();
        let mut typical: Vec<_> = self.random.iter().collect();
        typical.sort_by(|one, other| distance(one).total_cmp(&distance(other)));
        let kinds = [
            (Chosen::Extreme, self.extreme.iter().collect()),
            (Chosen::Typical, typical),
            (Chosen::Random, self.random.iter().collect::<Vec<_>>()),
        ];
        let mut chosen: Vec<(Chosen, &Sample)> = Vec::new();
        for (kind, candidates) in kinds {
            let fresh = candidates.into_iter().filter(|one| !chosen.iter().any(|(_, other)| one == other));
            let fresh: Vec<_> = fresh.take(SHOWN).map(|sample| (kind, sample)).collect();
            chosen.extend(fresh);
        }
        chosen
    }
}

impl Sample {
    fn size_key(&self) -> (Reverse<u64>, u64) {
        (Reverse(self.chars), self.hash)
    }
}

impl Excerpt {
    /// The edits of `rule` in a text, and how many more than are shown.
    pub(crate) fn of_edits(text: &str, answer: &Answer, rule: usize) -> (Vec<Self>, u64) {
        if let Some((whole, _)) = answer.rewrite.as_ref().filter(|(_, of)| *of == rule) {
            return (vec![Self::of_rewrite(text, whole)], 0);
        }
        let mut edits = answer.edits.iter().filter(|edit| edit.rule == rule);
        let shown = edits.by_ref().take(EXCERPTS);
        let shown = shown.map(|edit| Self::new(text, edit.span.start..edit.span.end, &edit.replacement));
        (shown.collect(), edits.count() as u64)
    }

    /// The part of a text that a whole new one does not have in common with it.
    fn of_rewrite(text: &str, whole: &str) -> Self {
        let same = text.bytes().zip(whole.bytes()).take_while(|(left, right)| left == right).count();
        let start = text.floor_char_boundary(whole.floor_char_boundary(same));
        let (old, new) = (text.get(start..).unwrap_or_default(), whole.get(start..).unwrap_or_default());
        let same = old.bytes().rev().zip(new.bytes().rev()).take_while(|(left, right)| left == right).count();
        let old_end = old.ceil_char_boundary(old.len() - same);
        let new_end = new.len() - (old.len() - old_end);
        Self::new(text, start..start + old_end, new.get(..new_end).unwrap_or_default())
    }

    /// A document that was dropped: its beginning.
    pub(crate) fn of_dropped(text: &str) -> Self {
        Self::new(text, 0..text.len(), "")
    }

    /// A field and its value; `None`: it was removed.
    pub(crate) fn of_field(name: &str, value: Option<&str>) -> Self {
        Self { field: Some(name.to_owned()), ..Self::new("", 0..0, value.unwrap_or_default()) }
    }

    fn new(text: &str, span: std::ops::Range<usize>, added: &str) -> Self {
        let lead = text.ceil_char_boundary(span.start.saturating_sub(AROUND))..span.start;
        let trail = span.end..text.floor_char_boundary(span.end + AROUND);
        let part = |span: std::ops::Range<usize>| text.get(span).unwrap_or_default();
        Self {
            field: None,
            start: span.start,
            lead: part(lead).to_owned(),
            removed: middle_cut(part(span.clone())),
            added: middle_cut(added),
            trail: part(trail).to_owned(),
            removed_bytes: span.len(),
            added_bytes: added.len(),
        }
    }
}

/// The text, or its beginning and its end with `…` between them.
fn middle_cut(text: &str) -> String {
    if text.len() <= PART {
        return text.to_owned();
    }
    let head = text.floor_char_boundary(PART / 4 * 3);
    let tail = text.ceil_char_boundary(text.len() - PART / 4);
    let part = |span| text.get(span).unwrap_or_default();
    format!("{}…{}", part(0..head), part(tail..text.len()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn offer(samples: &mut Samples, number: usize) {
        let id = format!("doc-{number}");
        let origin = Origin { file: Arc::from("a.jsonl"), line: None, offset: number as u64 };
        let draw = Draw::new(&id, &origin).of(0, Some(0));
        samples.offer(draw, (number % 100) as u64, || (id, Vec::new(), 0));
    }

    #[test]
    fn who_looked_at_which_document_makes_no_difference() {
        let all = |order: &[usize], threads: usize| {
            let mut each = vec![Samples::default(); threads];
            for number in order {
                offer(&mut each[number * 7 % threads], *number);
            }
            let mut sum = Samples::default();
            each.iter().rev().for_each(|samples| sum.join(samples));
            sum.chosen().into_iter().map(|(why, sample)| (why, sample.id.clone())).collect::<Vec<_>>()
        };
        let forwards: Vec<_> = (0..1000).collect();
        let backwards: Vec<_> = (0..1000).rev().collect();
        let chosen = all(&forwards, 1);
        assert_eq!(chosen.len(), 3 * SHOWN, "{chosen:?}");
        assert_eq!(chosen, all(&backwards, 1));
        assert_eq!(chosen, all(&forwards, 4));
        let extreme = chosen.iter().filter(|(why, _)| *why == Chosen::Extreme);
        assert!(extreme.map(|(_, id)| id).all(|id| id.ends_with("99")), "{chosen:?}");
    }

    #[test]
    fn of_a_new_text_the_part_is_shown_that_is_another() {
        let excerpt = Excerpt::of_rewrite("One café, two cafés.", "One café, two tées.");
        assert_eq!((excerpt.removed.as_str(), excerpt.added.as_str()), ("café", "tée"));
        assert_eq!((excerpt.lead.as_str(), excerpt.trail.as_str()), ("One café, two ", "s."));
        let none = Excerpt::of_rewrite("same", "same");
        assert_eq!((none.removed_bytes, none.added_bytes), (0, 0));
        let shorter = Excerpt::of_rewrite("aaa", "aa");
        assert_eq!((shorter.removed.as_str(), shorter.added.as_str()), ("a", ""));
    }

    #[test]
    fn long_parts_are_cut() {
        let cut = middle_cut(&"é".repeat(1000));
        assert!(cut.len() <= PART + '…'.len_utf8() + 2 && cut.contains('…'), "{}", cut.len());
    }
}
