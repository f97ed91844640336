//! How a run gets on: a bar on a terminal, a line every few seconds elsewhere, nothing with `-q`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
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
}

impl Bar {
    pub(crate) fn new(args: &Global) -> Self {
        let text = args.log_format == LogFormat::Text && !args.quiet;
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let now = Instant::now();
        let state = State { begun: now, last_line: now, documents: 0, total_bytes: None };
        let (draws, lines) = (text && terminal::is_interactive(), text && !terminal::is_interactive());
        Self(Arc::new(Inner { quiet: args.quiet, bar, draws, lines, state: Mutex::new(state) }))
    }

    /// Does something with the terminal while the bar is away.
    pub(crate) fn suspend<T>(&self, body: impl FnOnce() -> T) -> T {
        self.0.bar.suspend(body)
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
            Some(length) => ("{bar:24} {percent:>3}%  {msg}  {eta} left", Some(length)),
            None => ("{spinner} {msg}", None),
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
        }
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
