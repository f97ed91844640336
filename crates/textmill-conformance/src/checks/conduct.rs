//! How a stage behaves beside others, over a long time, and when something goes wrong.

use std::thread;
use std::time::{Duration, Instant};

use textmill_engine::{Answer, OpenedStage, StageError, Verdict, private_memory};

use super::data::{is_pure, same};
use crate::bench::{Case, Row, Worker, digest, gave_up, rows};
use crate::corpus;
use crate::report::{Finding, Outcome, Pass};

const WORKERS: usize = 8;

pub(super) fn threads(case: &Case<'_>) -> Outcome {
    let stage = case.open()?;
    if !is_pure(&stage) {
        return Ok(Pass::NotClaimed);
    }
    let rows = case.short_rows(&stage);
    let alone = case.one_by_one(&mut Worker::new(&stage)?, &rows)?;
    case.notes.doing("all short documents, with 8 workers beside each other", "");
    thread::scope(|scope| {
        let work = |number: usize| {
            let (stage, rows, alone) = (&stage, &rows, &alone);
            scope.spawn(move || {
                // Each begins elsewhere, and cuts other batches.
                let start = rows.len() * number / WORKERS;
                let turned = [&rows[start..], &rows[..start]].concat();
                let expected = [&alone[start..], &alone[..start]].concat();
                let answers = Worker::new(stage)?.batches(&turned, number + 1)?;
                same(&turned, &expected, &answers, "beside other workers the answer is another than alone")
            })
        };
        let workers: Vec<_> = (0..WORKERS).map(work).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err(Finding::new("a worker's thread ended in a panic")))
        })
    })?;
    Ok(Pass::Holds(None))
}

/// How often a stage is opened and closed, and with `--quick`; and the time after which that was often enough.
const OPENS: (u64, u64) = (2000, 200);
const ENOUGH: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(2));
/// How often it is at least, so that what is left over each time can be seen.
const FEWEST: u64 = 20;
/// What memory may grow by for each time, in bytes: less than the smallest thing that a stage keeps of its options, more
/// than what an allocator's own affairs come to.
const GROWTH: u64 = 512;
/// What it may grow by in all: pages are not given back one by one.
const SLACK: u64 = 1 << 20;

pub(super) fn leaks(case: &Case<'_>) -> Outcome {
    let (most, enough) = if case.quick { (OPENS.1, ENOUGH.1) } else { (OPENS.0, ENOUGH.0) };
    let documents = corpus::plain();
    let round = || {
        let stage = case.open()?;
        let rows = rows(&documents[..2], &stage);
        let mut workers = [Worker::new(&stage)?, Worker::new(&stage)?];
        workers.iter_mut().try_for_each(|worker| worker.batches(&rows, 2).map(drop))
    };
    let Some(_) = private_memory(std::process::id()) else {
        return Ok(Pass::NotApplicable(
            "this system does not say how much memory a process has in use".to_owned(),
        ));
    };
    // What is made once, tables and buffers, is made in the first half.
    let (begin, mut half) = (Instant::now(), 0);
    while half < most / 2 && (half < FEWEST / 2 || begin.elapsed() < enough / 2) {
        round()?;
        half += 1;
    }
    let before = Held::now();
    (0..half).try_for_each(|_| round())?;
    let after = Held::now();
    let grown = after.memory.saturating_sub(before.memory);
    if grown > SLACK.max(GROWTH * half) {
        let each = grown / half;
        let message = format!("memory grows by {each} bytes each time that the stage is opened and closed");
        return Err(Finding::new(message));
    }
    if after.files > before.files || after.threads > before.threads {
        let files = after.files.saturating_sub(before.files);
        let threads = after.threads.saturating_sub(before.threads);
        let message = format!("{files} open files and {threads} threads are left over from {half} times");
        return Err(Finding::new(message));
    }
    Ok(Pass::Holds(Some(format!(
        "{} times; over the second half memory grew by {} KiB",
        half * 2,
        grown / 1024
    ))))
}

/// What a process has of the system's.
struct Held {
    memory: u64,
    files: usize,
    threads: usize,
}

impl Held {
    fn now() -> Self {
        let count = |folder: &str| std::fs::read_dir(folder).map_or(0, Iterator::count);
        Self {
            memory: private_memory(std::process::id()).unwrap_or_default(),
            files: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
        }
    }
}

/// How long after the start of a batch it is cancelled.
const DELAYS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(1), Duration::from_millis(20)];

