//! Cross-origin resource sharing, as browsers ask for it.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::X_REQUEST_ID;
use crate::env::{ConfigError, Environment};

const MAX_AGE: Duration = Duration::from_mins(10);

const ALLOWED_HEADERS: [HeaderName; 5] = [
    header::CONTENT_TYPE,
    header::AUTHORIZATION,
    header::ACCEPT,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("traceparent"),
];

const EXPOSED_HEADERS: [HeaderName; 3] = [
    X_REQUEST_ID,
    header::RETRY_AFTER,
    HeaderName::from_static("server-timing"),
];

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

/// Takes away what says nothing: headers of CORS without an allowed origin, and on a preflight the
/// `Allow` of a router that does not know of it.
pub(super) fn tidy(headers: &mut HeaderMap, is_preflight: bool) {
    if is_preflight {
        headers.remove(header::ALLOW);
    }
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        for name in [
            header::ACCESS_CONTROL_ALLOW_METHODS,
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            header::ACCESS_CONTROL_MAX_AGE,
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
        ] {
            headers.remove(name);
        }
    }
}

/// Answers preflights for a route with these methods, and marks its other answers.
pub(super) fn layer(origins: &AllowedOrigins, methods: &[Method]) -> CorsLayer {
    let origin = match origins {
        AllowedOrigins::None => AllowOrigin::list([]),
        AllowedOrigins::Any => AllowOrigin::any(),
        AllowedOrigins::Listed(origins) => {
            AllowOrigin::list(origins.iter().filter_map(|o| HeaderValue::from_str(o).ok()))
        }
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods(methods.to_vec())
        .allow_headers(ALLOWED_HEADERS)
        .expose_headers(EXPOSED_HEADERS)
        .max_age(MAX_AGE)
        .vary([header::ORIGIN])
}
