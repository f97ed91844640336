//! `--trace`, and OpenTelemetry where it is built in: where the time of a run went, batch by batch, for whatever shows traces of Chrome.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use textmill::{Counts, Engine, Progress, Span};

use crate::exit::Advised;
use crate::progress::Bar;

/// What a trace begins with, by which it is known.
const HEAD: &str = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";

/// Shows how a run gets on, and notes where its time goes.
#[derive(Debug)]
pub(crate) struct Tracer<'b> {
    bar: &'b Bar,
    stages: Vec<String>,
    spans: Mutex<Vec<Span>>,
    /// The file for Chrome.
    path: Option<PathBuf>,
    #[cfg(feature = "opentelemetry")]
    run: (String, std::time::SystemTime),
}

/// Whether somebody beside `--trace` wants to know.
fn is_collected() -> bool {
    #[cfg(feature = "opentelemetry")]
    return crate::otlp::endpoint().is_some();
    #[cfg(not(feature = "opentelemetry"))]
    false
}

impl<'b> Tracer<'b> {
    /// `None` if nobody wants to know where the time goes.
    pub(crate) fn new(bar: &'b Bar, engine: &Engine, path: Option<&Path>) -> Option<Self> {
        if path.is_none() && !is_collected() {
            return None;
        }
        let stages = engine.stages().iter().map(|stage| stage.id.to_string()).collect();
        Some(Self {
            bar,
            stages,
            spans: Mutex::default(),
            path: path.map(ToOwned::to_owned),
            #[cfg(feature = "opentelemetry")]
            run: (engine.pipeline().name.clone(), std::time::SystemTime::now()),
        })
    }

    /// Writes the file, and tells the collector.
    pub(crate) fn finish(self) -> Result<Option<PathBuf>, Advised> {
        let mut spans = self.spans.into_inner().unwrap_or_else(PoisonError::into_inner);
        spans.sort_by_key(|span| (span.begin, span.worker));
        #[cfg(feature = "opentelemetry")]
        if let Some(endpoint) = crate::otlp::endpoint() {
            crate::otlp::export(&endpoint, &self.run.0, &self.stages, self.run.1, &spans);
        }
        let Some(path) = self.path else { return Ok(None) };
        let events: Vec<Value> = spans.iter().map(|span| event(span, &self.stages)).collect();
        let events: Vec<_> = events.iter().map(Value::to_string).collect();
        let text = format!("{HEAD}{}]}}\n", events.join(","));
        let written = textmill::io::replace_file(&path, text.as_bytes());
        written.map_err(|error| Advised {
            message: format!("cannot write the trace: {error}"),
            hint: Some("the outputs are there, and whole".to_owned()),
        })?;
        Ok(Some(path))
    }
}

/// Refuses a file that is no trace, unless it may be overwritten, and one that cannot be written: before the time has passed
/// that is to be traced.
pub(crate) fn check_free(path: &Path, overwrite: bool) -> Result<(), Advised> {
    let refused = |message: String, hint: &str| Err(Advised { message, hint: Some(hint.to_owned()) });
    if path.is_dir() {
        return refused(format!("`{}` is a folder, and a trace is a file", path.display()), "name a file");
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD.len() as u64).read_to_end(&mut head));
    if path.exists() && !overwrite && (read.is_err() || head != HEAD.as_bytes()) {
        return refused(
            format!("`{}` was not written by textmill as a trace", path.display()),
            "name another place for the trace, or replace it with `--overwrite`",
        );
    }
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    // It is written beside its place first.
    match tempfile::NamedTempFile::new_in(folder) {
        Ok(_) => Ok(()),
        Err(error) => refused(
            format!("cannot write the trace into `{}`: {error}", folder.display()),
            "name a file in a folder that is there and can be written",
        ),
    }
}

/// A complete event, with times in microseconds.
fn event(span: &Span, stages: &[String]) -> Value {
    let stage = span.stage.and_then(|stage| stages.get(stage));
    let micros = |time: std::time::Duration| time.as_secs_f64() * 1e6;
    json!({
        "name": stage.map_or("batch", String::as_str),
        "cat": if stage.is_some() { "stage" } else { "batch" },
        "ph": "X",
        "ts": micros(span.begin),
        "dur": micros(span.time),
        "pid": 1,
        "tid": span.worker + 1,
        "args": { "batch": span.batch, "documents": span.documents },
    })
}

impl Progress for Tracer<'_> {
    fn begin(&self, total_bytes: Option<u64>) {
        self.bar.begin(total_bytes);
    }

    fn advance(&self, documents: u64, bytes_read: u64) {
        self.bar.advance(documents, bytes_read);
    }

    fn wants_spans(&self) -> bool {
        true
    }

    fn counted(&self, worker: usize, counts: &Counts) {
        self.bar.counted(worker, counts);
    }

    fn span(&self, span: Span) {
        self.bar.span(span.clone());
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).push(span);
    }
}
