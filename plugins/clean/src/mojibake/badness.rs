//! Whether a text has a sequence of characters that nobody writes.
//!
//! The sequences are data (`badness.txt`). All of them are looked for at once with the Shift-And method (Baeza-Yates and
//! Gonnet 1992): each element of each sequence is one bit, each character has the bits of the elements that it fits, and
//! a text is read with one shift and one `and` per character. Stretches of ASCII are skipped.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::codepages::CODE_PAGES;
use crate::scan::position;

/// One bit for each element of each sequence.
type Bits = u128;

static MATCHER: LazyLock<Matcher> = LazyLock::new(|| Matcher::parse(include_str!("badness.txt")));

/// Characters from here on are in no set, but for a few.
const TABLE_LEN: usize = 0x2600;

/// How many ASCII characters a sequence may have before its first other one, or behind its last.
const LOOK_AROUND: usize = 2;

enum Scan {
    /// A sequence ends here.
    Bad(usize),
    /// None does, up to here.
    Good(usize),
}

/// The place of the first bad sequence (the byte behind it), from `from` on, which is the start of a line.
pub(super) fn find(text: &str, from: usize) -> Option<usize> {
    MATCHER.find(text, from)
}

/// Whether the text has a bad sequence.
pub(crate) fn is_bad(text: &str) -> bool {
    find(text, 0).is_some()
}

struct Matcher {
    /// The bits of the first and of the last elements.
    starts: Bits,
    ends: Bits,
    /// The bits of a character, by its class.
    fits: Vec<Bits>,
    /// The class of a character; classes are few, so that the tables stay in the cache.
    classes: Box<[u8; TABLE_LEN]>,
    rare: Vec<(char, u8)>,
    other: u8,
}

impl Matcher {
    fn find(&self, text: &str, from: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut at = from;
        loop {
            let high = position(bytes, at, |byte| !byte.is_ascii())?;
            match self.scan(text, high.saturating_sub(LOOK_AROUND).max(from), high)? {
                Scan::Bad(end) => return Some(end),
                Scan::Good(end) => at = end,
            }
        }
    }

    /// Reads from `at` until a sequence is found, or so much ASCII has followed the character at `high` that none can be
    /// under way; `None` at the end of the text.
    fn scan(&self, text: &str, at: usize, high: usize) -> Option<Scan> {
        let mut state = self.at_line_start(text, at);
        let mut last_high = high;
        for (offset, c) in text.get(at..)?.char_indices() {
            state = ((state << 1) | self.starts) & self.bits(c);
            if state & self.ends != 0 {
                return Some(Scan::Bad(at + offset + c.len_utf8()));
            }
            if !c.is_ascii() {
                last_high = at + offset + c.len_utf8();
            } else if at + offset >= last_high + LOOK_AROUND {
                return Some(Scan::Good(at + offset));
            }
        }
        None
    }

    fn at_line_start(&self, text: &str, at: usize) -> Bits {
        let first = at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n');
        if first { self.starts & self.bits('\n') } else { 0 }
    }

    fn bits(&self, c: char) -> Bits {
        let class = match self.classes.get(c as usize) {
            Some(class) => *class,
            None => self.rare.iter().find(|(other, _)| *other == c).map_or(self.other, |(_, class)| *class),
        };
        self.fits.get(usize::from(class)).copied().unwrap_or_default()
    }

    fn parse(data: &str) -> Self {
        let mut sets = Sets::derived();
        let lines = || data.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        for (name, items) in lines().filter_map(|line| line.split_once(" = ")) {
            let chars = items.split_whitespace().flat_map(|item| sets.joined(item)).collect();
            sets.0.insert(name.to_owned(), chars);
        }
        let mut fits: BTreeMap<char, Bits> = BTreeMap::new();
        let (mut starts, mut ends): (Bits, Bits) = (0, 0);
        let mut bits = (0..Bits::BITS).map(|index| 1 << index);
        for line in lines().filter(|line| !line.contains(" = ")) {
            let mut last = 0;
            for element in line.split_whitespace() {
                let bit = bits.next().expect("badness.txt has at most 128 elements");
                starts |= if last == 0 { bit } else { 0 };
                sets.joined(element).into_iter().for_each(|c| *fits.entry(c).or_default() |= bit);
                last = bit;
            }
            ends |= last;
        }
        Self::compress(starts, ends, &fits)
    }

