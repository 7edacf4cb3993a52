//! Cross-origin resource sharing (CORS). <https://fetch.spec.whatwg.org/#http-cors-protocol>

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::body::{Body, Response};
use super::error::ApiError;
use crate::env::{ConfigError, Environment};

/// How long a browser may cache the response to a preflight, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

const ALLOWED_HEADERS: HeaderValue =
    HeaderValue::from_static("content-type,authorization,accept,x-api-key,traceparent");

const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("x-request-id,retry-after,server-timing");

/// The origins whose pages may call the API. `CORS_ALLOWED_ORIGINS`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// No origin.
    #[default]
    None,
    /// Every origin.
    Any,
    /// The listed origins.
    Listed(Vec<String>),
}

impl AllowedOrigins {
    /// Reads `CORS_ALLOWED_ORIGINS`.
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is not an origin.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        let accepted = "*, or origins such as https://app.example.com separated by commas";
        env.parse("CORS_ALLOWED_ORIGINS", Self::None, accepted, Self::parse)
    }

    fn parse(text: &str) -> Option<Self> {
        let listed = text.split(',').map(str::trim);
        let listed: Vec<_> = listed.filter(|origin| !origin.is_empty()).collect();
        match listed.as_slice() {
            [] => Some(Self::None),
            ["*"] => Some(Self::Any),
            origins => origins
                .iter()
                .map(|origin| is_origin(origin).then(|| (*origin).to_owned()))
                .collect::<Option<_>>()
                .map(Self::Listed),
        }
    }
}

/// Whether a text is a scheme and a host, as browsers send an origin: without path and trailing
/// slash.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    let is_scheme = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-.:[]_".contains(c);
    is_scheme && !host.is_empty() && host.chars().all(is_host)
}

impl AllowedOrigins {
    /// The value of `Access-Control-Allow-Origin` for this origin; `None` if its pages may not read
    /// the response.
    fn allow(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        match self {
            Self::None => None,
            Self::Any => Some(HeaderValue::from_static("*")),
            Self::Listed(listed) => {
                let is_listed = |origin: &HeaderValue| listed.iter().any(|listed| listed == origin);
                origin.filter(|origin| is_listed(origin)).cloned()
            }
        }
    }
}

/// The response to a preflight for a path with these methods.
pub(super) fn preflight(
    origins: &AllowedOrigins,
    origin: Option<&HeaderValue>,
    methods: &[Method],
) -> Response {
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(allowed) = origins.allow(origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        if let Ok(methods) = HeaderValue::from_str(&ApiError::join_methods(methods, ",")) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
    }
    response
}

/// Adds the CORS headers to a response that is not to a preflight.
pub(super) fn add_headers(
    headers: &mut HeaderMap,
    origins: &AllowedOrigins,
    origin: Option<&HeaderValue>,
) {
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(allowed) = origins.allow(origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    }
}
