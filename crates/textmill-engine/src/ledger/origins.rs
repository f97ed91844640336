//! Where the parts of a text that stages have edited stand in the original.

use crate::Edit;

/// A text as pieces: those that were copied from the original, and those that somebody put there.
#[derive(Debug, Default)]
pub(super) struct Origins {
    is_begun: bool,
    original_len: usize,
    pieces: Vec<Piece>,
    /// The pieces before the last edits: a buffer.
    earlier: Vec<Piece>,
}

/// A piece of the text; it begins where the one before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    end: usize,
    from: From,
}

/// Where a piece comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// From this byte of the original.
    Copied(usize),
    /// It was put in the place of these bytes of the original.
    Made(usize, usize),
    /// From a text that was rewritten as a whole.
    Unknown,
}

/// Where bytes of the text stand in the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Located {
    /// These very bytes.
    Exact(usize, usize),
    /// What the bytes came from lies within, with what earlier stages have removed or replaced there.
    Covering(usize, usize),
    /// The text has been rewritten as a whole.
    Unknown,
}

impl Origins {
    /// A text of so many bytes is about to be edited: the original, if it is the first time.
    pub(super) fn begin(&mut self, len: usize) {
        if !self.is_begun {
            self.is_begun = true;
            self.original_len = len;
            self.pieces.clear();
            self.pieces.extend((len > 0).then_some(Piece { end: len, from: From::Copied(0) }));
        }
    }

    /// Another document comes in this one's place.
    pub(super) fn forget(&mut self) {
        self.is_begun = false;
    }

    /// The whole text was replaced by one of so many bytes.
    pub(super) fn rewrite(&mut self, len: usize) {
        self.pieces.clear();
        self.pieces.extend((len > 0).then_some(Piece { end: len, from: From::Unknown }));
    }

    /// Where bytes of the text stand in the original. Of an insertion, which replaces nothing, it is a place.
    pub(super) fn locate(&self, start: usize, end: usize) -> Located {
        let first = self.pieces.partition_point(|piece| piece.end <= start);
        if start == end { self.place(first, start) } else { self.bytes(first, start, end) }
    }

    fn bytes(&self, first: usize, start: usize, end: usize) -> Located {
        let mut found: Option<Located> = None;
        for index in first..self.pieces.len() {
            let begin = self.begin_of(index);
            if begin >= end {
                break;
            }
            let piece = self.pieces[index];
            let next = match piece.from {
                From::Unknown => return Located::Unknown,
                From::Made(from, to) => Located::Covering(from, to),
                From::Copied(from) => {
                    Located::Exact(from + start.max(begin) - begin, from + end.min(piece.end) - begin)
                }
            };
            found = Some(found.map_or(next, |found| found.and(next)));
        }
        found.unwrap_or(Located::Unknown)
    }

    /// Where the place before a byte is: between what stands to its left and what stands to its right.
    fn place(&self, right: usize, at: usize) -> Located {
        let left_end = match right.checked_sub(1).map(|left| (self.begin_of(left), self.pieces[left])) {
            Some((_, Piece { from: From::Unknown, .. })) => return Located::Unknown,
            Some((_, Piece { from: From::Made(_, to), .. })) => to,
            Some((begin, Piece { end, from: From::Copied(from) })) => from + end - begin,
            None => 0,
        };
        let right_start = match self.pieces.get(right).map(|piece| (self.begin_of(right), piece.from)) {
            Some((_, From::Unknown)) => return Located::Unknown,
            Some((begin, From::Copied(from))) if begin < at => {
                return Located::Exact(from + at - begin, from + at - begin);
            }
            Some((begin, From::Made(from, to))) if begin < at => return Located::Covering(from, to),
            Some((_, From::Made(from, _) | From::Copied(from))) => from,
            None if self.pieces.is_empty() && self.original_len > 0 => {
                return Located::Covering(0, self.original_len);
            }
            None => self.original_len,
        };
        if left_end == right_start {
            Located::Exact(left_end, right_start)
        } else {
            Located::Covering(left_end, right_start)
        }
    }

    fn begin_of(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| self.pieces[before].end)
    }

    /// The text was edited.
    pub(super) fn edit(&mut self, edits: &[Edit]) {
        let replaced: Vec<Located> =
            edits.iter().map(|edit| self.locate(edit.span.start, edit.span.end)).collect();
        std::mem::swap(&mut self.pieces, &mut self.earlier);
        self.pieces.clear();
        let (mut at, mut next) = (0, 0);
        for (edit, located) in edits.iter().zip(replaced) {
            next = self.copy(next, at, edit.span.start);
            if !edit.replacement.is_empty() {
                let from = match located {
                    Located::Exact(start, end) | Located::Covering(start, end) => From::Made(start, end),
                    Located::Unknown => From::Unknown,
                };
                let end = self.len() + edit.replacement.len();
                self.pieces.push(Piece { end, from });
            }
            at = edit.span.end;
        }
        let end = self.earlier.last().map_or(0, |piece| piece.end);
        self.copy(next, at, end);
    }

    fn len(&self) -> usize {
        self.pieces.last().map_or(0, |piece| piece.end)
    }

    /// Takes over the earlier pieces of these bytes, of which none lies before piece `index`; where to go on.
    fn copy(&mut self, mut index: usize, start: usize, end: usize) -> usize {
        while let Some(piece) = self.earlier.get(index).copied() {
            let begin = index.checked_sub(1).map_or(0, |before| self.earlier[before].end);
            if begin >= end {
                break;
            }
            let (from, to) = (start.max(begin), end.min(piece.end));
            if from < to {
                let origin = match piece.from {
                    From::Copied(original) => From::Copied(original + from - begin),
                    other => other,
                };
                let end = self.len() + to - from;
                self.pieces.push(Piece { end, from: origin });
            }
            if piece.end > end {
                break;
            }
            index += 1;
        }
        index
    }
}

