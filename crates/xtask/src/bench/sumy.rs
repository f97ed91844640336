//! `summarize`, and the whole of `news.toml`, beside sumy, on the same documents in the same run.
//!
//! Ours is timed from the text of a document to its summary, sumy's from its sentences, which it is given: finding them
//! is in our time and not in sumy's. Ours is the time on the clock, sumy's the time of the processor.

use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;

use super::subject::{median, megabytes_per_second, per_second, shown};
use super::{child, runs, stages};
use crate::eval::scored::Scored;
use crate::eval::{rouge, summaries, tell};
use crate::files;
use crate::program::{Step, Textmill};
use crate::table::{Figure, Report};

/// What `sumy_summaries.py` says of a method.
#[derive(Debug, Deserialize)]
struct Timed {
    method: String,
    seconds: f64,
}

/// Measures every method over the documents of the evaluation set.
pub(super) fn measure(textmill: &Textmill, rounds: usize, report: &mut Report) -> Result<()> {
    let set = Scored::open("summaries", "summaries/dev.jsonl.gz")?;
    let documents = files::read_documents(&set.documents)?;
    let bytes = documents.iter().map(|document| files::text_of(document, "text").len()).sum();
    let theirs = sumy(&set);
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
            let ratio = format!("{:.0}", other.seconds / time.as_secs_f64());
            let name = format!("speed, summarize {method} : sumy {}", other.method);
            report.figures.push(Figure::new("bar", name, ratio));
        }
    }
    if let Some(lexrank) = theirs.iter().flatten().find(|timed| timed.method == "lexrank") {
        let run = runs::news_over(&set.documents, textmill)?;
        let times: Result<Vec<_>> = (0..rounds.max(1)).map(|_| Ok(child::run(&run)?.wall)).collect();
        let ratio = format!("{:.0}", lexrank.seconds / median(times?).as_secs_f64());
        report.figures.push(Figure::new("bar", "speed, news.toml -j 1 : sumy lexrank", ratio));
    }
    Ok(())
}

/// Our time in the stage, the median of rounds.
fn ours(set: &Scored, method: &str, rounds: usize) -> Result<Duration> {
    let with = format!("language = \"en\", method = \"{method}\"");
    let output = set.documents.with_file_name("never-written.jsonl");
    let engine = stages::open(&set.documents, &output, &[Step { uses: "summarize", with: &with }])?;
    let times: Result<Vec<_>> = (0..rounds.max(1)).map(|_| stages::timed(&engine, true)).collect();
    Ok(median(times?))
}

fn sumy(set: &Scored) -> Result<Vec<Timed>> {
    tell("bench: sumy");
    let python = rouge::environment()?;
    let sentences = set.documents.with_file_name("sentences.jsonl");
    let split = Step { uses: "split-sentences", with: "language = \"en\"" };
    stages::timed(&stages::open(&set.documents, &sentences, &[split])?, false)?;
    let printed = python.script("sumy_summaries.py", &[&sentences, &files::scratch("bench-sumy")?])?;
    Ok(printed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}
