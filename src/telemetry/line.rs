//! Log lines as JSON objects, for CloudWatch.

use std::fmt;
use std::time::SystemTime;

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::output::Output;
use super::request::RequestIds;
use super::timestamp;

/// A `tracing` layer that writes each event as one line.
pub(crate) struct JsonLines<F> {
    now: fn() -> SystemTime,
    write: F,
}

impl JsonLines<fn(Vec<u8>)> {
    pub(super) fn to_stdout(now: fn() -> SystemTime) -> Self {
        Self::new(now, |line| Output.line(line))
    }
}

impl<F: Fn(Vec<u8>)> JsonLines<F> {
    pub(crate) fn new(now: fn() -> SystemTime, write: F) -> Self {
        Self { now, write }
    }
}

impl<S: Subscriber, F: Fn(Vec<u8>) + 'static> Layer<S> for JsonLines<F> {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let target = event.metadata().target();
        let is_ours = target.starts_with(env!("CARGO_CRATE_NAME"));
        let mut fields = Fields::new();
        event.record(&mut fields);
        let mut line = Line::begin(&timestamp((self.now)()), event.metadata().level().as_str());
        line.field("message", &fields.message);
        if let Some(request) = RequestIds::current() {
            line.request(&request);
        }
        if is_ours {
            line.0.extend_from_slice(&fields.others);
        } else {
            // Other fields of a library's event may hold anything, such as secrets.
            line.field("target", target);
        }
        (self.write)(line.end());
    }
}

/// As long as most lines are, so that their memory does not have to grow.
const LINE_BYTES: usize = 512;

/// A line that is being written.
pub(super) struct Line(Vec<u8>);

impl Line {
    pub(super) fn begin(timestamp: &str, level: &str) -> Self {
        let mut line = Vec::with_capacity(LINE_BYTES);
        line.extend_from_slice(b"{\"timestamp\":");
        push_json(&mut line, timestamp);
        let mut line = Self(line);
        line.field("level", level);
        line
    }

    /// Adds the ids of the request that the line is about.
    pub(super) fn request(&mut self, request: &RequestIds) {
        self.field("requestId", request.request_id());
        if let Some(trace_id) = request.trace_id() {
            self.field("traceId", trace_id);
        }
    }

    /// Makes room for more than most lines have.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.0.reserve(bytes);
    }

    pub(super) fn field(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        push_field(&mut self.0, name, value);
    }

    pub(super) fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"}\n");
        self.0
    }
}

fn push_field(line: &mut Vec<u8>, name: &str, value: &(impl Serialize + ?Sized)) {
    // Field names are our own and need no escaping.
    line.extend_from_slice(b",\"");
    line.extend_from_slice(name.as_bytes());
    line.extend_from_slice(b"\":");
    push_json(line, value);
}

fn push_json(line: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Strings, numbers, booleans and structs of them always serialize.
    let _ = serde_json::to_writer(line, value);
}

struct Fields {
    message: String,
    /// Serialized fields, each with a leading comma.
    others: Vec<u8>,
}

impl Fields {
    fn new() -> Self {
        Self {
            message: String::new(),
            others: Vec::with_capacity(LINE_BYTES / 2),
        }
    }

    fn push(&mut self, field: &Field, value: &(impl Serialize + ?Sized)) {
        push_field(&mut self.others, field.name(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            _ => self.push(field, &text),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            _ => self.push(field, value),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, &value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// The lines that are written while `function` runs.
    fn written(function: impl FnOnce()) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&lines);
        let layer = JsonLines::new(
            || SystemTime::UNIX_EPOCH,
            move |line| {
                let line = String::from_utf8(line).unwrap();
                written.lock().unwrap().push(line.trim_end().to_owned());
            },
        );
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, function);
        std::mem::take(&mut lines.lock().unwrap())
    }

    #[test]
    fn a_line_has_its_request_ids_and_fields() {
        let request = RequestIds::new("a\n\"b", Some("1-2-3"));
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
    fn only_the_message_of_a_librarys_event_is_logged() {
        let lines = written(|| tracing::warn!(target: "hyper::client", secret = "MARKER", "oh"));
        let expected = concat!(
            r#"{"timestamp":"1970-01-01T00:00:00Z","level":"WARN","message":"oh","#,
            r#""target":"hyper::client"}"#
        );
        assert_eq!(lines, [expected]);
    }
}
