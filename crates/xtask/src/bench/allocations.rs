//! Allocations for each document, when a run has settled.
//!
//! Two runs are counted, the second over ten times the documents; what it has more is what the documents cost, without
//! what a run costs once. Everything happens on this thread, and nothing else is counted.

use std::path::Path;
use std::time::Duration;

use allocation_counter::AllocationInfo;
use anyhow::Result;

use super::corpus::Corpus;
use super::stages::{self, DELETING, step};
use super::subject::shown;
use crate::files;
use crate::program::Step;
use crate::table::{Figure, Report};

/// A pipeline that is counted, over documents that were made by another one.
struct Count {
    name: &'static str,
    /// What the documents have been through before: their stages have nothing more to do with them.
    before: &'static [&'static str],
    stages: &'static [&'static str],
}

const COUNTS: &[Count] = &[
    Count { name: "no stage", before: &[], stages: &[] },
    Count { name: "clean + dedup-title + strip-links, nothing to do", before: &DELETING, stages: &DELETING },
    Count { name: "clean + dedup-title + strip-links, edits", before: &[], stages: &DELETING },
    Count { name: "clean, edits", before: &[], stages: &["clean"] },
    Count { name: "dedup-title, edits", before: &[], stages: &["dedup-title"] },
    Count { name: "strip-links, edits", before: &[], stages: &["strip-links"] },
    Count { name: "split-sentences", before: &[], stages: &["split-sentences"] },
    Count { name: "summarize", before: &DELETING, stages: &["summarize"] },
];

/// Counts them all.
pub(super) fn measure(corpus: &Corpus, report: &mut Report) -> Result<()> {
    for count in COUNTS {
        let input = corpus.beside("counted.jsonl");
        stages::timed(&open(&corpus.file, &input, count.before)?, false)?;
        let (one, documents) = count.run(&input)?;
        let copies = corpus.beside("counted-copies.jsonl");
        std::fs::write(&copies, std::fs::read(&input)?.repeat(10))?;
        let (ten, _) = count.run(&copies)?;
        let per_document = |ten: u64, one: u64| per(ten.saturating_sub(one), 9 * documents);
        let value = format!(
            "{} allocations, {} bytes",
            per_document(ten.count_total, one.count_total),
            per_document(ten.bytes_total, one.bytes_total)
        );
        report.figures.push(Figure::new("for each document", count.name, value));
    }
    Ok(())
}

impl Count {
    /// A run with its output, and how many documents there are.
    fn run(&self, input: &Path) -> Result<(AllocationInfo, usize)> {
        let engine = open(input, &input.with_file_name("counted-output.jsonl"), self.stages)?;
        let mut result = Ok(Duration::ZERO);
        let info = allocation_counter::measure(|| result = stages::timed(&engine, false));
        result?;
        Ok((info, files::read_documents(input)?.len()))
    }
}

fn open(input: &Path, output: &Path, stages: &[&'static str]) -> Result<textmill::Engine> {
    let steps: Vec<Step<'_>> = stages.iter().copied().map(step).collect();
    stages::open(input, output, &steps)
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn per(count: u64, documents: usize) -> String {
    shown(count as f64 / documents.max(1) as f64)
}
