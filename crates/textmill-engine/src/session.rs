//! Documents that somebody has in memory, through the stages: the engine of whoever embeds it, without files and threads.
//!
//! It drives the same mill as a run. What a run does around it, reading, writing and counting both, is here up to the caller,
//! who gets back each document with what became of it.

use std::fmt;
use std::sync::Arc;

use textmill_io::{Document, ReadFailure};

use crate::batch::{Fate, Mill, Slot, Source};
use crate::error::Error;
use crate::observe::Observer;
use crate::plugin::{Answer, Cancel, DocumentKey, Edit, Verdict, enter_run};
use crate::{Counts, Engine};

/// A thread's share of an engine. It may go from thread to thread between two calls.
pub struct Session(Share);

self_cell::self_cell! {
    struct Share {
        owner: Arc<Engine>,
        #[not_covariant]
        dependent: Mill,
    }
}

/// A document that was handed over, or that a stage emitted, and what became of it.
#[derive(Debug)]
pub struct Passed<'c> {
    /// The document as it is after the last stage that it came to, or why there is none.
    pub document: Result<Document<'c>, ReadFailure<'c>>,
    /// Which one of those that were handed over; `None`: a stage emitted it.
    pub number: Option<usize>,
    /// What became of it. One that could not be read is told by [`Passed::document`].
    pub fate: Fate,
    /// The edits of its text, in the order of the stages, if they were asked for.
    pub edits: Vec<StageEdit>,
}

/// An edit, and what it took away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageEdit {
    /// The number of the stage.
    pub stage: usize,
    /// The edit of the text that came to the stage.
    pub edit: Edit,
    /// What stood there before.
    pub removed: String,
}

impl Session {
    /// Makes a worker of each stage.
    ///
    /// # Errors
    /// A stage makes none.
    pub fn new(engine: Arc<Engine>) -> Result<Self, Error> {
        Share::try_new(engine, |engine| Mill::new(engine)).map(Self).map_err(Error::Stage)
    }

    /// The engine that it is of.
    pub fn engine(&self) -> &Arc<Engine> {
        self.0.borrow_owner()
    }

    /// Passes documents through all stages, and gives them back in their order, those that stages emitted behind their
    /// parents.
    ///
    /// # Errors
    /// A stage says that it was cancelled, which nobody does here.
    pub fn process<'c>(
        &mut self,
        documents: impl IntoIterator<Item = Result<Document<'c>, ReadFailure<'c>>>,
        wants_edits: bool,
    ) -> Result<Vec<Passed<'c>>, Error> {
        let _run = enter_run(&Cancel::default());
        self.0.with_dependent_mut(|_, mill| {
            let mut slots = mill.read(documents);
            let handed_over = slots.len();
            let mut witness = Witness { wants_edits, edits: Vec::new() };
            mill.process(&mut slots, &mut witness).map_err(|_| Error::Interrupted { done: 0 })?;
            Ok(slots.into_iter().map(|slot| witness.pass(slot, handed_over)).collect())
        })
    }

    /// What the stages counted since this was last asked, as far as it is theirs to count: the sums of what was read and of
    /// what became of it are the caller's.
    pub fn take_counts(&mut self) -> Counts {
        self.0.with_dependent_mut(|engine, mill| std::mem::replace(&mut mill.counts, engine.no_counts()))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Session").field(&self.engine().pipeline().name).finish()
    }
}

/// Notes down the edits of each document of a batch.
struct Witness {
    wants_edits: bool,
    /// By document.
    edits: Vec<Vec<StageEdit>>,
}

impl Witness {
    /// The document of a slot; those that were handed over are the first of the batch.
    fn pass<'c>(&mut self, slot: Slot<'c>, handed_over: usize) -> Passed<'c> {
        let index = slot.key.index();
        let document = match slot.source {
            Source::Document(document) => Ok(document),
            Source::Unreadable(failure) => Err(failure),
        };
        Passed {
            document,
            number: (index < handed_over).then_some(index),
            fate: slot.fate,
            edits: self.edits.get_mut(index).map(std::mem::take).unwrap_or_default(),
        }
    }
}

impl Observer for Witness {
    fn see(&mut self, stage: usize, key: DocumentKey, document: &Document<'_>, answer: &Answer) {
        if !self.wants_edits || !answer.edits_text() || matches!(answer.verdict, Verdict::Fail(_)) {
            return;
        }
        if self.edits.len() <= key.index() {
            self.edits.resize_with(key.index() + 1, Vec::new);
        }
        let text = document.text();
        let edits = answer.all_edits(text.len()).into_iter().map(|edit| {
            let removed = edit.span.of(text).unwrap_or_default().to_owned();
            StageEdit { stage, edit, removed }
        });
        self.edits[key.index()].extend(edits);
    }
}
