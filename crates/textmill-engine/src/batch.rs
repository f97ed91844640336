//! Passes a batch of documents through all stages, on one thread, while it is warm.

use std::sync::Arc;
use std::time::{Duration, Instant};

use textmill_abi::Str;
use textmill_io::{Document, FieldKind, Origin, ReadFailure};
use textmill_pipeline::OnError;

use crate::account::{Counts, RuleCounts};
use crate::observe::Observer;
use crate::plugin::{Answer, Answers, DocumentKey, Segments, StageError, StageWorker, Verdict};
use crate::samples::{Draw, Excerpt};
use crate::{Engine, Stage};

/// What becomes of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It passed all stages so far.
    #[default]
    Kept,
    /// A rule ended it.
    Dropped {
        /// The number of the stage.
        stage: usize,
        /// The rule, or `error` where `on-error = "drop"` made one of an error.
        rule: String,
    },
    /// It failed in a stage.
    Failed {
        /// The number of the stage.
        stage: usize,
        /// The error.
        message: String,
    },
}

/// A document on its way through the stages.
#[derive(Debug)]
pub(crate) struct Slot<'c> {
    pub(crate) source: Source<'c>,
    pub(crate) fate: Fate,
    /// Whether a stage has edited the text.
    pub(crate) edited: bool,
    /// How many characters and bytes the text has.
    size: (u64, usize),
    /// How many documents stages have emitted for this one: what their ids are made of.
    children: usize,
    /// By which the lines, sentences and words of its text are known.
    pub(crate) key: DocumentKey,
}

/// What was read. A document that could not be read keeps its place in the batch, so that the outputs are in input order.
#[derive(Debug)]
pub(crate) enum Source<'c> {
    Document(Document<'c>),
    Unreadable(ReadFailure<'c>),
}

/// One thread's share of an engine: a worker for each stage, and buffers that are used again from batch to batch.
#[derive(Debug)]
pub(crate) struct Mill<'e> {
    stages: &'e [Stage],
    workers: Vec<StageWorker<'e>>,
    alive: Vec<usize>,
    columns: Vec<Vec<Str>>,
    segments: Segments,
    answers: Answers,
    pub(crate) counts: Counts,
    /// Whether [`Mill::times`] are noted.
    pub(crate) is_timed: bool,
    /// What the batches took that were processed since somebody took these out.
    pub(crate) times: Vec<StageTime>,
}

/// What a batch took in a stage.
#[derive(Debug)]
pub(crate) struct StageTime {
    pub(crate) stage: Option<usize>,
    pub(crate) documents: usize,
    pub(crate) begin: Instant,
    pub(crate) time: Duration,
}

/// Why setting a field cannot fail.
const CHECKED: &str = "values are checked when they are collected, and `text` and `id` cannot be declared";

/// The run is being cancelled; the batch in hand does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cancelled;

impl<'c> Slot<'c> {
    pub(crate) fn new(read: Result<Document<'c>, ReadFailure<'c>>) -> Self {
        let source = read.map_or_else(Source::Unreadable, Source::Document);
        let size = match &source {
            Source::Document(document) => document.text_size(),
            Source::Unreadable(_) => (0, 0),
        };
        Self { source, fate: Fate::Kept, edited: false, size, children: 0, key: DocumentKey::default() }
    }

    /// Whether stages have made other documents of it.
    pub(crate) fn has_children(&self) -> bool {
        self.children > 0
    }

    /// The file that it was read from.
    pub(crate) fn file(&self) -> Option<Arc<str>> {
        match &self.source {
            Source::Document(document) => Some(Arc::clone(&document.origin().file)),
            Source::Unreadable(_) => None,
        }
    }

    /// The id of the document; empty for what could not be read.
    pub(crate) fn id(&self) -> &str {
        match &self.source {
            Source::Document(document) => document.id(),
            Source::Unreadable(_) => "",
        }
    }

    /// Where it was read.
    pub(crate) fn origin(&self) -> &Origin {
        match &self.source {
            Source::Document(document) => document.origin(),
            Source::Unreadable(failure) => &failure.origin,
        }
    }

    /// Characters and bytes of the text, if the document is still on its way.
    fn size(&mut self) -> Option<(u64, usize)> {
        let size = self.size;
        self.alive().map(|_| size)
    }

    /// Shows it to somebody who looks on, as emitted for the document with the id `parent`.
    fn show(&self, stage: usize, parent: &str, observer: &mut dyn Observer) {
        if let Source::Document(document) = &self.source {
            observer.emit(stage, self.key, document, parent);
        }
    }

