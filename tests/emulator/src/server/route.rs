//! Which operation a request asks for. The data plane has one so far; another is a variant here
//! and an arm where the variants are matched.

use super::request::Request;
use crate::encoding::{decode, split_target};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `GET …/runtimes/<ARN>/ws` with an upgrade, whatever path comes before.
    WebSocket {
        /// The ARN, decoded.
        arn: String,
    },
    /// Anything else.
    Unknown,
}

impl Route {
    pub(super) fn of(request: &Request) -> Self {
        let (path, _) = split_target(&request.target);
        let mut segments = path.rsplit('/');
        let (last, arn, collection) = (segments.next(), segments.next(), segments.next());
        match (request.method.as_str(), collection, arn, last) {
            ("GET", Some("runtimes"), Some(arn), Some("ws")) if is_upgrade(request) => {
                Self::WebSocket { arn: decode(arn) }
            }
            _ => Self::Unknown,
        }
    }
}

/// RFC 6455, section 4.2.1.
fn is_upgrade(request: &Request) -> bool {
    request.header_has("connection", "upgrade")
        && request.header_has("upgrade", "websocket")
        && request.header("sec-websocket-version") == Some("13")
        && request.header("sec-websocket-key").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, target: &str, version: &str) -> Route {
        let headers = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", version),
            ("sec-websocket-key", "x"),
        ];
        Route::of(&Request {
            method: method.into(),
            target: target.into(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            rest: Vec::new(),
        })
    }

    #[test]
    fn an_upgrade_of_an_agents_path_is_found_under_any_prefix() {
        let found = Route::WebSocket {
            arn: "arn:a/b".into(),
        };
        assert_eq!(route("GET", "/runtimes/arn%3Aa%2Fb/ws?q", "13"), found);
        assert_eq!(route("GET", "/a/b/runtimes/arn%3Aa%2Fb/ws", "13"), found);
    }

    #[test]
    fn all_else_is_unknown() {
        for target in [
            "/",
            "/runtimes/ws",
            "/runtimes/a/b/ws",
            "/runtimes/a/ws/",
            "/x/a/ws",
        ] {
            assert_eq!(route("GET", target, "13"), Route::Unknown, "{target}");
        }
        assert_eq!(route("POST", "/runtimes/a/ws", "13"), Route::Unknown);
        assert_eq!(route("GET", "/runtimes/a/ws", "8"), Route::Unknown);
    }
}
