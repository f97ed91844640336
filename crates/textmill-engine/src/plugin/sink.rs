//! Where a stage puts its results: `tm_sink`. Everything is checked and copied here, before the plugin's call returns.
//!
//! What is wrong in an answer costs that document: it fails with a message that says what the stage did, and the stage
//! goes on with the next one.

use std::ffi::c_void;
use std::ptr;

use textmill_abi::{self as abi, Status, Str};
use textmill_io::FieldKind;
use textmill_text::Span;

use super::host::lossy;
use super::library::{NAMES, is_name};
use super::stage::{RuleKind, StagePlan};

/// An edit of a text: the bytes it replaces, what stands there afterwards, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes of the text, on character boundaries.
    pub span: Span,
    /// What stands there afterwards.
    pub replacement: String,
    /// An index into [`StagePlan::rules`].
    pub rule: usize,
}

/// A document that a stage emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// Its text.
    pub text: String,
    /// Its fields: index into [`StagePlan::writes`], value.
    pub fields: Vec<(usize, String)>,
}

/// What a stage said of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    #[default]
    Keep,
    /// It ends here; an index into [`StagePlan::rules`].
    Drop(usize),
    /// It has failed.
    Fail(String),
}

/// All that a stage asked for with one document.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// What becomes of the document.
    pub verdict: Verdict,
    /// Ascending and disjoint.
    pub edits: Vec<Edit>,
    /// A whole new text, and its rule.
    pub rewrite: Option<(String, usize)>,
    /// Index into [`StagePlan::writes`], value; `None` removes the field.
    pub sets: Vec<(usize, Option<String>)>,
    /// The documents that follow it.
    pub emits: Vec<Emitted>,
    /// Name, value, threshold.
    pub scores: Vec<(String, f64, Option<f64>)>,
}

/// A call of the sink that does not keep the contract. It has failed the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The place of the document in its batch.
    pub document: usize,
    /// The function of the sink.
    pub call: &'static str,
    /// What was wrong.
    pub message: String,
}

/// The answers of a stage to a batch, in its order. The buffers are used again for the next batch.
#[derive(Debug, Default)]
pub(crate) struct Answers(Vec<Answer>);

/// Collects the answers during one call of `process`.
pub(super) struct Collector<'a> {
    plan: &'a StagePlan,
    texts: &'a [Str],
    answers: &'a mut [Answer],
    /// The calls that were wrong, in their order. Those about no document of the batch come with a number beyond it.
    pub(super) breaches: Vec<Breach>,
}

impl Answers {
    /// Room for the answers to this many documents.
    pub(super) fn begin(&mut self, n_docs: usize) -> &mut [Answer] {
        self.0.resize_with(n_docs, Answer::default);
        &mut self.0
    }

    pub(super) fn all(&mut self) -> &mut [Answer] {
        &mut self.0
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Answer> {
        self.0.iter_mut()
    }
}

impl Answer {
    fn clear(&mut self) {
        self.verdict = Verdict::Keep;
        self.discard();
    }

    fn discard(&mut self) {
        self.edits.clear();
        self.rewrite = None;
        self.sets.clear();
        self.emits.clear();
        self.scores.clear();
    }

    /// The document has failed; all else is discarded.
    pub(super) fn fail(&mut self, message: String) {
        self.discard();
        self.verdict = Verdict::Fail(message);
    }

    /// Whether it changes the text.
    pub(crate) fn edits_text(&self) -> bool {
        !self.edits.is_empty() || self.rewrite.is_some()
    }

    /// The edits; a whole new text is one edit of the `len` bytes of the old one.
    pub(crate) fn all_edits(&self, len: usize) -> Vec<Edit> {
        let whole = self.rewrite.iter().map(|(text, rule)| Edit {
            span: Span::new(0, len),
            replacement: text.clone(),
            rule: *rule,
        });
        self.edits.iter().cloned().chain(whole).collect()
    }

    /// The text after the edits, in one copy; `None` if there are none. A whole new text is moved out of the answer.
    ///
    /// # Panics
    /// If `text` is not the one that the answer is about.
    pub fn apply(&mut self, text: &str) -> Option<String> {
        if let Some((whole, _)) = &mut self.rewrite {
            return Some(std::mem::take(whole));
        }
        if self.edits.is_empty() {
            return None;
        }
        let mut result = String::with_capacity(text.len());
        let mut at = 0;
        for edit in &self.edits {
            result
                .push_str(text.get(at..edit.span.start).expect("edits are checked when they are collected"));
            result.push_str(&edit.replacement);
            at = edit.span.end;
        }
        result.push_str(text.get(at..).expect("edits are checked when they are collected"));
        Some(result)
    }
}

impl<'a> Collector<'a> {
    /// Nothing is asked for yet; there are as many answers as texts.
    pub(super) fn new(plan: &'a StagePlan, texts: &'a [Str], answers: &'a mut [Answer]) -> Self {
        answers.iter_mut().for_each(Answer::clear);
        Self { plan, texts, answers, breaches: Vec::new() }
    }

