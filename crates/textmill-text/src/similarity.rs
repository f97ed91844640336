//! How alike two short sequences are.
//!
//! The edit distance costs the product of the lengths, so it is computed only inside a band as wide as the answer still
//! matters, and given up as soon as no answer can lie in it. Callers cap the lengths.

/// The Levenshtein ratio `1 - distance / longer length` of two sequences, or `None` if it is below `floor`.
///
/// Two empty sequences are alike (1). The cost is the length times the number of edits that `floor` allows.
///
/// ```
/// use textmill_text::levenshtein_ratio;
/// assert_eq!(levenshtein_ratio(b"kitten", b"mitten", 0.8), Some(5.0 / 6.0));
/// assert_eq!(levenshtein_ratio(b"kitten", b"sitting", 0.8), None);
/// ```
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lengths of lines lie far below 2^52, and the bound lies between nought and a length"
)]
pub fn levenshtein_ratio<T: Eq>(one: &[T], other: &[T], floor: f64) -> Option<f64> {
    let longer = one.len().max(other.len());
    if longer == 0 {
        return Some(1.0);
    }
    let bound = ((1.0 - floor.clamp(0.0, 1.0)) * longer as f64 + 1e-9) as usize;
    let distance = bounded_distance(one, other, bound)?;
    Some(1.0 - distance as f64 / longer as f64)
}

/// The Levenshtein distance of two sequences, or `None` if it is above `bound`.
fn bounded_distance<T: Eq>(one: &[T], other: &[T], bound: usize) -> Option<usize> {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    if long.len() - short.len() > bound {
        return None;
    }
    let (short, long) = without_common_ends(short, long);
    let far = bound + 1;
    let mut row: Vec<usize> = (0..=short.len()).map(|column| column.min(far)).collect();
    for (index, item) in long.iter().enumerate() {
        let lowest = next_row(&mut row, short, item, index + 1, bound);
        if lowest > bound {
            return None;
        }
    }
    row.last().copied().filter(|distance| *distance <= bound)
}

/// Turns one row of the table into the next, inside the band; gives the lowest distance in it.
fn next_row<T: Eq>(row: &mut [usize], short: &[T], item: &T, number: usize, bound: usize) -> usize {
    let far = bound + 1;
    let first = number.saturating_sub(bound).max(1);
    let last = short.len().min(number + bound);
    if first > last + 1 {
        return far;
    }
    let mut diagonal = row[first - 1];
    row[first - 1] = if first == 1 { number.min(far) } else { far };
    let mut lowest = row[first - 1];
    for column in first..=last {
        let above = row[column];
        let change = diagonal + usize::from(short[column - 1] != *item);
        row[column] = change.min(above + 1).min(row[column - 1] + 1).min(far);
        lowest = lowest.min(row[column]);
        diagonal = above;
    }
    lowest
}

/// Both without what they begin and end with alike; it costs nothing and is most of two near-equal lines.
fn without_common_ends<'a, T: Eq>(one: &'a [T], other: &'a [T]) -> (&'a [T], &'a [T]) {
    let head = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[head..], &other[head..]);
    let tail = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    (&one[..one.len() - tail], &other[..other.len() - tail])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain_distance(one: &[u8], other: &[u8]) -> usize {
        let mut row: Vec<usize> = (0..=other.len()).collect();
        for (i, a) in one.iter().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, b) in other.iter().enumerate() {
                let change = diagonal + usize::from(a != b);
                diagonal = row[j + 1];
                row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
            }
        }
        row[other.len()]
    }

    #[test]
    fn ratios() {
        assert_eq!(levenshtein_ratio::<u8>(b"", b"", 1.0), Some(1.0));
        assert_eq!(levenshtein_ratio(b"abc", b"abc", 1.0), Some(1.0));
        assert_eq!(levenshtein_ratio(b"abc", b"abd", 1.0), None);
        assert_eq!(levenshtein_ratio(b"abcd", b"abxd", 0.75), Some(0.75));
        assert_eq!(levenshtein_ratio(b"", b"abc", 0.0), Some(0.0));
        assert_eq!(levenshtein_ratio(b"", b"abc", 0.1), None);
    }

    proptest! {
        #[test]
        fn the_band_changes_no_answer(one in "[ab]{0,12}", other in "[abc]{0,12}", bound in 0_usize..14) {
            let plain = plain_distance(one.as_bytes(), other.as_bytes());
            let expect = (plain <= bound).then_some(plain);
            prop_assert_eq!(bounded_distance(one.as_bytes(), other.as_bytes(), bound), expect);
        }
    }
}
