//! Gateway events, made safe for a library that panics on some of them.

use std::collections::{BTreeMap, HashMap};

use axum::body::Body;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use lambda_http::RequestExt;
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::request::LambdaRequest;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::api::ApiError;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What no URI's query holds as it stands; everything that is not ASCII is encoded too.
const NOT_IN_A_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// What no URI's path holds as it stands.
const NOT_IN_A_PATH: &AsciiSet = &NOT_IN_A_QUERY
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'\\')
    .add(b'^')
    .add(b'|');

/// An answer that every gateway understands, for an event that no request could be made of.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Plain {
    status_code: u16,
    headers: BTreeMap<&'static str, String>,
    body: String,
    is_base64_encoded: bool,
}

impl Plain {
    fn new(error: &ApiError, request_id: &str) -> Self {
        let headers = [
            ("cache-control", "no-store"),
            ("content-type", "application/json"),
            ("x-content-type-options", "nosniff"),
            ("x-request-id", request_id),
        ];
        Self {
            status_code: error.code().status().as_u16(),
            headers: headers.map(|(name, value)| (name, value.to_owned())).into(),
            body: error.to_body(),
            is_base64_encoded: false,
        }
    }

    fn to_json(&self) -> Box<RawValue> {
        // A struct of strings and numbers always serializes.
        to_raw_value(self).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }

