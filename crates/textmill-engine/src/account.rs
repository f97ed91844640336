//! Who came in, who went out, and why: the counts of a run, and the equation that must hold.
//!
//! The reader, each stage and the writer count for themselves, each where the thing happens. No count is derived from
//! another one, so that a document which gets lost between them breaks the equation.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

use crate::histogram::{Histogram, Scale};
use crate::samples::Samples;
use serde::{Deserialize, Serialize};
use textmill_io::{Limit, ReadFailure};

/// What one stage did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageCounts {
    /// Documents that came in.
    pub entered: u64,
    /// Documents that the stage added.
    pub emitted: u64,
    /// Documents that went on, with the emitted ones.
    pub kept: u64,
    /// Documents that ended here by a rule, or by an error that `on-error = "drop"` turns into one.
    pub dropped: u64,
    /// Documents that failed here.
    pub failed: u64,
    /// Documents that went on although the stage failed with them, as `on-error = "keep"` says.
    pub errored: u64,
    /// Of the dropped documents, those in which it failed, as `on-error = "drop"` says.
    pub dropped_by_error: u64,
    /// Documents whose text or fields the stage changed.
    pub changed: u64,
    /// Characters of the texts that came in.
    pub entered_chars: u64,
    /// Bytes of the texts that came in.
    pub entered_bytes: u64,
    /// Characters that edits took away.
    pub removed_chars: u64,
    /// Characters that edits put in.
    pub added_chars: u64,
    /// Bytes that edits took away.
    pub removed_bytes: u64,
    /// Bytes that edits put in.
    pub added_bytes: u64,
    /// Which share of its characters edits took away from each document that the stage answered for.
    pub removed_share: Histogram,
    /// What each rule of the stage's plan did, in the plan's order.
    pub rules: Vec<RuleCounts>,
    /// In how many documents each field was set that the stage's plan says it writes, in the plan's order.
    pub fields: Vec<u64>,
    /// Documents in which fields were set.
    pub field_samples: Samples,
    /// The scores that the stage reported, by name.
    pub scores: Vec<ScoreCounts>,
    /// Time in the stage, over all threads.
    pub time: Duration,
}

/// The values of a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreCounts {
    /// The name of the score.
    pub name: String,
    /// The threshold, if there is one; of several, the highest.
    pub threshold: Option<f64>,
    /// The values.
    pub values: Histogram,
    /// Documents whose score lay above the threshold.
    pub above: u64,
    /// Of those, the ones that the stage did not edit.
    pub left_alone: u64,
}

/// What one rule of a stage did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleCounts {
    /// Documents that it changed or dropped.
    pub documents: u64,
    /// Its edits.
    pub edits: u64,
    /// Characters that its edits took away.
    pub removed_chars: u64,
    /// Characters that its edits put in.
    pub added_chars: u64,
    /// Bytes that its edits took away.
    pub removed_bytes: u64,
    /// Bytes that its edits put in.
    pub added_bytes: u64,
    /// Documents that it changed or dropped.
    pub samples: Samples,
}

/// The texts of documents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sizes {
    /// Characters of all texts.
    pub chars: u64,
    /// Bytes of all texts.
    pub bytes: u64,
    /// The lengths in characters.
    pub lengths: Histogram,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Documents that the reader handed out, those it could not parse among them.
    pub read: u64,
    /// Documents that could not be parsed.
    pub unreadable: u64,
    /// Of those, the ones that are beyond a limit.
    pub over_limits: BTreeMap<Limit, u64>,
    /// Documents that stages added.
    pub emitted: u64,
    /// Documents that the writer wrote to the output.
    pub kept: u64,
    /// Documents that the writer counted as dropped.
    pub dropped: u64,
    /// Documents that the writer counted as failed.
    pub failed: u64,
    /// Of the failed documents, those that passed all stages and that the output could not take.
    pub refused: u64,
    /// Documents in which bytes that are not UTF-8 were replaced.
    pub replaced_utf8: u64,
    /// The texts of the documents that were read, those apart that could not be parsed.
    pub before: Sizes,
    /// The texts of the documents that passed all stages.
    pub after: Sizes,
    /// One entry for each stage, in order.
    pub stages: Vec<StageCounts>,
}

