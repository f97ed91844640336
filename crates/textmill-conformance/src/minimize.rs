//! Makes a text that shows a mistake as short as still shows it.
//!
//! The algorithm is `ddmin` of A. Zeller and R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE
//! Transactions on Software Engineering 28(2), 2002: parts are left out, halves first, then ever smaller ones, as long as
//! what is left still fails. Lines first, then characters.

use std::time::{Duration, Instant};

/// How often a text is tried at most.
const MOST_RUNS: usize = 4000;

/// How long it may take where a try is a call.
pub(crate) const CALLING: Duration = Duration::from_secs(10);

/// The shortest text for which `fails` still holds, as it does for `text`, of those that were tried for `time`.
pub(crate) fn minimize(text: &str, time: Duration, mut fails: impl FnMut(&str) -> bool) -> String {
    let (mut runs, begin) = (0, Instant::now());
    let mut within_budget = |text: &str| {
        runs += 1;
        (runs <= MOST_RUNS && begin.elapsed() < time).then(|| fails(text))
    };
    let lines = shrink(text.split_inclusive('\n').collect(), &mut within_budget).concat();
    let characters: Vec<&str> = lines.split_inclusive(|_| true).collect();
    shrink(characters, &mut within_budget).concat()
}

/// `fails` says `None` when no more may be spent: then what is left is the answer.
fn shrink<'t>(mut parts: Vec<&'t str>, fails: &mut dyn FnMut(&str) -> Option<bool>) -> Vec<&'t str> {
    let mut size = parts.len().div_ceil(2);
    while size > 0 {
        let mut start = 0;
        let mut shrunk = false;
        while start < parts.len() {
            let end = parts.len().min(start + size);
            let rest = [parts.get(..start), parts.get(end..)].map(Option::unwrap_or_default).concat();
            match fails(&rest.concat()) {
                None => return parts,
                Some(true) => (parts, shrunk) = (rest, true),
                Some(false) => start = end,
            }
        }
        // Parts that had to stay may go once others have gone.
        size = if size == 1 && !shrunk { 0 } else { (size / 2).max(1) };
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, fails: impl FnMut(&str) -> bool, expected: &str) {
        assert_eq!(minimize(text, CALLING, fails), expected);
    }

    #[test]
    fn what_does_not_matter_goes() {
        check("one\ntwo X\nthree\n", |text| text.contains('X'), "X");
        check("a\u{301}é\r\nbÉx\n", |text| text.contains('É'), "É");
        check("1 a 2 b 3 a 4", |text| text.matches('a').count() == 2, "aa");
        check("anything", |_| true, "");
        check("all of it", |text| text == "all of it", "all of it");
    }

    #[test]
    fn parts_that_go_only_together_stay() {
        check(
            "(a)(b)",
            |text| text.matches('(').count() == text.matches(')').count() && text.contains('b'),
            "(b)",
        );
    }

    #[test]
    fn the_budget_ends_it() {
        let text = "x".repeat(100_000);
        let mut runs = 0;
        let all_of_it = |shorter: &str| {
            runs += 1;
            shorter.len() == text.len()
        };
        assert_eq!(minimize(&text, CALLING, all_of_it), text);
        assert!(runs <= MOST_RUNS);
    }
}
