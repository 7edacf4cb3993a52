//! The body of an invocation, parsed in the order in which its mistakes are told.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::ApiError;
use crate::agent::{FieldNames, RepeatedField, RequestFields};
use crate::invocation::{Prompt, PromptError};
use crate::session::SessionId;

/// The largest body, in bytes.
pub const MAX_BODY_BYTES: usize = 1_048_576;

/// U+FEFF, which some programs write before a text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What a caller asks for. The agent is not yet looked up.
#[derive(Debug)]
pub(super) struct InvokeRequest<'a> {
    pub(super) agent_id: String,
    pub(super) prompt: Prompt,
    /// `None` where the caller sent none.
    pub(super) session: Option<SessionId>,
    /// The whole object.
    json: &'a str,
}

impl<'a> InvokeRequest<'a> {
    /// Parses a body.
    ///
    /// # Errors
    /// 400, of the first mistake in this order: JSON, an object, types, missing or blank, the form
    /// of the session id, the size of the prompt.
    pub(super) fn parse(body: &'a [u8], max_prompt_bytes: usize) -> Result<Self, ApiError> {
        // RFC 8259, section 8.1: it may be there, and is not to be.
        let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        let json = object(body)?;
        let fields: Fields = serde_json::from_str(json).map_err(|error| not_json(&error))?;
        // Known before anything else can be told of it, so that every error names it.
        let session = fields.session_id.text().map(SessionId::parse);
        let known_session = session
            .as_ref()
            .and_then(|parsed| parsed.as_ref().ok())
            .cloned();
        let refuse = |error: ApiError| error.in_session(known_session.as_ref());

        let agent_id = fields.agent_id.into_text("agentId").map_err(refuse)?;
        let prompt = fields.prompt.into_text("prompt").map_err(refuse)?;
        let session_id = fields.session_id.into_text("sessionId").map_err(refuse)?;

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

    /// The fields that go into an agent's message beside the others.
    ///
    /// # Errors
    /// 400 where one of them is there twice.
    pub(super) fn fields(&self, names: &FieldNames) -> Result<RequestFields, ApiError> {
        names
            .take(self.json)
            .map_err(|RepeatedField(name)| ApiError::validation(format!("{name} is there twice")))
    }
}

/// The session that a body asks for, where nothing else is asked: an empty body asks for a fresh one.
///
/// # Errors
/// 400 where the body is no object, or the session id none.
pub(super) fn parse_session(body: &[u8]) -> Result<Option<SessionId>, ApiError> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    if body.trim_ascii().is_empty() {
        return Ok(None);
    }
    let json = object(body)?;
    let fields: Fields = serde_json::from_str(json).map_err(|error| not_json(&error))?;
    session_id(fields.session_id.into_text("sessionId")?.as_deref())
}

/// The text of a JSON object.
fn object(body: &[u8]) -> Result<&str, ApiError> {
    let json: &RawValue = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    if json.get().starts_with('{') {
        Ok(json.get())
    } else {
        Err(ApiError::validation(
            "the request body must be a JSON object",
        ))
    }
}

fn session_id(sent: Option<&str>) -> Result<Option<SessionId>, ApiError> {
    match sent {
        None | Some("") => Ok(None),
        Some(id) => SessionId::parse(id)
            .map(Some)
            .map_err(|error| ApiError::validation(error.to_string())),
    }
}

/// Says where the JSON is wrong, in our words alone: a parser's may quote the body.
fn not_json(error: &serde_json::Error) -> ApiError {
    if error.is_data() {
        // Ours, of a known field: the place is put behind it.
        let text = error.to_string();
        return ApiError::validation(
            text.split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned(),
        );
    }
    let (line, column) = (error.line(), error.column());
    ApiError::validation(format!(
        "the request body is not valid JSON (line {line}, column {column})"
    ))
}

/// The fields of a body that are known, each once at the most. What others hold is not looked at.
#[derive(Default)]
struct Fields {
    agent_id: Field,
    prompt: Field,
    session_id: Field,
}

#[derive(Default)]
enum Field {
    /// Not there, or null.
    #[default]
    None,
    Text(String),
    /// Of another type.
    Other,
}

impl Field {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::None | Self::Other => None,
        }
    }

    fn into_text(self, name: &str) -> Result<Option<String>, ApiError> {
        match self {
            Self::None => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Other => Err(ApiError::validation(format!("{name} must be a string"))),
        }
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// Serde's derived types take an array for a struct, and build what nobody asked for.
struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        let mut seen = Vec::with_capacity(3);
        while let Some(name) = map.next_key::<String>()? {
            let field = match name.as_str() {
                "agentId" => &mut fields.agent_id,
                "prompt" => &mut fields.prompt,
                "sessionId" => &mut fields.session_id,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let value: &RawValue = map.next_value()?;
            *field = match value.get() {
                "null" => Field::None,
                text if text.starts_with('"') => {
                    Field::Text(serde_json::from_str(text).map_err(|_| {
                        A::Error::custom(format!("{name} holds half of a surrogate pair"))
                    })?)
                }
                _ => Field::Other,
            };
            if seen.contains(&name) {
                return Err(A::Error::custom(format!("{name} is there twice")));
            }
            seen.push(name);
        }
        Ok(fields)
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
