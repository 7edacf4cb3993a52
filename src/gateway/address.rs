//! The URI of a request: path and query, as the client sent them if the gateway passes them on
//! unchanged.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::form_urlencoded;

use super::Gateway;
use super::json::{Object, one_or_several, text};

/// ASCII characters that are percent-encoded in a query. All other characters are, too.
const QUERY_ENCODE_SET: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// ASCII characters that are percent-encoded in a path.
const PATH_ENCODE_SET: &AsciiSet = &QUERY_ENCODE_SET
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'\\')
    .add(b'^')
    .add(b'|');

pub(super) fn address(event: &Object<'_>, gateway: Gateway) -> Uri {
    let (path, query) = match gateway {
        Gateway::Http => (
            event.text("rawPath").or_else(|| event.text("path")),
            raw_query(event),
        ),
        Gateway::Rest => (event.text("path"), query(event)),
        // A load balancer leaves names and values percent-encoded.
        Gateway::LoadBalancer => (event.text("path"), query_of_encoded(event)),
    };
    let path = path.unwrap_or_default();
    let mut address = String::with_capacity(path.len() + query.len() + 2);
    if !path.starts_with('/') {
        address.push('/');
    }
    address.extend(utf8_percent_encode(&path, PATH_ENCODE_SET));
    let path_end = address.len();
    if !query.is_empty() {
        address.push('?');
        address.push_str(&query);
    }
    // A URI longer than 64 KiB is invalid. Then the query is left out, and if need be the path: no
    // route of ours has such a path or needs such a query.
    Uri::try_from(&address)
        .or_else(|_| Uri::try_from(&address[..path_end]))
        .unwrap_or_default()
}

fn raw_query(event: &Object<'_>) -> String {
    let query = event.text("rawQueryString").unwrap_or_default();
    utf8_percent_encode(&query, QUERY_ENCODE_SET).to_string()
}

fn query(event: &Object<'_>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters(event)).finish()
}

fn query_of_encoded(event: &Object<'_>) -> String {
    let pairs = parameters(event).into_iter();
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut query = form_urlencoded::Serializer::new(String::new());
    let decoded = pairs.join("&");
    query
        .extend_pairs(form_urlencoded::parse(decoded.as_bytes()))
        .finish()
}

/// Query parameters: those with all values, or if there are none, those with single values.
fn parameters<'a>(event: &Object<'a>) -> Vec<(String, Cow<'a, str>)> {
    let read_field = |field: &str| {
        let parameters = event.object(field).unwrap_or_default();
        let last: BTreeMap<_, _> = parameters.fields().collect();
        let pairs = last.into_iter().flat_map(|(name, values)| {
            let name = String::from_utf8_lossy(name).into_owned();
            let values = one_or_several(values).into_iter().filter_map(text);
            values.map(move |value| (name.clone(), value))
        });
        pairs.collect::<Vec<_>>()
    };
    let all = read_field("multiValueQueryStringParameters");
    if all.is_empty() {
        return read_field("queryStringParameters");
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::Event;
    use super::*;

    fn rest(fields: &str) -> Event {
        let event = format!(r#"{{"requestContext":{{}},"httpMethod":"POST",{fields}}}"#);
        Event::read(event.as_bytes()).unwrap()
    }

    fn http(fields: &str) -> Event {
        let event = format!(r#"{{"requestContext":{{"http":{{"method":"GET"}}}},{fields}}}"#);
        Event::read(event.as_bytes()).unwrap()
    }

    #[test]
    fn raw_paths_and_queries_are_kept() {
        for (path, query, expected) in [
            ("/a", "", "/a"),
            ("", "a=b", "/?a=b"),
            ("a/b", "", "/a/b"),
            ("//a/../b/", "&&=", "//a/../b/?&&="),
            ("/a%2Fb%zz", "c=%2f+&c=d,e", "/a%2Fb%zz?c=%2f+&c=d,e"),
            (
                "/é ?#",
                "é=<\\\"> #",
                "/%C3%A9%20%3F%23?%C3%A9=%3C%22%3E%20%23",
            ),
            ("*", "?", "/*??"),
        ] {
            let event = http(&format!(r#""rawPath":"{path}","rawQueryString":"{query}""#));
            assert_eq!(event.request.uri().to_string(), expected);
        }
    }

    #[test]
    fn parameters_are_encoded_except_those_of_a_load_balancer() {
        let fields = r#""path":"/a","queryStringParameters":{"b":"ignored"},
            "multiValueQueryStringParameters":{"b":["%26","& é"],"a":["+"],"c":[],"d":[7]}"#;
        let query = "a=%2B&b=%2526&b=%26+%C3%A9";
        assert_eq!(rest(fields).request.uri().query(), Some(query));
        let fields = format!(r#""requestContext":{{"elb":{{}}}},{fields}"#);
        let query = "a=+&b=%26&b=&+%C3%A9=";
        assert_eq!(rest(&fields).request.uri().query(), Some(query));
        assert_eq!(rest(&fields).gateway, Gateway::LoadBalancer);
    }

    #[test]
    fn too_long_paths_and_queries_are_left_out() {
        let long = "a".repeat(70_000);
        let event = http(&format!(r#""rawPath":"/a","rawQueryString":"{long}""#));
        assert_eq!(event.request.uri(), "/a");
        let event = http(&format!(r#""rawPath":"/{long}","rawQueryString":"a""#));
        assert_eq!(event.request.uri(), "/");
        let event = http(&format!(r#""rawPath":"/{}""#, &long[..60_000]));
        assert_eq!(event.request.uri().path().len(), 60_001);
    }
}
