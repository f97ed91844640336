//! A batch on its way to a worker, and the calls of the sink on their way back.
//!
//! What comes back is played into a sink like any other: the checks that a stage in this process passes are those that
//! the answer of a worker passes.

use std::ops::Range;

use textmill_abi::{self as abi, Str};

use super::frame::{Garbled, Pack, Unpack};
use super::message::{ANSWERS, PROCESS};
use crate::plugin::sink::{Answer, Emitted, Verdict};

// The functions of the sink, as numbers on the stream.
const DROP: u64 = 1;
const EDIT: u64 = 2;
const REWRITE: u64 = 3;
const SET: u64 = 4;
const EMIT: u64 = 5;
const SCORE: u64 = 6;
const FAIL: u64 = 7;

/// Packs the documents `range` of a batch.
pub(super) fn pack_batch(columns: &[Vec<Str>], range: &Range<usize>, pack: &mut Pack) {
    pack.begin(PROCESS).size(columns.len()).size(range.len());
    for column in columns {
        for value in &column[range.clone()] {
            // SAFETY: the host's own column, alive for this call.
            pack.optional(unsafe { value.bytes() });
        }
    }
}

/// Lays out columns that point into the frame.
pub(super) fn unpack_batch(mut content: Unpack<'_>, columns: &mut Vec<Vec<Str>>) -> Result<(), Garbled> {
    let (n_columns, n_docs) = (content.size()?, content.number()?);
    columns.clear();
    for _ in 0..n_columns {
        let column = (0..n_docs).map(|_| content.optional().and_then(checked));
        columns.push(column.collect::<Result<_, _>>()?);
    }
    Ok(())
}

/// What a host hands out is valid UTF-8; that it came from a host is not known yet.
fn checked(value: Option<&[u8]>) -> Result<Str, Garbled> {
    match value.map(simdutf8::basic::from_utf8) {
        Some(Ok(text)) => Ok(text.into()),
        Some(Err(_)) => Err(Garbled),
        None => Ok(Str::ABSENT),
    }
}

/// Packs answers as the calls that make them. A document that was left alone makes none.
pub(super) fn pack_answers<'a>(answers: impl Iterator<Item = &'a mut Answer>, pack: &mut Pack) {
    pack.begin(ANSWERS);
    for (index, answer) in answers.enumerate() {
        pack_answer(index, answer, pack);
    }
}

fn pack_answer(index: usize, answer: &Answer, pack: &mut Pack) {
    if !answer.edits.is_empty() {
        pack.number(EDIT).size(index).size(answer.edits.len());
        for edit in &answer.edits {
            pack.size(edit.span.start).size(edit.span.end).size(edit.rule).slice(&edit.replacement);
        }
    }
    if let Some((text, rule)) = &answer.rewrite {
        pack.number(REWRITE).size(index).size(*rule).slice(text);
    }
    for (column, value) in &answer.sets {
        pack.number(SET).size(index).size(*column).optional(value.as_deref().map(str::as_bytes));
    }
    for (name, value, threshold) in &answer.scores {
        pack.number(SCORE).size(index).slice(name).float(*value).float(threshold.unwrap_or(f64::NAN));
    }
    match &answer.verdict {
        Verdict::Keep => {}
        Verdict::Drop(rule) => {
            pack.number(DROP).size(index).size(*rule);
        }
        Verdict::Fail(message) => {
            pack.number(FAIL).size(index).slice(message);
        }
    }
    for new in &answer.emits {
        pack_emitted(new, pack.number(EMIT).size(index));
    }
}

/// Its columns as the sink takes them: the text, and then every field up to the last that it has.
fn pack_emitted(new: &Emitted, pack: &mut Pack) {
    let n_fields = new.fields.iter().map(|(column, _)| column + 1).max().unwrap_or(0);
    pack.size(1 + n_fields).slice(&new.text);
    for column in 0..n_fields {
        let value = new.fields.iter().find(|(field, _)| *field == column);
        pack.optional(value.map(|(_, value)| value.as_bytes()));
    }
}

/// Makes the calls in the sink. What they return is for a stage that could do something about it.
pub(super) fn play(mut content: Unpack<'_>, sink: &abi::Sink) -> Result<(), Garbled> {
    while !content.is_empty() {
        let (function, index) = (content.number()?, content.size()?);
        call(function, index, &mut content, sink)?;
    }
    Ok(())
}

fn call(function: u64, index: usize, content: &mut Unpack<'_>, sink: &abi::Sink) -> Result<(), Garbled> {
    let ctx = sink.ctx;
    // SAFETY (of all calls): the sink is the collector's own and is used on this thread; slices point into the frame,
    // which outlives each call.
    match function {
        DROP => {
            let rule = content.small()?;
            // SAFETY: as above.
            unsafe { (sink.drop)(ctx, index, rule) };
        }
        EDIT => {
            let edits = content.list(edit)?;
            // SAFETY: as above.
            unsafe { (sink.edit)(ctx, index, edits.as_ptr(), edits.len()) };
        }
        REWRITE => {
            let (rule, text) = (content.small()?, Str::new(content.slice()?));
            // SAFETY: as above.
            unsafe { (sink.rewrite)(ctx, index, text, rule) };
        }
        SET => {
            let (column, value) = (content.size()?, Str::optional(content.optional()?));
            // SAFETY: as above.
            unsafe { (sink.set)(ctx, index, column, value) };
        }
        EMIT => {
            let columns = content.list(|content| content.optional().map(Str::optional))?;
            // SAFETY: as above.
            unsafe { (sink.emit)(ctx, index, columns.as_ptr(), columns.len()) };
        }
        SCORE => {
            let (name, value, threshold) = (Str::new(content.slice()?), content.float()?, content.float()?);
            // SAFETY: as above.
            unsafe { (sink.score)(ctx, index, name, value, threshold) };
        }
        FAIL => {
            let message = Str::new(content.slice()?);
            // SAFETY: as above.
            unsafe { (sink.fail)(ctx, index, message) };
        }
        _ => return Err(Garbled),
    }
    Ok(())
}

fn edit(content: &mut Unpack<'_>) -> Result<abi::Edit, Garbled> {
    Ok(abi::Edit {
        start: content.number()?,
        end: content.number()?,
        rule: content.small()?,
        replacement: Str::new(content.slice()?),
        reserved: 0,
    })
}
