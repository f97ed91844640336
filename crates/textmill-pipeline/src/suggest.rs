//! "Did you mean", and lists in a sentence.

/// The candidate that is most like `word`, if one is like it. Of several alike the first wins.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let folded = fold(word);
    let mut best: Option<(&str, f64)> = None;
    for candidate in candidates {
        let score = likeness(&folded, &fold(candidate));
        if score >= LIKE && best.is_none_or(|(_, highest)| score > highest) {
            best = Some((candidate, score));
        }
    }
    best.map(|(candidate, _)| candidate)
}

/// Two words are alike where a third of their letters differ at most. Tried on misspelled keys: `max-removd`, `fromat`,
/// `on_error` and `sentense` find theirs, and no word finds an unrelated one.
const LIKE: f64 = 0.66;

/// Likeness is quadratic, and no name that is worth comparing is longer (in bytes).
const LONGEST: usize = 64;

fn likeness(word: &str, candidate: &str) -> f64 {
    if word.len() > LONGEST || candidate.len() > LONGEST {
        return 0.0;
    }
    // A part of a name is like it, whatever the length: `sentences` for `max-sentences`, `out` for `output`.
    let part =
        word.len() >= 3 && (candidate.starts_with(word) || candidate.split('-').any(|part| part == word));
    let distance = strsim::normalized_damerau_levenshtein(word, candidate);
    if part { distance.max(LIKE) } else { distance }
}

/// Whether two words differ by one letter, or by case alone.
pub(crate) fn is_slip(word: &str, other: &str) -> bool {
    word.len() <= LONGEST && strsim::damerau_levenshtein(&word.to_lowercase(), other) <= 1
}

/// Keys are kebab-case, and other habits differ from it in nothing but this.
fn fold(word: &str) -> String {
    word.to_lowercase().replace(['_', ' '], "-")
}

/// `` `a`, `b` or `c` ``, with the word that stands before the last.
pub(crate) fn list<S: AsRef<str>>(names: &[S], last: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    join(&quoted, last)
}

/// `a, b or c`.
pub(crate) fn join<S: AsRef<str>>(parts: &[S], word: &str) -> String {
    match parts {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [head @ .., last] => {
            let head: Vec<&str> = head.iter().map(AsRef::as_ref).collect();
            format!("{} {word} {}", head.join(", "), last.as_ref())
        }
    }
}

/// What to say of a name of a `what` that is not known: the one that is like it, else all of them where they are few.
pub fn suggestion(word: &str, what: &str, known: &[&str]) -> Option<String> {
    if let Some(near) = nearest(word, known) {
        return Some(format!("did you mean `{near}`?"));
    }
    match known {
        [] => None,
        [only] => Some(format!("the only {what} here is `{only}`")),
        _ if known.len() <= FEW => Some(format!("known {what}s: {}", list(known, "and"))),
        _ => None,
    }
}

/// A list of more names than this is no help.
const FEW: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names() {
        let keys = ["uri", "format", "invalid-utf8", "fields", "on-error", "max-removed", "max-sentences"];
        let cases = [
            ("max-removd", Some("max-removed")),
            ("fromat", Some("format")),
            ("on_error", Some("on-error")),
            ("onError", Some("on-error")),
            ("URI", Some("uri")),
            ("url", Some("uri")),
            ("sentences", Some("max-sentences")),
            ("inv", Some("invalid-utf8")),
            ("feilds", Some("fields")),
            ("colour", None),
            ("threshold", None),
            ("", None),
        ];
        for (word, expected) in cases {
            assert_eq!(nearest(word, &keys), expected, "{word}");
        }
    }
}
