//! Bars: parts of a whole, drawn in percent of the width there is, so that nothing is distorted on a phone.

use maud::{Markup, html};

use super::text::share;
use crate::count;

/// A part of a bar.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// Its colour, as the style sheet has it: `kept`, `dropped`, `failed`, `came`, `removed`, `added`, `spent`.
    pub(super) class: &'static str,
    /// What it stands for.
    pub(super) label: String,
    /// How much.
    pub(super) amount: u64,
}

/// The least width of a part that is not nothing, in percent, so that one document of a million is seen.
const LEAST: f64 = 0.5;

/// A bar of which `whole` would be the full width; read out as what its parts stand for.
pub(super) fn bar(segments: &[Segment], whole: u64) -> Markup {
    let segments: Vec<_> = segments.iter().filter(|segment| segment.amount > 0).collect();
    let label: Vec<_> =
        segments.iter().map(|segment| format!("{} {}", count(segment.amount), segment.label)).collect();
    let label = if label.is_empty() { "nothing".to_owned() } else { label.join(", ") };
    let widths = widths(&segments.iter().map(|segment| share(segment.amount, whole)).collect::<Vec<_>>());
    let starts = widths.iter().scan(0.0, |end, width| {
        *end += width;
        Some(*end - width)
    });
    html! {
        svg.bar width="100%" height="14" role="img" aria-label=(label) {
            rect.rail width="100%" height="14" rx="2" {}
            @for ((segment, width), start) in segments.iter().zip(&widths).zip(starts) {
                rect class=(segment.class) x={ (format!("{start:.2}")) "%" } width={ (format!("{width:.2}")) "%" } height="14" {
                    title { (count(segment.amount)) " " (segment.label) }
                }
            }
        }
    }
}

/// The shares in percent: none is too narrow to be seen, and what that takes the widest one gives.
fn widths(shares: &[f64]) -> Vec<f64> {
    let mut widths: Vec<_> = shares.iter().map(|share| (share * 100.0).clamp(LEAST, 100.0)).collect();
    let beyond = widths.iter().sum::<f64>() - 100.0;
    let widest = widths.iter_mut().max_by(|one, other| one.total_cmp(other));
    if let Some(widest) = widest.filter(|_| beyond > 0.0) {
        *widest = (*widest - beyond).max(LEAST);
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_part_is_seen_and_all_is_not_more_than_the_bar() {
        assert_eq!(widths(&[0.5, 0.25]), [50.0, 25.0]);
        assert_eq!(widths(&[1.0, 0.0]), [99.5, 0.5]);
        assert_eq!(widths(&[]), [] as [f64; 0]);
        assert!(widths(&[0.005; 300]).iter().all(|width| *width >= LEAST));
    }

    #[test]
    fn a_bar_says_what_it_shows() {
        let part = |class, label: &str, amount| Segment { class, label: label.into(), amount };
        let bar = bar(&[part("kept", "kept", 1990), part("failed", "\"failed\"", 10)], 2000).into_string();
        assert!(bar.contains("aria-label=\"1,990 kept, 10 &quot;failed&quot;\""), "{bar}");
        assert!(bar.contains("width=\"0.50%\""), "{bar}");
    }
}