    fn into_response(self) -> http::Response<Body> {
        let mut response = http::Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status_code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// 400: the event is no request.
pub(super) fn unreadable() -> ApiError {
    ApiError::validation("the event could not be read as an HTTP request")
}

/// An error where there is no gateway's form for it.
pub(super) fn error(error: &ApiError, request_id: &str) -> Box<RawValue> {
    Plain::new(error, request_id).to_json()
}

/// The same, to be streamed.
pub(super) fn error_response(error: &ApiError, request_id: &str) -> http::Response<Body> {
    Plain::new(error, request_id).into_response()
}

/// An answer in a gateway's form, as JSON.
pub(super) fn render(response: &impl Serialize, request_id: &str) -> Box<RawValue> {
    to_raw_value(response).unwrap_or_else(|_| error(&ApiError::panicked(), request_id))
}

/// Reads an event; `None` where it is no gateway's.
pub(super) fn read(event: &str) -> Option<LambdaRequest> {
    let mut request = serde_json::from_str(event)
        .ok()
        .or_else(|| read_repaired(event))?;
    disarm(&mut request);
    Some(request)
}

/// An object whose values are not yet parsed. Of a name that is there twice the last counts.
type Fields = BTreeMap<String, Box<RawValue>>;

/// Reads an event without what the library refuses all of it for: headers that cannot be ones, a
/// claim that is no text, a number that no type holds, a null for a truth value. It is
/// [`crate::caller`] that reads who calls, for which the library is not needed.
fn read_repaired(event: &str) -> Option<LambdaRequest> {
    let mut event: Fields = serde_json::from_str(event).ok()?;
    if let Some(context) = event.get_mut("requestContext")
        && let Ok(mut fields) = serde_json::from_str::<Fields>(context.get())
    {
        fields.remove("authorizer");
        fields.remove("identity");
        fields.retain(|_, value| parsed(value).is_some());
        *context = to_raw_value(&fields).ok()?;
    }
    event.retain(|name, value| {
        let is_headers = matches!(name.as_str(), "headers" | "multiValueHeaders");
        is_headers || parsed(value).is_some_and(|value| !value.is_null())
    });
    for (name, usable) in [
        ("headers", usable_value as fn(&RawValue) -> Option<Value>),
        ("multiValueHeaders", usable_values),
    ] {
        if let Some(headers) = event.get_mut(name)
            && let Ok(fields) = serde_json::from_str::<Fields>(headers.get())
        {
            let is_name = |name: &str| HeaderName::try_from(name).is_ok();
            let fields = fields.iter().filter(|(name, _)| is_name(name));
            let fields: BTreeMap<_, _> = fields
                .filter_map(|(name, value)| Some((name, usable(value)?)))
                .collect();
            *headers = to_raw_value(&fields).ok()?;
        }
    }
    serde_json::from_str(to_raw_value(&event).ok()?.get()).ok()
}

fn parsed(value: &RawValue) -> Option<Value> {
    serde_json::from_str(value.get()).ok()
}

fn is_value(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| HeaderValue::from_str(text).is_ok())
}

fn usable_value(value: &RawValue) -> Option<Value> {
    parsed(value).filter(is_value)
}

fn usable_values(values: &RawValue) -> Option<Value> {
    let mut values = parsed(values)?;
    values.as_array_mut()?.retain(is_value);
    Some(values)
}

/// Changes what `lambda_http` would panic on, so that nothing of the request is lost.
fn disarm(event: &mut LambdaRequest) {
    match event {
        LambdaRequest::ApiGatewayV1(event) => {
            disarm_headers(&mut event.headers, &mut event.request_context.domain_name);
            disarm_stage(&mut event.request_context.stage);
            disarm_path(&mut event.path);
            disarm_query(&mut event.query_string_parameters);
            disarm_query(&mut event.multi_value_query_string_parameters);
            disarm_body(&mut event.is_base64_encoded, event.body.as_deref());
        }
        LambdaRequest::ApiGatewayV2(event) => {
            disarm_headers(&mut event.headers, &mut event.request_context.domain_name);
            disarm_stage(&mut event.request_context.stage);
            disarm_path(&mut event.raw_path);
            disarm_body(&mut event.is_base64_encoded, event.body.as_deref());
            if let Some(query) = &mut event.raw_query_string {
                *query = utf8_percent_encode(query, NOT_IN_A_QUERY).to_string();
                if query.len() > MAX_URI_PART_BYTES {
                    query.clear();
                }
            }
        }
        LambdaRequest::Alb(event) => {
            disarm_headers(&mut event.headers, &mut None);
            disarm_path(&mut event.path);
            disarm_query(&mut event.query_string_parameters);
            disarm_query(&mut event.multi_value_query_string_parameters);
            disarm_body(&mut event.is_base64_encoded, event.body.as_deref());
        }
        _ => {}
    }
}

/// A name of DNS (RFC 1035, section 2.3.4) and a port.
const LONGEST_HOST: usize = 255 + ":65535".len();

/// The longest name that API Gateway lets a stage have.
const LONGEST_STAGE: usize = 128;

/// A stage goes before the path.
fn disarm_stage(stage: &mut Option<String>) {
    if stage
        .as_ref()
        .is_some_and(|stage| stage.len() > LONGEST_STAGE)
    {
        *stage = None;
    }
}

/// Scheme and host go into a URL that is parsed again.
fn disarm_headers(headers: &mut HeaderMap, domain_name: &mut Option<String>) {
    let is_scheme = |value: &HeaderValue| matches!(value.as_bytes(), b"http" | b"https");
    if headers
        .get(FORWARDED_PROTO)
        .is_some_and(|proto| !is_scheme(proto))
    {
        headers.remove(FORWARDED_PROTO);
    }
    let is_host = |host: &str| {
        let is_short = host.len() <= LONGEST_HOST;
        let is_authority = host.parse::<Authority>().is_ok();
        is_short && is_authority && url::Url::parse(&format!("https://{host}/")).is_ok()
    };
    if headers
        .get(header::HOST)
        .is_some_and(|host| !host.to_str().is_ok_and(is_host))
    {
        headers.remove(header::HOST);
    }
    if domain_name.as_deref().is_some_and(|host| !is_host(host)) {
        *domain_name = None;
    }
}

/// The longest path and the longest query that make a request: the library panics on more than
/// 64 KiB together, and no route of ours is anywhere near.
const MAX_URI_PART_BYTES: usize = 16 * 1024;

fn disarm_path(path: &mut Option<String>) {
    if path
        .as_ref()
        .is_some_and(|path| path.len() > MAX_URI_PART_BYTES)
    {
        // There is nothing at such a path, nor at this one.
        *path = None;
    }
    let encoded = utf8_percent_encode(path.as_deref().unwrap_or("/"), NOT_IN_A_PATH).to_string();
    *path = Some(if encoded.starts_with('/') {
        encoded
    } else {
        format!("/{encoded}")
    });
}

fn disarm_query(query: &mut QueryMap) {
    // The library panics on a name with a list of no values.
    let values = serde_json::to_value(&*query).and_then(serde_json::from_value);
    let mut values: HashMap<String, Vec<String>> = values.unwrap_or_default();
    if values.values().any(Vec::is_empty) {
        values.retain(|_, values| !values.is_empty());
        *query = values.into();
    }
    if query.to_query_string().len() > MAX_URI_PART_BYTES {
        *query = QueryMap::default();
    }
}

/// A body that is not the base64 that it says it is stays as it stands: it is no JSON either.
fn disarm_body(is_base64: &mut bool, body: Option<&str>) {
    *is_base64 = *is_base64 && body.is_none_or(is_base64_text);
}

/// RFC 4648, section 4, with the padding that it asks for.
fn is_base64_text(text: &str) -> bool {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .is_ok()
}

/// The address of a request: the path as the gateway sent it, without a stage that `lambda_http` puts
/// before it.
pub(super) fn address(request: &Parts) -> Uri {
    let query = request
        .uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let path = request.extensions.raw_http_path();
    format!("{path}{query}").parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What a request is, as far as anything here looks at it. The library keeps a query's parameters
    /// in no order.
    fn seen(event: LambdaRequest) -> (http::Method, String, Vec<String>, HeaderMap, Vec<u8>) {
        let (parts, body) = lambda_http::Request::from(event).into_parts();
        let address = address(&parts);
        let query = address.query().unwrap_or_default();
        let mut query: Vec<_> = query.split('&').map(str::to_owned).collect();
        query.sort();
        let path = address.path().to_owned();
        (parts.method, path, query, parts.headers, body.to_vec())
    }

    /// `lambda_http` is the judge: of each event that it accepts, what is read here is its request.
    #[test]
    fn what_the_library_accepts_is_read_as_the_library_reads_it() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/events");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let event = std::fs::read_to_string(&path).unwrap();
            let accepted: LambdaRequest = serde_json::from_str(&event).unwrap();
            let ours = read(&event).expect("an event");
            assert_eq!(seen(ours), seen(accepted), "{}", path.display());
            count += 1;
        }
        assert!(count >= 17, "{count}");
    }
}
