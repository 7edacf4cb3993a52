//! Chat completions as OpenAI's API answers them: one document, or chunks.
//!
//! <https://platform.openai.com/docs/api-reference/chat>

use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderName, HeaderValue, header};
use serde::Serialize;
use uuid::Uuid;

use super::sse::{CONTENT_TYPE, DONE, push_data};
use super::{Completion, Format, Subject, push_in_string, push_json};
use crate::api::error::ApiError;
use crate::api::response::APPLICATION_JSON;

/// Where an answer says its session.
pub(in crate::api) const X_SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");

/// What all parts of an answer say.
struct About {
    id: String,
    created: u64,
    model: String,
    session: HeaderValue,
}

impl About {
    #[expect(clippy::expect_used, reason = "what the id's own type holds")]
    fn new(subject: Subject<'_>) -> Self {
        Self {
            id: format!("chatcmpl-{}", Uuid::new_v4().simple()),
            created: unix_seconds((subject.now)()),
            model: subject.agent.as_str().to_owned(),
            session: HeaderValue::from_str(subject.session.as_str())
                .expect("a session's id is of visible ASCII characters alone"),
        }
    }
}

/// The seconds since 1970, in which OpenAI's API tells times.
pub(in crate::api) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn finish_reason(ended: Completion) -> &'static str {
    if ended.incomplete { "length" } else { "stop" }
}

/// An error in OpenAI's form.
#[derive(Serialize)]
pub(in crate::api) struct ErrorBody<'a> {
    error: ErrorDetails<'a>,
}

#[derive(Serialize)]
struct ErrorDetails<'a> {
    message: &'a str,
    r#type: &'static str,
    code: &'static str,
}

impl<'a> From<&'a ApiError> for ErrorBody<'a> {
    fn from(error: &'a ApiError) -> Self {
        let is_the_servers = error.code().status().is_server_error();
        Self {
            error: ErrorDetails {
                message: error.message(),
                r#type: if is_the_servers {
                    "server_error"
                } else {
                    "invalid_request_error"
                },
                code: error.code().as_str(),
            },
        }
    }
}

/// The answer as one document.
pub(super) struct Whole {
    about: About,
}

impl Whole {
    pub(super) fn new(subject: Subject<'_>) -> Self {
        let about = About::new(subject);
        Self { about }
    }
}

/// The members before the text.
#[derive(Serialize)]
struct Head<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
}

impl Format for Whole {
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        vec![
            (header::CONTENT_TYPE, APPLICATION_JSON),
            (X_SESSION_ID, self.about.session.clone()),
        ]
    }

    fn tells_errors(&self) -> bool {
        false
    }

    fn escapes_line_separators(&self) -> bool {
        false
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        let head = Head {
            id: &self.about.id,
            object: "chat.completion",
            created: self.about.created,
            model: &self.about.model,
        };
        push_json(out, &head);
        // Without its closing brace: the choices continue the object.
        out.pop();
        out.extend_from_slice(
            br#","choices":[{"index":0,"message":{"role":"assistant","content":""#,
        );
    }

    fn piece(&mut self, text: &str, out: &mut Vec<u8>) {
        push_in_string(out, text);
    }

    fn piece_frame_bytes(&self) -> usize {
        0
    }

    fn end(&mut self, ended: Completion, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"","refusal":null},"logprobs":null,"finish_reason":"#);
        push_json(out, &finish_reason(ended));
        out.extend_from_slice(b"}]}");
    }

    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        out.clear();
        push_json(out, &ErrorBody::from(error));
    }
}

/// The answer in chunks.
pub(super) struct Chunks {
    about: About,
}

impl Chunks {
    pub(super) fn new(subject: Subject<'_>) -> Self {
        let about = About::new(subject);
        Self { about }
    }

    fn push(&self, delta: Delta<'_>, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        let chunk = Chunk {
            id: &self.about.id,
            object: "chat.completion.chunk",
            created: self.about.created,
            model: &self.about.model,
            choices: [Choice {
                index: 0,
                delta,
                logprobs: None,
                finish_reason,
            }],
        };
        push_data(out, &chunk);
    }
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: [Choice<'a>; 1],
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u8,
    delta: Delta<'a>,
    /// Always null, as OpenAI's API has it where nobody asked.
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
}

impl Format for Chunks {
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        vec![CONTENT_TYPE, (X_SESSION_ID, self.about.session.clone())]
    }

    fn tells_errors(&self) -> bool {
        true
    }

    fn escapes_line_separators(&self) -> bool {
        true
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        let delta = Delta {
            role: Some("assistant"),
            content: Some(""),
        };
        self.push(delta, None, out);
    }

    fn piece(&mut self, text: &str, out: &mut Vec<u8>) {
        let delta = Delta {
            content: Some(text),
            ..Delta::default()
        };
        self.push(delta, None, out);
    }

    fn piece_frame_bytes(&self) -> usize {
        320 + self.about.model.len()
    }

    fn end(&mut self, ended: Completion, out: &mut Vec<u8>) {
        self.push(Delta::default(), Some(finish_reason(ended)), out);
        out.extend_from_slice(DONE);
    }

    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        push_data(out, &ErrorBody::from(error));
        out.extend_from_slice(DONE);
    }
}
