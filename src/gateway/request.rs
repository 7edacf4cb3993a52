//! Reads a gateway's event as an HTTP request.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use serde_json::value::RawValue;

use super::address::address;
use super::json::{Object, bytes, one_or_several, text};
use super::origin::origin;
use crate::caller::Origin;

/// The kind of gateway, which decides the form of an event and of its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateway {
    /// A REST API, or an HTTP API with payload format 1.0.
    Rest,
    /// An HTTP API with payload format 2.0, or a function URL.
    Http,
    /// An Application Load Balancer.
    LoadBalancer,
}

impl Gateway {
    /// Recognises the gateway by an event's request context.
    pub(super) fn of(context: &Object<'_>) -> Self {
        let is_object = |value: &RawValue| value.get().starts_with('{');
        if context.get("elb").is_some() {
            Self::LoadBalancer
        } else if context.get("http").is_some_and(is_object) {
            Self::Http
        } else {
            Self::Rest
        }
    }
}

/// An event of a gateway.
#[derive(Debug)]
pub struct Event {
    /// Which gateway wrote it.
    pub gateway: Gateway,
    /// The URI is path and query, as the client sent them if the gateway passes them on unchanged.
    pub request: Request<Bytes>,
    /// Where the request comes from.
    pub origin: Origin,
    /// The API's stage; `None` for `$default`, which is never part of a path.
    pub stage: Option<String>,
}

impl Event {
    /// Reads an event; `None` if it is not an event of a known gateway.
    pub fn read(json: &[u8]) -> Option<Self> {
        let event = Object::parse(std::str::from_utf8(json).ok()?)?;
        let context = event.object("requestContext")?;
        let gateway = Gateway::of(&context);
        let method = match gateway {
            Gateway::Http => context.object("http")?.text("method"),
            Gateway::Rest | Gateway::LoadBalancer => event.text("httpMethod"),
        };
        let headers = headers(&event, gateway);
        let origin = origin(&context, &headers);
        let stage = context.text("stage").filter(|stage| stage != "$default");

        let mut request = Request::new(body(&event));
        *request.method_mut() = parse_method(&method?)?;
        *request.uri_mut() = address(&event, gateway);
        *request.headers_mut() = headers;
        Some(Self {
            gateway,
            request,
            origin,
            stage: stage.map(Cow::into_owned),
        })
    }
}

fn parse_method(method: &str) -> Option<Method> {
    match method {
        // `lambda_http` reads it so too.
        "" => Some(Method::GET),
        method => method.parse().ok(),
    }
}

/// The headers of an event; invalid ones are left out. If a name is in `headers`, its values in
/// `multiValueHeaders` are ignored.
pub(super) fn headers(event: &Object<'_>, gateway: Gateway) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let fields = event.object("headers").unwrap_or_default();
    for (name, value) in fields.fields() {
        add(&mut headers, name, value);
    }
    if gateway == Gateway::Http {
        if let Some(cookies) = cookies(event) {
            headers.insert(header::COOKIE, cookies);
        }
        return headers;
    }
    let mut multi_value = HeaderMap::new();
    let fields = event.object("multiValueHeaders").unwrap_or_default();
    for (name, values) in fields.fields() {
        let is_known = std::str::from_utf8(name).is_ok_and(|name| headers.contains_key(name));
        if !is_known {
            add(&mut multi_value, name, values);
        }
    }
    headers.extend(multi_value);
    headers
}

/// Adds the value or values of a header: a string replaces previous values, a list is appended to
/// them. Headers beyond the capacity of a [`HeaderMap`] are dropped.
fn add(headers: &mut HeaderMap, name: &[u8], value: &RawValue) {
    let Ok(name) = HeaderName::from_bytes(name) else {
        return;
    };
    let header = |value| HeaderValue::from_bytes(&bytes(value)?).ok();
    if value.get().starts_with('[') {
        for value in one_or_several(value).into_iter().filter_map(header) {
            let _ = headers.try_append(&name, value);
        }
    } else if let Some(value) = header(value) {
        let _ = headers.try_insert(name, value);
    }
}

