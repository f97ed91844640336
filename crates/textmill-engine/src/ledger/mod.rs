//! The ledger: every edit and verdict of a run, collected where they take effect and written when a batch is through.
//!
//! A worker notes down what it sees stage by stage; the texts of edits go into one buffer. At the end of a batch the events
//! are put into the order of the documents and become lines. Without a ledger nobody looks on, and it costs nothing.

mod origins;

use std::borrow::Cow;
use std::ops::Range;

use textmill_io::{Document, EncodedBatch, Encoder, FieldKind, LedgerEntry};

use self::origins::{Located, Origins};
use crate::Stage;
use crate::batch::{Fate, Slot, Source};
use crate::observe::Observer;
use crate::plugin::{Answer, DocumentKey, Verdict};

/// Notes down what happens to the documents of a batch, on one thread.
#[derive(Debug)]
pub(crate) struct Recorder<'e> {
    stages: &'e [Stage],
    encoder: Encoder,
    /// The buffers below are used again from batch to batch.
    events: Vec<Event>,
    texts: String,
    /// By document.
    origins: Vec<Origins>,
}

#[derive(Debug)]
struct Event {
    document: usize,
    stage: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    Edit { rule: usize, span: (u64, u64), located: Located, removed: Text, added: Text },
    Set { name: Text, value: Option<Text>, is_text: bool },
    Score { name: Text, value: f64, threshold: Option<f64> },
    Error(Text),
    Emitted { parent: Text, text: Text },
}

/// A part of [`Recorder::texts`].
type Text = Range<usize>;

/// A buffer that was longer is not kept for the next batch.
const KEPT: usize = 4 << 20;

impl<'e> Recorder<'e> {
    pub(crate) fn new(stages: &'e [Stage], encoder: Encoder) -> Self {
        let (events, texts, origins) = (Vec::new(), String::new(), Vec::new());
        Self { stages, encoder, events, texts, origins }
    }

