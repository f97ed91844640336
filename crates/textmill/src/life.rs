//! What a ledger says of one document, and how to go from its original text to the last one, and back.

use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;

use textmill_io::{LedgerEntry, read_ledger};

/// The life of a document: what a ledger says of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Life {
    /// What each stage did that changed it or said something of it, in order.
    pub steps: Vec<Step>,
    /// The last entry: what became of it.
    pub end: LedgerEntry<'static>,
}

/// What one stage did with a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// The id of the stage.
    pub stage: String,
    /// Its edits, in the order of the text.
    pub edits: Vec<LedgerEntry<'static>>,
    /// All else that it did.
    pub others: Vec<LedgerEntry<'static>>,
}

/// The lives of which the ledger knows under an id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The first of them; `None` if there is none.
    pub life: Option<Life>,
    /// How many documents more have the same id.
    pub more: u64,
    /// Where there is none, ids that there are: the first ones.
    pub others: Vec<String>,
}

/// A text that is not the one of which the ledger speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The stage whose edit does not fit.
    pub stage: String,
    /// Where the text should have something else, in bytes.
    pub at: usize,
}

/// Of so many ids the one is looked for that was meant.
const REMEMBERED: usize = 100_000;

/// Looks for a document in a ledger.
///
/// # Errors
/// The ledger cannot be read.
pub fn find_life(ledger: &Path, id: &str) -> textmill_io::Result<Found> {
    let mut found = Found::default();
    let mut take = |life: Life| {
        if life.end.doc != id {
            if found.others.len() < REMEMBERED {
                found.others.push(life.end.doc.into_owned());
            }
        } else if found.life.is_none() {
            found.life = Some(life);
        } else {
            found.more += 1;
        }
    };
    each_life(ledger, &mut take)?;
    if found.life.is_some() {
        found.others.clear();
    }
    Ok(found)
}

/// Reads all lives of a ledger, in its order.
///
/// # Errors
/// The ledger cannot be read.
pub fn each_life(ledger: &Path, take: &mut dyn FnMut(Life)) -> textmill_io::Result<()> {
    let mut life = Life::default();
    read_ledger(ledger, &mut |entry| {
        match &*entry.event {
            "kept" | "dropped" | "failed" => take(Life { end: entry, ..std::mem::take(&mut life) }),
            // It comes after the end, and is no life of its own.
            "refused" => (),
            _ => life.add(entry),
        }
        ControlFlow::Continue(())
    })
}

impl Life {
    fn add(&mut self, entry: LedgerEntry<'static>) {
        let stage = entry.stage.as_deref().unwrap_or_default();
        if self.steps.last().is_none_or(|last| last.stage != stage) {
            self.steps.push(Step { stage: stage.to_owned(), ..Step::default() });
        }
        if let Some(step) = self.steps.last_mut() {
            if entry.event == "edit" { step.edits.push(entry) } else { step.others.push(entry) }
        }
    }

    /// The texts from the original one to the last: before the first step, and after each.
    ///
    /// # Errors
    /// It is not the original text.
    pub fn apply(&self, original: &str) -> Result<Vec<String>, Misfit> {
        let mut texts = vec![original.to_owned()];
        for step in &self.steps {
            let before = texts.last().map_or("", String::as_str);
            texts.push(step.apply(before)?);
        }
        Ok(texts)
    }

    /// The original text of a document whose last text is `last`.
    ///
    /// # Errors
    /// It is not the last text.
    pub fn undo(&self, last: &str) -> Result<String, Misfit> {
        self.steps.iter().rev().try_fold(last.to_owned(), |text, step| step.undo(&text))
    }
}

impl Step {
    /// The text after the edits.
    fn apply(&self, before: &str) -> Result<String, Misfit> {
        let mut after = String::with_capacity(before.len());
        let mut at = 0;
        for edit in &self.edits {
            let (start, end) = span(edit);
            let removed = edit.removed.as_deref().unwrap_or_default();
            let fits = start >= at && before.get(start..end) == Some(removed);
            let kept = before.get(at..start).filter(|_| fits).ok_or_else(|| self.misfit(start))?;
            after.push_str(kept);
            after.push_str(edit.added.as_deref().unwrap_or_default());
            at = end;
        }
        after.push_str(before.get(at..).ok_or_else(|| self.misfit(at))?);
        Ok(after)
    }

    /// The text before the edits.
    fn undo(&self, after: &str) -> Result<String, Misfit> {
        let mut before = String::with_capacity(after.len());
        let mut at = 0_usize;
        for edit in &self.edits {
            let (start, _) = span(edit);
            let added = edit.added.as_deref().unwrap_or_default();
            // What stands between two edits is as long before as after.
            let kept = start.checked_sub(before.len()).and_then(|len| after.get(at..at.checked_add(len)?));
            let kept = kept.ok_or_else(|| self.misfit(at))?;
            before.push_str(kept);
            at += kept.len();
            if after.get(at..at + added.len()) != Some(added) {
                return Err(self.misfit(at));
            }
            at += added.len();
            before.push_str(edit.removed.as_deref().unwrap_or_default());
        }
        before.push_str(after.get(at..).ok_or_else(|| self.misfit(at))?);
        Ok(before)
    }

    fn misfit(&self, at: usize) -> Misfit {
        Misfit { stage: self.stage.clone(), at }
    }
}

fn span(edit: &LedgerEntry<'_>) -> (usize, usize) {
    let (start, end) = edit.span.unwrap_or_default();
    (usize::try_from(start).unwrap_or(usize::MAX), usize::try_from(end).unwrap_or(usize::MAX))
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {} stands something else than stage `{}` has left there", self.at, self.stage)
    }
}

impl std::error::Error for Misfit {}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: u64, removed: &'static str, added: &'static str) -> LedgerEntry<'static> {
        LedgerEntry {
            event: "edit".into(),
            span: Some((start, start + removed.len() as u64)),
            removed: Some(removed.into()),
            added: Some(added.into()),
            ..LedgerEntry::default()
        }
    }

    #[test]
    fn there_and_back_again() {
        let step = |stage: &str, edits: Vec<_>| Step { stage: stage.to_owned(), edits, others: Vec::new() };
        let steps = vec![
            step("one", vec![edit(0, "The ", ""), edit(8, "cat", "dog"), edit(13, "", "!")]),
            step("two", vec![edit(0, "big", "")]),
        ];
        let life = Life { steps, ..Life::default() };
        let texts = life.apply("The big cat s").unwrap();
        assert_eq!(texts, ["The big cat s", "big dog s!", " dog s!"]);
        assert_eq!(life.undo(" dog s!").unwrap(), "The big cat s");
        assert_eq!(life.apply("The big dog s").unwrap_err().stage, "one");
        assert_eq!(life.undo(" cat s!").unwrap_err(), Misfit { stage: "one".to_owned(), at: 4 });
        assert!(life.undo("").is_err());
        assert!(life.apply("").is_err());
    }
}
