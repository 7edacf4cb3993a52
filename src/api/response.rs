//! Answers as JSON, and how large they may be.

use std::time::SystemTime;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::agent::{Agent, AgentId, RuntimeArn};
use crate::agentcore::status::RuntimeStatus;
use crate::service::AgentStatus;
use crate::telemetry;

/// What an answer holds beside its body: status, headers, ids.
pub(super) const OVERHEAD_BYTES: usize = 16_000;

/// An answer with a JSON body.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Our bodies are structs of strings and numbers, which always serialize.
    let body = serde_json::to_string(body).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

#[derive(Serialize)]
pub(super) struct HealthBody {
    pub(super) status: &'static str,
    pub(super) version: &'static str,
}

#[derive(Serialize)]
pub(super) struct AgentsBody<'a> {
    pub(super) agents: Vec<AgentBody<'a>>,
}

/// An agent as the listing shows it: neither its ARN nor the account.
#[derive(Serialize)]
pub(super) struct AgentBody<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    configured: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
}

impl<'a> From<&'a Agent> for AgentBody<'a> {
    fn from(agent: &'a Agent) -> Self {
        Self {
            id: agent.id.as_str(),
            name: &agent.display_name,
            description: agent.description.as_deref(),
            configured: agent.runtime.is_ok(),
            region: agent.runtime.as_ref().ok().map(RuntimeArn::region),
        }
    }
}

/// An agent's status.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusBody<'a> {
    agent_id: &'a str,
    status: &'static str,
    /// RFC 3339.
    checked_at: String,
}

impl<'a> StatusBody<'a> {
    pub(super) fn new(agent: &'a AgentId, status: AgentStatus, now: fn() -> SystemTime) -> Self {
        let (status, at) = match status {
            AgentStatus::NotConfigured => ("not_configured", now()),
            AgentStatus::Checked(checked) => {
                let status = match checked.status {
                    RuntimeStatus::Available => "available",
                    RuntimeStatus::Unavailable => "unavailable",
                    RuntimeStatus::Unknown => "unknown",
                };
                (status, checked.at)
            }
        };
        Self {
            agent_id: agent.as_str(),
            status,
            checked_at: telemetry::timestamp(at),
        }
    }
}

/// A reply as a whole.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReplyBody<'a> {
    pub(super) response: &'a str,
    pub(super) session_id: &'a str,
    pub(super) metadata: Metadata,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) incomplete: bool,
}

#[derive(Clone, Copy, Serialize)]
pub(super) struct Metadata {
    pub(super) chunks: u64,
    /// In milliseconds.
    pub(super) duration: u64,
}

/// As much of a text as fits into so many bytes of an answer, cut at a character's boundary.
///
/// The text is a JSON string in the body, which is a JSON string in what Lambda gets: a quotation
/// mark takes four bytes there.
pub(super) fn fitting(text: &str, bytes: usize) -> &str {
    let mut room = bytes;
    for (at, c) in text.char_indices() {
        let bytes = bytes_escaped_twice(c);
        if bytes > room {
            return &text[..at];
        }
        room -= bytes;
    }
    text
}

/// What a text takes as part of a JSON string.
pub(super) fn bytes_escaped_once(text: &str) -> usize {
    let bytes = |c| match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => c.len_utf8(),
    };
    text.chars().map(bytes).sum()
}

fn bytes_escaped_twice(c: char) -> usize {
    match c {
        '"' | '\\' => 4,
        '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 3,
        '\0'..='\u{1f}' => 7,
        _ => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped_twice(text: &str) -> String {
        let once = serde_json::to_string(text).unwrap();
        serde_json::to_string(&once).unwrap()
    }

    #[test]
    fn what_fits_is_not_cut() {
        assert_eq!(fitting("abc", 3), "abc");
        assert_eq!(fitting("abc", 2), "ab");
        assert_eq!(fitting("aé", 2), "a");
        assert_eq!(fitting("\"\"", 7), "\"");
        assert_eq!(fitting("abc", 0), "");
    }

    proptest! {
        /// serde_json is the judge. Quotation marks around each of the two strings are apart.
        #[test]
        fn a_texts_size_is_what_it_takes(text in any::<String>()) {
            let bytes: usize = text.chars().map(bytes_escaped_twice).sum();
            prop_assert_eq!(bytes + 6, escaped_twice(&text).len());
            let once = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(bytes_escaped_once(&text) + 2, once.len());
        }
    }
}
