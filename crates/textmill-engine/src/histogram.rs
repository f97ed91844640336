//! How a number is distributed over documents: bins whose edges are known beforehand, so that threads can count for
//! themselves and the sum of what they counted does not depend on who counted what.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// How often a number lay where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    scale: Scale,
    /// By number of the bin.
    bins: BTreeMap<i32, u64>,
    count: u64,
    /// In billionths, so that the order of adding up makes no difference.
    sum: i128,
    least: f64,
    most: f64,
}

/// How the numbers are cut into bins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// Whole numbers: each a bin of its own below 16, and sixteen bins for each power of two from there on.
    Whole,
    /// Shares and scores: bins of a width of 0.005 from -1 to 1, and eight for each power of two beyond.
    #[default]
    Share,
}

/// A part of a histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The least number that it holds.
    pub from: f64,
    /// Where it ends; of whole numbers, the first that it does not hold.
    pub to: f64,
    /// How often.
    pub count: u64,
}

const BILLION: f64 = 1e9;

/// Bins of [`Scale::Share`] between 0 and 1.
const SHARES: i32 = 200;

impl Histogram {
    /// Nothing was counted yet.
    pub fn new(scale: Scale) -> Self {
        Self { scale, bins: BTreeMap::new(), count: 0, sum: 0, least: f64::INFINITY, most: f64::NEG_INFINITY }
    }

    /// Counts a number; one that is not finite is not counted.
    pub fn add(&mut self, number: f64) {
        if !number.is_finite() {
            return;
        }
        let bin = match self.scale {
            Scale::Whole => whole_bin(number),
            Scale::Share => share_bin(number),
        };
        *self.bins.entry(bin).or_default() += 1;
        self.count += 1;
        #[expect(clippy::cast_possible_truncation, reason = "a score beyond 1e29 is as good as that")]
        let billionths = (number * BILLION).round() as i128;
        self.sum = self.sum.saturating_add(billionths);
        self.least = self.least.min(number);
        self.most = self.most.max(number);
    }

    /// Counts a whole number.
    #[expect(clippy::cast_precision_loss, reason = "no text has 2^53 characters")]
    pub fn add_whole(&mut self, number: u64) {
        self.add(number as f64);
    }

    /// How many numbers were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The least number; 0 where there is none.
    pub fn least(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.least }
    }

    /// The greatest number; 0 where there is none.
    pub fn most(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.most }
    }

    /// The mean; 0 where there is none.
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no more digits")]
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum as f64 / BILLION / self.count as f64 }
    }

    /// A number that this share (0 to 1) of the numbers does not exceed: the greatest that its bin can hold, so that what
    /// is said to be small is small. 0 where there is none.
    pub fn quantile(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank between 1 and the count"
        )]
        let rank = ((share * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for bin in self.bins() {
            seen += bin.count;
            if seen >= rank {
                let last = if self.scale == Scale::Whole { bin.to - 1.0 } else { bin.to };
                return last.clamp(self.least, self.most);
            }
        }
        0.0
    }

    /// The bins that hold something, in order.
    pub fn bins(&self) -> impl Iterator<Item = Bin> + '_ {
        self.bins.iter().map(|(bin, count)| {
            let (from, to) = match self.scale {
                Scale::Whole => whole_edges(*bin),
                Scale::Share => share_edges(*bin),
            };
            Bin { from, to, count: *count }
        })
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new(Scale::default())
    }
}

impl AddAssign<&Histogram> for Histogram {
    fn add_assign(&mut self, other: &Histogram) {
        debug_assert_eq!(self.scale, other.scale, "bins of one scale mean nothing in the other");
        for (bin, count) in &other.bins {
            *self.bins.entry(*bin).or_default() += count;
        }
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
    }
}

/// Sixteen bins for each power of two, the first of which begins at 16.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "negative numbers are not whole here, and there are fewer than 2^10 bins"
)]
fn whole_bin(number: f64) -> i32 {
    let number = number.max(0.0) as u64;
    if number < 16 {
        return number as i32;
    }
    let power = number.ilog2() - 4;
    (16 + power * 16) as i32 + (number >> power) as i32 - 16
}

