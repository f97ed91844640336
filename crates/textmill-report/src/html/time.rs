//! Where the time went.

use maud::{Markup, html};

use super::bars::{Segment, bar};
use super::text::{inline, percent, seconds};
use super::{Head, fitting, left_out, table};
use crate::{Run, StageTime, bytes, duration, plural};

/// The columns of the table.
const TIMES: &[Head] = &[
    ("stage", ""),
    ("beside the longest", "wide"),
    ("time", "n"),
    ("share", "n"),
    ("per document", "n roomy"),
];

pub(super) fn section(run: &Run) -> Markup {
    let times = &run.times;
    let sum = times.stages.iter().map(micros).fold(0, u64::saturating_add);
    let most = times.stages.iter().map(micros).max().unwrap_or(0);
    let (rows, shown) =
        fitting(times.stages.iter().enumerate(), |(index, time)| row(run, index, time, sum, most));
    html! {
        section aria-labelledby="time" {
            h2 #time { "Where the time went" }
            p {
                "The run took " (seconds(times.seconds)) " with " (plural(times.threads, "thread")) ". "
                (bytes(run.input.bytes)) " were read; at most " (bytes(times.peak_bytes)) " of documents were on their way at one time."
            }
            (table("Time in each stage, over all threads", TIMES, &rows))
            (left_out(times.stages.len() as u64, shown, "stage"))
        }
    }
}

fn row(run: &Run, index: usize, time: &StageTime, sum: u64, most: u64) -> Markup {
    let entered = run.stages.get(index).map_or(0, |stage| stage.docs.entered).max(1);
    let micros = micros(time);
    html! {
        tr {
            th scope="row" { (inline(&time.id)) }
            td.wide { (bar(&[Segment { class: "spent", label: "microseconds".into(), amount: micros }], most)) }
            td.n { (seconds(time.seconds)) }
            td.n { (percent(micros, sum)) }
            td.n.roomy { (duration(std::time::Duration::from_micros(micros / entered))) }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
fn micros(time: &StageTime) -> u64 {
    (time.seconds * 1e6).min(1e15) as u64
}