    /// The document, if it is still on its way.
    fn alive(&mut self) -> Option<&mut Document<'c>> {
        match (&mut self.source, &self.fate) {
            (Source::Document(document), Fate::Kept) => Some(document),
            _ => None,
        }
    }
}

impl<'e> Mill<'e> {
    pub(crate) fn new(engine: &'e Engine) -> Result<Self, String> {
        let worker = |stage: &'e Stage| {
            stage.opened.worker().map_err(|error| match error {
                StageError::Fatal(message) => format!("stage `{}`: {message}", stage.id),
                StageError::Cancelled => format!("stage `{}` was cancelled", stage.id),
            })
        };
        Ok(Self {
            stages: &engine.stages,
            workers: engine.stages.iter().map(worker).collect::<Result<_, _>>()?,
            alive: Vec::new(),
            columns: Vec::new(),
            segments: Segments::default(),
            answers: Answers::default(),
            counts: engine.no_counts(),
            is_timed: false,
            times: Vec::new(),
        })
    }

    /// The documents of a batch, on their way. What was read is counted here, and how many by whoever read it.
    pub(crate) fn read<'c>(
        &mut self,
        documents: impl IntoIterator<Item = Result<Document<'c>, ReadFailure<'c>>>,
    ) -> Vec<Slot<'c>> {
        let count = |read: Result<Document<'c>, ReadFailure<'c>>| {
            match &read {
                Ok(document) => self.counts.replaced_utf8 += u64::from(document.replaced_utf8() > 0),
                Err(failure) => self.counts.add_unreadable(failure),
            }
            Slot::new(read)
        };
        documents.into_iter().map(count).collect()
    }

    /// Passes the documents through all stages. Documents that stages emit are put behind their parents.
    pub(crate) fn process(
        &mut self,
        slots: &mut Vec<Slot<'_>>,
        observer: &mut dyn Observer,
    ) -> Result<(), Cancelled> {
        self.segments.begin();
        for slot in slots.iter_mut() {
            slot.key = self.segments.add();
            if let Some((chars, bytes)) = slot.size() {
                self.counts.before.add(chars, bytes);
            }
        }
        for stage in 0..self.stages.len() {
            let begin = Instant::now();
            self.gather(stage, slots, observer);
            if self.alive.is_empty() {
                continue;
            }
            let documents = self.alive.len();
            let result = self.workers[stage].process(&self.columns, &mut self.segments, &mut self.answers);
            match result {
                Ok(()) => self.settle(stage, slots, observer),
                Err(StageError::Cancelled) => return Err(Cancelled),
                Err(StageError::Fatal(message)) => self.fail_all(stage, slots, &message, observer),
            }
            let time = begin.elapsed();
            self.counts.stages[stage].time += time;
            if self.is_timed {
                self.times.push(StageTime { stage: Some(stage), documents, begin, time });
            }
        }
        for (chars, bytes) in slots.iter_mut().filter_map(Slot::size) {
            self.counts.after.add(chars, bytes);
        }
        Ok(())
    }

    /// Decodes what the stage reads, and lays out columns of the documents that are still on their way.
    fn gather(&mut self, number: usize, slots: &mut [Slot<'_>], observer: &mut dyn Observer) {
        let reads = &self.stages[number].opened.plan().reads;
        self.columns.resize_with(reads.len() + 1, Vec::new);
        self.columns.iter_mut().for_each(Vec::clear);
        self.alive.clear();
        for (index, slot) in slots.iter_mut().enumerate() {
            let Some((chars, bytes)) = slot.size() else { continue };
            let Some(document) = slot.alive() else { continue };
            let counts = &mut self.counts.stages[number];
            counts.entered += 1;
            counts.entered_chars += chars;
            counts.entered_bytes += bytes as u64;
            if let Err(message) = decode(document, reads) {
                observer.fail(number, slot.key, &message);
                slot.fate = self.fail(number, message);
                continue;
            }
            self.columns[0].push(document.text().into());
            for (column, (name, _)) in self.columns[1..].iter_mut().zip(reads) {
                column.push(Str::optional(document.field(name).map(str::as_bytes)));
            }
            self.alive.push(index);
        }
        self.segments.hand(self.alive.iter().map(|index| slots[*index].key));
    }

    /// Takes the answers of the stage over into the documents.
    fn settle(&mut self, number: usize, slots: &mut Vec<Slot<'_>>, observer: &mut dyn Observer) {
        let mut answers = std::mem::take(&mut self.answers);
        let alive = std::mem::take(&mut self.alive);
        let mut emitted: Vec<(usize, Slot<'_>)> = Vec::new();
        for (&index, answer) in alive.iter().zip(answers.iter_mut()) {
            let slot = &mut slots[index];
            let (key, earlier, new) = (slot.key, slot.children, answer.emits.len());
            let mut size = slot.size;
            let document = slot.alive().expect("only documents on their way were handed to the stage");
            observer.see(number, key, document, answer);
            let mut edited = false;
            slot.fate = match std::mem::take(&mut answer.verdict) {
                Verdict::Fail(message) => self.fail(number, message),
                verdict => {
                    let chars = self.count(number, document, size.0, answer, &verdict);
                    edited = answer.edits_text();
                    let changed = self.change(number, document, answer);
                    size = (chars, document.text().len());
                    self.counts.stages[number].changed += u64::from(changed);
                    let children = self.emit(number, document, earlier, answer);
                    for child in &children {
                        child.show(number, document.id(), observer);
                    }
                    emitted.extend(children.into_iter().map(|child| (index, child)));
                    self.end(number, &verdict)
                }
            };
            if edited {
                self.segments.forget(key);
            }
            slot.edited |= edited;
            slot.size = size;
            slot.children += new;
        }
        (self.answers, self.alive) = (answers, alive);
        insert_after(slots, emitted);
    }

    /// Applies edits and sets fields; whether anything is another than before.
    fn change(&self, number: usize, document: &mut Document<'_>, answer: &mut Answer) -> bool {
        let mut changed = answer.edits_text();
        if let Some(text) = answer.apply(document.text()) {
            document.set_text(text);
        }
        let writes = &self.stages[number].opened.plan().writes;
        for (column, value) in answer.sets.drain(..) {
            let (name, kind) = &writes[column];
            changed |= document.set(name, *kind, value).expect(CHECKED);
        }
        changed
    }

    /// Counts what the stage did to a document of so many characters; how many it has afterwards.
    fn count(
        &mut self,
        number: usize,
        document: &Document<'_>,
        chars: u64,
        answer: &Answer,
        verdict: &Verdict,
    ) -> u64 {
        let counts = &mut self.counts.stages[number];
        let changes = Changes::of(document.text(), chars, answer);
        counts.removed_chars += changes.removed_chars;
        counts.added_chars += changes.added_chars;
        counts.removed_share.add(share(changes.removed_chars, chars));
        for (name, value, threshold) in &answer.scores {
            counts.add_score(name, *value, *threshold, answer.edits_text());
        }
        if changes.rules.is_empty() && answer.sets.is_empty() && *verdict == Verdict::Keep {
            return chars;
        }
        let (id, text) = (document.id(), document.text());
        let draw = Draw::new(id, document.origin());
        for (rule, change) in &changes.rules {
            counts.removed_bytes += change.removed_bytes;
            counts.added_bytes += change.added_bytes;
            let mine = &mut counts.rules[*rule];
            *mine += change;
            mine.samples.offer(
                draw.of(number, Some(*rule)),
                change.removed_chars + change.added_chars,
                || {
                    let (excerpts, more) = Excerpt::of_edits(text, answer, *rule);
                    (id.to_owned(), excerpts, more)
                },
            );
        }
        if let Verdict::Drop(rule) = verdict {
            let samples = &mut counts.rules[*rule].samples;
            let make = || (id.to_owned(), vec![Excerpt::of_dropped(text)], 0);
            samples.offer(draw.of(number, Some(*rule)), chars, make);
        }
        self.count_fields(number, id, draw, answer);
        chars + changes.added_chars - changes.removed_chars
    }

    fn count_fields(&mut self, number: usize, id: &str, draw: Draw, answer: &Answer) {
        if answer.sets.is_empty() {
            return;
        }
        let writes = &self.stages[number].opened.plan().writes;
        let counts = &mut self.counts.stages[number];
        // A field that is set twice has the last value.
        let mut last: Vec<(usize, Option<&str>)> = Vec::new();
        for (column, value) in answer.sets.iter().rev() {
            if last.iter().all(|(seen, _)| seen != column) {
                last.push((*column, value.as_deref()));
                counts.fields[*column] += 1;
            }
        }
        let chars =
            last.iter().map(|(_, value)| value.map_or(0, |value| value.chars().count())).sum::<usize>();
        counts.field_samples.offer(draw.of(number, None), chars as u64, || {
            let excerpts =
                last.iter().rev().map(|(column, value)| Excerpt::of_field(&writes[*column].0, *value));
            (id.to_owned(), excerpts.collect(), 0)
        });
    }

    /// The documents that the stage emitted for this one, numbered on from those of `earlier` stages.
    fn emit<'c>(
        &mut self,
        number: usize,
        document: &Document<'c>,
        earlier: usize,
        answer: &mut Answer,
    ) -> Vec<Slot<'c>> {
        let writes = &self.stages[number].opened.plan().writes;
        let emitted = answer.emits.drain(..).enumerate().map(|(n, new)| {
            let id = format!("{}#{}", document.id(), earlier + n + 1);
            let mut child = document.child(id, new.text);
            for (column, value) in new.fields {
                let (name, kind) = &writes[column];
                child.set(name, *kind, Some(value)).expect(CHECKED);
            }
            Slot { key: self.segments.add(), ..Slot::new(Ok(child)) }
        });
        let emitted: Vec<_> = emitted.collect();
        let counts = &mut self.counts.stages[number];
        counts.emitted += emitted.len() as u64;
        counts.kept += emitted.len() as u64;
        self.counts.emitted += emitted.len() as u64;
        emitted
    }

    fn end(&mut self, number: usize, verdict: &Verdict) -> Fate {
        let counts = &mut self.counts.stages[number];
        let Verdict::Drop(rule) = verdict else {
            counts.kept += 1;
            return Fate::Kept;
        };
        counts.dropped += 1;
        counts.rules[*rule].documents += 1;
        let rule = self.stages[number].opened.plan().rules[*rule].name.to_string();
        Fate::Dropped { stage: number, rule }
    }

    fn fail(&mut self, number: usize, message: String) -> Fate {
        let counts = &mut self.counts.stages[number];
        match self.stages[number].on_error {
            OnError::Keep => {
                counts.errored += 1;
                counts.kept += 1;
                Fate::Kept
            }
            OnError::Drop => {
                counts.dropped += 1;
                counts.dropped_by_error += 1;
                Fate::Dropped { stage: number, rule: "error".to_owned() }
            }
            _ => {
                counts.failed += 1;
                let message = if message.is_empty() { SILENT.to_owned() } else { message };
                Fate::Failed { stage: number, message }
            }
        }
    }

    fn fail_all(
        &mut self,
        number: usize,
        slots: &mut [Slot<'_>],
        message: &str,
        observer: &mut dyn Observer,
    ) {
        for index in std::mem::take(&mut self.alive) {
            observer.fail(number, slots[index].key, message);
            slots[index].fate = self.fail(number, message.to_owned());
        }
    }
}

