//! Cross-origin resource sharing, as browsers ask for it.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::X_REQUEST_ID;
use crate::config::AllowedOrigins;

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