/// An HTTP API moves the cookies from the headers to a field of their own.
fn cookies(event: &Object<'_>) -> Option<HeaderValue> {
    let cookies = one_or_several(event.get("cookies")?);
    let cookies: Vec<_> = cookies.into_iter().filter_map(text).collect();
    HeaderValue::try_from(cookies.join("; ")).ok()
}

/// The body, decoded if it is base64 (RFC 4648, section 4, padded). A body that is not a string, or
/// is declared as base64 but is not, is passed on unchanged: parsing it as JSON will refuse it with
/// a proper message.
fn body(event: &Object<'_>) -> Bytes {
    let Some(value) = event.get("body") else {
        return Bytes::new();
    };
    let body = bytes(value).unwrap_or(Cow::Borrowed(value.get().as_bytes()));
    let is_base64 = event.get("isBase64Encoded");
    if is_base64.is_some_and(|value| value.get() == "true")
        && let Ok(decoded) = STANDARD.decode(&body)
    {
        return decoded.into();
    }
    body.into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(fields: &str) -> Event {
        let event = format!(r#"{{"requestContext":{{}},"httpMethod":"POST",{fields}}}"#);
        Event::read(event.as_bytes()).unwrap()
    }

    #[test]
    fn invalid_headers_are_left_out() {
        let event = rest(
            r#""headers":{"a b":"c","":"c","\ud800":"c","d":"\n","e":7,"f":null,"G":"1","g":"2"},
            "multiValueHeaders":{"G":["3"],"h":["1",{},"\n","2"],"i":"1e400","j":1e400}"#,
        );
        let headers = event.request.headers();
        let values = |name| headers.get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(values("g"), ["2"], "the last value wins");
        assert_eq!(values("h"), ["1", "2"]);
        assert_eq!(values("i"), ["1e400"]);
        assert_eq!(headers.keys_len(), 3);
    }

    #[test]
    fn more_headers_than_a_map_holds_do_not_panic() {
        let many: Vec<_> = (0..40_000).map(|n| format!(r#""h{n}":"v""#)).collect();
        let event = rest(&format!(r#""multiValueHeaders":{{{}}}"#, many.join(",")));
        assert!(event.request.headers().len() > 10_000);
    }

    #[test]
    fn a_body_is_text_or_base64_or_passed_on_unchanged() {
        for (fields, expected) in [
            (r#""body":"{\"a\":\"\u00e9\"}""#, "{\"a\":\"é\"}"),
            (r#""body":"plain","isBase64Encoded":1e400"#, "plain"),
            (r#""body":"eyB9","isBase64Encoded":true"#, "{ }"),
            (r#""body":"eyB9","isBase64Encoded":null"#, "eyB9"),
            (r#""body":"eyB9!","isBase64Encoded":true"#, "eyB9!"),
            (r#""body":null,"isBase64Encoded":true"#, ""),
            (r#""body":{"a": 1e400}"#, "{\"a\": 1e400}"),
            (r#""body":"first","body":"last""#, "last"),
            (r#""n":1e400"#, ""),
        ] {
            let body = rest(fields).request.into_body();
            assert_eq!(body, expected, "{fields}");
        }
    }

    #[test]
    fn events_of_other_services_are_not_read() {
        for event in [
            "",
            "null",
            "[]",
            r#"{"hello":"world"}"#,
            r#"{"httpMethod":"GET","path":"/health"}"#,
            r#"{"httpMethod":"GET","requestContext":[]}"#,
            r#"{"httpMethod":"G T","requestContext":{}}"#,
            r#"{"httpMethod":7,"requestContext":{}}"#,
            r#"{"requestContext":{"http":{"path":"/"}}}"#,
            r#"{"requestContext":{"connectionId":"a","eventType":"CONNECT"}}"#,
            r#"{"httpMethod":"GET","requestContext":{}} x"#,
        ] {
            assert!(Event::read(event.as_bytes()).is_none(), "{event}");
        }
        assert!(
            Event::read(b"{\"httpMethod\":\"GET\",\"requestContext\":{},\"\xff\":1}").is_none()
        );
    }
}
