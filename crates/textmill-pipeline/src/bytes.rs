//! Sizes as people write them: `2GiB`, `500 MB`, `1.5MiB`, `4096`.

use std::num::NonZeroU64;

/// What [`parse_bytes`] understands, as a regular expression; no size is zero. Eighteen digits before the point are enough.
pub(crate) const PATTERN: &str = r"^(0*[1-9][0-9]{0,17}(\.[0-9]+)?|0+\.0*[1-9][0-9]*) ?([KMGT]i?B|B)?$";

/// What is expected where something else was written.
pub(crate) const EXPECTED: &str = "a number of bytes, or a size such as `\"256MiB\"`";

const UNITS: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// A size in bytes: a number, with a fraction where that makes sense, and a unit: `B`, `KB` (1,000 bytes), `KiB` (1,024
/// bytes) and so on to `TiB`; a part of a byte
/// counts as one. `None` for anything else, and for zero.
pub fn parse_bytes(text: &str) -> Option<NonZeroU64> {
    let known = UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
    let (number, factor) = known.unwrap_or((text, 1));
    let number = number.strip_suffix(' ').unwrap_or(number);
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let bytes = match number.parse::<u64>() {
        _ if !is_number => return None,
        Ok(whole) => whole.checked_mul(factor)?,
        Err(_) => fraction(number, factor)?,
    };
    NonZeroU64::new(bytes)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a size with a fraction is no exact one, and it is in range"
)]
fn fraction(number: &str, factor: u64) -> Option<u64> {
    let (before, after) = number.split_once('.')?;
    let bytes = number.parse::<f64>().ok()? * factor as f64;
    let is_sound = !before.is_empty() && !after.is_empty() && bytes < u64::MAX as f64;
    is_sound.then_some(bytes.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<u64>) {
        assert_eq!(parse_bytes(text).map(NonZeroU64::get), expect, "{text}");
    }

    #[test]
    fn sizes() {
        check("1", Some(1));
        check("4096", Some(4096));
        check("17B", Some(17));
        check("2GiB", Some(2 << 30));
        check("500 MB", Some(500_000_000));
        check("1.5MiB", Some(3 << 19));
        check("0.001KB", Some(1));
        check("0.1B", Some(1));
        check("16777215TiB", Some(16_777_215 << 40));
    }

    #[test]
    fn what_is_no_size() {
        for text in
            ["", "0", "0.0MiB", "-1", "+1", "1e3", "1 2", "GiB", "1GIB", "1gb", "1.", ".5MB", "1.2.3MB"]
        {
            check(text, None);
        }
        for text in ["inf", "nan", "999999999999TiB", "99999999999999999999", "1  MB", " 1MB"] {
            check(text, None);
        }
    }
}
