//! The form of a text in which writings of the same words are equal.
//!
//! Two lines that a reader calls the same may differ in case, width (`ＢＢＣ`), form (`ﬁ`, `é` as one character or two),
//! in accents that capitals lose in French and Greek, and in soft hyphens or zero-width characters. [`fold`] takes all
//! of these away and leaves letters, digits, white space and punctuation.

use unicode_normalization::UnicodeNormalization;

/// The characters of `text` in compatibility form, lower case, without Latin, Greek and Cyrillic accents and without
/// invisible characters.
///
/// Marks of other scripts (vowel signs, voicing marks) stay, because words differ by them. Folding what is folded
/// changes nothing.
///
/// ```
/// let fold = |text| textmill_text::fold(text).collect::<String>();
/// assert_eq!(fold("ÉTAT ﬁscal"), fold("état ﬁscal"));
/// assert_eq!(fold("STRASSE"), fold("Straße"));
/// assert_eq!(fold("ＢＢＣ｜ニュース"), "bbc|ニュース");
/// ```
pub fn fold(text: &str) -> impl Iterator<Item = char> {
    text.nfkd().filter(|c| !is_ignored(*c)).flat_map(char::to_lowercase).flat_map(letters).nfc()
}

/// Accents, and what has no width: soft hyphen, joiners, direction marks, variation selectors, the byte order mark.
fn is_ignored(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// What lower case leaves apart though upper case is the same, and letters that no decomposition parts from their stroke.
fn letters(c: char) -> impl Iterator<Item = char> {
    let (first, second) = match c {
        'ß' => ('s', Some('s')),
        'æ' => ('a', Some('e')),
        'œ' => ('o', Some('e')),
        'ς' => ('σ', None),
        'ı' => ('i', None),
        '\u{307}' => return None.into_iter().chain(None),
        other => (other, None),
    };
    Some(first).into_iter().chain(second)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fold;

    fn check(one: &str, other: &str) {
        assert_eq!(fold(one).collect::<String>(), fold(other).collect::<String>());
    }

    #[test]
    fn writings_of_the_same_words_are_equal() {
        check("Zürich Öffnet", "ZÜRICH ÖFFNET");
        check("e\u{301}te\u{301}", "Été");
        check("Diyarbakır İstanbul", "DIYARBAKIR ISTANBUL");
        check("ΑΘΗΝΑΣ", "Αθήνας");
        check("Œuvre", "oeuvre");
        check("Ver\u{ad}fassung", "Verfassung");
        check("ｶﾞｽ１２", "ガス12");
        check("हिन्दी", "हिन्दी");
        check("각", "각");
    }

    #[test]
    fn other_words_are_not() {
        let differ = |one: &str, other: &str| assert!(!fold(one).eq(fold(other)), "{one} {other}");
        differ("が", "か");
        differ("कि", "क");
        differ("10", "11");
        differ("a-b", "a b");
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in ".{0,40}") {
            let once: String = fold(&text).collect();
            let twice: String = fold(&once).collect();
            prop_assert_eq!(once, twice);
        }
    }
}
