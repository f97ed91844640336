//! The different words of the documents, each known by a number.
//!
//! The fold, the stem and the stop words of a language cost far more than all that is done with a word afterwards, and
//! most words of a document were in the one before. So a worker keeps what it found out, up to a bound. Nothing of that
//! shows in a result: each document counts its terms by itself, in the order in which they come.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::language::Language;

/// See the module.
#[derive(Debug)]
pub(crate) struct Forms {
    /// The forms by the hash of their bytes.
    table: HashTable<Entry>,
    hasher: FixedState,
    /// All forms, one after another.
    text: String,
    known: Vec<Form>,
    document: u32,
    folded: String,
}

/// A form in the table, with enough of it that most words are told apart there: what is known of a form lies elsewhere in
/// memory, and its bytes at a third place.
#[derive(Clone, Copy, Debug)]
struct Entry {
    number: u32,
    head: Head,
}

/// The first bytes of a form, and how many it has in all (or 255).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    bytes: [u8; Head::LEN],
    length: u8,
}

/// A word as it is written somewhere, or the stem of one. There are many, and each word of a document asks for one: so it is
/// as small as it can be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// Where it begins in the text of all forms (bytes); it ends where the next one begins.
    start: u32,
    /// The languages that have it as a stop word, or [`UNASKED`].
    guesses: u32,
    /// The form that is its stem in `language`, or [`STOP_WORD`].
    stem: u32,
    /// The document in which it was last met as a stem, and its number among the terms there.
    term: (u32, u32),
    /// The language in which it was last met.
    language: Option<Language>,
    /// It has a digit.
    pub(crate) digit: bool,
    opener: bool,
}

/// No guess has asked for the languages yet; there are not so many.
const UNASKED: u32 = u32::MAX;

/// The stem of a word without one.
const STOP_WORD: u32 = u32::MAX;

/// What a word stands for in a language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meaning {
    /// The form that is its stem; `None` for a stop word.
    stem: Option<u32>,
    /// It leans on the sentence before.
    pub(crate) opener: bool,
}

/// With more forms than this, or more bytes of them, all are forgotten before the next document, so that memory is
/// bounded. Ten thousand news articles have 143,000 words as written. So many are what a table of 2^18 places takes.
const MOST_FORMS: usize = (1 << 18) / 8 * 7;
const MOST_BYTES: usize = 1 << 23;

/// Room is made for so many forms at once; for twice as many each time, much of it would never be used.
const STEP: usize = 1 << 14;

impl Forms {
    /// Begins a document, which counts its terms from 0.
    pub(crate) fn begin(&mut self) {
        if self.known.len() > MOST_FORMS || self.text.len() > MOST_BYTES || self.document == u32::MAX {
            *self = Self::default();
        }
        self.document += 1;
    }

    /// The number of a form.
    pub(crate) fn number(&mut self, form: &str) -> u32 {
        let (hash, head) = (hash_of(&self.hasher, form), Head::of(form));
        let known =
            |entry: &Entry| entry.head == head && (head.is_whole() || self.text_of(entry.number) == form);
        if let Some(entry) = self.table.find(hash, known) {
            return entry.number;
        }
        self.add(hash, head, form)
    }

    fn add(&mut self, hash: u64, head: Head, form: &str) -> u32 {
        let number = u32::try_from(self.known.len()).expect("a text has fewer than 2^32 words");
        let start = self.text.len();
        self.text.push_str(form);
        if self.known.len() == self.known.capacity() {
            self.known.reserve_exact(STEP);
        }
        self.known.push(Form {
            start: u32::try_from(start).expect("a text has less than 2^32 bytes of words"),
            guesses: UNASKED,
            stem: STOP_WORD,
            term: (0, 0),
            language: None,
            digit: form.bytes().any(|byte| byte.is_ascii_digit()),
            opener: false,
        });
        let rehash = |entry: &Entry| hash_of(&self.hasher, text_of(&self.text, &self.known, entry.number));
        self.table.insert_unique(hash, Entry { number, head }, rehash);
        number
    }

