//! Axes of charts: where on a line a number lies, and which numbers are written there.

use crate::Distribution;

/// A line with numbers on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    from: f64,
    to: f64,
    scale: Scale,
}

/// How numbers are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Linear,
    /// By the logarithm of 1 + the number, so that 0 has a place.
    Logarithmic,
}

/// How many numbers are written on an axis at most: so many have room on a phone.
const TICKS: usize = 6;

/// Above so large a quotient of the greatest and the least number, they are laid out by their logarithms.
const WIDE: f64 = 8.0;

impl Axis {
    /// For numbers that are not negative: lengths.
    pub(super) fn of_lengths<'a>(distributions: impl Iterator<Item = &'a Distribution>) -> Self {
        let (from, to) = range(distributions, None);
        let from = from.max(0.0);
        let scale = if to > WIDE * (from + 1.0) { Scale::Logarithmic } else { Scale::Linear };
        Self { from, to: to.max(from + 1.0), scale }
    }

    /// For numbers of any kind, with a mark that must be on the axis.
    pub(super) fn of_scores(distribution: &Distribution, mark: Option<f64>) -> Self {
        let (from, to) = range(std::iter::once(distribution), mark);
        let from = if (0.0..to / 3.0).contains(&from) { 0.0 } else { from };
        let to = if (0.6..1.0).contains(&to) { 1.0 } else { to };
        // A mark at the end would look like the end.
        let room = if to > from { (to - from) * 0.04 } else { 0.5 };
        let to = if mark.is_some_and(|mark| mark >= to) { to + room } else { to };
        let from = if mark.is_some_and(|mark| mark <= from) || to <= from { from - room } else { from };
        Self { from, to: if to > from { to } else { from + room }, scale: Scale::Linear }
    }

    /// Where a number lies: 0 at the beginning, 1 at the end.
    pub(super) fn place(&self, number: f64) -> f64 {
        let on = |number: f64| match self.scale {
            Scale::Linear => number,
            Scale::Logarithmic => number.max(0.0).ln_1p(),
        };
        let width = on(self.to) - on(self.from);
        let place = (on(number) - on(self.from)) / width;
        if place.is_finite() { place.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The round numbers that are written on it.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let round = match self.scale {
            Scale::Logarithmic => self.round_logarithms(),
            Scale::Linear => Vec::new(),
        };
        if round.len() > 1 { round } else { self.round_numbers() }
    }

    /// 1, 2 and 5 in each power of ten, or 1 alone where those are too many.
    fn round_logarithms(&self) -> Vec<f64> {
        let all = |parts: &'static [f64]| {
            let powers = (0..16).map(|power| 10_f64.powi(power));
            let all = powers.flat_map(move |power| parts.iter().map(move |part| part * power));
            all.filter(|number| (self.from..=self.to).contains(number)).collect::<Vec<_>>()
        };
        let parts: [&'static [f64]; 3] = [&[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
        parts.into_iter().map(all).find(|all| all.len() <= TICKS).unwrap_or_default()
    }

    /// Multiples of 1, 2 or 5 of a power of ten.
    fn round_numbers(&self) -> Vec<f64> {
        let width = self.to - self.from;
        let power = 10_f64.powf(width.log10().floor());
        let steps = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0].map(|part| part * power);
        let fits = |step: &f64| width / step <= float(TICKS - 1);
        let Some(step) = steps.into_iter().find(fits).filter(|step| step.is_normal()) else {
            return Vec::new();
        };
        let first = (self.from / step).ceil();
        // The quotient is rounded once more: 3 * 0.1 is not 0.3.
        let tick = |index: usize| ((first + float(index)) * step * 1e9).round() / 1e9;
        (0..TICKS).map(tick).take_while(|tick| *tick <= self.to).collect()
    }

    /// How many numbers of a distribution lie in each of so many columns of equal width. A bin that lies in more than one
    /// is divided among them, as if its numbers were spread evenly.
    pub(super) fn columns(&self, distribution: &Distribution, number: usize) -> Vec<f64> {
        let mut columns = vec![0.0; number];
        for bin in &distribution.bins {
            let scaled = |edge: f64| self.place(edge) * float(number);
            let (from, to) = (scaled(bin.from), scaled(bin.to.min(distribution.max.max(bin.from))));
            for (index, column) in columns.iter_mut().enumerate() {
                *column += part(from, to, float(index)) * count(bin.count);
            }
        }
        columns
    }
}

