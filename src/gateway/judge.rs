//! Checks against `lambda_http`, the library of AWS: events that it accepts give the same request
//! here, responses are rendered the same, and events that it refuses or panics on are handled all
//! the same.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use http::{HeaderMap, Method};
use lambda_http::RequestExt;
use lambda_http::request::{LambdaRequest, RequestContext};
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::{Event, Gateway};

mod answers;
mod generated;

const CAPTURED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events");

fn captured(name: &str) -> String {
    std::fs::read_to_string(format!("{CAPTURED}/{name}.json")).unwrap()
}

/// All captured events, by name.
fn all_captured() -> Vec<(String, Value)> {
    let names = std::fs::read_dir(CAPTURED).unwrap().filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        Some(name.strip_suffix(".json")?.to_owned())
    });
    let events: Vec<_> = names
        .map(|name| {
            (
                name.clone(),
                serde_json::from_str(&captured(&name)).unwrap(),
            )
        })
        .collect();
    assert!(events.len() >= 17);
    events
}

/// The parts of a request that the program uses.
#[derive(Debug, PartialEq)]
struct Parsed {
    gateway: Gateway,
    method: Method,
    /// Percent-decoded, since the library does not encode what a URI may not contain.
    path: Vec<u8>,
    /// Percent-decoded and sorted, since the library does not keep the order.
    query: Vec<Vec<u8>>,
    headers: HeaderMap,
    body: Vec<u8>,
    stage: Option<String>,
}

fn decoded(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

fn parameters(query: Option<&str>) -> Vec<Vec<u8>> {
    let parameters = query.unwrap_or_default().split('&').map(decoded);
    let mut parameters: Vec<_> = parameters.collect();
    parameters.sort();
    parameters
}

/// `None` if the library refuses the event, or panics on it.
fn read_by_the_library(event: &str) -> Option<Parsed> {
    let event: LambdaRequest = serde_json::from_str(event).ok()?;
    let request = catch_unwind(AssertUnwindSafe(|| lambda_http::Request::from(event))).ok()?;
    let (parts, body) = request.into_parts();
    let (gateway, stage) = match parts.extensions.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => (Gateway::Rest, context.stage.clone()),
        Some(RequestContext::ApiGatewayV2(context)) => (Gateway::Http, context.stage.clone()),
        Some(RequestContext::Alb(_)) => (Gateway::LoadBalancer, None),
        _ => panic!("the library's features are these three"),
    };
    // The library prepends the stage to the URI's path; the raw path is without it.
    let path = decoded(parts.extensions.raw_http_path());
    let root: &[u8] = if path.starts_with(b"/") { b"" } else { b"/" };
    Some(Parsed {
        gateway,
        path: [root, &path].concat(),
        query: parameters(parts.uri.query()),
        method: parts.method,
        headers: parts.headers,
        body: body.to_vec(),
        stage: stage.filter(|stage| stage != "$default"),
    })
}

fn read(event: &str) -> Option<Parsed> {
    let event = Event::read(event.as_bytes())?;
    let (parts, body) = event.request.into_parts();
    assert!(parts.uri.path().starts_with('/') && parts.uri.path().is_ascii());
    Some(Parsed {
        gateway: event.gateway,
        path: decoded(parts.uri.path()),
        query: parameters(parts.uri.query()),
        method: parts.method,
        headers: parts.headers,
        body: body.to_vec(),
        stage: event.stage,
    })
}

#[test]
fn captured_events_are_read_as_by_lambda_http() {
    for (name, _) in all_captured() {
        let event = captured(&name);
        let expected = read_by_the_library(&event);
        assert!(expected.is_some(), "{name}");
        assert_eq!(read(&event), expected, "{name}");
    }
}

/// Unexpected values for any field. `HUGE` stands for a number that no type can hold.
fn unexpected_values() -> Vec<Value> {
    vec![
        json!(null),
        json!(""),
        json!("é\n"),
        json!("a,b; c"),
        json!(7),
        json!("HUGE"),
        json!(true),
        json!([]),
        json!(["a", "b"]),
        json!(["", []]),
        json!({}),
        json!({ "a": "b", "é": "c", "A": "d" }),
        json!({ "a": ["b", "c"], "A": ["d"] }),
        json!({ "a": [], "b": "" }),
    ]
}

/// The JSON pointers of all fields of an object, including nested ones.
fn fields(value: &Value, prefix: &str) -> Vec<String> {
    let fields = value.as_object().into_iter().flatten();
    let of_field = |(name, value): (&String, &Value)| {
        let path = format!("{prefix}/{name}");
        let within = self::fields(value, &path);
        [vec![path], within].concat()
    };
    fields.flat_map(of_field).collect()
}

/// The event with a field's value replaced or, without a value, removed.
fn changed(event: &Value, field: &str, value: Option<Value>) -> String {
    let mut event = event.clone();
    let (parent, name) = field.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).and_then(Value::as_object_mut);
    let parent = parent.expect("fields are in objects");
    match value {
        Some(value) => parent.insert(name.to_owned(), value),
        None => parent.remove(name),
    };
    event.to_string().replace("\"HUGE\"", "1e400")
}

#[test]
fn unexpected_values_of_any_field_are_read_as_by_lambda_http() {
    let (mut accepted, mut refused_by_the_library_alone) = (0, 0);
    for (name, event) in all_captured() {
        for field in fields(&event, "") {
            for value in unexpected_values().into_iter().map(Some).chain([None]) {
                if field == "/requestContext/http" && value.as_ref().is_some_and(Value::is_array) {
                    // The library accepts a list in place of its struct. No gateway writes that.
                    continue;
                }
                let changed = changed(&event, &field, value);
                let read = read(&changed);
                match read_by_the_library(&changed) {
                    Some(expected) => {
                        accepted += 1;
                        assert_eq!(read, Some(expected), "{name}: {changed}");
                    }
                    None => refused_by_the_library_alone += u32::from(read.is_some()),
                }
            }
        }
    }
    let counts = (accepted, refused_by_the_library_alone);
    assert!(accepted > 3_000, "{counts:?}");
    assert!(refused_by_the_library_alone > 5_000, "{counts:?}");
}

/// Whether the event has a valid method, the only field that every request needs.
fn has_method(event: &Value) -> bool {
    let of = |pointer| event.pointer(pointer).and_then(Value::as_str);
    let method = of("/requestContext/http/method").or(of("/httpMethod"));
    method.is_some_and(|method| method.is_empty() || method.parse::<Method>().is_ok())
}

#[test]
fn generated_events_are_read_as_by_lambda_http() {
    let accepted = Cell::new(0);
    let strategy = (generated::event(), any::<prop::sample::Index>());
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(1_000)
    };
    let run = TestRunner::new(config).run(&strategy, |(event, index)| {
        let fields = fields(&event, "");
        let field: &String = index.get(&fields);
        let whole = event.to_string();
        prop_assert_eq!(read(&whole).is_some(), has_method(&event), "{}", whole);
        let without = changed(&event, field, None);
        let with_null = changed(&event, field, Some(Value::Null));
        for event in [whole, without, with_null] {
            let ours = read(&event);
            if let Some(expected) = read_by_the_library(&event) {
                accepted.set(accepted.get() + 1);
                prop_assert_eq!(ours, Some(expected), "{}", event);
            }
        }
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(accepted.get() > 500, "{}", accepted.get());
}