impl Located {
    /// Bytes and those that follow them.
    fn and(self, next: Self) -> Self {
        match (self, next) {
            (Self::Exact(start, middle), Self::Exact(same, end)) if middle == same => Self::Exact(start, end),
            (
                Self::Exact(start, _) | Self::Covering(start, _),
                Self::Exact(_, end) | Self::Covering(_, end),
            ) => Self::Covering(start, end),
            _ => Self::Unknown,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Exact(..) => "exact",
            Self::Covering(..) => "covering",
            Self::Unknown => "unknown",
        }
    }

    pub(super) fn span(self) -> Option<(u64, u64)> {
        match self {
            Self::Exact(start, end) | Self::Covering(start, end) => Some((start as u64, end as u64)),
            Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use textmill_text::Span;

    use super::*;

    fn edit(start: usize, end: usize, replacement: &str) -> Edit {
        Edit { span: Span::new(start, end), replacement: replacement.to_owned(), rule: 0 }
    }

    fn begun(len: usize) -> Origins {
        let mut origins = Origins::default();
        origins.begin(len);
        origins
    }

    #[test]
    fn what_was_copied_is_found_exactly() {
        let mut origins = begun(10);
        assert_eq!(origins.locate(2, 5), Located::Exact(2, 5));
        origins.edit(&[edit(0, 2, ""), edit(5, 6, "xyz")]);
        // 2 3 4 x y z 6 7 8 9
        assert_eq!(origins.locate(0, 3), Located::Exact(2, 5));
        assert_eq!(origins.locate(6, 10), Located::Exact(6, 10));
        assert_eq!(origins.locate(2, 4), Located::Covering(4, 6));
        assert_eq!(origins.locate(4, 5), Located::Covering(5, 6));
        assert_eq!(origins.locate(0, 0), Located::Covering(0, 2));
        assert_eq!(origins.locate(1, 1), Located::Exact(3, 3));
        assert_eq!(origins.locate(10, 10), Located::Exact(10, 10));
        origins.edit(&[edit(3, 6, "")]);
        assert_eq!(origins.locate(2, 4), Located::Covering(4, 7));
        assert_eq!(origins.locate(3, 3), Located::Covering(5, 6));
    }

    #[test]
    fn of_a_text_that_was_rewritten_nothing_is_known() {
        let mut origins = begun(10);
        origins.rewrite(4);
        assert_eq!(origins.locate(0, 4), Located::Unknown);
        origins.edit(&[edit(1, 2, "abc")]);
        assert_eq!(origins.locate(1, 4), Located::Unknown);
        assert_eq!(origins.locate(2, 2), Located::Unknown);
    }

    /// Edits of a text of `len` bytes, from numbers that proptest makes up.
    fn edits_of(len: usize, numbers: &[(u8, u8, u8)]) -> Vec<Edit> {
        let mut at = 0;
        let edits = numbers.iter().map_while(|(gap, removed, added)| {
            let start = at + usize::from(*gap);
            let end = start + usize::from(*removed);
            at = end;
            (end <= len).then(|| edit(start, end, &"#".repeat(usize::from(*added))))
        });
        edits.collect()
    }

    proptest! {
        /// Every byte of the original is another, and what is put in is none of them: so it can be seen whether what is said
        /// to be exact is.
        #[test]
        fn what_is_exact_is_the_same_and_what_is_covered_lies_within(
            rounds in prop::collection::vec(prop::collection::vec((0_u8..12, 0_u8..6, 0_u8..3), 0..8), 1..5),
            start in 0_usize..100, len in 0_usize..20,
        ) {
            let original: Vec<u8> = (b'\x80'..=0xff).collect();
            let mut text = original.clone();
            let mut origins = begun(text.len());
            for round in rounds {
                let edits = edits_of(text.len(), &round);
                origins.edit(&edits);
                for edit in edits.iter().rev() {
                    text.splice(edit.span.start..edit.span.end, edit.replacement.bytes());
                }
            }
            let start = start.min(text.len());
            let end = (start + len).min(text.len());
            match origins.locate(start, end) {
                Located::Exact(from, to) => prop_assert_eq!(&text[start..end], &original[from..to]),
                Located::Covering(from, to) => {
                    let inside = text[start..end].iter().filter(|byte| **byte != b'#');
                    for byte in inside {
                        prop_assert!(original[from..to].contains(byte), "{byte} of {from}..{to}");
                    }
                }
                Located::Unknown => prop_assert!(false, "nothing was rewritten"),
            }
        }
    }
}
