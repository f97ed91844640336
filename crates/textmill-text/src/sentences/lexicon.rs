//! The words that decide whether a full stop ends a sentence, from `data/sentence-words.txt`.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

/// What the word before a full stop says about it. The kinds of the data file are explained there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    BeforeName,
    BeforeNumber,
    MayEnd,
    Starter,
    AfterNumber,
    Exclamation,
}

/// A language that the lexicon knows; `None` where it does not, or where the text's language is unknown.
pub(super) type Language = Option<&'static str>;

/// See the module.
#[derive(Debug)]
pub(super) struct Lexicon {
    words: HashMap<&'static str, Vec<Entry>, FixedState>,
    languages: Vec<&'static str>,
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    language: &'static str,
    /// It counts only in texts that are known to be in this language.
    only_there: bool,
    /// It counts only with a capital.
    capital: bool,
}

static LEXICON: LazyLock<Lexicon> =
    LazyLock::new(|| Lexicon::parse(include_str!("../../data/sentence-words.txt")));

impl Lexicon {
    pub(super) fn get() -> &'static Self {
        &LEXICON
    }

    /// The language of a code such as `de`, `DE` or `de-AT`.
    pub(super) fn language(&self, code: Option<&str>) -> Language {
        let primary = code?.split(['-', '_']).next()?;
        self.languages.iter().find(|known| known.eq_ignore_ascii_case(primary)).copied()
    }

    /// The kind of abbreviation that `word` is, if it is one.
    pub(super) fn abbreviation(&self, word: &str, language: Language) -> Option<Kind> {
        let capital = word.starts_with(char::is_uppercase);
        let fits = |entry: &&Entry| is_abbreviation(entry.kind) && (capital || !entry.capital);
        let entries = self.lookup(word)?;
        let known = entries.iter().filter(fits).find(|entry| Some(entry.language) == language);
        let any = || entries.iter().filter(fits).find(|entry| !entry.only_there);
        known.or_else(any).map(|entry| entry.kind)
    }

    /// Whether `word` is of this kind.
    pub(super) fn is(&self, kind: Kind, word: &str, language: Language) -> bool {
        let counts =
            |entry: &Entry| entry.kind == kind && (!entry.only_there || Some(entry.language) == language);
        self.lookup(word).is_some_and(|entries| entries.iter().any(counts))
    }

    fn lookup(&self, word: &str) -> Option<&[Entry]> {
        let mut folded = [0; 48];
        let key = fold(word, &mut folded)?;
        self.words.get(key).map(Vec::as_slice)
    }

    fn parse(data: &'static str) -> Self {
        let mut lexicon = Self { words: HashMap::default(), languages: Vec::new() };
        for line in data.lines().filter(|line| !line.starts_with('#')) {
            lexicon.add_line(line);
        }
        lexicon
    }

    fn add_line(&mut self, line: &'static str) {
        let Some((language, kind, words)) = split_line(line) else { return };
        if !self.languages.contains(&language) {
            self.languages.push(language);
        }
        for item in words.split_whitespace() {
            let (only_there, word) = item.strip_prefix('!').map_or((false, item), |word| (true, word));
            let capital = word.starts_with(char::is_uppercase);
            let entry = Entry { kind, language, only_there, capital };
            self.words.entry(lower(word)).or_default().push(entry);
        }
    }
}

fn split_line(line: &'static str) -> Option<(&'static str, Kind, &'static str)> {
    let (head, words) = line.split_once(": ")?;
    let (language, kind) = head.split_once(' ')?;
    let kind = match kind {
        "before-name" => Kind::BeforeName,
        "before-number" => Kind::BeforeNumber,
        "may-end" => Kind::MayEnd,
        "starter" => Kind::Starter,
        "after-number" => Kind::AfterNumber,
        "exclamation" => Kind::Exclamation,
        _ => return None,
    };
    Some((language, kind, words))
}

fn is_abbreviation(kind: Kind) -> bool {
    matches!(kind, Kind::BeforeName | Kind::BeforeNumber | Kind::MayEnd)
}

/// The word in lower case; the few with a capital are copied once, as the lexicon lives as long as the program.
fn lower(word: &'static str) -> &'static str {
    if word.chars().any(char::is_uppercase) { word.to_lowercase().leak() } else { word }
}

/// `word` in lower case, written into `buffer`; `None` if it is too long to be in the lexicon.
fn fold<'a>(word: &str, buffer: &'a mut [u8; 48]) -> Option<&'a str> {
    if word.is_ascii() {
        let folded = buffer.get_mut(..word.len())?;
        folded.copy_from_slice(word.as_bytes());
        folded.make_ascii_lowercase();
        return std::str::from_utf8(folded).ok();
    }
    let mut len = 0;
    for char in word.chars().flat_map(char::to_lowercase) {
        let place = buffer.get_mut(len..len + char.len_utf8())?;
        len += char.encode_utf8(place).len();
    }
    std::str::from_utf8(&buffer[..len]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_data_is_understood() {
        let data = include_str!("../../data/sentence-words.txt");
        for line in data.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            assert!(split_line(line).is_some(), "{line}");
        }
    }

    #[test]
    fn a_word_of_one_language_counts_only_there() {
        let lexicon = Lexicon::get();
        let abbreviation = |word, code| lexicon.abbreviation(word, lexicon.language(code));
        assert_eq!(abbreviation("Mr", None), Some(Kind::BeforeName));
        assert_eq!(abbreviation("bes", None), None);
        assert_eq!(abbreviation("bes", Some("de-AT")), Some(Kind::BeforeName));
        assert_eq!(abbreviation("mass", None), None);
        assert_eq!(abbreviation("Mass", None), Some(Kind::MayEnd));
    }
}
