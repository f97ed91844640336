//! What is measured, round by round.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::child::Sample;
use crate::eval::tell;
use crate::table::Figure;

/// What is measured: one round of it, and how much it goes over.
pub(super) struct Subject {
    pub(super) set: &'static str,
    pub(super) name: String,
    pub(super) bytes: usize,
    pub(super) documents: usize,
    pub(super) round: Box<dyn Fn() -> Result<Sample>>,
}

/// Subjects, and for each what its rounds took.
pub(super) struct Measured(Vec<(Subject, Vec<Sample>)>);

/// Every subject once in a round.
pub(super) fn measure(subjects: Vec<Subject>, rounds: usize) -> Result<Measured> {
    let mut measured: Vec<_> = subjects.into_iter().map(|subject| (subject, Vec::new())).collect();
    for round in 1..=rounds.max(1) {
        tell(&format!("bench: round {round}"));
        for (subject, samples) in &mut measured {
            samples.push((subject.round)()?);
        }
    }
    Ok(Measured(measured))
}

/// Times a pass on this thread. The number that it returns keeps the compiler from leaving the pass out.
pub(super) fn timed(pass: impl FnOnce() -> usize) -> Sample {
    let begin = Instant::now();
    black_box(pass());
    Sample { wall: begin.elapsed(), ..Sample::default() }
}

impl Measured {
    /// A row for each subject.
    pub(super) fn figures(&self) -> impl Iterator<Item = Figure> {
        self.0.iter().map(|(subject, samples)| {
            let speed = subject.speed(median(samples.iter().map(|sample| sample.wall)));
            let cpu = median(samples.iter().map(|sample| sample.cpu));
            let peak = samples.iter().map(|sample| sample.peak).max().unwrap_or_default();
            let process = format!(", {:.0} ms of CPU, {} MB", 1e3 * cpu.as_secs_f64(), peak / 1_000_000);
            Figure::new(subject.set, &subject.name, speed + if peak > 0 { &process } else { "" })
        })
    }

    /// What the subjects of these names took together, round by round; `None` where one is missing.
    pub(super) fn sums(&self, names: &[&str], of: fn(&Sample) -> f64) -> Option<Vec<f64>> {
        let mut sums = Vec::new();
        for name in names {
            let (_, samples) = self.0.iter().find(|(subject, _)| subject.name == *name)?;
            sums.resize(samples.len(), 0.0);
            sums.iter_mut().zip(samples).for_each(|(sum, sample)| *sum += of(sample));
        }
        Some(sums)
    }
}

impl Subject {
    fn speed(&self, time: Duration) -> String {
        let documents = per_second(self.documents, time);
        format!("{} MB/s, {} documents/s", shown(megabytes_per_second(self.bytes, time)), shown(documents))
    }
}

/// The middle one of some times.
pub(super) fn median(times: impl IntoIterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.into_iter().collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Millions of bytes in a second.
pub(super) fn megabytes_per_second(bytes: usize, time: Duration) -> f64 {
    per_second(bytes, time) / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(super) fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// Three digits, or whole numbers.
pub(super) fn shown(value: f64) -> String {
    let digits = if value < 1.0 {
        3
    } else if value < 10.0 {
        2
    } else {
        usize::from(value < 100.0)
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_with_three_digits() {
        for (value, expect) in [(0.1234, "0.123"), (1.239, "1.24"), (51.26, "51.3"), (1234.5, "1234")] {
            assert_eq!(shown(value), expect);
        }
    }
}
