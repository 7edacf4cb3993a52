//! A log line as CloudWatch takes it: one JSON object.

use std::fmt;
use std::time::SystemTime;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::output::Output;
use super::request::RequestIds;
use super::timestamp;

/// Writes each event as a line.
pub(super) struct JsonLines<F> {
    now: fn() -> SystemTime,
    write: F,
}

impl JsonLines<fn(&str)> {
    pub(super) fn to_stdout(now: fn() -> SystemTime) -> Self {
        Self::new(now, |line| Output.line(line))
    }
}

impl<F: Fn(&str)> JsonLines<F> {
    pub(super) fn new(now: fn() -> SystemTime, write: F) -> Self {
        Self { now, write }
    }
}

impl<S: Subscriber, F: Fn(&str) + 'static> Layer<S> for JsonLines<F> {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let target = event.metadata().target();
        let is_ours = target.starts_with(env!("CARGO_CRATE_NAME"));
        let mut fields = Fields::default();
        event.record(&mut fields);
        let line = Line {
            timestamp: timestamp((self.now)()),
            level: event.metadata().level().as_str(),
            // What a library says beside its message may be anything.
            target: (!is_ours).then_some(target),
            fields: if is_ours { fields.others } else { Vec::new() },
            message: fields.message,
            request: RequestIds::current(),
        };
        // Strings, numbers and truth values always serialize.
        (self.write)(&serde_json::to_string(&line).unwrap_or_default());
    }
}

struct Line {
    timestamp: String,
    level: &'static str,
    message: String,
    request: Option<RequestIds>,
    target: Option<&'static str>,
    fields: Vec<(&'static str, Value)>,
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("timestamp", &self.timestamp)?;
        line.serialize_entry("level", self.level)?;
        line.serialize_entry("message", &self.message)?;
        if let Some(request) = &self.request {
            line.serialize_entry("requestId", &request.request_id)?;
            if let Some(trace_id) = &request.trace_id {
                line.serialize_entry("traceId", trace_id)?;
            }
        }
        if let Some(target) = self.target {
            line.serialize_entry("target", target)?;
        }
        for (name, value) in &self.fields {
            line.serialize_entry(name, value)?;
        }
        line.end()
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn push(&mut self, field: &Field, value: impl Into<Value>) {
        self.others.push((field.name(), value.into()));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            _ => self.push(field, text),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            _ => self.push(field, value),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// What is written while a function runs.
    fn written(function: impl FnOnce()) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&lines);
        let layer = JsonLines::new(
            || SystemTime::UNIX_EPOCH,
            move |line: &str| written.lock().unwrap().push(line.to_owned()),
        );
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, function);
        std::mem::take(&mut lines.lock().unwrap())
    }

    #[test]
    fn a_line_has_its_request_and_its_fields() {
        let request = RequestIds {
            request_id: "a\n\"b".to_owned(),
            trace_id: Some("1-2-3".to_owned()),
        };
        let lines = written(|| {
            request.sync_scope(|| {
                tracing::warn!(
                    agentId = "x\u{1b}",
                    durationMs = 3_u64,
                    ok = true,
                    n = -1,
                    "done"
                );
            });
            tracing::info!("apart");
        });
        assert_eq!(
            lines,
            [
                concat!(
                    r#"{"timestamp":"1970-01-01T00:00:00Z","level":"WARN","message":"done","#,
                    r#""requestId":"a\n\"b","traceId":"1-2-3","#,
                    r#""agentId":"x\u001b","durationMs":3,"ok":true,"n":-1}"#
                ),
                r#"{"timestamp":"1970-01-01T00:00:00Z","level":"INFO","message":"apart"}"#,
            ]
        );
    }

    #[test]
    fn of_a_librarys_event_the_message_is_kept_alone() {
        let lines = written(|| tracing::warn!(target: "hyper::client", secret = "MARKER", "oh"));
        let expected = concat!(
            r#"{"timestamp":"1970-01-01T00:00:00Z","level":"WARN","message":"oh","#,
            r#""target":"hyper::client"}"#
        );
        assert_eq!(lines, [expected]);
    }
}
