//! `--trace`, and OpenTelemetry where it is built in: where the time of a run went, batch by batch, for whatever shows traces of Chrome.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use textmill::{Counts, Engine, Progress, Span};

use crate::exit::Advised;
use crate::progress::Bar;

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
        let text = json!({ "displayTimeUnit": "ms", "traceEvents": events }).to_string() + "\n";
        let written = textmill::io::replace_file(&path, text.as_bytes());
        written.map_err(|error| Advised {
            message: format!("cannot write the trace: {error}"),
            hint: Some("the outputs are there, and whole".to_owned()),
        })?;
        Ok(Some(path))
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
