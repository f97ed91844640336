//! How sure a mean difference is: the percentile bootstrap over documents (Efron 1979), the same on every machine.

/// How often the documents are drawn anew.
const DRAWS: usize = 2000;

/// The mean of the differences, and the interval that holds 95 % of the means of drawn documents.
pub(crate) fn interval(differences: &[f64]) -> (f64, f64, f64) {
    let mut state = 0x5eed;
    let mut means: Vec<f64> =
        (0..DRAWS).map(|_| mean(differences.len(), |_| draw(&mut state, differences))).collect();
    means.sort_by(f64::total_cmp);
    let at = |share: usize| means.get(DRAWS * share / 1000).copied().unwrap_or(f64::NAN);
    (mean(differences.len(), |n| differences[n]), at(25), at(975))
}

/// The same as a person reads it.
pub(crate) fn shown(differences: &[f64]) -> String {
    let (mean, low, high) = interval(differences);
    format!("{mean:+.2} [{low:+.2}, {high:+.2}]")
}

/// The mean of `count` numbers.
#[expect(clippy::cast_precision_loss, reason = "no set has 2^52 documents")]
pub(crate) fn mean(count: usize, number: impl FnMut(usize) -> f64) -> f64 {
    (0..count).map(number).sum::<f64>() / count as f64
}

/// A number drawn with `SplitMix64` (Steele, Lea and Flood 2014).
#[expect(clippy::cast_possible_truncation, reason = "the remainder is an index")]
fn draw(state: &mut u64, numbers: &[f64]) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    numbers[((bits ^ (bits >> 31)) % numbers.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(differences: &[f64], low: f64, high: f64) {
        let (mean, found_low, found_high) = interval(differences);
        assert!(found_low <= mean && mean <= found_high, "{found_low} {mean} {found_high}");
        assert!(
            (found_low - low).abs() < 0.02 && (found_high - high).abs() < 0.02,
            "{found_low} {found_high}"
        );
    }

    #[test]
    fn intervals_are_as_wide_as_theory_says() {
        check(&[0.5; 10], 0.5, 0.5);
        // A fair coin, 400 times: the standard error is 0.05, and 95 % lie within 1.96 of it.
        let coins: Vec<f64> = (0..400).map(|n| if n % 2 == 0 { 1.0 } else { -1.0 }).collect();
        check(&coins, -0.098, 0.098);
    }
}
