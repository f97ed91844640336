//! How lengths and scores are distributed.
//!
//! A chart has no size of its own: horizontal places are in percent of the width there is, and what must be stretched with
//! it, the columns, is a picture inside that has no text.

use maud::{Markup, html};

use super::axis::{Axis, float};
use super::text::{inline, number, percent, short};
use super::{Head, LISTED, fitting, left_out, table};
use crate::{Distribution, Run, Score, Stage, count, plural};

/// The columns of the tables.
const QUANTILES: &[Head] = &[
    ("of", ""),
    ("least", "n"),
    ("half up to", "n"),
    ("90 % up to", "n"),
    ("95 % up to", "n"),
    ("99 % up to", "n"),
    ("most", "n"),
];

/// The most columns of a chart.
const COLUMNS: usize = 60;
/// Where the columns end and the axis is, from the top, in pixels.
const BASE: u32 = 150;

/// What is drawn.
struct Chart<'a> {
    /// What is read out in its place.
    label: String,
    axis: Axis,
    /// With the class that the style sheet has for each.
    series: Vec<(&'static str, &'a Distribution)>,
    threshold: Option<f64>,
}

pub(super) fn section(run: &Run) -> Markup {
    let scores: Vec<_> =
        run.stages.iter().flat_map(|stage| stage.scores.iter().map(move |score| (stage, score))).collect();
    let (figures, shown) = fitting(&scores, |(stage, score)| self::score(stage, score));
    html! {
        section aria-labelledby="distributions" {
            h2 #distributions { "Lengths and scores" }
            h3 { "Lengths of texts" }
            (lengths(run))
            @if !scores.is_empty() {
                h3 { "Scores" }
                div.figures-of-scores { (figures) }
                (left_out(scores.len() as u64, shown, "score"))
            }
            h3 { "Removed shares" }
            (shares(run))
        }
    }
}

fn lengths(run: &Run) -> Markup {
    let (before, after) = (&run.before.lengths, &run.after.lengths);
    let half = |what: &str, lengths: &Distribution| {
        format!(
            "{what}: half of the texts have up to {} characters, 90 % up to {}",
            number(lengths.p50),
            number(lengths.p90)
        )
    };
    let chart = Chart {
        label: format!("Lengths of texts. {}; {}", half("Before", before), half("after", after)),
        axis: Axis::of_lengths([before, after].into_iter()),
        series: vec![("before", before), ("after", after)],
        threshold: None,
    };
    html! {
        figure {
            ul.legend { li.before { "before: " (plural(before.count, "document")) } li.after { "after: " (plural(after.count, "document")) } }
            (chart.draw())
            figcaption { "Documents by the length of their text in characters" }
        }
        (quantiles("Lengths of texts in characters", &[("before".to_owned(), before), ("after".to_owned(), after)], &number))
    }
}

fn score(stage: &Stage, score: &Score) -> Markup {
    let values = &score.values;
    let above = score.threshold.map(|threshold| {
        format!(
            "; {} of {} above the threshold {}",
            count(score.above),
            count(values.count),
            number(threshold)
        )
    });
    let name = short(&score.name);
    let chart = Chart {
        label: format!(
            "Score {name}: from {} to {}, half up to {}{}",
            number(values.min),
            number(values.max),
            number(values.p50),
            above.unwrap_or_default()
        ),
        axis: Axis::of_scores(values, score.threshold),
        series: vec![("after", values)],
        threshold: score.threshold,
    };
    html! {
        figure {
            (chart.draw())
            figcaption {
                b { (inline(&score.name)) } " of " (inline(&stage.id)) ", in " (plural(values.count, "document"))
                @if let Some(threshold) = score.threshold {
                    ": " (count(score.above)) " above " (number(threshold))
                    @if score.left_alone > 0 { ", " (count(score.left_alone)) " of them left alone" }
                }
            }
        }
    }
}

