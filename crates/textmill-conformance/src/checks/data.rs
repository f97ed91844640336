//! What a stage does with texts that have broken programs.

use textmill_abi as abi;
use textmill_engine::{Answer, OpenedStage, Verdict};

use crate::bench::{Case, Row, Worker, digest};
use crate::report::{Finding, Outcome, Pass};

pub(super) fn hostile_texts(case: &Case<'_>) -> Outcome {
    let stage = case.open()?;
    let mut worker = Worker::new(&stage)?;
    let rows = case.rows(&stage);
    let mut refused = Vec::new();
    for row in &rows {
        case.notes.doing(row.name, row.text);
        match worker.fair(row.text, &row.fields) {
            Ok(Answer { verdict: Verdict::Fail(message), .. }) => {
                refused.push(format!("{} ({message})", row.name));
            }
            Ok(_) => (),
            Err(message) => return Err(row.minimized(message, |text| worker.fair(text, &row.fields).err())),
        }
    }
    let n_docs = rows.len();
    Ok(Pass::Holds(Some(match refused.first() {
        None => format!("{n_docs} documents"),
        Some(first) => format!("{n_docs} documents, of which it failed {}, as {first}", refused.len()),
    })))
}

/// The memory of the texts and the fields cannot be written to, and ends where the text ends.
#[cfg(unix)]
pub(super) fn guarded_input(case: &Case<'_>) -> Outcome {
    let stage = case.open()?;
    let mut worker = Worker::new(&stage)?;
    let rows = case.rows(&stage);
    for row in &rows {
        case.notes.doing(row.name, row.text);
        guarded(&mut worker, &[row])?;
    }
    let short = case.short_rows(&stage);
    let all: Vec<_> = short.iter().collect();
    case.notes.doing("all short documents in one batch", "");
    guarded(&mut worker, &all)?;
    Ok(Pass::Holds(None))
}

#[cfg(not(unix))]
pub(super) fn guarded_input(_: &Case<'_>) -> Outcome {
    Ok(Pass::NotApplicable("this system has no memory to be guarded".to_owned()))
}

#[cfg(unix)]
fn guarded(worker: &mut Worker<'_>, rows: &[&Row<'_>]) -> Result<(), Finding> {
    use crate::guard::Guarded;
    let guard = |text: &str| {
        Guarded::new(text.as_bytes())
            .map_err(|error| Finding::new(format!("the system gives no memory: {error}")))
    };
    let mut texts = Vec::new();
    let mut fields = Vec::new();
    for row in rows {
        texts.push(guard(row.text)?);
        let of_row: Result<Vec<_>, _> =
            row.fields.iter().map(|value| value.as_deref().map(guard).transpose()).collect();
        fields.push(of_row?);
    }
    let n_fields = fields.first().map_or(0, Vec::len);
    let texts: Vec<_> = texts.iter().map(Guarded::text).collect();
    let column = |column: usize| {
        fields
            .iter()
            .map(|of_row: &Vec<Option<Guarded>>| of_row[column].as_ref().map(Guarded::text))
            .collect()
    };
    let columns: Vec<_> = (0..n_fields).map(column).collect();
    // What it answers is the business of other checks.
    let _ = worker.columns(&texts, &columns);
    Ok(())
}

pub(super) fn batches(case: &Case<'_>) -> Outcome {
    let stage = case.open()?;
    let mut worker = Worker::new(&stage)?;
    case.notes.doing("a batch of no documents", "");
    let none = worker.batch(&[]).map_err(|error| {
        Finding::new(format!("a batch of no documents fails: {}", crate::bench::gave_up(&error)))
    })?;
    debug_assert!(none.is_empty(), "as many answers as documents");
    if !is_pure(&stage) {
        return Ok(Pass::NotClaimed);
    }
    let rows = case.short_rows(&stage);
    let alone = case.one_by_one(&mut worker, &rows)?;
    for size in [7, 256] {
        case.notes.doing(&format!("batches of {size}"), "");
        let together = worker.batches(&rows, size)?;
        same(&rows, &alone, &together, &format!("in a batch of {size} the answer is another than alone"))?;
    }
    Ok(Pass::Holds(None))
}

/// Whether the stage claims to be pure; whatever compares answers stands on it.
pub(super) fn is_pure(stage: &OpenedStage) -> bool {
    stage.plan().may & abi::PURE != 0
}

/// The two rows of answers are the same.
pub(super) fn same(rows: &[Row<'_>], left: &[Answer], right: &[Answer], what: &str) -> Result<(), Finding> {
    for (row, (left, right)) in rows.iter().zip(left.iter().zip(right)) {
        let (left, right) = (digest(left), digest(right));
        if left != right {
            return Err(row.finding(format!("{what}: {}", difference(&left, &right))));
        }
    }
    Ok(())
}

/// Where two answers begin to differ.
pub(super) fn difference(left: &str, right: &str) -> String {
    let same = left.chars().zip(right.chars()).take_while(|(left, right)| left == right).count();
    let part = |text: &str| text.chars().skip(same.saturating_sub(40)).take(120).collect::<String>();
    format!("first ...{}..., then ...{}...", part(left), part(right))
}
