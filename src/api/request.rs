//! The body of an invocation, parsed in the order in which its mistakes are told.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::error::ApiError;
use crate::invocation::{Prompt, PromptError, SessionId};

/// The largest body, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 1_048_576;

/// What a caller asks for. The agent is not yet looked up.
#[derive(Debug)]
pub(super) struct InvokeRequest {
    pub(super) agent_id: String,
    pub(super) prompt: Prompt,
    /// `None` where the caller sent none.
    pub(super) session: Option<SessionId>,
}

impl InvokeRequest {
    /// Parses a body.
    ///
    /// # Errors
    /// 400, of the first mistake in this order: JSON, an object, types, missing or blank, the form
    /// of the session id, the size of the prompt.
    pub(super) fn parse(body: &[u8], max_prompt_bytes: usize) -> Result<Self, ApiError> {
        let fields = match serde_json::from_slice(body) {
            Ok(Body::Object(fields)) => fields,
            Ok(Body::Other) => {
                return Err(ApiError::validation(
                    "the request body must be a JSON object",
                ));
            }
            Err(error) => return Err(ApiError::validation(json_mistake(&error))),
        };
        // Known before anything else can be told of it, so that every error names it.
        let session = fields
            .session_id
            .as_ref()
            .and_then(Value::as_str)
            .map(SessionId::parse);
        let known_session = session
            .as_ref()
            .and_then(|parsed| parsed.as_ref().ok())
            .cloned();
        let refuse = |error: ApiError| error.in_session(known_session.as_ref());

        let agent_id = text("agentId", fields.agent_id).map_err(refuse)?;
        let prompt = text("prompt", fields.prompt).map_err(refuse)?;
        let session_id = text("sessionId", fields.session_id).map_err(refuse)?;

        let required = || refuse(ApiError::validation("agentId and prompt are required"));
        let agent_id = agent_id
            .filter(|id| !id.trim().is_empty())
            .ok_or_else(required)?;
        let prompt = match Prompt::parse(prompt.unwrap_or_default(), max_prompt_bytes) {
            Err(PromptError::Blank) => return Err(required()),
            parsed => parsed,
        };
        let session = match session_id.as_deref() {
            None | Some("") => None,
            Some(id) => Some(
                SessionId::parse(id).map_err(|error| ApiError::validation(error.to_string()))?,
            ),
        };
        let prompt = prompt.map_err(|error| refuse(ApiError::validation(error.to_string())))?;
        Ok(Self {
            agent_id,
            prompt,
            session,
        })
    }
}

/// A field that is a string, or none.
fn text(name: &str, value: Option<Value>) -> Result<Option<String>, ApiError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ApiError::validation(format!("{name} must be a string"))),
    }
}

/// Says where the JSON is wrong, in our words alone: a parser's may quote the body.
fn json_mistake(error: &serde_json::Error) -> String {
    if error.is_data() {
        return error
            .to_string()
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned();
    }
    let place = format!("line {}, column {}", error.line(), error.column());
    format!("the request body is not valid JSON ({place})")
}

/// A body that is JSON.
enum Body {
    Object(Fields),
    Other,
}

#[derive(Default)]
struct Fields {
    agent_id: Option<Value>,
    prompt: Option<Value>,
    session_id: Option<Value>,
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BodyVisitor)
    }
}

/// Serde's derived types take an array for a struct, and a duplicate's error quotes no more than
/// its name; here both are told apart from other mistakes.
struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Body;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body, A::Error> {
        let mut fields = Fields::default();
        while let Some(name) = map.next_key::<String>()? {
            let field = match name.as_str() {
                "agentId" => &mut fields.agent_id,
                "prompt" => &mut fields.prompt,
                "sessionId" => &mut fields.session_id,
                _ => {
                    map.next_value::<de::IgnoredAny>()?;
                    continue;
                }
            };
            if field.replace(map.next_value()?).is_some() {
                return Err(de::Error::custom(format!("{name} is there twice")));
            }
        }
        Ok(Body::Object(fields))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Body, A::Error> {
        while seq.next_element::<de::IgnoredAny>()?.is_some() {}
        Ok(Body::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Body, E> {
        Ok(Body::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Body, E> {
        Ok(Body::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Body, E> {
        Ok(Body::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Body, E> {
        Ok(Body::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Body, E> {
        Ok(Body::Other)
    }

    fn visit_unit<E>(self) -> Result<Body, E> {
        Ok(Body::Other)
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use http_body_util::BodyExt;

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
                "the request body is not valid JSON (line 1, column 18)",
            ),
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
