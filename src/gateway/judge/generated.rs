//! Generates events, both as gateways write them and malformed ones.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// A header's name and values. `Host` contains no `?` and no `#`: the library would take what
/// follows them for the query.
fn header() -> impl Strategy<Value = (String, Vec<String>)> {
    let known = vec!["Accept", "accept", "Cookie", "cookie", "X-Forwarded-For"];
    let name = prop_oneof![
        8 => select(known).prop_map(str::to_owned),
        8 => "[a-zA-Z][a-zA-Z0-9_.-]{0,5}",
        1 => "[a-z é:]{0,3}",
    ];
    let value = prop_oneof![
        30 => "[ -~é\t]{0,16}",
        1 => "[\\x00-\\x1f]{1}",
    ];
    let of_address = vec![
        ("Host", "example.com"),
        ("host", "example.com:443"),
        ("host", "a b:c"),
        ("X-Forwarded-Proto", "http"),
        ("x-forwarded-proto", "ht tp:"),
    ];
    prop_oneof![
        3 => (name, vec(value, 0..3)),
        1 => select(of_address).prop_map(|(name, value)| (name.to_owned(), vec![value.to_owned()])),
    ]
}

/// A path without `?` and `#`: the library would take what follows them for a query or drop it, and
/// no gateway writes them here.
fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "(/[a-zA-Z0-9é \"{}|^`~.:@!$&'()*+,;=-]{0,6}(%[0-9a-fA-F]{2})?){0,3}",
        1 => "[a-z/%\\\\ ]{0,6}",
    ]
}

/// A name or value of a query parameter.
fn parameter() -> impl Strategy<Value = String> {
    "([a-z0-9&=+ é#?\"]|%[0-9a-f]{2}|%z){0,6}"
}

fn parameters() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        8 => vec(parameter(), 1..3),
        1 => Just(vec![]),
    ]
}

/// A body, and whether it is declared as base64.
fn body() -> impl Strategy<Value = (Value, bool)> {
    let base64 = "([A-Za-z0-9+/]{4}){0,4}([A-Za-z0-9+/][AQgw]==)?";
    prop_oneof![
        8 => (any::<String>().prop_map(Value::from), Just(false)),
        4 => (base64.prop_map(Value::from), Just(true)),
        1 => (any::<String>().prop_map(Value::from), Just(true)),
        1 => (Just(Value::Null), any::<bool>()),
    ]
}

fn method() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        8 => select(vec!["GET", "POST", "DELETE", "get", "PURGE", ""]),
        1 => select(vec!["no method", "é"]),
    ]
}

/// Names with all their values. Fields for single values take only the last of each.
type Pairs = Vec<(String, Vec<String>)>;

fn last(pairs: &Pairs) -> Value {
    let last = |(name, values): &(String, Vec<String>)| {
        Some((name.clone(), Value::from(values.last()?.as_str())))
    };
    Value::Object(pairs.iter().filter_map(last).collect())
}

fn all(pairs: &Pairs) -> Value {
    let all = |(name, values): &(String, Vec<String>)| (name.clone(), json!(values));
    Value::Object(pairs.iter().map(all).collect())
}

prop_compose! {
    pub(super) fn event()(
        kind in 0..4,
        method in method(),
        path in path(),
        stage in select(vec!["$default", "prod", "é /", ""]),
        query in vec((parameter(), parameters()), 0..3),
        raw_query in "([a-z0-9&=+é]|%[0-9a-f]{2}|%z){0,12}\"{0,1}",
        headers in vec(header(), 0..5),
        has_several in any::<bool>(),
        cookies in vec("[ -~]{0,8}", 0..3),
        (body, is_base64) in body(),
    ) -> Value {
        let mut event = if kind < 2 {
            let context = match kind {
                0 => json!({ "httpMethod": method, "stage": stage, "identity": {} }),
                _ => json!({ "elb": { "targetGroupArn": "arn" } }),
            };
            json!({
                "httpMethod": method,
                "path": path,
                "requestContext": context,
                "queryStringParameters": last(&query),
            })
        } else {
            json!({
                "version": "2.0",
                "rawPath": path,
                "rawQueryString": raw_query,
                "cookies": cookies,
                "requestContext": { "http": { "method": method }, "stage": stage },
            })
        };
        if has_several {
            event["multiValueHeaders"] = all(&headers);
            event["multiValueQueryStringParameters"] = all(&query);
        }
        event["headers"] = last(&headers);
        event["body"] = body;
        event["isBase64Encoded"] = is_base64.into();
        event
    }
}
