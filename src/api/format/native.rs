//! The bridge's own format: server-sent events `session`, one chunk for each piece, what callers may
//! see of the steps between them, then `complete` or `error`.

use agentcore_reply::Step;
use http::{HeaderName, HeaderValue};
use serde::Serialize;

use super::json::Metadata;
use super::raw::{Answered, Written};
use super::sse::{CONTENT_TYPE, DONE, push_data, push_event};
use super::{Completion, Format};
use crate::api::error::ApiError;
use crate::session::SessionId;

pub(super) struct Native {
    pub(super) session: SessionId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Session<'a> {
    session_id: &'a str,
}

#[derive(Serialize)]
struct Chunk<'a> {
    chunk: &'a str,
}

#[derive(Serialize)]
struct Reasoning<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: &'a str,
    name: &'a str,
    input: Written<'a>,
}

#[derive(Serialize)]
struct ToolResult<'a> {
    id: &'a str,
    output: Answered<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    failed: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Complete<'a> {
    session_id: &'a str,
    metadata: Metadata,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
}

impl Format for Native {
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        vec![CONTENT_TYPE]
    }

    fn escapes_line_separators(&self) -> bool {
        true
    }

    fn tells_errors(&self) -> bool {
        true
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        let session_id = self.session.as_str();
        push_event(out, "session", &Session { session_id });
    }

    fn piece(&mut self, text: &str, out: &mut Vec<u8>) {
        push_data(out, &Chunk { chunk: text });
    }

    fn piece_frame_bytes(&self) -> usize {
        r#"data: {\"chunk\":\"\"}\n\n"#.len()
    }

    fn step(&mut self, step: &Step, out: &mut Vec<u8>) {
        match step {
            Step::Reasoning(text) => push_event(out, "reasoning", &Reasoning { text }),
            Step::Call { id, name, input } => {
                let input = Written(input);
                push_event(out, "tool-call", &ToolCall { id, name, input });
            }
            Step::CallResult { id, output, failed } => {
                let (output, failed) = (Answered(output), *failed);
                push_event(out, "tool-result", &ToolResult { id, output, failed });
            }
            // A call is told once it is whole; ends of turns have no place here.
            Step::CallBegun { .. }
            | Step::CallInput { .. }
            | Step::TurnEnd
            | Step::AgUiEvent { .. }
            | Step::Text(_)
            | Step::End(_) => {}
        }
    }

    fn end(&mut self, ended: Completion, out: &mut Vec<u8>) {
        let complete = Complete {
            session_id: self.session.as_str(),
            metadata: ended.into(),
            incomplete: ended.incomplete,
        };
        push_event(out, "complete", &complete);
        out.extend_from_slice(DONE);
    }

    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        push_event(out, "error", &error.body());
        out.extend_from_slice(DONE);
    }
}
