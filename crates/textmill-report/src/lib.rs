//! What a run did, for people and for programs.
//!
//! [`RunReport`] is the data, filled by whoever ran a pipeline; [`RunReport::funnel`] is its short form for a terminal.
//! This crate knows neither the engine nor a terminal: it turns counts into text.

mod funnel;
mod units;

use std::time::Duration;

pub use units::{bytes, count, duration, plural};

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunReport {
    /// The name of the pipeline.
    pub pipeline: String,
    /// Documents that were read, those that could not be parsed among them.
    pub read: u64,
    /// Documents that could not be parsed.
    pub unreadable: u64,
    /// Documents that stages added.
    pub emitted: u64,
    /// Documents in the output.
    pub kept: u64,
    /// Documents that a rule ended.
    pub dropped: u64,
    /// Documents that failed.
    pub failed: u64,
    /// Documents in which bytes that are not UTF-8 were replaced.
    pub replaced_utf8: u64,
    /// One entry for each stage, in order.
    pub stages: Vec<StageReport>,
    /// Bytes of the input, as it is stored.
    pub bytes_read: u64,
    /// From start to publication.
    pub time: Duration,
}

/// What one stage did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageReport {
    /// What the pipeline file calls it.
    pub id: String,
    /// Documents that came in.
    pub entered: u64,
    /// Documents whose text or fields it changed.
    pub changed: u64,
    /// Documents that a rule of it ended.
    pub dropped: u64,
    /// Documents that failed in it.
    pub failed: u64,
    /// Characters that its edits took away, less those that they put in.
    pub removed_chars: i64,
    /// Scores above their thresholds, for which it left documents alone: name, threshold, in how many documents.
    pub scores: Vec<(String, f64, u64)>,
    /// Time in it, over all threads.
    pub time: Duration,
}
