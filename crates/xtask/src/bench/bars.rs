//! What is held against a bar: a ratio of subjects that were measured in the same rounds.

use super::child::Sample;
use super::subject::{Measured, shown};
use crate::table::Figure;

/// A figure made of others: what `over` took, for each that `under` took.
struct Ratio {
    name: &'static str,
    /// What is held against each other.
    of: fn(&Sample) -> f64,
    over: &'static [&'static str],
    /// Empty where the figure is no ratio.
    under: &'static [&'static str],
}

const RATIOS: &[Ratio] = &[
    Ratio {
        name: "speed, no stage -j 1 : plain loop",
        of: wall,
        over: &["plain loop"],
        under: &["no stage, -j 1"],
    },
    Ratio {
        name: "CPU, no stage -j 1 : plain loop",
        of: cpu,
        over: &["no stage, -j 1"],
        under: &["plain loop"],
    },
    Ratio {
        name: "time, clean + dedup-title + strip-links : 13 phrases + NFC check",
        of: wall,
        over: &["clean + dedup-title + strip-links"],
        under: &["aho-corasick, 13 phrases", "NFC, quick check"],
    },
    Ratio {
        name: "time, clean on clean text : UTF-8 check + NFC check",
        of: wall,
        over: &["clean, of what it made"],
        under: &["simdutf8, check of texts", "NFC, quick check"],
    },
    Ratio {
        name: "time, summarize : ICU4X words + sentences",
        of: wall,
        over: &["summarize, news"],
        under: &["ICU4X, words", "ICU4X, sentences"],
    },
    Ratio {
        name: "speed, news.toml -j 2 : -j 1",
        of: wall,
        over: &["news.toml, -j 1"],
        under: &["news.toml, -j 2"],
    },
    Ratio {
        name: "speed, gz without a stage -j 2 : gzip -dc",
        of: wall,
        over: &["gzip -dc"],
        under: &["no stage, gz, -j 2"],
    },
    Ratio {
        name: "peak memory, news.toml -j 2, ten copies : one",
        of: megabytes,
        over: &["news.toml, ten copies, -j 2"],
        under: &["news.toml, -j 2"],
    },
    Ratio {
        name: "peak memory, news.toml -j 2, ten copies, MB",
        of: megabytes,
        over: &["news.toml, ten copies, -j 2"],
        under: &[],
    },
    Ratio {
        name: "peak memory, news.toml -j 2, ten copies, nothing noted : one",
        of: megabytes,
        over: &["news.toml, ten copies, nothing noted, -j 2"],
        under: &["news.toml, -j 2"],
    },
    Ratio {
        name: "CPU, news.toml, ten copies : the same, nothing noted",
        of: cpu,
        over: &["news.toml, ten copies, -j 2"],
        under: &["news.toml, ten copies, nothing noted, -j 2"],
    },
    Ratio {
        name: "CPU, news.toml -j 1, with a ledger : without",
        of: cpu,
        over: &["news.toml, ledger, -j 1"],
        under: &["news.toml, -j 1"],
    },
    Ratio {
        name: "CPU, news.toml, one short document, ms",
        of: cpu_milliseconds,
        over: &["news.toml, one document"],
        under: &[],
    },
];

/// A row for each ratio whose subjects were measured.
pub(super) fn figures(measured: &Measured) -> impl Iterator<Item = Figure> {
    RATIOS.iter().filter_map(|ratio| {
        let over = measured.sums(ratio.over, ratio.of)?;
        let under = if ratio.under.is_empty() {
            vec![1.0; over.len()]
        } else {
            measured.sums(ratio.under, ratio.of)?
        };
        let mut ratios: Vec<_> = over.iter().zip(under).map(|(over, under)| over / under).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        Some(Figure::new("bar", ratio.name, shown(*ratios.get(ratios.len() / 2)?)))
    })
}

fn wall(sample: &Sample) -> f64 {
    sample.wall.as_secs_f64()
}

fn cpu(sample: &Sample) -> f64 {
    sample.cpu.as_secs_f64()
}

fn cpu_milliseconds(sample: &Sample) -> f64 {
    1e3 * cpu(sample)
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn megabytes(sample: &Sample) -> f64 {
    sample.peak as f64 / 1e6
}
