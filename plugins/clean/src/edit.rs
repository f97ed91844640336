//! Edits that follow each other, folded into edits of the first text.

use textmill_stage::{Rewrites, Span};

/// One change of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// What is replaced, in bytes; never empty.
    pub(crate) span: Span,
    /// What stands there instead.
    pub(crate) text: String,
    /// Why; set by the stage when a step has found it.
    pub(crate) rule: Option<Rewrites>,
}

impl Edit {
    pub(crate) fn new(start: usize, end: usize, text: impl Into<String>) -> Self {
        Self { span: Span::new(start, end), text: text.into(), rule: None }
    }
}

/// Removes the bytes from `start` to `end`; a removal that they go on from grows, so that a run of them is one edit.
pub(crate) fn remove(edits: &mut Vec<Edit>, start: usize, end: usize) {
    match edits.last_mut().filter(|last| last.span.end == start && last.text.is_empty()) {
        Some(last) => last.span.end = end,
        None => edits.push(Edit::new(start, end, "")),
    }
}

/// The text after the edits, which are in order and do not overlap.
pub(crate) fn apply(text: &str, edits: &[Edit]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        result.push_str(part(text, at, edit.span.start));
        result.push_str(&edit.text);
        at = edit.span.end;
    }
    result.push_str(part(text, at, text.len()));
    result
}

/// The edits that do at once what `first`, and then `second` on its result `middle`, do. Edits that touch the same
/// characters become one, under the rule of the first: had that not happened, the second would not have either.
pub(crate) fn compose(first: Vec<Edit>, second: Vec<Edit>, middle: &str) -> Vec<Edit> {
    if first.is_empty() {
        return second;
    }
    let mut walk = Walk { shift: 0, result: Vec::with_capacity(first.len() + second.len()) };
    let mut first = first.into_iter().peekable();
    let mut second = second.into_iter().peekable();
    loop {
        match (first.peek(), second.peek()) {
            (None, None) => return walk.result,
            (Some(one), other) if other.is_none_or(|other| walk.after(one).end <= other.span.start) => {
                walk.take_first(first.next());
            }
            (one, Some(other)) if one.is_none_or(|one| other.span.end <= walk.after(one).start) => {
                walk.take_second(second.next());
            }
            _ => walk.merge(&mut first, &mut second, middle),
        }
    }
}

/// Cuts from every edit what it does not change, and leaves out those that change nothing.
pub(crate) fn tidy(text: &str, mut edits: Vec<Edit>) -> Vec<Edit> {
    for edit in &mut edits {
        let old = edit.span.of(text).unwrap_or_default();
        let same = |(a, b): &(char, char)| a == b;
        let head: usize =
            old.chars().zip(edit.text.chars()).take_while(same).map(|(a, _)| a.len_utf8()).sum();
        let rest = (part(old, head, old.len()), part(&edit.text, head, edit.text.len()));
        let tail: usize =
            rest.0.chars().rev().zip(rest.1.chars().rev()).take_while(same).map(|(a, _)| a.len_utf8()).sum();
        let text = part(rest.1, 0, rest.1.len() - tail).to_owned();
        edit.span = Span::new(edit.span.start + head, edit.span.end - tail);
        edit.text = text;
    }
    edits.retain(|edit| !edit.span.is_empty() || !edit.text.is_empty());
    edits
}

/// Where a composition stands.
struct Walk {
    /// Offset in the middle text less offset in the first one, behind the edits taken so far.
    shift: isize,
    result: Vec<Edit>,
}

impl Walk {
    /// Where the replacement of a first edit stands in the middle text.
    fn after(&self, edit: &Edit) -> Span {
        let start = edit.span.start.strict_add_signed(self.shift);
        Span::new(start, start + edit.text.len())
    }

    fn pass(&mut self, edit: &Edit) {
        self.shift += edit.text.len().cast_signed() - edit.span.len().cast_signed();
    }

    fn take_first(&mut self, edit: Option<Edit>) {
        if let Some(edit) = edit {
            self.pass(&edit);
            self.result.push(edit);
        }
    }

    fn take_second(&mut self, edit: Option<Edit>) {
        if let Some(mut edit) = edit {
            edit.span = Span::new(self.before(edit.span.start), self.before(edit.span.end));
            self.result.push(edit);
        }
    }

    /// The place in the first text of one in the middle text that lies behind the edits taken so far.
    fn before(&self, at: usize) -> usize {
        at.strict_sub_signed(self.shift)
    }

    /// Takes all edits of both lists that hang together into one.
    fn merge(
        &mut self,
        first: &mut std::iter::Peekable<std::vec::IntoIter<Edit>>,
        second: &mut std::iter::Peekable<std::vec::IntoIter<Edit>>,
        middle: &str,
    ) {
        let Some(one) = first.next() else { return };
        let after = self.after(&one);
        let mut at = second.peek().map_or(after.start, |other| other.span.start.min(after.start));
        let start = self.before(at);
        self.pass(&one);
        let mut end = after.end;
        let mut text = String::new();
        loop {
            if let Some(other) =
                second.next_if(|other| other.span.start < end || other.span.start <= after.start)
            {
                text.push_str(part(middle, at, other.span.start));
                text.push_str(&other.text);
                at = other.span.end;
                end = end.max(at);
            } else if let Some(next) = first.next_if(|next| self.after(next).start < end) {
                end = end.max(self.after(&next).end);
                self.pass(&next);
            } else {
                break;
            }
        }
        text.push_str(part(middle, at, end));
        self.result.push(Edit { span: Span::new(start, self.before(end)), text, rule: one.rule });
    }
}

/// `text[start..end]`, which is empty where that is no range of whole characters.
pub(crate) fn part(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or_default()
}

/// What a step makes of a text, for its tests.
#[cfg(test)]
pub(crate) fn check_step(find: impl Fn(&str, &mut Vec<Edit>), text: &str, expect: &str) {
    let mut edits = Vec::new();
    find(text, &mut edits);
    assert_eq!(apply(text, &edits), expect, "{text:?}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Edits of every `step`-th character or so, for texts of plain letters.
    fn edits(text: &str, picks: &[(usize, usize, String)]) -> Vec<Edit> {
        let mut at = 0;
        let mut edits = Vec::new();
        for (skip, len, replacement) in picks {
            let start = at + skip;
            let end = start + len + 1;
            if end > text.len() {
                break;
            }
            edits.push(Edit::new(start, end, replacement.clone()));
            at = end;
        }
        edits
    }

    proptest! {
        #[test]
        fn composed_edits_do_what_both_do(
            text in "[a-z]{0,40}",
            one in prop::collection::vec((0usize..4, 0usize..4, "[A-Z]{0,4}"), 0..8),
            two in prop::collection::vec((0usize..4, 0usize..4, "[0-9]{0,4}"), 0..8),
        ) {
            let first = edits(&text, &one);
            let middle = apply(&text, &first);
            let second = edits(&middle, &two);
            let expect = apply(&middle, &second);
            let both = compose(first, second, &middle);
            prop_assert_eq!(apply(&text, &both), expect.clone());
            let tidied = tidy(&text, both.clone());
            prop_assert_eq!(apply(&text, &tidied), expect);
            for pair in both.windows(2) {
                prop_assert!(pair[0].span.end <= pair[1].span.start);
            }
        }
    }
}
