//! Paths and their routes.

use std::borrow::Cow;

use http::{Method, Uri};
use percent_encoding::percent_decode_str;

/// Every path that is answered, a parameter in braces.
pub const ROUTES: [&str; 12] = [
    "/api/agents",
    "/api/agents/{agent_id}",
    "/api/agents/{agent_id}/status",
    "/api/agents/{agent_id}/sessions",
    "/api/agents/{agent_id}/sessions/{session_id}",
    "/api/agents/{agent_id}/connections",
    "/api/agents/{agent_id}/ag-ui",
    "/api/agents/invoke",
    "/api/agents/invoke/stream",
    "/v1/chat/completions",
    "/v1/models",
    "/health",
];

/// The route of a path. Parameters are still percent-encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'p> {
    Agents,
    Agent { agent: &'p str },
    Status { agent: &'p str },
    Sessions { agent: &'p str },
    Session { agent: &'p str, session: &'p str },
    Connections { agent: &'p str },
    AgUi { agent: &'p str },
    Invoke,
    InvokeStream,
    ChatCompletions,
    Models,
    Health,
}

const READ: &[Method] = &[Method::GET, Method::HEAD, Method::OPTIONS];
const CALL: &[Method] = &[Method::POST, Method::OPTIONS];
const END: &[Method] = &[Method::DELETE, Method::OPTIONS];

impl<'p> Route<'p> {
    /// Finds the route of a path.
    pub(super) fn find(path: &'p str) -> Option<Self> {
        let mut segments = path.strip_prefix('/')?.split('/');
        let mut next = || segments.next();
        let found = match [next(), next(), next(), next(), next()] {
            [Some("health"), None, ..] => Self::Health,
            [Some("v1"), Some("models"), None, ..] => Self::Models,
            [Some("v1"), Some("chat"), Some("completions"), None, _] => Self::ChatCompletions,
            [Some("api"), Some("agents"), None, ..] => Self::Agents,
            [Some("api"), Some("agents"), Some("invoke"), None, _] => Self::Invoke,
            [
                Some("api"),
                Some("agents"),
                Some("invoke"),
                Some("stream"),
                None,
            ] => Self::InvokeStream,
            [Some("api"), Some("agents"), Some(agent), rest @ ..] if !agent.is_empty() => {
                match rest {
                    [None, _] => Self::Agent { agent },
                    [Some("status"), None] => Self::Status { agent },
                    [Some("connections"), None] => Self::Connections { agent },
                    [Some("ag-ui"), None] => Self::AgUi { agent },
                    [Some("sessions"), None] => Self::Sessions { agent },
                    [Some("sessions"), Some(session)] if !session.is_empty() => {
                        Self::Session { agent, session }
                    }
                    _ => return None,
                }
            }
            _ => return None,
        };
        segments.next().is_none().then_some(found)
    }

    /// Whether clients of OpenAI's API ask here, and want errors in its form.
    pub(super) fn is_of_openai(self) -> bool {
        matches!(self, Self::ChatCompletions | Self::Models)
    }

    /// The methods that the route supports.
    pub(super) fn methods(self) -> &'static [Method] {
        match self {
            Self::Agents
            | Self::Agent { .. }
            | Self::Status { .. }
            | Self::Models
            | Self::Health => READ,
            Self::Invoke
            | Self::InvokeStream
            | Self::Sessions { .. }
            | Self::Connections { .. }
            | Self::AgUi { .. }
            | Self::ChatCompletions => CALL,
            Self::Session { .. } => END,
        }
    }
}

/// A decoded parameter; `None` if it is not UTF-8.
pub(super) fn decoded(parameter: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(parameter).decode_utf8().ok()
}

/// Strips the first prefix whose removal leads to a route. The path is unchanged if it is a route
/// itself, or if no prefix helps.
pub(super) fn without_prefix<'u>(uri: &'u Uri, prefixes: [Option<&str>; 2]) -> &'u str {
    let path = uri.path();
    if Route::find(path).is_some() {
        return path;
    }
    let stripped = prefixes.into_iter().flatten().find_map(|prefix| {
        let rest = path
            .strip_prefix('/')?
            .strip_prefix(prefix.trim_matches('/'))?;
        Route::find(rest).map(|_| rest)
    });
    stripped.unwrap_or(path)
}

/// Whether a path that is no route would be one of OpenAI's API, which has more of them.
pub(super) fn is_below_openai(path: &str, prefixes: [Option<&str>; 2]) -> bool {
    let is_below = |path: &str| path.starts_with("/v1/");
    let without = |prefix: &str| {
        let rest = path.strip_prefix('/')?;
        rest.strip_prefix(prefix.trim_matches('/'))
    };
    let mut stripped = prefixes.into_iter().flatten().filter_map(without);
    is_below(path) || stripped.any(is_below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_tried_as_it_came_then_without_one_prefix() {
        let (agent, session) = ("a", "b%2Fc");
        let (one, two) = (Some("prod"), Some("/v1"));
        for (path, stage, base, expected) in [
            ("/health", one, two, Some(Route::Health)),
            ("/prod/health", one, None, Some(Route::Health)),
            ("/v1/health", one, two, Some(Route::Health)),
            ("/v1/x/api/agents", None, Some("/v1/x"), Some(Route::Agents)),
            ("/prod/v1/health", one, two, None),
            ("/prodhealth", one, None, None),
            ("/api/agents/invoke", Some("api"), None, Some(Route::Invoke)),
            (
                "/api/api/agents/invoke",
                Some("api"),
                None,
                Some(Route::Invoke),
            ),
            ("/prod/prod/health", one, None, None),
            (
                "/prod/api/agents/a/sessions/b%2Fc",
                one,
                None,
                Some(Route::Session { agent, session }),
            ),
            ("/health", None, None, Some(Route::Health)),
            ("/health/", Some("health"), None, None),
        ] {
            let uri = path.parse().unwrap();
            let found = Route::find(without_prefix(&uri, [stage, base]));
            assert_eq!(found, expected, "{path} {stage:?} {base:?}");
        }
    }

    #[test]
    fn each_listed_path_has_a_route() {
        let mut found: Vec<_> = ROUTES.iter().map(|path| Route::find(path)).collect();
        assert!(found.iter().all(Option::is_some), "{found:?}");
        found.dedup();
        assert_eq!(found.len(), ROUTES.len());
    }

    #[test]
    fn other_paths_have_no_route() {
        for path in [
            "",
            "/",
            "health",
            "/health/",
            "/health/x",
            "/api",
            "/api/agents/",
            "/api/agents/a/b/c/d",
            "/api/agents/a/sessions/",
            "/api/agents//sessions/y",
            "/api/agents//status",
            "/api/agents/a/sessions/y/z",
            "/api/agents/a/status/",
            "/api/agents/invoke/",
            "/api/agents/invoke/stream/x",
            "//health",
            "/v1",
            "/v1/",
            "/v1/models/a",
            "/v1/chat",
            "/v1/chat/completions/",
            "/api/agents/a/ag-ui/",
            "/api/agents/a/connections/b",
            "/api/agents//ag-ui",
        ] {
            assert_eq!(Route::find(path), None, "{path}");
        }
    }
}
