//! Stretches of a line that could be UTF-8, read as one of the encodings that are most often mistaken for it.

use std::sync::LazyLock;

use textmill_stage::Span;

use super::codepages::{CODE_PAGES, CodePage, LOCAL};

static ROLES: LazyLock<Roles> = LazyLock::new(Roles::new);

/// Sequences of two, three and four characters that may be one in UTF-8, as long as they follow each other. None begins
/// behind a character that could itself be the end of a sequence: a part of a garbled word is not touched if the rest of
/// it cannot be read.
pub(super) fn stretches(line: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut guarded = false;
    while let Some(c) = line.get(at..).and_then(|rest| rest.chars().next()) {
        let start = at;
        if !guarded && !c.is_ascii() {
            at = sequences_end(line, at);
        }
        if at > start {
            found.push(Span::new(start, at));
            guarded =
                line.get(..at).and_then(|head| head.chars().next_back()).is_some_and(|c| ROLES.guards(c));
        } else {
            at += c.len_utf8();
            guarded = ROLES.guards(c);
        }
    }
    found
}

fn sequences_end(line: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(len) = line.get(at..).and_then(sequence_len) {
        at += len;
    }
    at
}

/// The length in bytes of the sequence at the start of `text`.
fn sequence_len(text: &str) -> Option<usize> {
    let lead = text.chars().next()?;
    [1, 2, 3].into_iter().filter(|more| ROLES.leads(lead, *more)).find_map(|more| {
        let mut chars = text.chars();
        chars.next();
        let fits = chars.by_ref().take(more).filter(|c| ROLES.continues(*c)).count() == more;
        fits.then(|| text.len() - chars.as_str().len())
    })
}

/// What a character may be in a UTF-8 sequence, in any of the encodings: bits.
struct Roles {
    table: Box<[u8; 0x2600]>,
}

const CONTINUES: u8 = 1;
const GUARDS: u8 = 16;

impl Roles {
    fn new() -> Self {
        let mut table = Box::new([0; 0x2600]);
        for (c, byte) in CODE_PAGES.iter().take(LOCAL).flat_map(CodePage::high) {
            // Quotes, dashes, bullets and ellipses often stand before a sequence without being part of one.
            let punctuation = matches!(c, '\u{2010}'..='\u{201F}' | '•' | '…');
            let role = match byte {
                0x80..=0xBF if punctuation => CONTINUES,
                0x80..=0xBF => CONTINUES | GUARDS,
                0xC2..=0xDF => 1 << 1,
                0xE0..=0xEF => 1 << 2,
                // All that is common beyond U+FFFF is in planes 1 and 14.
                0xF0 | 0xF3 => 1 << 3,
                _ => 0,
            };
            if let Some(place) = table.get_mut(c as usize) {
                *place |= role;
            }
        }
        // A no-break space may have become a space.
        table[usize::from(b' ')] |= CONTINUES;
        Self { table }
    }

    fn of(&self, c: char) -> u8 {
        self.table.get(c as usize).copied().unwrap_or_default()
    }

    fn leads(&self, c: char, more: usize) -> bool {
        self.of(c) & (1 << more) != 0
    }

    fn continues(&self, c: char) -> bool {
        self.of(c) & CONTINUES != 0
    }

    fn guards(&self, c: char) -> bool {
        self.of(c) & GUARDS != 0
    }
}