fn whole_edges(bin: i32) -> (f64, f64) {
    let (power, part) = if bin < 16 { (0, bin) } else { (bin / 16 - 1, 16 + bin % 16) };
    let width = 2_f64.powi(power);
    (f64::from(part) * width, f64::from(part + 1) * width)
}

#[expect(clippy::cast_possible_truncation, reason = "the product lies between -200 and 200")]
fn share_bin(number: f64) -> i32 {
    if number.abs() <= 1.0 {
        // 1 itself belongs to the last bin below it.
        return ((number * f64::from(SHARES)).floor() as i32).clamp(-SHARES, SHARES - 1);
    }
    // Exponent and the first three bits of the fraction, counted from those of 1.
    let beyond = ((number.abs().to_bits() - 1_f64.to_bits()) >> 49) as i32;
    if number > 0.0 { SHARES + beyond } else { -SHARES - 1 - beyond }
}

fn share_edges(bin: i32) -> (f64, f64) {
    let beyond = |bin: i32| f64::from_bits(1_f64.to_bits() + (u64::from(bin.unsigned_abs()) << 49));
    match bin {
        _ if bin >= SHARES => (beyond(bin - SHARES), beyond(bin - SHARES + 1)),
        _ if bin < -SHARES => (-beyond(bin + SHARES), -beyond(bin + SHARES + 1)),
        _ => (f64::from(bin) / f64::from(SHARES), f64::from(bin + 1) / f64::from(SHARES)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(scale: Scale, numbers: &[f64]) -> Histogram {
        let mut histogram = Histogram::new(scale);
        for number in numbers {
            histogram.add(*number);
        }
        histogram
    }

    #[test]
    fn small_numbers_are_told_apart() {
        let histogram = of(Scale::Whole, &[0.0, 1.0, 1.0, 15.0, 16.0, 1000.0]);
        let bins: Vec<_> = histogram.bins().map(|bin| (bin.from, bin.to, bin.count)).collect();
        let expect = [(0.0, 1.0, 1), (1.0, 2.0, 2), (15.0, 16.0, 1), (16.0, 17.0, 1), (992.0, 1024.0, 1)];
        assert_eq!(bins, expect);
        assert_eq!((histogram.quantile(0.5), histogram.quantile(1.0)), (1.0, 1000.0));
        assert!((histogram.mean() - 1033.0 / 6.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_no_number_is_not_counted() {
        let histogram = of(Scale::Share, &[f64::NAN, f64::INFINITY]);
        assert_eq!((histogram.count(), histogram.least(), histogram.quantile(0.5)), (0, 0.0, 0.0));
    }

    proptest! {
        #[test]
        fn a_number_lies_in_its_bin(number in prop_oneof![-1.0..=1.0_f64, -1e6..1e6_f64]) {
            let bin = of(Scale::Share, &[number]).bins().next().unwrap();
            // The edges are binary fractions of 0.005: the last digit of one may be another.
            prop_assert!(bin.from <= number + 1e-12 && number <= bin.to + 1e-12, "{number} in {bin:?}");
            let whole = number.abs().floor();
            let bin = of(Scale::Whole, &[whole]).bins().next().unwrap();
            prop_assert!(bin.from <= whole && whole < bin.to, "{whole} in {bin:?}");
        }

        #[test]
        fn the_order_of_adding_makes_no_difference(numbers in prop::collection::vec(-5.0..5.0_f64, 1..60), cut in 0_usize..60) {
            let (left, right) = numbers.split_at(cut.min(numbers.len()));
            let mut sum = of(Scale::Share, right);
            sum += &of(Scale::Share, left);
            prop_assert_eq!(sum, of(Scale::Share, &numbers));
        }

        #[test]
        fn a_quantile_is_not_exceeded_by_more_than_it_says(numbers in prop::collection::vec(0_u32..100_000, 1..80), share in 0.0..=1.0_f64) {
            let numbers: Vec<_> = numbers.into_iter().map(f64::from).collect();
            let limit = of(Scale::Whole, &numbers).quantile(share);
            let within = numbers.iter().filter(|number| **number <= limit).count();
            let (within, all) = (u32::try_from(within).unwrap(), u32::try_from(numbers.len()).unwrap());
            prop_assert!(f64::from(within) >= share * f64::from(all) - 1e-9);
        }
    }
}
