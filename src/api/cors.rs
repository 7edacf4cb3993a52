//! Cross-origin resource sharing, as browsers ask for it. <https://fetch.spec.whatwg.org/#http-cors-protocol>

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::body::{Body, Response};
use super::error::ApiError;
use crate::env::{ConfigError, Environment};

/// How long a browser may remember a preflight's answer, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

const ALLOWED_HEADERS: HeaderValue =
    HeaderValue::from_static("content-type,authorization,accept,x-api-key,traceparent");

const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("x-request-id,retry-after,server-timing");

/// Which origins a browser may call from. `CORS_ALLOWED_ORIGINS`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// None.
    #[default]
    None,
    /// Every one.
    Any,
    /// These.
    Listed(Vec<String>),
}

impl AllowedOrigins {
    /// Reads the setting.
    ///
    /// # Errors
    /// [`ConfigError`] where one of them is no origin.
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

/// A scheme and a host, as a browser sends it: no path, no trailing slash.
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
    /// What an answer says to a page of this origin, where it may read it.
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

/// The answer to a preflight for a path that has these methods.
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
        if let Ok(methods) = HeaderValue::from_str(&ApiError::listed(methods, ",")) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
    }
    response
}

/// Marks another answer.
pub(super) fn mark(
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
