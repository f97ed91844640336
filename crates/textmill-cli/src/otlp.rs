//! The spans of a run for OpenTelemetry, where `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector: OTLP 1.x over HTTP, as JSON.
//!
//! Written with what is there: one request of a format that is a page long, against the crates of OpenTelemetry, which bring
//! an HTTP client, protocol buffers and a runtime for it. So it speaks to a collector nearby, by plain `http://`. What a
//! collector makes of it is no concern of the run: a failure is a warning.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use textmill::Span;

/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many spans are sent at once: collectors refuse bodies of many megabytes.
const AT_ONCE: usize = 5000;

/// The collector, if there is one to tell: the base address of the specification, to which `/v1/traces` is added.
pub(crate) fn endpoint() -> Option<String> {
    std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").ok().filter(|endpoint| !endpoint.is_empty())
}

/// Sends the spans of a run that began then.
pub(crate) fn export(endpoint: &str, pipeline: &str, stages: &[String], began: SystemTime, spans: &[Span]) {
    let all = all_spans(pipeline, stages, began, spans);
    let sent = all.chunks(AT_ONCE).try_for_each(|spans| post(endpoint, &body(spans).to_string()));
    if let Err(error) = sent {
        tracing::warn!("the spans of the run were not sent to `{endpoint}`: {error:#}");
    }
}

/// The run, below it the batches, below each its stages.
fn all_spans(pipeline: &str, stages: &[String], began: SystemTime, spans: &[Span]) -> Vec<Value> {
    let began = began.duration_since(UNIX_EPOCH).unwrap_or_default();
    let hash = textmill::io::sha256(format!("{began:?} {} {pipeline}", std::process::id()).as_bytes());
    let trace = hash.get(..32).unwrap_or_default();
    let id = |number: usize| format!("{:016x}", number + 1);
    let batches: BTreeMap<u64, usize> = spans
        .iter()
        .enumerate()
        .filter(|(_, span)| span.stage.is_none())
        .map(|(number, span)| (span.batch, number + 1))
        .collect();
    let nanos = |time: Duration| (began + time).as_nanos().to_string();
    let make =
        |number: usize, parent: Option<usize>, name: &str, time: [Duration; 2], documents: Option<usize>| {
            let mut attributes =
                vec![json!({ "key": "textmill.pipeline", "value": { "stringValue": pipeline } })];
            if let Some(documents) = documents {
                let value = json!({ "intValue": documents.to_string() });
                attributes.push(json!({ "key": "textmill.documents", "value": value }));
            }
            json!({
                "traceId": trace,
                "spanId": id(number),
                "parentSpanId": parent.map_or_else(String::new, id),
                "name": name,
                "kind": 1,
                "startTimeUnixNano": nanos(time[0]),
                "endTimeUnixNano": nanos(time[1]),
                "attributes": attributes,
            })
        };
    let end = spans.iter().map(|span| span.begin + span.time).max().unwrap_or_default();
    let root = make(0, None, "run", [Duration::ZERO, end], None);
    let others = spans.iter().enumerate().map(|(number, span)| {
        let stage = span.stage.and_then(|stage| stages.get(stage));
        let parent = if stage.is_some() { batches.get(&span.batch).copied() } else { None };
        let name = stage.map_or("batch", String::as_str);
        let time = [span.begin, span.begin + span.time];
        make(number + 1, Some(parent.unwrap_or(0)), name, time, Some(span.documents))
    });
    std::iter::once(root).chain(others).collect()
}

fn body(spans: &[Value]) -> Value {
    let attribute = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let version = env!("CARGO_PKG_VERSION");
    let resource = [attribute("service.name", "textmill"), attribute("service.version", version)];
    let scope = json!({ "scope": { "name": "textmill", "version": version }, "spans": spans });
    json!({ "resourceSpans": [{ "resource": { "attributes": resource }, "scopeSpans": [scope] }] })
}

fn post(endpoint: &str, body: &str) -> anyhow::Result<()> {
    let Some(address) = endpoint.strip_prefix("http://") else {
        bail!("it is not `http://`, which is all that this export speaks");
    };
    let (host, base) =
        address.split_once('/').map_or((address, ""), |(host, base)| (host, base.trim_matches('/')));
    let path = if base.is_empty() { "/v1/traces".to_owned() } else { format!("/{base}/v1/traces") };
    let with_port = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let place = with_port.to_socket_addrs()?.next().context("its name leads nowhere")?;
    let mut stream = TcpStream::connect_timeout(&place, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).context("it did not answer")?;
    let answer = String::from_utf8_lossy(&answer);
    // `HTTP/1.1 200`
    if answer.get(9..10) == Some("2") { Ok(()) } else { bail!("it answered `{answer}`") }
}
