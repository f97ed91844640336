//! Who came in, who went out, and why: the counts of a run, and the equation that must hold.
//!
//! The reader, each stage and the writer count for themselves, each where the thing happens. No count is derived from
//! another one, so that a document which gets lost between them breaks the equation.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

/// What one stage did.
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// Documents whose text or fields the stage changed.
    pub changed: u64,
    /// Characters that edits took away.
    pub removed_chars: u64,
    /// Characters that edits put in.
    pub added_chars: u64,
    /// What each rule of the stage's plan did, in the plan's order.
    pub rules: Vec<RuleCounts>,
    /// The scores for which the stage left documents alone, by name.
    pub scores: Vec<ScoreCounts>,
    /// Time in the stage, over all threads.
    pub time: Duration,
}

/// In how many documents a score of a stage lay above its threshold, and the stage edited nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreCounts {
    /// The name of the score.
    pub name: String,
    /// The threshold.
    pub threshold: f64,
    /// Documents whose score lay above it.
    pub above: u64,
}

/// What one rule of a stage did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// Documents that it changed or dropped.
    pub documents: u64,
    /// Its edits.
    pub edits: u64,
    /// Characters that its edits took away.
    pub removed_chars: u64,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Documents that the reader handed out, those it could not parse among them.
    pub read: u64,
    /// Documents that could not be parsed.
    pub unreadable: u64,
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
    pub(crate) fn with_stages(rules: impl IntoIterator<Item = usize>) -> Self {
        let stage =
            |rules| StageCounts { rules: vec![RuleCounts::default(); rules], ..StageCounts::default() };
        Self { stages: rules.into_iter().map(stage).collect(), ..Self::default() }
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
        self.emitted += other.emitted;
        self.kept += other.kept;
        self.dropped += other.dropped;
        self.failed += other.failed;
        self.refused += other.refused;
        self.replaced_utf8 += other.replaced_utf8;
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
        self.changed += other.changed;
        self.removed_chars += other.removed_chars;
        self.added_chars += other.added_chars;
        self.time += other.time;
        for score in &other.scores {
            self.add_score(&score.name, score.threshold, score.above);
        }
        for (mine, theirs) in self.rules.iter_mut().zip(&other.rules) {
            mine.documents += theirs.documents;
            mine.edits += theirs.edits;
            mine.removed_chars += theirs.removed_chars;
        }
    }
}

impl StageCounts {
    /// Counts documents whose score lay above its threshold.
    pub(crate) fn add_score(&mut self, name: &str, threshold: f64, above: u64) {
        match self.scores.iter_mut().find(|score| score.name == name) {
            Some(score) => score.above += above,
            None => self.scores.push(ScoreCounts { name: name.to_owned(), threshold, above }),
        }
        // Threads add up in any order.
        self.scores.sort_by(|one, other| one.name.cmp(&other.name));
    }
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
