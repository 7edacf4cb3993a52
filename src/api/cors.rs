//! Cross-origin resource sharing (CORS). <https://fetch.spec.whatwg.org/#http-cors-protocol>

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::body::{Body, Response};
use super::error::ApiError;
use super::route::Route;
use crate::env::{ConfigError, Environment};

/// How long a browser may cache the response to a preflight, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Those of browsers that sign their requests, of trace headers, and of older clients that send their
/// own `User-Agent` among them.
const ALLOWED_HEADERS: &str = "content-type,authorization,accept,x-api-key,x-session-id,user-agent,\
    traceparent,tracestate,baggage,\
    x-amzn-trace-id,x-amz-date,x-amz-security-token,x-amz-content-sha256";

/// How the names of the headers begin in which OpenAI's clients tell about themselves.
const OPENAI_CLIENT: &str = "x-stainless-";

const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("x-request-id,retry-after,server-timing");

const EXPOSED_BY_OPENAI: &str =
    "x-request-id,retry-after,server-timing,x-session-id,x-should-retry";

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

/// The response to a preflight for a route.
pub(super) fn preflight(
    origins: &AllowedOrigins,
    request: &HeaderMap,
    route: Route<'_>,
) -> Response {
    let origin = request.get(header::ORIGIN);
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(allowed) = origins.allow(origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if let Ok(allowed) = HeaderValue::from_str(&allowed_headers(request, route)) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        }
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        if let Ok(methods) = HeaderValue::from_str(&ApiError::join_methods(route.methods(), ",")) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
    }
    response
}

/// The names of the headers that a request may have.
fn allowed_headers(request: &HeaderMap, route: Route<'_>) -> String {
    let mut allowed = ALLOWED_HEADERS.to_owned();
    if route.is_of_openai() {
        let asked_for = request
            .get_all(header::ACCESS_CONTROL_REQUEST_HEADERS)
            .iter();
        let asked_for = asked_for.filter_map(|value| value.to_str().ok());
        let names = asked_for.flat_map(|value| value.split(',')).map(str::trim);
        // Only what is a name of a header goes back into one.
        let names = names.filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        for name in names.filter(|name| name.as_str().starts_with(OPENAI_CLIENT)) {
            allowed.push(',');
            allowed.push_str(name.as_str());
        }
    }
    allowed
}

/// Adds the CORS headers to a response that is not to a preflight.
pub(super) fn add_headers(
    headers: &mut HeaderMap,
    origins: &AllowedOrigins,
    origin: Option<&HeaderValue>,
    route: Option<Route<'_>>,
) {
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(allowed) = origins.allow(origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        let exposed = if route.is_some_and(Route::is_of_openai) {
            HeaderValue::from_static(EXPOSED_BY_OPENAI)
        } else {
            EXPOSED_HEADERS
        };
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}
