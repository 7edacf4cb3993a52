//! `POST /api/agents/{agentId}/ag-ui`: a `RunAgentInput` of AG-UI, answered with its events.
//!
//! <https://docs.ag-ui.com/sdk/js/core/types#runagentinput>

use super::ask::{Question, SentSession, ask, fields_of};
use super::body::Response;
use super::context::Received;
use super::dispatch::Shared;
use super::error::ApiError;
use super::format::{FormatName, RunIds};
use super::messages::Message;
use super::object::{fields, object};
use crate::agent::Agent;
use crate::invocation::{Content, Prompt, PromptError, RunInput};
use crate::session::SessionId;

/// Runs an agent.
pub(super) async fn run(
    shared: &Shared,
    received: &Received,
    agent: &str,
    body: &[u8],
) -> Result<Response, ApiError> {
    ask(shared, received, question(shared, agent, body)).await
}

/// A `RunAgentInput`, as far as it is looked at.
struct Input<'a> {
    ids: RunIds,
    messages: Vec<Message<'a>>,
    /// The whole object.
    json: &'a str,
}

fn question<'a>(shared: &'a Shared, agent: &str, body: &[u8]) -> Result<Question<'a>, ApiError> {
    let input = Input::parse(object(body)?)?;
    let session = SentSession {
        id: SessionId::of_thread(&input.ids.thread),
        name: input.ids.thread.clone(),
    };
    let in_session = |error: ApiError| error.in_session(Some(&session.name));
    let agent = shared.agent(agent).map_err(in_session)?;
    let content = input.content(agent, shared.settings.max_prompt_bytes);
    let content = content.map_err(|error| in_session(error.of_agent(&agent.id)))?;
    Ok(Question {
        agent,
        content,
        format: FormatName::AgUi(Some(input.ids)),
        session: Some(session),
    })
}

impl<'a> Input<'a> {
    /// Parses what every run has: its ids, and its messages.
    fn parse(json: &'a str) -> Result<Self, ApiError> {
        let [thread, run, messages] = fields(json, &["threadId", "runId", "messages"])?;
        let thread_text = thread.text().filter(|text| !text.trim().is_empty());
        let thread_text = thread_text.map(str::to_owned);
        let in_session = |error: ApiError| error.in_session(thread_text.as_deref());
        let thread = thread.into_text("threadId").map_err(in_session)?;
        let run = run.into_text("runId").map_err(in_session)?;
        let messages = messages.into_array("messages").map_err(in_session)?;
        let messages = messages.map(|all| all.into_iter().map(Message::parse).collect());
        let messages: Option<Vec<_>> = messages.transpose().map_err(in_session)?;
        let is_id = |id: &String| !id.trim().is_empty();
        let (Some(thread), Some(run), Some(messages)) =
            (thread.filter(is_id), run.filter(is_id), messages)
        else {
            let required = "threadId, runId and messages are required";
            return Err(in_session(ApiError::validation(required)));
        };
        Ok(Self {
            ids: RunIds { thread, run },
            messages,
            json,
        })
    }

    /// What the agent is sent: the whole input, where it speaks AG-UI itself, else the text of the
    /// last message.
    fn content(&self, agent: &Agent, max_prompt_bytes: usize) -> Result<Content, ApiError> {
        if agent.message.speaks_ag_ui() {
            return self.whole(max_prompt_bytes);
        }
        let last = self.last_of_user().ok_or_else(|| {
            ApiError::validation(
                "the last message must be the user's: its text is what the agent is told",
            )
        })?;
        let text = last.text()?.unwrap_or_default();
        let prompt = Prompt::parse(text, max_prompt_bytes);
        Ok(Content::Prompt {
            prompt: prompt.map_err(|error| ApiError::validation(error.to_string()))?,
            fields: fields_of(self.json, &agent.fields)?,
        })
    }

    /// The whole input, for an agent that reads it itself.
    fn whole(&self, max_bytes: usize) -> Result<Content, ApiError> {
        let prompt_bytes = self.last_of_user().map_or(0, Message::text_bytes);
        if prompt_bytes > max_bytes {
            let too_long = PromptError::TooLong { max_bytes };
            return Err(ApiError::validation(too_long.to_string()));
        }
        let input = RunInput::parse(self.json, prompt_bytes);
        // It is an object with a `threadId`, or this is not reached.
        let input = input.ok_or_else(|| ApiError::validation("threadId is required"))?;
        Ok(Content::Run(input))
    }

    /// The last message, where it is the user's.
    fn last_of_user(&self) -> Option<&Message<'a>> {
        self.messages.last().filter(|last| last.is_of_user())
    }
}