    /// Gives characters with the same bits the same class.
    fn compress(starts: Bits, ends: Bits, by_char: &BTreeMap<char, Bits>) -> Self {
        let any = by_char.get(&OTHER).copied().unwrap_or_default();
        let mut fits: Vec<Bits> = by_char.values().copied().chain([any]).collect();
        fits.sort_unstable();
        fits.dedup();
        let class = |bits: Bits| {
            let index = fits.binary_search(&bits).expect("the bits of each character are in the list");
            u8::try_from(index).expect("badness.txt makes fewer than 256 classes")
        };
        let mut classes = Box::new([class(any); TABLE_LEN]);
        let mut rare = Vec::new();
        for (c, bits) in by_char {
            match classes.get_mut(*c as usize) {
                Some(place) => *place = class(*bits),
                None => rare.push((*c, class(*bits))),
            }
        }
        let other = class(any);
        Self { starts, ends, fits, classes, rare, other }
    }
}

/// Stands for all characters that no set names.
const OTHER: char = char::MAX;

/// Letters that stand alone in shouts and faces (`\o/` with accents), so that what is beside them proves little, and those
/// whose byte never begins or continues a UTF-8 sequence.
const LOOSE: &str = "ÒÓÔÕÖÙÚÛòóôõöøùúûÞýþÿıńņňōőŌŐŔŖŗřţūůűųŪŲĮƒ";

/// Named sets of characters.
struct Sets(BTreeMap<String, Vec<char>>);

impl Sets {
    /// The sets that follow from the code pages and from ASCII.
    fn derived() -> Self {
        let mut high: Vec<char> = CODE_PAGES.iter().flat_map(|page| page.high().map(|(c, _)| c)).collect();
        high.sort_unstable();
        high.dedup();
        let is_latin = |c: &char| matches!(c, '\u{C0}'..='\u{24F}' | 'ﬁ' | 'ﬂ') && !LOOSE.contains(*c);
        // The letters with an upturn are Ukrainian, and stand where windows-1251 has no others: they count as accented.
        let is_upturned = |c: &char| matches!(c, 'Ґ' | 'ґ');
        let is_other = |c: &char| matches!(c, '\u{370}'..='\u{52F}') && !is_upturned(c);
        let accented = |c: &char| is_latin(c) || is_upturned(c);
        let pick =
            |test: &dyn Fn(&char) -> bool| high.iter().copied().filter(|c| test(c)).collect::<Vec<_>>();
        let ascii = |test: fn(&char) -> bool| (0..128).map(char::from).filter(test).collect::<Vec<_>>();
        let word: Vec<_> =
            pick(&|c| c.is_alphanumeric()).into_iter().chain(ascii(char::is_ascii_alphanumeric)).collect();
        let any = pick(&|_| true).into_iter().chain(ascii(|c| *c != '\n')).chain([OTHER]).collect();
        let sets = [
            ("UPPER", pick(&|c| accented(c) && c.is_uppercase())),
            ("LOWER", pick(&|c| accented(c) && c.is_lowercase())),
            ("SMALL", pick(&|c| is_other(c) && c.is_lowercase())),
            ("GREEK_CYRILLIC", pick(&|c| is_other(c) && c.is_alphabetic())),
            ("ascii", ascii(char::is_ascii_alphabetic)),
            ("letter", ascii(char::is_ascii_alphabetic)),
            ("ascii-lower", ascii(char::is_ascii_lowercase)),
            ("space", vec![' ', '\t']),
            ("word", word),
            ("any", any),
            ("_", vec![' ']),
            ("^", vec!['\n']),
        ];
        let mut sets = Self(sets.into_iter().map(|(name, chars)| (name.to_owned(), chars)).collect());
        let not_letter = sets.joined("any").into_iter().filter(|c| !c.is_ascii_alphabetic()).collect();
        sets.0.insert("!letter".to_owned(), not_letter);
        sets
    }

    /// The characters of `A+B+c`.
    fn joined(&self, item: &str) -> Vec<char> {
        let items = item.replace("U+", "U ");
        items.split('+').flat_map(|item| self.chars(item)).collect()
    }

    fn chars(&self, item: &str) -> Vec<char> {
        if let Some(set) = self.0.get(item) {
            return set.clone();
        }
        let (from, to) = item.split_once('-').unwrap_or((item, item));
        (character(from)..=character(to)).collect()
    }
}

/// A character as itself, or as its code point (`U 00A0`).
fn character(item: &str) -> char {
    let code = item.strip_prefix("U ").and_then(|hex| u32::from_str_radix(hex, 16).ok());
    code.and_then(char::from_u32).or_else(|| item.chars().next()).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_and_good() {
        for bad in ["Ã©", "voilÃ  le", "â€œ", "вЂ“", "√©", "\u{85}", "Â\u{a0}", "Ã le", "x\nÃ le"]
        {
            assert!(is_bad(bad), "{bad:?}");
        }
        for good in [
            "",
            "naïve café",
            "Привет",
            "“quotes”",
            "Å",
            "日本語",
            "É…",
            "(-1/2)! = √π",
            "4288×…",
            "5 £ – 10 €",
            "wie geht’s",
        ] {
            assert!(!is_bad(good), "{good:?}");
        }
    }
}
