//! `extract-html` over whole pages.

use anyhow::{Result, ensure};
use textmill::Catalog as _;

use super::stages;
use super::subject::{median, megabytes_per_second, shown};
use crate::eval::{html, scored::Scored, tell};
use crate::files;
use crate::program::Step;
use crate::table::{Figure, Report};

/// Measures both modes; pages take long, so three rounds are enough.
pub(super) fn measure(rounds: usize, report: &mut Report) -> Result<()> {
    ensure!(textmill::registry().names().contains(&html::STAGE), "there is no stage `{}`", html::STAGE);
    let set = Scored::open("html", "html/dev.jsonl.gz")?;
    let pages = html::pages(&set)?;
    let bytes = files::read_documents(&pages)?.iter().map(|page| files::text_of(page, "text").len()).sum();
    for mode in ["precise", "fast"] {
        tell(&format!("bench: pages, {mode}"));
        let with = format!("mode = \"{mode}\"");
        let output = pages.with_file_name("never-written.jsonl");
        let engine = stages::open(&pages, &output, &[Step { uses: html::STAGE, with: &with }])?;
        let times: Result<Vec<_>> = (0..rounds.clamp(1, 3)).map(|_| stages::timed(&engine, true)).collect();
        let speed = shown(megabytes_per_second(bytes, median(times?)));
        report.figures.push(Figure::new("MB/s of pages", format!("{}, {mode}", html::STAGE), speed));
    }
    Ok(())
}