fn shares(run: &Run) -> Markup {
    let edited = run.stages.iter().filter(|stage| stage.removed_share.max > 0.0);
    let rows: Vec<_> = edited.take(LISTED).map(|stage| (short(&stage.id), &stage.removed_share)).collect();
    let per_cent = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "shares lie between 0 and 1"
        )]
        let millionths = (share * 1e6).round() as u64;
        percent(millionths, 1_000_000)
    };
    html! {
        @if rows.is_empty() {
            p { "No stage removed anything." }
        } @else {
            (quantiles("Which share of a text the edits of a stage removed", &rows, &per_cent))
        }
    }
}

fn quantiles(caption: &str, rows: &[(String, &Distribution)], write: &dyn Fn(f64) -> String) -> Markup {
    let row = |(name, of): &(String, &Distribution)| {
        let numbers = [of.min, of.p50, of.p90, of.p95, of.p99, of.max];
        html! { tr { th scope="row" { (inline(name)) } @for number in numbers { td.n { (write(number)) } } } }
    };
    let (written, shown) = fitting(rows, row);
    html! {
        (table(caption, QUANTILES, &written))
        (left_out(rows.len() as u64, shown, "row"))
    }
}

impl Chart<'_> {
    fn draw(&self) -> Markup {
        let number = self.series.iter().map(|(_, series)| columns_for(series.count)).max().unwrap_or(1);
        let series: Vec<_> =
            self.series.iter().map(|(class, series)| (class, self.axis.columns(series, number))).collect();
        let most = series.iter().flat_map(|(_, columns)| columns).copied().fold(0.0, f64::max);
        html! {
            svg.chart width="100%" height="180" role="img" aria-label=(self.label) {
                svg x="0" y="14" width="100%" height=(BASE - 14) viewBox="0 0 1000 100" preserveAspectRatio="none" {
                    @for (class, columns) in &series { path class=(class) d=(steps(columns, most)) {} }
                }
                text.most x="0" y="10" { (most_label(most)) }
                line.axis x1="0" x2="100%" y1=(BASE) y2=(BASE) {}
                @for tick in self.axis.ticks() { (self.tick(tick)) }
                @if let Some(threshold) = self.threshold { (self.threshold(threshold)) }
            }
        }
    }

    fn tick(&self, tick: f64) -> Markup {
        let place = self.axis.place(tick);
        let at = at(place);
        html! {
            line.axis x1=(at) x2=(at) y1=(BASE) y2=(BASE + 5) {}
            text x=(at) y=(BASE + 20) text-anchor=(anchor(place)) { (number(tick)) }
        }
    }

    fn threshold(&self, threshold: f64) -> Markup {
        let place = self.axis.place(threshold);
        let at = at(place);
        let (anchor, shift) = if place < 0.5 { ("start", "5") } else { ("end", "-5") };
        html! {
            line.threshold x1=(at) x2=(at) y1="14" y2=(BASE) {}
            text.threshold x=(at) dx=(shift) y="26" text-anchor=(anchor) { "threshold " (number(threshold)) }
        }
    }
}

/// How many columns suit so many numbers: few where there are few, because each has to hold some.
fn columns_for(count: u64) -> usize {
    usize::try_from(count.isqrt().saturating_mul(3)).unwrap_or(COLUMNS).clamp(12, COLUMNS)
}

/// The outline of columns in a picture of 1000 by 100.
fn steps(columns: &[f64], most: f64) -> String {
    let scale = if most > 0.0 { 100.0 / most } else { 0.0 };
    let width = 1000.0 / float(columns.len().max(1));
    let step = |(index, column): (usize, &f64)| {
        format!("V{:.1}H{:.1}", 100.0 - column * scale, float(index + 1) * width)
    };
    format!("M0 100{}V100Z", columns.iter().enumerate().map(step).collect::<String>())
}

fn most_label(most: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count, and none is negative"
    )]
    let most = most.round() as u64;
    plural(most, "document")
}

fn at(place: f64) -> String {
    format!("{:.2}%", place * 100.0)
}

/// Text at an end of the chart begins or ends there.
fn anchor(place: f64) -> &'static str {
    match place {
        ..0.03 => "start",
        0.97.. => "end",
        _ => "middle",
    }
}
