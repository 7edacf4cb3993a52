//! The body of an invocation, parsed in the order in which its mistakes are told.

use super::error::ApiError;
use super::object::{MAX_BODY_BYTES, fields, is_blank, object};
use crate::invocation::{Prompt, PromptError};
use crate::session::SessionId;

/// What a caller asks for. The agent is not yet looked up.
#[derive(Debug)]
pub(super) struct InvokeRequest<'a> {
    pub(super) agent_id: String,
    pub(super) prompt: Prompt,
    /// `None` where the caller sent none.
    pub(super) session: Option<SessionId>,
    /// The whole object.
    pub(super) json: &'a str,
}

impl<'a> InvokeRequest<'a> {
    /// Parses a body.
    ///
    /// # Errors
    /// Of the first mistake in this order: size (413), JSON, an object, types, missing or blank, the
    /// form of the session id, the size of the prompt (400).
    pub(super) fn parse(body: &'a [u8], max_prompt_bytes: usize) -> Result<Self, ApiError> {
        let json = object(body)?;
        let [agent_id, prompt, session_id] = fields(json, &["agentId", "prompt", "sessionId"])?;
        // Known before anything else can be told of it, so that every error names it.
        let session = session_id.text().map(SessionId::parse);
        let known_session = session
            .as_ref()
            .and_then(|parsed| parsed.as_ref().ok())
            .cloned();
        let known_session = known_session.as_ref().map(SessionId::as_str);
        let refuse = |error: ApiError| error.in_session(known_session);

        let agent_id = agent_id.into_text("agentId").map_err(refuse)?;
        let prompt = prompt.into_text("prompt").map_err(refuse)?;
        let session_id = session_id.into_text("sessionId").map_err(refuse)?;

        let required = || refuse(ApiError::validation("agentId and prompt are required"));
        let agent_id = agent_id
            .filter(|id| !id.trim().is_empty())
            .ok_or_else(required)?;
        let prompt = match Prompt::parse(prompt.unwrap_or_default(), max_prompt_bytes) {
            Err(PromptError::Blank) => return Err(required()),
            parsed => parsed,
        };
        let session = self::session_id(session_id.as_deref())?;
        let prompt = prompt.map_err(|error| refuse(ApiError::validation(error.to_string())))?;
        Ok(Self {
            agent_id,
            prompt,
            session,
            json,
        })
    }
}

/// The session that a body asks for, where nothing else is asked: an empty body asks for a fresh one.
///
/// # Errors
/// 400 where the body is no object, or the session id none.
pub(super) fn parse_session(body: &[u8]) -> Result<Option<SessionId>, ApiError> {
    if body.len() <= MAX_BODY_BYTES && is_blank(body) {
        return Ok(None);
    }
    let [sent] = fields(object(body)?, &["sessionId"])?;
    session_id(sent.into_text("sessionId")?.as_deref())
}

/// A session's id as a caller sent it.
///
/// # Errors
/// 400 where it has not the form of one.
pub(super) fn session_id(sent: Option<&str>) -> Result<Option<SessionId>, ApiError> {
    match sent {
        None | Some("") => Ok(None),
        Some(id) => SessionId::parse(id)
            .map(Some)
            .map_err(|error| ApiError::validation(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::Value;

    use super::*;

    async fn mistake(body: &str) -> Value {
        let error = InvokeRequest::parse(body.as_bytes(), 10).unwrap_err();
        let body = error
            .into_response()
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes();
        serde_json::from_slice(&body).unwrap()
    }

    #[tokio::test]
    async fn mistakes_are_told_in_order() {
        const REQUIRED: &str = "agentId and prompt are required";
        const FORM: &str = "sessionId must be 1 to 256 characters of A-Z, a-z, 0-9, _ and -, \
                            beginning with a letter or digit";
        for (body, message) in [
            ("", "the request body is not valid JSON (line 1, column 0)"),
            ("{", "the request body is not valid JSON (line 1, column 1)"),
            (
                "{} x",
                "the request body is not valid JSON (line 1, column 4)",
            ),
            (
                r#"{"prompt":"\ud800"}"#,
                "prompt holds half of a surrogate pair",
            ),
            ("1e999", "the request body must be a JSON object"),
            (r#"{"prompt":1e999}"#, "prompt must be a string"),
            (r#"{"prompt":1,"prompt":null}"#, "prompt is there twice"),
            (r#"{"prompt":1,"prompt":2}"#, "prompt is there twice"),
            ("[1]", "the request body must be a JSON object"),
            ("null", "the request body must be a JSON object"),
            ("\"x\"", "the request body must be a JSON object"),
            ("-1.5", "the request body must be a JSON object"),
            (r#"{"agentId":1,"prompt":2}"#, "agentId must be a string"),
            (r#"{"prompt":[],"sessionId":1}"#, "prompt must be a string"),
            (r#"{"sessionId":{}}"#, "sessionId must be a string"),
            ("{}", REQUIRED),
            (r#"{"agentId":null,"prompt":null}"#, REQUIRED),
            (r#"{"agentId":"\u2003","prompt":"x"}"#, REQUIRED),
            (r#"{"agentId":"a","prompt":" \u0000\u001b "}"#, REQUIRED),
            (
                r#"{"agentId":"a","prompt":"                ","sessionId":"-"}"#,
                REQUIRED,
            ),
            (
                r#"{"agentId":"a","prompt":"longer than ten","sessionId":"-"}"#,
                FORM,
            ),
            (
                r#"{"agentId":"a","prompt":"longer than ten"}"#,
                "the prompt is longer than 10 bytes",
            ),
        ] {
            let told = mistake(body).await;
            assert_eq!(told["message"], message, "{body}");
            assert_eq!(told["error"], "ValidationError");
            assert_eq!(
                told["details"],
                serde_json::json!({"retryable": false}),
                "{body}"
            );
        }
    }

    #[tokio::test]
    async fn a_mistake_names_the_session_that_the_caller_sent() {
        for body in [
            r#"{"prompt":1,"sessionId":"s-1"}"#,
            r#"{"sessionId":"s-1"}"#,
            r#"{"agentId":"a","prompt":"longer than ten","sessionId":"s-1"}"#,
        ] {
            assert_eq!(mistake(body).await["details"]["sessionId"], "s-1", "{body}");
        }
    }

    #[tokio::test]
    async fn deep_nesting_is_looked_at_by_nobody() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(
            mistake(&format!(r#"{{"prompt":{deep}}}"#)).await["message"],
            "prompt must be a string"
        );
        let unknown = format!(r#"{{"x":{deep},"agentId":"a","prompt":"b"}}"#);
        assert!(InvokeRequest::parse(unknown.as_bytes(), 10).is_ok());
    }

    #[test]
    fn unknown_fields_are_ignored_and_no_session_is_none() {
        for session in ["", r#","sessionId":null"#, r#","sessionId":"""#] {
            let body = format!(r#"{{"x":[1],"agentId":"a","x":{{}},"prompt":"b"{session}}}"#);
            let request = InvokeRequest::parse(body.as_bytes(), 10).unwrap();
            assert_eq!(
                (request.agent_id.as_str(), request.prompt.as_str()),
                ("a", "b")
            );
            assert_eq!(request.session, None);
        }
    }
}
