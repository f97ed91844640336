//! The words of a document, found once: for the guess of the language, the look of the sentences, and their terms.

use std::ops::Range;

use textmill_text::{self as text, Span};

use crate::forms::{Form, Forms, Meaning};
use crate::language::Language;

/// The words of a document in order. No word reaches from one sentence into the next, so those of a sentence are a range.
#[derive(Debug, Default)]
pub(crate) struct Words {
    forms: Forms,
    list: Vec<Word>,
}

/// A word at its place.
#[derive(Clone, Copy, Debug)]
struct Word {
    /// Where it starts (bytes).
    start: usize,
    form: u32,
    unspaced: bool,
}

/// How many words are looked at for a guess of the language.
const GUESS_WORDS: usize = 200;

impl Words {
    /// Takes the words of a document.
    pub(crate) fn read<'a>(&mut self, words: impl Iterator<Item = text::Word<'a>>) {
        self.forms.begin();
        self.list.clear();
        for word in words {
            let form = self.forms.number(word.text);
            self.list.push(Word { start: word.span.start, form, unspaced: word.unspaced });
        }
    }

    /// The language of the text, if its first words tell.
    pub(crate) fn guess(&mut self) -> Language {
        let Self { forms, list } = self;
        Language::guess(list.iter().take(GUESS_WORDS).map(|word| forms.guesses(word.form)))
    }

    /// The words from the one at `first` on that start before the byte `end`.
    pub(crate) fn until(&self, first: usize, end: usize) -> Range<usize> {
        let rest = self.list.get(first..).unwrap_or_default();
        first..first + rest.iter().take_while(|word| word.start < end).count()
    }

    /// The form of a word, and whether it is a character of a script without spaces.
    pub(crate) fn form(&self, word: usize) -> (&Form, bool) {
        let word = self.list[word];
        (self.forms.get(word.form), word.unspaced)
    }

    /// What a word means in a language.
    pub(crate) fn meaning(&mut self, word: usize, language: Language) -> Meaning {
        self.forms.meaning(self.list[word].form, language)
    }

    /// Adds the terms of some words of `text` to `row`, and a place to `counts` for each that is new in the document. In
    /// scripts without spaces two neighbouring characters make a term, as one alone says little.
    pub(crate) fn terms(
        &mut self,
        text: &str,
        words: Range<usize>,
        language: Language,
        counts: &mut Vec<u32>,
        row: &mut Vec<u32>,
    ) {
        let Self { forms, list } = self;
        let mut before = None;
        for word in &list[words] {
            let form = if word.unspaced { forms.pair(text, before, word) } else { Some(word.form) };
            row.extend(form.and_then(|form| forms.term(form, language, counts)));
            before = Some(word);
        }
    }
}

impl Forms {
    /// The form of two characters that stand side by side.
    fn pair(&mut self, text: &str, before: Option<&Word>, word: &Word) -> Option<u32> {
        let end = |word: &Word| word.start + self.len(word.form);
        let before = before.filter(|before| before.unspaced && end(before) == word.start)?;
        let pair = Span::new(before.start, end(word)).of(text)?;
        Some(self.number(pair))
    }
}