/// Which part of what lies between two places lies in the column that begins at the third and is 1 wide.
fn part(from: f64, to: f64, column: f64) -> f64 {
    let width = to - from;
    if width < 1e-9 {
        // What lies at the very end belongs to the last column; which one that is, rounding must not decide twice.
        return f64::from(u8::from((column..column + 1.0).contains(&(from - 1e-9).max(0.0))));
    }
    (to.min(column + 1.0) - from.max(column)).max(0.0) / width
}

/// A number of columns or ticks.
#[expect(clippy::cast_precision_loss, reason = "there are few")]
pub(super) fn float(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "the height of a column needs no more digits")]
fn count(count: u64) -> f64 {
    count as f64
}

/// From the least number to the greatest.
fn range<'a>(distributions: impl Iterator<Item = &'a Distribution>, mark: Option<f64>) -> (f64, f64) {
    let counted = distributions.filter(|distribution| distribution.count > 0);
    let ends = counted.flat_map(|distribution| [distribution.min, distribution.max]).chain(mark);
    let (from, to) =
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(from, to), end| (from.min(end), to.max(end)));
    if from <= to { (from, to) } else { (0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bin;

    fn distribution(bins: &[(f64, f64, u64)]) -> Distribution {
        let bins: Vec<_> = bins.iter().map(|&(from, to, count)| Bin { from, to, count }).collect();
        Distribution {
            count: bins.iter().map(|bin| bin.count).sum(),
            min: bins[0].from,
            max: bins[bins.len() - 1].to,
            bins,
            ..Distribution::default()
        }
    }

    #[test]
    fn ticks_are_round_and_few() {
        let lengths = |from, to| Axis::of_lengths([distribution(&[(from, to, 1)])].iter()).ticks();
        assert_eq!(lengths(57.0, 68_726.0), [100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0]);
        assert_eq!(lengths(0.0, 50.0), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
        assert_eq!(lengths(397.0, 2_179.0), [500.0, 1_000.0, 1_500.0, 2_000.0]);
        let scores = |from, to, mark| Axis::of_scores(&distribution(&[(from, to, 1)]), mark).ticks();
        assert_eq!(scores(0.0, 0.4, Some(0.3)), [0.0, 0.1, 0.2, 0.3, 0.4]);
        assert_eq!(scores(1.0, 1.0, Some(0.8)), [0.8, 0.85, 0.9, 0.95, 1.0]);
        assert_eq!(scores(-1.0, 1.0, None), [-1.0, -0.5, 0.0, 0.5, 1.0]);
    }

    #[test]
    fn no_number_is_lost_between_columns() {
        let wide = distribution(&[(0.0, 1.0, 3), (57.0, 58.0, 2), (100.0, 2000.0, 10), (2000.0, 2001.0, 1)]);
        let axis = Axis::of_lengths(std::iter::once(&wide));
        for number in [1, 7, 60] {
            let sum: f64 = axis.columns(&wide, number).iter().sum();
            assert!((sum - 16.0).abs() < 1e-6, "{number}: {sum}");
        }
        let one = distribution(&[(1.0, 1.0, 9)]);
        let columns = Axis::of_scores(&one, Some(0.8)).columns(&one, 10);
        assert!((columns.iter().sum::<f64>() - 9.0).abs() < 1e-6, "{columns:?}");
    }

    #[test]
    fn numbers_that_nobody_expects_have_a_place() {
        let nothing = Distribution::default();
        let axes = [
            Axis::of_lengths(std::iter::once(&nothing)),
            Axis::of_scores(&nothing, None),
            Axis::of_scores(&distribution(&[(5.0, 5.0, 1)]), Some(5.0)),
            Axis::of_scores(&distribution(&[(-1e300, 1e300, 1)]), Some(f64::MAX)),
        ];
        for axis in axes {
            for number in [0.0, -1.0, 5.0, f64::MAX, f64::MIN] {
                assert!((0.0..=1.0).contains(&axis.place(number)), "{axis:?} {number}");
            }
            assert!(axis.ticks().len() <= TICKS, "{axis:?}");
        }
    }
}