/// Two counts that should be equal and are not: a mistake in this program or in a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imbalance {
    /// Where, and which counts.
    pub equation: String,
}

impl Counts {
    /// Nothing was counted yet, of stages with so many rules and fields that they set.
    pub(crate) fn with_stages(plans: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let stage = |(rules, fields)| StageCounts {
            rules: vec![RuleCounts::default(); rules],
            fields: vec![0; fields],
            ..StageCounts::default()
        };
        Self { stages: plans.into_iter().map(stage).collect(), ..Self::default() }
    }

    /// Counts a document that could not be parsed.
    pub(crate) fn add_unreadable(&mut self, failure: &ReadFailure<'_>) {
        self.unreadable += 1;
        if let Some(limit) = failure.limit {
            *self.over_limits.entry(limit).or_default() += 1;
        }
    }

    /// The share of all documents that the output has; 1 where there are none.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
    pub fn kept_ratio(&self) -> f64 {
        let all = self.read + self.emitted;
        if all == 0 { 1.0 } else { self.kept as f64 / all as f64 }
    }

    /// Holds the promise: read + emitted = kept + dropped + failed, for the run and for every stage.
    ///
    /// # Errors
    /// The first equation that does not hold.
    pub fn check(&self) -> Result<(), Imbalance> {
        let ends = self.kept + self.dropped + self.failed;
        let sums = format!("{} kept + {} dropped + {} failed", self.kept, self.dropped, self.failed);
        equal(
            "the run",
            self.read + self.emitted,
            &format!("{} read + {} emitted", self.read, self.emitted),
            ends,
            &sums,
        )?;
        let mut arriving = self.read - self.unreadable.min(self.read);
        for (number, stage) in self.stages.iter().enumerate() {
            let place = format!("stage {}", number + 1);
            let came = format!("{arriving} handed on to it");
            equal(&place, arriving, &came, stage.entered, &format!("{} entered", stage.entered))?;
            let ends = stage.kept + stage.dropped + stage.failed;
            let sums = format!("{} kept + {} dropped + {} failed", stage.kept, stage.dropped, stage.failed);
            let came = format!("{} entered + {} emitted", stage.entered, stage.emitted);
            equal(&place, stage.entered + stage.emitted, &came, ends, &sums)?;
            arriving = stage.kept;
        }
        let sums = format!("{} written + {} refused by the output", self.kept, self.refused);
        equal("the end", arriving, &format!("{arriving} passed all stages"), self.kept + self.refused, &sums)
    }
}

fn equal(place: &str, left: u64, left_text: &str, right: u64, right_text: &str) -> Result<(), Imbalance> {
    if left == right {
        return Ok(());
    }
    Err(Imbalance { equation: format!("{place}: {left_text} is not {right_text}") })
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, other: &Counts) {
        self.read += other.read;
        self.unreadable += other.unreadable;
        for (limit, documents) in &other.over_limits {
            *self.over_limits.entry(*limit).or_default() += documents;
        }
        self.emitted += other.emitted;
        self.kept += other.kept;
        self.dropped += other.dropped;
        self.failed += other.failed;
        self.refused += other.refused;
        self.replaced_utf8 += other.replaced_utf8;
        self.before += &other.before;
        self.after += &other.after;
        for (mine, theirs) in self.stages.iter_mut().zip(&other.stages) {
            *mine += theirs;
        }
    }
}

impl AddAssign<&StageCounts> for StageCounts {
    fn add_assign(&mut self, other: &StageCounts) {
        self.entered += other.entered;
        self.emitted += other.emitted;
        self.kept += other.kept;
        self.dropped += other.dropped;
        self.failed += other.failed;
        self.errored += other.errored;
        self.dropped_by_error += other.dropped_by_error;
        self.changed += other.changed;
        self.entered_chars += other.entered_chars;
        self.entered_bytes += other.entered_bytes;
        self.removed_chars += other.removed_chars;
        self.added_chars += other.added_chars;
        self.removed_bytes += other.removed_bytes;
        self.added_bytes += other.added_bytes;
        self.removed_share += &other.removed_share;
        self.field_samples.join(&other.field_samples);
        self.time += other.time;
        for score in &other.scores {
            self.add_scores(score);
        }
        for (mine, theirs) in self.fields.iter_mut().zip(&other.fields) {
            *mine += theirs;
        }
        for (mine, theirs) in self.rules.iter_mut().zip(&other.rules) {
            *mine += theirs;
        }
    }
}