    /// What was said of a document that is not in the batch: an answer that nobody can be given.
    pub(super) fn stray(&self) -> Option<String> {
        let n_docs = self.texts.len();
        let stray = self.breaches.iter().find(|breach| breach.document >= n_docs);
        stray.map(|breach| breach.message.clone())
    }

    /// The sink that leads here. The collector must not be used otherwise while the sink is.
    pub(super) fn sink(&mut self) -> abi::Sink {
        let ctx = ptr::from_mut(self).cast();
        abi::Sink { size: size_of::<abi::Sink>(), ctx, drop, edit, rewrite, set, emit, score, fail }
    }

    /// Lets `change` work on the answer to document `index`; what it finds wrong fails the document.
    fn change(
        &mut self,
        index: usize,
        call: &'static str,
        change: impl FnOnce(&Self, &mut Answer) -> Result<(), String>,
    ) -> Status {
        let n_docs = self.answers.len();
        let Some(slot) = self.answers.get_mut(index) else {
            let message = format!("the stage answered for document {index} of a batch of {n_docs}");
            self.breaches.push(Breach { document: index, call, message });
            return abi::E_DOCUMENT;
        };
        if matches!(slot.verdict, Verdict::Fail(_)) {
            return abi::E_DOCUMENT;
        }
        let mut answer = std::mem::take(slot);
        let result = change(self, &mut answer);
        let status = match result {
            Ok(()) => abi::OK,
            Err(message) => {
                self.breaches.push(Breach { document: index, call, message: message.clone() });
                answer.fail(message);
                abi::E_DOCUMENT
            }
        };
        self.answers[index] = answer;
        status
    }

    fn text(&self, index: usize) -> &'a str {
        // SAFETY: the host's own column 0, valid UTF-8 and alive for this call.
        self.texts.get(index).and_then(|text| unsafe { text.text_unchecked() }).unwrap_or_default()
    }

    fn rule(&self, rule: u32, fits: impl Fn(RuleKind) -> bool) -> Result<usize, String> {
        let index = rule as usize;
        match self.plan.rules.get(index) {
            Some(rule) if fits(rule.kind) => Ok(index),
            Some(rule) => {
                Err(format!("the stage used its rule `{}` for what it was not declared for", rule.name))
            }
            None => Err(format!("the stage named rule number {rule}, which it did not declare")),
        }
    }

    fn check_edit(&self, text: &str, after: usize, edit: &abi::Edit) -> Result<Edit, String> {
        let bad = |what: &str| Err(format!("the stage's edit of bytes {}..{} {what}", edit.start, edit.end));
        let replacement = checked(edit.replacement, "a replacement")?.unwrap_or_default();
        if edit.reserved != 0 {
            return bad("has a reserved field that is not 0");
        }
        let rule = self.rule(edit.rule, |kind| match kind {
            RuleKind::Deletes => replacement.is_empty(),
            RuleKind::Rewrites => true,
            RuleKind::Drops => false,
        })?;
        let (Ok(start), Ok(end)) = (usize::try_from(edit.start), usize::try_from(edit.end)) else {
            return bad("lies outside of the text");
        };
        if text.get(start..end).is_none() {
            return bad("lies outside of the text or cuts a character");
        }
        if start < after {
            return bad("overlaps the edit before it");
        }
        Ok(Edit { span: Span::new(start, end), replacement, rule })
    }

    /// A value of the declared type.
    fn value(&self, column: usize, value: Str) -> Result<Option<String>, String> {
        let Some((name, kind)) = self.plan.writes.get(column) else {
            return Err(format!("the stage set field number {column}, which it did not declare"));
        };
        let Some(value) = checked(value, "a value")? else { return Ok(None) };
        if *kind != FieldKind::Text {
            let wrong = |found| format!("the stage set `{name}`, which it declared as {kind}, to {found}");
            kind.check(&value).map_err(wrong)?;
        }
        Ok(Some(value))
    }
}

/// More than any machine has: a length or a count beyond it is a mistake, and following it would read what is not there.
const ABSURD: usize = 1 << 40;

/// What a plugin passed as so many values.
fn many<'a, T>(values: *const T, count: usize) -> Result<&'a [T], String> {
    if count >= ABSURD || values.is_null() && count > 0 {
        return Err(format!("the stage passed {count} values at {values:?}"));
    }
    // SAFETY: the plugin keeps the contract: `count` values, valid for this call.
    Ok(unsafe { abi::slice(values, count) })
}