    /// Writes the events of a batch that is through, in the order of its documents, and forgets them.
    pub(crate) fn finish(&mut self, slots: &[Slot<'_>], batch: &mut EncodedBatch) -> textmill_io::Result<()> {
        // The events of a document stay in their order.
        self.events.sort_by_key(|event| event.document);
        for slot in slots {
            let events = self.events_of(slot.key.index());
            for event in &self.events[events] {
                self.encoder.entry(&self.entry(slot, event), batch);
            }
            self.encoder.entry(&self.end(slot), batch);
        }
        self.events.clear();
        self.texts.clear();
        self.texts.shrink_to(KEPT);
        self.origins.iter_mut().for_each(Origins::forget);
        self.encoder.finish(batch)
    }

    fn events_of(&self, document: usize) -> Range<usize> {
        let start = self.events.partition_point(|event| event.document < document);
        let count = self.events[start..].iter().take_while(|event| event.document == document).count();
        start..start + count
    }

    fn entry<'a>(&'a self, slot: &'a Slot<'_>, event: &'a Event) -> LedgerEntry<'a> {
        let stage = &self.stages[event.stage];
        let text = |text: &Text| Some(Cow::Borrowed(self.texts.get(text.clone()).unwrap_or_default()));
        let entry = LedgerEntry {
            doc: Cow::Borrowed(slot.id()),
            stage: Some(Cow::Borrowed(&*stage.id)),
            ..LedgerEntry::default()
        };
        match &event.what {
            What::Edit { rule, span, located, removed, added } => LedgerEntry {
                event: "edit".into(),
                rule: Some(Cow::Borrowed(&*stage.plan().rules[*rule].name)),
                span: Some(*span),
                origin: Some(located.name().into()),
                original: located.span(),
                removed: text(removed),
                added: text(added),
                ..entry
            },
            What::Set { name, value, is_text } => LedgerEntry {
                event: if value.is_some() { "set" } else { "unset" }.into(),
                name: text(name),
                kind: value.as_ref().map(|_| if *is_text { "text" } else { "json" }.into()),
                value: value.as_ref().and_then(text),
                ..entry
            },
            What::Score { name, value, threshold } => LedgerEntry {
                event: "score".into(),
                name: text(name),
                value: Some(Cow::Owned(value.to_string())),
                kind: Some("json".into()),
                threshold: *threshold,
                ..entry
            },
            What::Error(message) => LedgerEntry { event: "error".into(), message: text(message), ..entry },
            What::Emitted { parent, text: added } => {
                LedgerEntry { event: "emitted".into(), parent: text(parent), added: text(added), ..entry }
            }
        }
    }

    /// What became of a document.
    fn end<'a>(&'a self, slot: &'a Slot<'_>) -> LedgerEntry<'a> {
        let origin = slot.origin();
        let stage = |stage: usize| Some(Cow::Borrowed(&*self.stages[stage].id));
        let entry = LedgerEntry {
            doc: Cow::Borrowed(slot.id()),
            file: Some(Cow::Borrowed(&*origin.file)),
            line: origin.line,
            offset: Some(origin.offset),
            ..LedgerEntry::default()
        };
        match (&slot.source, &slot.fate) {
            (Source::Unreadable(failure), _) => LedgerEntry {
                doc: Cow::Owned(failure.id()),
                event: "failed".into(),
                message: Some(Cow::Borrowed(&failure.message)),
                ..entry
            },
            (_, Fate::Kept) => LedgerEntry { event: "kept".into(), ..entry },
            (_, Fate::Dropped { stage: number, rule }) => LedgerEntry {
                event: "dropped".into(),
                stage: stage(*number),
                rule: Some(Cow::Borrowed(rule)),
                ..entry
            },
            (_, Fate::Failed { stage: number, message }) => LedgerEntry {
                event: "failed".into(),
                stage: stage(*number),
                message: Some(Cow::Borrowed(message)),
                ..entry
            },
        }
    }

    fn keep(&mut self, text: &str) -> Text {
        let start = self.texts.len();
        self.texts.push_str(text);
        start..self.texts.len()
    }

    fn note(&mut self, document: DocumentKey, stage: usize, what: What) {
        self.events.push(Event { document: document.index(), stage, what });
    }

    fn edits(&mut self, stage: usize, key: DocumentKey, text: &str, answer: &Answer) {
        if !answer.edits_text() {
            return;
        }
        if self.origins.len() <= key.index() {
            self.origins.resize_with(key.index() + 1, Origins::default);
        }
        self.origins[key.index()].begin(text.len());
        for edit in &answer.edits {
            let (start, end) = (edit.span.start, edit.span.end);
            let located = self.origins[key.index()].locate(start, end);
            let removed = self.keep(edit.span.of(text).unwrap_or_default());
            let added = self.keep(&edit.replacement);
            let span = (start as u64, end as u64);
            self.note(key, stage, What::Edit { rule: edit.rule, span, located, removed, added });
        }
        if let Some((whole, rule)) = &answer.rewrite {
            let located = self.origins[key.index()].locate(0, text.len());
            let (removed, added) = (self.keep(text), self.keep(whole));
            let span = (0, text.len() as u64);
            self.note(key, stage, What::Edit { rule: *rule, span, located, removed, added });
            self.origins[key.index()].rewrite(whole.len());
        } else {
            self.origins[key.index()].edit(&answer.edits);
        }
    }
}

impl Observer for Recorder<'_> {
    fn see(&mut self, stage: usize, key: DocumentKey, document: &Document<'_>, answer: &Answer) {
        if let Verdict::Fail(message) = &answer.verdict {
            return self.fail(stage, key, message);
        }
        for (name, value, threshold) in &answer.scores {
            // One that is no number says nothing, and has no place in JSON.
            if value.is_finite() {
                let name = self.keep(name);
                self.note(key, stage, What::Score { name, value: *value, threshold: *threshold });
            }
        }
        self.edits(stage, key, document.text(), answer);
        let stages = self.stages;
        for (column, value) in &answer.sets {
            let (name, kind) = &stages[stage].plan().writes[*column];
            let name = self.keep(document.written_name(name));
            let value = value.as_deref().map(|value| self.keep(value));
            self.note(key, stage, What::Set { name, value, is_text: *kind == FieldKind::Text });
        }
    }

    fn fail(&mut self, stage: usize, key: DocumentKey, message: &str) {
        let message = self.keep(message);
        self.note(key, stage, What::Error(message));
    }

    fn emit(&mut self, stage: usize, key: DocumentKey, child: &Document<'_>, parent: &str) {
        let (parent, text) = (self.keep(parent), self.keep(child.text()));
        self.note(key, stage, What::Emitted { parent, text });
        for (name, kind, value) in child.fields() {
            let (name, value) = (self.keep(name), Some(self.keep(&value)));
            self.note(key, stage, What::Set { name, value, is_text: kind == "text" });
        }
    }
}
