//! `summarize` beside sumy, on the same documents in the same run.
//!
//! Ours is timed from the text of a document to its summary, sumy's from its sentences, which it is given: finding them
//! is in our time and not in sumy's. Ours is the time on the clock, sumy's the time of the processor.

use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;

use super::{median, megabytes_per_second, shown, stages};
use crate::eval::scored::Scored;
use crate::eval::{rouge, summaries, tell};
use crate::files;
use crate::program::Step;
use crate::table::{Figure, Report};

/// What `sumy_summaries.py` says of a method.
#[derive(Debug, Deserialize)]
struct Timed {
    method: String,
    seconds: f64,
}

/// Measures every method over the documents of the evaluation set.
pub(super) fn measure(rounds: usize, with_sumy: bool, report: &mut Report) -> Result<()> {
    let set = Scored::open("summaries", "summaries/dev.jsonl.gz")?;
    let documents = files::read_documents(&set.documents)?;
    let bytes = documents.iter().map(|document| files::text_of(document, "text").len()).sum();
    let theirs = if with_sumy { sumy(&set) } else { Ok(Vec::new()) };
    if let Err(error) = &theirs {
        report.skip("sumy", error);
    }
    for method in summaries::METHODS {
        let time = ours(&set, method, rounds)?;
        let speed = |time: Duration| {
            let documents = per_second(documents.len(), time);
            format!("{} documents/s, {} MB/s", shown(documents), shown(megabytes_per_second(bytes, time)))
        };
        let mut figure = Figure::new("summaries, one thread", method, speed(time));
        let other = theirs.iter().flatten().find(|timed| timed.method == method);
        if let Some(other) = other {
            figure = figure.others(format!("sumy {}", speed(Duration::from_secs_f64(other.seconds))));
        }
        report.figures.push(figure);
        for other in theirs.iter().flatten().filter(|timed| timed.method == method || method == "news") {
            let ratio = format!("{:.0} x", other.seconds / time.as_secs_f64());
            report
                .figures
                .push(Figure::new("ratio", format!("{method} : sumy {}", other.method), ratio).bar(">= 100"));
        }
    }
    Ok(())
}

/// Our time in the stage, the median of rounds.
fn ours(set: &Scored, method: &str, rounds: usize) -> Result<Duration> {
    let with = format!("language = \"en\", method = \"{method}\"");
    let output = set.documents.with_file_name("never-written.jsonl");
    let engine = stages::open(&set.documents, &output, Step { uses: "summarize", with: &with })?;
    let times: Result<Vec<_>> = (0..rounds.max(1)).map(|_| stages::timed(&engine, true)).collect();
    Ok(median(times?))
}

fn sumy(set: &Scored) -> Result<Vec<Timed>> {
    tell("bench: sumy");
    let python = rouge::environment()?;
    let sentences = set.documents.with_file_name("sentences.jsonl");
    let split = Step { uses: "split-sentences", with: "language = \"en\"" };
    stages::timed(&stages::open(&set.documents, &sentences, split)?, false)?;
    let printed = python.script("sumy_summaries.py", &[&sentences, &files::scratch("bench-sumy")?])?;
    Ok(printed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