pub(super) fn cancellation(case: &Case<'_>) -> Outcome {
    let stage = case.open()?;
    let rows = case.short_rows(&stage);
    let all: Vec<_> = rows.iter().collect();
    let mut stopped = 0;
    for delay in DELAYS {
        let mut worker = Worker::new(&stage)?;
        case.notes.doing(&format!("all short documents, cancelled after {delay:?}"), "");
        stopped += usize::from(cancel(&mut worker, &all, delay)?);
        // The same worker goes on.
        worker.cancel = textmill_engine::Cancel::default();
        let after = worker.batches(&rows, 16)?;
        if is_pure(&stage) {
            let fresh = Worker::new(&stage)?.batches(&rows, 16)?;
            same(&rows, &fresh, &after, "after a batch that was cancelled the worker answers otherwise")?;
        }
    }
    Ok(Pass::Holds(Some(format!("it stopped {stopped} of {} times, else it ended its batch", DELAYS.len()))))
}

/// Whether the stage stopped, or ended its batch.
fn cancel(worker: &mut Worker<'_>, rows: &[&Row<'_>], delay: Duration) -> Result<bool, Finding> {
    let cancel = worker.cancel.clone();
    if delay.is_zero() {
        cancel.cancel();
    }
    let result = thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(delay);
            cancel.cancel();
        });
        worker.batch(rows)
    });
    match result {
        Ok(_) => Ok(false),
        Err(StageError::Cancelled) => Ok(true),
        Err(error) => Err(Finding::new(format!("told to stop, {}", gave_up(&error)))),
    }
}

pub(super) fn panics(case: &Case<'_>) -> Outcome {
    let stage = case.open()?;
    let rows = case.rows(&stage);
    let mut worker = Worker::new(&stage)?;
    let mut failed = 0;
    let mut healthy: Option<(&Row<'_>, Answer)> = None;
    for row in &rows {
        case.notes.doing(row.name, row.text);
        let answer = worker.one(row.text, &row.fields).map_err(|error| row.finding(gave_up(&error)))?;
        match &answer.verdict {
            Verdict::Fail(message) if message.is_empty() => {
                return Err(row.finding("the document fails without a message"));
            }
            Verdict::Fail(_) => {
                failed += 1;
                if let Some((neighbour, expected)) = &healthy {
                    costs_no_other(&stage, &mut worker, row, neighbour, expected)?;
                }
            }
            _ => healthy = Some((row, answer)),
        }
    }
    Ok(Pass::Holds(Some(match failed {
        0 => "no document of the corpus makes it fail".to_owned(),
        _ => format!("{failed} documents fail, and no other with them"),
    })))
}

/// The neighbour of a document that fails does not fail with it.
fn costs_no_other(
    stage: &OpenedStage,
    worker: &mut Worker<'_>,
    guilty: &Row<'_>,
    neighbour: &Row<'_>,
    expected: &Answer,
) -> Result<(), Finding> {
    let answers = worker.batch(&[guilty, neighbour]).map_err(|error| guilty.finding(gave_up(&error)))?;
    let with = |what: &str| guilty.finding(format!("after this document `{}` {what}", neighbour.name));
    match answers.last() {
        Some(Answer { verdict: Verdict::Fail(message), .. }) => Err(with(&format!("fails too: {message}"))),
        Some(answer) if is_pure(stage) && digest(answer) != digest(expected) => {
            Err(with("gets another answer"))
        }
        _ => Ok(()),
    }
}

/// How long is measured, and with `--quick`.
const MEASURED: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(50));

pub(super) fn throughput(case: &Case<'_>) -> Outcome {
    let stage = case.open()?;
    let documents = corpus::plain();
    let rows: Vec<_> = rows(&documents, &stage).into_iter().cycle().take(256).collect();
    let batch: Vec<_> = rows.iter().collect();
    let bytes: usize = rows.iter().map(|row| row.text.len()).sum();
    let mut worker = Worker::new(&stage)?;
    let measured = if case.quick { MEASURED.1 } else { MEASURED.0 };
    let (begin, mut done) = (Instant::now(), 0_u64);
    while done == 0 || begin.elapsed() < measured {
        // A stage that fails is slow or fast, but this is not where it is judged.
        let _answers = worker.batch(&batch);
        done += bytes as u64;
    }
    #[expect(clippy::cast_precision_loss, reason = "far fewer bytes than a float holds")]
    let rate = done as f64 / begin.elapsed().as_secs_f64() / 1e6;
    Ok(Pass::Holds(Some(format!("{rate:.1} MB/s in batches of 256 news articles, one worker"))))
}