/// The reason of a stage that gives none.
const SILENT: &str = "the stage did not say why";

/// What an answer changes, in all and by rule.
#[derive(Debug, Default)]
struct Changes {
    removed_chars: u64,
    added_chars: u64,
    /// By rule, in the order of the text.
    rules: Vec<(usize, RuleCounts)>,
}

impl Changes {
    /// `chars` are those of the text.
    fn of(text: &str, chars: u64, answer: &Answer) -> Self {
        let mut changes = Self::default();
        for edit in &answer.edits {
            let removed = edit.span.of(text).unwrap_or_default();
            changes.add(edit.rule, removed.chars().count() as u64, removed.len(), &edit.replacement);
        }
        if let Some((whole, rule)) = &answer.rewrite {
            changes.add(*rule, chars, text.len(), whole);
        }
        changes
    }

    fn add(&mut self, rule: usize, removed_chars: u64, removed_bytes: usize, added: &str) {
        let added_chars = added.chars().count() as u64;
        self.removed_chars += removed_chars;
        self.added_chars += added_chars;
        let place = self.rules.iter().position(|(known, _)| *known == rule).unwrap_or_else(|| {
            self.rules.push((rule, RuleCounts { documents: 1, ..RuleCounts::default() }));
            self.rules.len() - 1
        });
        let counts = &mut self.rules[place].1;
        counts.edits += 1;
        counts.removed_chars += removed_chars;
        counts.added_chars += added_chars;
        counts.removed_bytes += removed_bytes as u64;
        counts.added_bytes += added.len() as u64;
    }
}

/// Which share of `all` a part is; of nothing, nothing.
#[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

fn decode(document: &mut Document<'_>, reads: &[(String, FieldKind)]) -> Result<(), String> {
    reads.iter().try_for_each(|(name, kind)| document.decode(name, *kind).map_err(|error| error.to_string()))
}

/// Puts each new slot behind the one with the index beside it. The indices ascend.
fn insert_after<'c>(slots: &mut Vec<Slot<'c>>, new: Vec<(usize, Slot<'c>)>) {
    if new.is_empty() {
        return;
    }
    let mut new = new.into_iter().peekable();
    let old = std::mem::take(slots);
    for (index, slot) in old.into_iter().enumerate() {
        slots.push(slot);
        while let Some((_, child)) = new.next_if(|(parent, _)| *parent == index) {
            slots.push(child);
        }
    }
}
