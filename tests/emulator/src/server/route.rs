//! Determines the operation of a request. A new operation is a variant here, and a match arm where
//! variants are handled.

use super::request::Request;
use crate::{
    Operation,
    encoding::{decode, split_target},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `GET …/runtimes/<ARN>/ws` with an upgrade, under any path prefix.
    WebSocket {
        /// The ARN, decoded.
        arn: String,
    },
    /// `POST …/runtimes/<ARN>/stopruntimesession`.
    Stop {
        /// The ARN, decoded.
        arn: String,
    },
    /// `GET …/runtimes/<runtime id>/runtime-endpoints/<name>/`.
    Endpoint {
        /// The runtime's id, decoded.
        runtime_id: String,
        /// The endpoint's name, decoded.
        name: String,
    },
    /// Anything else.
    Unknown,
}

impl Route {
    pub(super) fn of(request: &Request) -> Self {
        let (path, _) = split_target(&request.target);
        // Matched from the end, since any prefix is accepted.
        let segments: Vec<_> = path.rsplit('/').collect();
        match (request.method.as_str(), &segments[..]) {
            ("GET", ["ws", arn, "runtimes", ..]) if is_upgrade(request) => {
                Self::WebSocket { arn: decode(arn) }
            }
            ("POST", ["stopruntimesession", arn, "runtimes", ..]) => {
                Self::Stop { arn: decode(arn) }
            }
            // The trailing slash is part of the service's model.
            ("GET", ["", name, "runtime-endpoints", id, "runtimes", ..]) if !name.is_empty() => {
                Self::Endpoint {
                    runtime_id: decode(id),
                    name: decode(name),
                }
            }
            _ => Self::Unknown,
        }
    }

    /// The operation, by the service's name.
    pub(super) fn operation(&self) -> Option<Operation> {
        match self {
            Self::WebSocket { .. } => Some(Operation::InvokeAgentRuntimeWithWebSocketStream),
            Self::Stop { .. } => Some(Operation::StopRuntimeSession),
            Self::Endpoint { .. } => Some(Operation::GetAgentRuntimeEndpoint),
            Self::Unknown => None,
        }
    }

    /// The ARN in the path.
    pub(super) fn arn(&self) -> Option<&str> {
        match self {
            Self::WebSocket { arn } | Self::Stop { arn } => Some(arn),
            Self::Endpoint { .. } | Self::Unknown => None,
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
    fn operations_over_plain_http_are_found_under_any_prefix() {
        for prefix in ["", "/a/b"] {
            let stop = format!("{prefix}/runtimes/arn%3Aa%2Fb/stopruntimesession?qualifier=x");
            let found = route("POST", &stop, "");
            assert_eq!(found.arn(), Some("arn:a/b"));
            assert_eq!(found.operation(), Some(Operation::StopRuntimeSession));
            let endpoint = format!("{prefix}/runtimes/a-1/runtime-endpoints/b%5F/?q");
            let found = Route::Endpoint {
                runtime_id: "a-1".into(),
                name: "b_".into(),
            };
            assert_eq!(route("GET", &endpoint, ""), found);
        }
    }

    #[test]
    fn all_else_is_unknown() {
        for target in [
            "/",
            "/runtimes/ws",
            "/runtimes/a/b/ws",
            "/runtimes/a/ws/",
            "/x/a/ws",
            "/runtimes/a/stopruntimesession",
            "/runtimes/a/runtime-endpoints/b",
            "/runtimes/a/runtime-endpoints//",
            "/runtimes/a/b/runtime-endpoints/c/",
        ] {
            assert_eq!(route("GET", target, "13"), Route::Unknown, "{target}");
        }
        for target in [
            "/runtimes/a/ws",
            "/runtimes/a/stopruntimesession/",
            "/runtimes/a/runtime-endpoints/b/",
        ] {
            assert_eq!(route("POST", target, "13"), Route::Unknown, "{target}");
        }
        assert_eq!(route("GET", "/runtimes/a/ws", "8"), Route::Unknown);
    }
}
