//! Which steps are tried, and how they fail.

use std::collections::BTreeMap;

/// The numbers of the steps to try, from 1: all, or the first and the last of each name.
pub(super) fn chosen(steps: &[String], few: bool) -> Vec<usize> {
    if !few {
        return (1..=steps.len()).collect();
    }
    let mut ends = BTreeMap::new();
    for (number, name) in (1..).zip(steps) {
        ends.entry(name).or_insert((number, number)).1 = number;
    }
    let mut numbers: Vec<_> = ends.into_values().flat_map(|(first, last)| [first, last]).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The error of the system that a step meets: what cannot be flushed meets `EIO`, all else a full disk.
pub(super) fn error_of(name: &str) -> i32 {
    const EIO: i32 = 5;
    const ENOSPC: i32 = 28;
    if name.starts_with("flush") { EIO } else { ENOSPC }
}
