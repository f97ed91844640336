//! Foldings of typography, all off unless asked for: what they change, a writer may have meant.

use unicode_normalization::UnicodeNormalization;

use crate::edit::Edit;

/// A folding: the plain text for a character that has one.
#[derive(Clone, Copy)]
pub(crate) struct Fold(fn(char) -> Option<String>);

pub(crate) const QUOTES: Fold = Fold(quote);
pub(crate) const LIGATURES: Fold = Fold(ligature);
pub(crate) const FULL_WIDTH: Fold = Fold(full_width);
pub(crate) const NO_BREAK_SPACES: Fold = Fold(no_break_space);

impl Fold {
    pub(crate) fn find(self, text: &str, edits: &mut Vec<Edit>) {
        for (at, c) in text.char_indices().filter(|(_, c)| !c.is_ascii()) {
            if let Some(plain) = self.0(c) {
                edits.push(Edit::new(at, at + c.len_utf8(), plain));
            }
        }
    }
}

fn quote(c: char) -> Option<String> {
    match c {
        '\u{2018}'..='\u{201B}' => Some("'".into()),
        '\u{201C}'..='\u{201F}' => Some("\"".into()),
        _ => None,
    }
}

/// Latin ligatures and digraphs that are one character for the sake of old encodings; not `æ` and `œ`, which are letters.
fn ligature(c: char) -> Option<String> {
    matches!(c, '\u{FB00}'..='\u{FB06}' | '\u{132}' | '\u{133}' | '\u{1C4}'..='\u{1CC}' | '\u{1F1}'..='\u{1F3}')
        .then(|| std::iter::once(c).nfkc().collect())
}

fn full_width(c: char) -> Option<String> {
    matches!(c, '\u{3000}' | '\u{FF01}'..='\u{FFEE}').then(|| std::iter::once(c).nfkc().collect())
}

fn no_break_space(c: char) -> Option<String> {
    matches!(c, '\u{A0}' | '\u{202F}').then(|| " ".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::apply;

    fn check(fold: Fold, text: &str, expect: &str) {
        let mut edits = Vec::new();
        fold.find(text, &mut edits);
        assert_eq!(apply(text, &edits), expect, "{text:?}");
        edits.clear();
        fold.find(expect, &mut edits);
        assert_eq!(edits, [], "{expect:?} is folded");
    }

    #[test]
    fn folds() {
        check(QUOTES, "“it’s”", "\"it's\"");
        check(LIGATURES, "ﬂuﬃ ǆ æ", "fluffi dž æ");
        check(FULL_WIDTH, "ＡＢＣ　１", "ABC 1");
        check(NO_BREAK_SPACES, "10\u{a0}km", "10 km");
    }
}
