//! What a summary asks of a language: stop words, stems, and the words that lean on the sentence before.
//!
//! A language is named by the document or the options, or guessed from the stop words that the text uses. One that
//! nothing is known of goes without all three.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};

/// A language that something is known of, or none: its place in [`KNOWN`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Language(Option<u8>);

#[derive(Debug)]
struct Known {
    code: &'static str,
    stemmer: Option<Algorithm>,
    stop_words: HashSet<&'static str>,
    openers: HashSet<&'static str>,
}

/// The languages that have a stemmer, which are those that are guessed.
const STEMMERS: [(&str, Algorithm); 18] = [
    ("ar", Algorithm::Arabic),
    ("da", Algorithm::Danish),
    ("de", Algorithm::German),
    ("el", Algorithm::Greek),
    ("en", Algorithm::English),
    ("es", Algorithm::Spanish),
    ("fi", Algorithm::Finnish),
    ("fr", Algorithm::French),
    ("hu", Algorithm::Hungarian),
    ("it", Algorithm::Italian),
    ("nl", Algorithm::Dutch),
    ("no", Algorithm::Norwegian),
    ("pt", Algorithm::Portuguese),
    ("ro", Algorithm::Romanian),
    ("ru", Algorithm::Russian),
    ("sv", Algorithm::Swedish),
    ("ta", Algorithm::Tamil),
    ("tr", Algorithm::Turkish),
];

/// One in so many of them must be a stop word of the language; in running text a third to a half are.
const GUESS_PART: usize = 5;

/// All languages with stop words, by code.
static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let codes = stop_words::available_languages().iter().filter(|code| code.len() == 2);
    let mut known: Vec<_> = codes.map(|code| Known::new(code)).collect();
    known.sort_unstable_by_key(|known| known.code);
    known
});

/// For each stop word a bit for each of the [`STEMMERS`] whose language has it.
static USES: LazyLock<HashMap<&'static str, u32>> = LazyLock::new(|| {
    let mut uses = HashMap::new();
    for (place, (code, _)) in STEMMERS.iter().enumerate() {
        for word in stop_words::lookup(code).unwrap_or_default() {
            *uses.entry(*word).or_default() |= 1 << place;
        }
    }
    uses
});

impl Language {
    /// The language of a code such as `de` or `de-AT`.
    pub(crate) fn of_code(code: &str) -> Self {
        let primary = code.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let place = KNOWN.binary_search_by_key(&primary.as_str(), |known| known.code);
        Self(place.ok().and_then(|place| u8::try_from(place).ok()))
    }

    /// The languages that have `word`, in lower case, as a stop word, as [`Language::guess`] takes them.
    pub(crate) fn guesses(word: &str) -> u32 {
        USES.get(word).copied().unwrap_or_default()
    }

    /// The language that most of the words belong to, each given by its [`Language::guesses`], if enough of them do.
    pub(crate) fn guess(words: impl Iterator<Item = u32>) -> Self {
        let mut hits = [0; STEMMERS.len()];
        let mut total = 0;
        for mut languages in words {
            while languages != 0 {
                hits[languages.trailing_zeros() as usize] += 1;
                languages &= languages - 1;
            }
            total += 1;
        }
        // The first of equals, so that the order of the table decides and nothing else.
        let best = (0..hits.len()).rev().max_by_key(|place| hits[*place]).unwrap_or_default();
        let enough = total > 0 && hits[best] * GUESS_PART >= total;
        if enough { Self::of_code(STEMMERS[best].0) } else { Self(None) }
    }

    fn known(self) -> Option<&'static Known> {
        KNOWN.get(usize::from(self.0?))
    }

    /// The code, where the language is known.
    pub(crate) fn code(self) -> Option<&'static str> {
        self.known().map(|known| known.code)
    }

    /// Whether the word, in lower case, says nothing about the subject.
    pub(crate) fn is_stop_word(self, word: &str) -> bool {
        self.known().is_some_and(|known| known.stop_words.contains(word))
    }

    /// Whether the word, in lower case, leans on the sentence before.
    pub(crate) fn is_opener(self, word: &str) -> bool {
        self.known().is_some_and(|known| known.openers.contains(word))
    }

    /// The stem of a word in lower case.
    pub(crate) fn stem(self, word: &str) -> Cow<'_, str> {
        let stemmer = self.known().and_then(|known| known.stemmer);
        stemmer.map_or(Cow::Borrowed(word), |algorithm| {
            Cow::Owned(Stemmer::create(algorithm).stem(word).into_owned())
        })
    }
}

impl Known {
    fn new(code: &'static str) -> Self {
        let stemmer = STEMMERS.iter().find(|(known, _)| *known == code).map(|(_, algorithm)| *algorithm);
        let stop_words = stop_words::lookup(code).unwrap_or_default().iter().copied().collect();
        Self { code, stemmer, stop_words, openers: openers(code) }
    }
}

fn openers(code: &str) -> HashSet<&'static str> {
    let lines = include_str!("../data/openers.txt").lines();
    let words = lines.filter_map(|line| line.split_once(": ")).find(|(language, _)| *language == code);
    words.map(|(_, words)| words.split_whitespace().collect()).unwrap_or_default()
}