    /// What is known of a form.
    pub(crate) fn get(&self, form: u32) -> &Form {
        &self.known[form as usize]
    }

    /// The length of a form in bytes.
    pub(crate) fn len(&self, form: u32) -> usize {
        self.text_of(form).len()
    }

    fn text_of(&self, form: u32) -> &str {
        text_of(&self.text, &self.known, form)
    }

    /// The languages that have the word as a stop word, one bit for each that can be guessed.
    pub(crate) fn guesses(&mut self, form: u32) -> u32 {
        if self.get(form).guesses == UNASKED {
            self.fold(form);
            self.known[form as usize].guesses = Language::guesses(&self.folded);
        }
        self.get(form).guesses
    }

    /// What the word means in a language.
    pub(crate) fn meaning(&mut self, form: u32, language: Language) -> Meaning {
        if self.get(form).language == Some(language) {
            return self.get(form).meaning();
        }
        self.fold(form);
        let meaning = self.learn(language);
        let form = &mut self.known[form as usize];
        (form.language, form.stem, form.opener) =
            (Some(language), meaning.stem.unwrap_or(STOP_WORD), meaning.opener);
        meaning
    }

    /// What the folded word means.
    fn learn(&mut self, language: Language) -> Meaning {
        let folded = std::mem::take(&mut self.folded);
        let stem = (!language.is_stop_word(&folded)).then(|| self.number(&language.stem(&folded)));
        let opener = language.is_opener(&folded);
        self.folded = folded;
        Meaning { stem, opener }
    }

    /// Writes the form in lower case into `folded`.
    fn fold(&mut self, form: u32) {
        let text = text_of(&self.text, &self.known, form);
        self.folded.clear();
        if text.is_ascii() {
            self.folded.push_str(text);
            self.folded.make_ascii_lowercase();
        } else {
            self.folded.extend(text.chars().flat_map(char::to_lowercase));
        }
    }

    /// The number of the word's stem among the terms of this document; `None` for a stop word. A term that is new in the
    /// document gets a place in `counts`.
    pub(crate) fn term(&mut self, form: u32, language: Language, counts: &mut Vec<u32>) -> Option<u32> {
        let stem = self.meaning(form, language).stem?;
        let (document, term) = &mut self.known[stem as usize].term;
        if *document != self.document {
            *document = self.document;
            *term = u32::try_from(counts.len()).expect("there are no more terms than forms");
            counts.push(0);
        }
        Some(*term)
    }
}

impl Default for Forms {
    /// With room for all forms that there may be: a table that grows is twice in memory, and is filled anew.
    fn default() -> Self {
        Self {
            table: HashTable::with_capacity(MOST_FORMS),
            hasher: FixedState::default(),
            text: String::new(),
            known: Vec::new(),
            document: 0,
            folded: String::new(),
        }
    }
}

impl Head {
    /// With it an entry takes 16 bytes; 98 of 100 words of news are no longer.
    const LEN: usize = 11;

    fn of(form: &str) -> Self {
        let length = u8::try_from(form.len()).unwrap_or(u8::MAX);
        let mut bytes = [0; Self::LEN];
        for (to, from) in bytes.iter_mut().zip(form.bytes()) {
            *to = from;
        }
        Self { bytes, length }
    }

    /// Whether it is the form.
    fn is_whole(self) -> bool {
        usize::from(self.length) <= Self::LEN
    }
}

impl Form {
    fn meaning(&self) -> Meaning {
        Meaning { stem: (self.stem != STOP_WORD).then_some(self.stem), opener: self.opener }
    }
}

fn hash_of(hasher: &FixedState, form: &str) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(form.as_bytes());
    hasher.finish()
}

fn text_of<'a>(text: &'a str, known: &[Form], form: u32) -> &'a str {
    let start = |form: usize| known.get(form).map_or(text.len(), |form| form.start as usize);
    let form = form as usize;
    text.get(start(form)..start(form + 1)).unwrap_or_default()
}