fn checked(text: Str, what: &str) -> Result<Option<String>, String> {
    if text.len >= ABSURD {
        return Err(format!("the stage gave {what} of {} bytes", text.len));
    }
    // SAFETY: the plugin keeps the contract: valid for this call.
    let Some(bytes) = (unsafe { text.bytes() }) else { return Ok(None) };
    let text =
        simdutf8::basic::from_utf8(bytes).map_err(|_| format!("the stage gave {what} that is not UTF-8"))?;
    Ok(Some(text.to_owned()))
}

/// The collector behind a sink's context.
///
/// # Safety
/// `ctx` comes from [`Collector::sink`], on the thread that made it, while `process` runs.
unsafe fn collector<'c>(ctx: *mut c_void) -> &'c mut Collector<'c> {
    // SAFETY: what the caller promises.
    unsafe { &mut *ctx.cast() }
}

unsafe extern "C" fn drop(ctx: *mut c_void, index: usize, rule: u32) -> Status {
    // SAFETY: the plugin passes the context of its sink.
    let collector = unsafe { collector(ctx) };
    collector.change(index, "drop", |collector, answer| {
        answer.verdict = Verdict::Drop(collector.rule(rule, |kind| kind == RuleKind::Drops)?);
        Ok(())
    })
}

unsafe extern "C" fn edit(ctx: *mut c_void, index: usize, edits: *const abi::Edit, n_edits: usize) -> Status {
    // SAFETY: the plugin passes the context of its sink.
    let collector = unsafe { collector(ctx) };
    collector.change(index, "edit", |collector, answer| {
        if answer.rewrite.is_some() {
            return Err("the stage gave edits and a whole new text for the same document".into());
        }
        let text = collector.text(index);
        for edit in many(edits, n_edits)? {
            let after = answer.edits.last().map_or(0, |last| last.span.end);
            answer.edits.push(collector.check_edit(text, after, edit)?);
        }
        Ok(())
    })
}

unsafe extern "C" fn rewrite(ctx: *mut c_void, index: usize, text: Str, rule: u32) -> Status {
    // SAFETY: the plugin passes the context of its sink.
    let collector = unsafe { collector(ctx) };
    collector.change(index, "rewrite", |collector, answer| {
        if answer.edits_text() {
            return Err("the stage gave two new texts, or edits beside one, for the same document".into());
        }
        let rule = collector.rule(rule, |kind| kind == RuleKind::Rewrites)?;
        answer.rewrite = Some((checked(text, "a text")?.unwrap_or_default(), rule));
        Ok(())
    })
}

unsafe extern "C" fn set(ctx: *mut c_void, index: usize, column: usize, value: Str) -> Status {
    // SAFETY: the plugin passes the context of its sink.
    let collector = unsafe { collector(ctx) };
    collector.change(index, "set", |collector, answer| {
        answer.sets.push((column, collector.value(column, value)?));
        Ok(())
    })
}

unsafe extern "C" fn emit(ctx: *mut c_void, parent: usize, columns: *const Str, n_columns: usize) -> Status {
    // SAFETY: the plugin passes the context of its sink.
    let collector = unsafe { collector(ctx) };
    collector.change(parent, "emit", |collector, answer| {
        if collector.plan.may & abi::EXPAND == 0 {
            return Err("the stage emitted a document, which it did not declare".into());
        }
        let columns = many(columns, n_columns)?;
        let (text, values) = columns.split_first().ok_or("the stage emitted a document without a text")?;
        let text = checked(*text, "a text")?.ok_or("the stage emitted a document without a text")?;
        let mut fields = Vec::new();
        for (column, value) in values.iter().enumerate() {
            fields.extend(collector.value(column, *value)?.map(|value| (column, value)));
        }
        answer.emits.push(Emitted { text, fields });
        Ok(())
    })
}

unsafe extern "C" fn score(ctx: *mut c_void, index: usize, name: Str, value: f64, threshold: f64) -> Status {
    // SAFETY: the plugin passes the context of its sink.
    let collector = unsafe { collector(ctx) };
    collector.change(index, "score", |_, answer| {
        let name = checked(name, "the name of a score")?.filter(|name| is_name(name));
        let name = name.ok_or_else(|| format!("the stage gave a score a name that is none; {NAMES}"))?;
        answer.scores.push((name, value, (!threshold.is_nan()).then_some(threshold)));
        Ok(())
    })
}

unsafe extern "C" fn fail(ctx: *mut c_void, index: usize, message: Str) -> Status {
    // SAFETY: the plugin passes the context of its sink.
    let collector = unsafe { collector(ctx) };
    collector.change(index, "fail", |_, answer| {
        answer.fail(lossy(message));
        Ok(())
    })
}

#[cfg(test)]
mod tests;
