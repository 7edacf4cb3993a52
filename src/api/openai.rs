//! `POST /v1/chat/completions` and `GET /v1/models`: what clients of OpenAI's API ask, with agents
//! as models.
//!
//! <https://platform.openai.com/docs/api-reference/chat/create>

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use super::ask::{Question, SentSession, ask, fields_of};
use super::body::Response;
use super::context::Received;
use super::dispatch::Shared;
use super::error::ApiError;
use super::format::{FormatName, OpenAiError, X_SESSION_ID, unix_seconds};
use super::messages::Message;
use super::object::{Field, fields, object, wrong_type};
use super::request::session_id;
use super::response::json;
use crate::invocation::{Content, Prompt};
use crate::session::SessionId;

/// What the clients obey: without it they repeat every 429 and 5xx.
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Completes a chat.
pub(super) async fn complete(
    shared: &Shared,
    received: &Received,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, ApiError> {
    ask(shared, received, question(shared, headers, body)).await
}

/// The response to an error, in OpenAI's form.
pub(super) fn error_response(error: &ApiError) -> Response {
    let mut response = error.response_of(&OpenAiError::from(error));
    let headers = response.headers_mut();
    let should_retry = if error.is_retryable() {
        "true"
    } else {
        "false"
    };
    headers.insert(X_SHOULD_RETRY, HeaderValue::from_static(should_retry));
    if let Some(Ok(session)) = error.session().map(HeaderValue::from_str) {
        headers.insert(X_SESSION_ID, session);
    }
    response
}

#[derive(Serialize)]
struct Models<'a> {
    object: &'static str,
    data: Vec<Model<'a>>,
}

#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    owned_by: &'static str,
}

/// The agents that can be asked.
pub(super) fn models(shared: &Shared) -> Response {
    let agents = shared.service.agents().iter();
    let configured = agents.filter(|agent| agent.runtime.is_ok());
    let models = configured.map(|agent| Model {
        id: agent.id.as_str(),
        object: "model",
        created: unix_seconds(shared.started),
        owned_by: env!("CARGO_PKG_NAME"),
    });
    let data = models.collect();
    json(
        StatusCode::OK,
        &Models {
            object: "list",
            data,
        },
    )
}

/// A request for a completion. The agent is not yet looked up.
struct Request<'a> {
    model: String,
    messages: Vec<Message<'a>>,
    is_streamed: bool,
    session: Option<SessionId>,
    json: &'a str,
}

fn question<'a>(
    shared: &'a Shared,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Question<'a>, ApiError> {
    let request = Request::parse(headers, object(body)?)?;
    let session = request.session.as_ref().map(SessionId::as_str);
    let in_session = |error: ApiError| error.in_session(session);
    let prompt = request.prompt().map_err(in_session)?;
    let prompt = Prompt::parse(prompt, shared.settings.max_prompt_bytes);
    let prompt = prompt.map_err(|error| in_session(ApiError::validation(error.to_string())))?;
    let agent = shared.service.find(&request.model);
    let agent = agent.ok_or_else(|| in_session(ApiError::unknown_model()))?;
    let fields = fields_of(request.json, &agent.fields);
    let fields = fields.map_err(|error| in_session(error.of_agent(&agent.id)))?;
    Ok(Question {
        agent,
        content: Content::Prompt { prompt, fields },
        session: request.session.map(SentSession::from),
        format: FormatName::OpenAi {
            is_streamed: request.is_streamed,
        },
    })
}

impl<'a> Request<'a> {
    fn parse(headers: &HeaderMap, json: &'a str) -> Result<Self, ApiError> {
        let known = ["model", "messages", "stream", "metadata"];
        let [model, messages, stream, metadata] = fields(json, &known)?;
        let model = model.into_text("model")?;
        let messages = messages.into_array("messages")?;
        let is_streamed = is_true(&stream, "stream")?;
        let messages = messages.map(|all| all.into_iter().map(Message::parse).collect());
        let messages: Option<Vec<_>> = messages.transpose()?;
        let model = model.filter(|model| !model.trim().is_empty());
        let (Some(model), Some(messages)) = (model, messages) else {
            return Err(ApiError::validation("model and messages are required"));
        };
        Ok(Self {
            model,
            messages,
            is_streamed,
            session: sent_session(headers, &metadata)?,
            json,
        })
    }

    /// What the agent is told: the user's last words where it knows what was said before, else all of
    /// the conversation.
    fn prompt(&self) -> Result<String, ApiError> {
        let texts = self.messages.iter().map(Message::text);
        let texts: Vec<_> = texts.collect::<Result<_, _>>()?;
        let last = self.messages.iter().rposition(Message::is_of_user);
        let last = last.ok_or_else(|| {
            ApiError::validation("one of messages must be the user's: its role is \"user\"")
        })?;
        if self.session.is_some() || self.messages.len() == 1 {
            return Ok(texts[last].clone().unwrap_or_default());
        }
        let said = self
            .messages
            .iter()
            .zip(&texts)
            .filter_map(|(message, text)| {
                let text = text.as_deref().filter(|text| !text.is_empty())?;
                Some(format!("{}: {text}", message.role))
            });
        Ok(said.collect::<Vec<_>>().join("\n"))
    }
}

fn is_true(field: &Field<'_>, name: &str) -> Result<bool, ApiError> {
    match field {
        Field::None => Ok(false),
        Field::Other(value) if value.get() == "true" => Ok(true),
        Field::Other(value) if value.get() == "false" => Ok(false),
        Field::Text(_) | Field::Other(_) => Err(wrong_type(name, "true or false")),
    }
}

/// The session that a header names, or else the metadata.
fn sent_session(headers: &HeaderMap, metadata: &Field<'_>) -> Result<Option<SessionId>, ApiError> {
    if let Some(header) = headers.get(X_SESSION_ID).filter(|value| !value.is_empty()) {
        // What is no text has not the form of a session's id either.
        return session_id(Some(header.to_str().unwrap_or(" ")));
    }
    let sent = match metadata {
        Field::None => None,
        Field::Other(object) if object.get().starts_with('{') => {
            let [sent] = fields(object.get(), &["sessionId"])?;
            sent.into_text("metadata.sessionId")?
        }
        Field::Text(_) | Field::Other(_) => return Err(wrong_type("metadata", "an object")),
    };
    session_id(sent.as_deref())
}
