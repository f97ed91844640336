//! Forwards `tracing` events of a plugin to its host.
//!
//! A library loaded at run time has its own copy of `tracing`'s dispatcher, which nobody listens to; this subscriber
//! listens and passes events on. Built-in stages share the host's dispatcher and need none.

use std::fmt::{Debug, Write as _};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::glue::HostRef;

/// Sends the events of this library to `host`, from its first call on.
pub(crate) fn forward_to(host: HostRef) {
    // A second call finds the first one's subscriber, for the same host.
    let _ = tracing::subscriber::set_global_default(Forward(host));
}

/// Sends the events of built-in stages to `host` too: for a program that does nothing but run a stage for another one.
#[doc(hidden)]
pub fn forward_events(host: &'static textmill_abi::Host) {
    forward_to(HostRef(*host));
}

struct Forward(HostRef);

impl Subscriber for Forward {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.log_enabled(number(*metadata.level()), metadata.target())
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let json = (!fields.others.is_empty()).then(|| Value::Object(fields.others).to_string());
        let metadata = event.metadata();
        self.0.log(number(*metadata.level()), metadata.target(), &fields.message, json.as_deref());
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The level's number in the contract.
fn number(level: Level) -> u32 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        _ => 5,
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.others.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            self.put(field, format!("{value:?}").into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}
