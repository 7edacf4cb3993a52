//! Responses in a gateway's form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use http::response::Parts;
use serde::{Serialize, Serializer};

use super::Gateway;

/// Renders a response as JSON for a gateway. `None` gives a form that every gateway accepts.
pub fn render(gateway: Option<Gateway>, parts: &Parts, body: &[u8]) -> Bytes {
    let none = HeaderMap::new();
    let all = &parts.headers;
    let (headers, multi_value_headers) = match gateway {
        // A header in both maps would be sent twice.
        Some(Gateway::Rest) => (&none, all),
        // A setting of the target group decides which map is read.
        Some(Gateway::LoadBalancer) => (all, all),
        Some(Gateway::Http) | None => (all, &none),
    };
    let cookies = all.get_all(SET_COOKIE).iter().map(text);
    let cookies = (gateway == Some(Gateway::Http)).then(|| cookies.collect());
    let reason = parts.status.canonical_reason().unwrap_or_default();
    let description = || format!("{} {reason}", parts.status.as_u16());
    let encoded;
    let (body, is_base64_encoded) = if let Ok(text) = std::str::from_utf8(body) {
        (text, false)
    } else {
        encoded = STANDARD.encode(body);
        (encoded.as_str(), true)
    };
    let response = GatewayResponse {
        status_code: parts.status.as_u16(),
        status_description: (gateway == Some(Gateway::LoadBalancer)).then(description),
        headers: Headers {
            headers,
            // An HTTP API takes cookies from a field of their own.
            without_cookies: cookies.is_some(),
        },
        multi_value_headers: MultiValueHeaders(multi_value_headers),
        is_base64_encoded,
        cookies,
        body,
    };
    // Mostly the body is JSON whose quotes are escaped here, so the extra eighth mostly avoids a
    // reallocation.
    let mut json = Vec::with_capacity(body.len() + body.len() / 8 + 1024);
    // Strings and numbers always serialize, and writing to memory does not fail.
    let _ = serde_json::to_writer(&mut json, &response);
    json.into()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GatewayResponse<'a> {
    status_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_description: Option<String>,
    headers: Headers<'a>,
    multi_value_headers: MultiValueHeaders<'a>,
    is_base64_encoded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cookies: Option<Vec<&'a str>>,
    body: &'a str,
}

/// The first value of each name.
struct Headers<'a> {
    headers: &'a HeaderMap,
    without_cookies: bool,
}

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.headers.keys();
        let names = names.filter(|name| !(self.without_cookies && *name == SET_COOKIE));
        serializer.collect_map(names.map(|name| (name.as_str(), text(&self.headers[name]))))
    }
}

/// All values of each name.
struct MultiValueHeaders<'a>(&'a HeaderMap);

impl Serialize for MultiValueHeaders<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = |name| self.0.get_all(name).iter().map(text).collect::<Vec<_>>();
        serializer.collect_map(self.0.keys().map(|name| (name.as_str(), values(name))))
    }
}

/// Our own header values are always UTF-8.
fn text(value: &HeaderValue) -> &str {
    std::str::from_utf8(value.as_bytes()).unwrap_or_default()
}
