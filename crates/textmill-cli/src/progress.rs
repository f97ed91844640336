//! How a run gets on: a bar on a terminal, a line every few seconds elsewhere, nothing with `-q`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use textmill::{Counts, Engine, Rule, RuleKind, Span, Stage};
use textmill_report::{bytes, count, duration};

use crate::args::{Global, LogFormat};
use crate::terminal;

/// How long there is silence between two lines where stderr is no terminal.
const SILENCE: Duration = Duration::from_secs(5);

/// Shows how a run gets on. Clones show the same one.
#[derive(Clone, Debug)]
pub(crate) struct Bar(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    quiet: bool,
    /// Hidden until a run begins, so that what is said before stands alone.
    bar: ProgressBar,
    draws: bool,
    lines: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    begun: Instant,
    last_line: Instant,
    documents: u64,
    total_bytes: Option<u64>,
    live: Live,
}

/// What the stages are about, for the line below the bar.
#[derive(Debug, Default)]
struct Live {
    /// Their ids, and the names of their rules.
    stages: Vec<(String, Vec<String>)>,
    /// The time in each of them.
    times: Vec<Duration>,
    /// How many documents each rule has dropped, and how many have failed: by thread.
    dropped: BTreeMap<usize, Vec<(String, u64)>>,
}

impl Bar {
    pub(crate) fn new(args: &Global) -> Self {
        let text = args.log_format == LogFormat::Text && !args.quiet;
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let now = Instant::now();
        let state =
            State { begun: now, last_line: now, documents: 0, total_bytes: None, live: Live::default() };
        let (draws, lines) = (text && terminal::is_interactive(), text && !terminal::is_interactive());
        Self(Arc::new(Inner { quiet: args.quiet, bar, draws, lines, state: Mutex::new(state) }))
    }

    /// Does something with the terminal while the bar is away.
    pub(crate) fn suspend<T>(&self, body: impl FnOnce() -> T) -> T {
        self.0.bar.suspend(body)
    }

    /// The stages that the run to come passes documents through.
    pub(crate) fn watch(&self, engine: &Engine) {
        let rules = |stage: &Stage| {
            let rules = stage.plan().rules.iter();
            let name = |rule: &Rule| {
                if rule.kind == RuleKind::Drops { rule.name.to_string() } else { String::new() }
            };
            rules.map(name).collect()
        };
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.live.stages =
            engine.stages().iter().map(|stage| (stage.id.to_string(), rules(stage))).collect();
        state.live.times = vec![Duration::ZERO; state.live.stages.len()];
    }

    /// Whether only errors are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.0.quiet
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.0.bar.finish_and_clear();
    }
}

impl textmill::Progress for Bar {
    fn begin(&self, total_bytes: Option<u64>) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.begun, state.last_line, state.total_bytes) = (Instant::now(), Instant::now(), total_bytes);
        let (template, length) = match total_bytes {
            Some(length) => ("{bar:24} {percent:>3}%  {msg}  {eta} left\n{prefix}", Some(length)),
            None => ("{spinner} {msg}\n{prefix}", None),
        };
        if self.0.draws {
            self.0.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        // The style first: a bar draws itself when it is told its length.
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.bar.set_style(style.progress_chars("=> "));
        }
        if let Some(length) = length {
            self.0.bar.set_length(length);
        }
    }

    fn advance(&self, documents: u64, bytes_read: u64) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.documents += documents;
        let time = state.begun.elapsed();
        if self.0.lines && state.last_line.elapsed() >= SILENCE {
            state.last_line = Instant::now();
            let share = share(bytes_read, state.total_bytes);
            let summary = summary(state.documents, bytes_read, time);
            terminal::say(&format!("{share}{summary}, {}", duration(time)));
        }
        if !self.0.bar.is_hidden() {
            self.0.bar.set_message(summary(state.documents, bytes_read, time));
            self.0.bar.set_position(bytes_read);
            self.0.bar.set_prefix(state.live.line());
        }
    }

    /// Only where somebody sees it: telling the time of each stage takes time.
    fn wants_spans(&self) -> bool {
        self.0.draws
    }

    fn span(&self, span: Span) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(time) = span.stage.and_then(|stage| state.live.times.get_mut(stage)) {
            *time += span.time;
        }
    }

    fn counted(&self, worker: usize, counts: &Counts) {
        if self.0.draws {
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            let dropped = state.live.reasons(counts);
            state.live.dropped.insert(worker, dropped);
        }
    }
}

impl Live {
    /// Why documents are not kept, and how many.
    fn reasons(&self, counts: &Counts) -> Vec<(String, u64)> {
        let mut reasons = Vec::new();
        for ((id, rules), counts) in self.stages.iter().zip(&counts.stages) {
            let dropped = rules.iter().zip(&counts.rules).filter(|(rule, _)| !rule.is_empty());
            reasons.extend(dropped.map(|(rule, counts)| (format!("by {id}: {rule}"), counts.documents)));
            reasons.push((format!("failed in {id}"), counts.failed));
        }
        reasons
    }

    /// Where the time goes, and what is lost: `summarize 62 % of the time; 12 by length: short`.
    fn line(&self) -> String {
        const NAMED: usize = 3;
        let all: Duration = self.times.iter().sum();
        let slowest = self.times.iter().zip(&self.stages).max_by_key(|(time, _)| **time);
        let share = |time: &Duration| 100.0 * time.as_secs_f64() / all.as_secs_f64().max(f64::MIN_POSITIVE);
        let slowest = slowest.filter(|(time, _)| !time.is_zero());
        let slowest = slowest.map(|(time, (id, _))| format!("{id} {:.0} % of the time", share(time)));
        let mut lost: BTreeMap<&str, u64> = BTreeMap::new();
        for (reason, number) in self.dropped.values().flatten().filter(|(_, number)| *number > 0) {
            *lost.entry(reason).or_default() += number;
        }
        let mut lost: Vec<_> = lost.into_iter().collect();
        lost.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
        let lost = lost.iter().take(NAMED).map(|(reason, number)| format!("{} {reason}", count(*number)));
        slowest.into_iter().chain(lost).collect::<Vec<_>>().join("; ")
    }
}

fn summary(documents: u64, bytes_read: u64, time: Duration) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "for people"
    )]
    let rate = (bytes_read as f64 / time.as_secs_f64().max(0.001)) as u64;
    format!("{} documents, {}, {}/s", count(documents), bytes(bytes_read), bytes(rate))
}

/// `42 %: `, where the end is known.
fn share(bytes_read: u64, total: Option<u64>) -> String {
    match total {
        Some(total) if total > 0 => format!("{} %: ", bytes_read.min(total) * 100 / total),
        _ => String::new(),
    }
}