impl AddAssign<&RuleCounts> for RuleCounts {
    fn add_assign(&mut self, other: &RuleCounts) {
        self.documents += other.documents;
        self.edits += other.edits;
        self.removed_chars += other.removed_chars;
        self.added_chars += other.added_chars;
        self.removed_bytes += other.removed_bytes;
        self.added_bytes += other.added_bytes;
        self.samples.join(&other.samples);
    }
}

impl AddAssign<&Sizes> for Sizes {
    fn add_assign(&mut self, other: &Sizes) {
        self.chars += other.chars;
        self.bytes += other.bytes;
        self.lengths += &other.lengths;
    }
}

impl Default for Sizes {
    fn default() -> Self {
        Self { chars: 0, bytes: 0, lengths: Histogram::new(Scale::Whole) }
    }
}

impl Sizes {
    /// Counts a text of so many characters and bytes.
    pub(crate) fn add(&mut self, chars: u64, bytes: usize) {
        self.chars += chars;
        self.bytes += bytes as u64;
        self.lengths.add_whole(chars);
    }
}

impl StageCounts {
    /// Counts a score of a document that the stage edited, or not.
    pub(crate) fn add_score(&mut self, name: &str, value: f64, threshold: Option<f64>, is_edited: bool) {
        let score = self.score(name);
        score.values.add(value);
        score.threshold = highest(score.threshold, threshold);
        let is_above = threshold.is_some_and(|threshold| value > threshold);
        score.above += u64::from(is_above);
        score.left_alone += u64::from(is_above && !is_edited);
    }

    fn add_scores(&mut self, other: &ScoreCounts) {
        let score = self.score(&other.name);
        score.values += &other.values;
        score.threshold = highest(score.threshold, other.threshold);
        score.above += other.above;
        score.left_alone += other.left_alone;
    }

    /// The score of this name; they are kept in order, because threads add up in any.
    fn score(&mut self, name: &str) -> &mut ScoreCounts {
        let place = self.scores.binary_search_by(|score| score.name.as_str().cmp(name));
        let place = place.unwrap_or_else(|place| {
            let (name, values) = (name.to_owned(), Histogram::new(Scale::Share));
            self.scores.insert(place, ScoreCounts { name, threshold: None, values, above: 0, left_alone: 0 });
            place
        });
        &mut self.scores[place]
    }
}

fn highest(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).reduce(f64::max)
}

impl fmt::Display for Imbalance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the documents do not add up at {}", self.equation)
    }
}

impl std::error::Error for Imbalance {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(read: u64, stages: &[[u64; 5]], ends: [u64; 3], expect: &str) {
        let stages = stages.iter().map(|&[entered, emitted, kept, dropped, failed]| StageCounts {
            entered,
            emitted,
            kept,
            dropped,
            failed,
            ..StageCounts::default()
        });
        let [kept, dropped, failed] = ends;
        let stages: Vec<_> = stages.collect();
        let emitted = stages.iter().map(|stage| stage.emitted).sum();
        let counts = Counts { read, emitted, kept, dropped, failed, stages, ..Counts::default() };
        let found = counts.check().map_or_else(|error| error.to_string(), |()| "holds".to_owned());
        assert!(found.contains(expect), "{found}");
    }

    #[test]
    fn every_document_is_somewhere() {
        check(0, &[], [0, 0, 0], "holds");
        check(5, &[[5, 0, 3, 1, 1]], [3, 1, 1], "holds");
        check(5, &[[5, 2, 6, 1, 0], [6, 0, 6, 0, 0]], [6, 1, 0], "holds");
        check(5, &[[5, 0, 3, 1, 1]], [2, 1, 1], "at the run");
        check(5, &[[4, 0, 3, 1, 0]], [3, 1, 1], "at stage 1: 5 handed on to it is not 4 entered");
        check(5, &[[5, 0, 5, 0, 0], [5, 0, 4, 0, 0]], [4, 0, 1], "at stage 2");
        check(5, &[[5, 0, 4, 1, 0]], [5, 0, 0], "at the end");
    }
}
