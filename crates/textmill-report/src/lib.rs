//! What a run did, for people and for programs.
//!
//! [`Run`] is the data, filled by whoever ran a pipeline and written as `run.json`; [`Run::funnel`] is its short form for a
//! terminal, [`Run::to_html`] its long form for a browser. This crate knows neither the engine nor a terminal: it turns numbers into text.

mod funnel;
mod html;
mod run;
mod units;
pub mod visible;

pub use html::{Comparison, Differing, Kind, is_report, other_parts};
pub use run::{
    Amount, Bin, Check, Chosen, Distribution, Docs, Excerpt, Failure, Failures, Field, Input, Output,
    Pipeline, Plugin, ReadError, Resource, Rule, RuleKind, Run, SCHEMA_VERSION, Sample, Score, Severity,
    Stage, StageDocs, StageTime, Test, TestResult, Texts, Times,
};
pub use units::{bytes, count, duration, plural};
