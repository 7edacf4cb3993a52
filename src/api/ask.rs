//! A question to an agent and its answer, whatever language it was asked in.

use tokio::time::Instant;

use super::answer::{streamed, whole};
use super::body::Response;
use super::context::Received;
use super::dispatch::Shared;
use super::error::ApiError;
use super::format::{FormatName, Subject};
use super::reply_cache::{Key, Lookup};
use super::turn::{Timing, Turn};
use crate::agent::{Agent, FieldNames, RepeatedField, RequestFields};
use crate::agentcore::ReplyOptions;
use crate::invocation::{Content, Invocation};
use crate::session::SessionId;
use crate::telemetry;
use crate::telemetry::invocation::{InvocationIdentity, Told};

/// What a request asks of an agent.
pub(super) struct Question<'a> {
    pub(super) agent: &'a Agent,
    pub(super) content: Content,
    /// `None` where the caller sent none.
    pub(super) session: Option<SentSession>,
    /// In which format it is answered.
    pub(super) format: FormatName,
}

/// A session as its caller sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SentSession {
    pub(super) id: SessionId,
    /// What errors name it by: the id, or what it was made of.
    pub(super) name: String,
}

impl From<SessionId> for SentSession {
    fn from(id: SessionId) -> Self {
        let name = id.as_str().to_owned();
        Self { id, name }
    }
}

/// Asks the question that a request holds. A mistake in it is logged as a refused invocation.
pub(super) async fn ask(
    shared: &Shared,
    received: &Received,
    question: Result<Question<'_>, ApiError>,
) -> Result<Response, ApiError> {
    let question = question.and_then(|question| begin(shared, received, question));
    match question {
        Ok(begun) => answer(shared, received, begun).await,
        Err(error) => {
            let Told { code, status } = error.told();
            telemetry::invocation_refused(code, status, error.message());
            Err(error.timed(Timing {
                total: Some(received.context.received.elapsed()),
                ..Timing::default()
            }))
        }
    }
}

/// The fields of a request that go into an agent's message beside the others.
///
/// # Errors
/// 400 where one of them is there twice.
pub(super) fn fields_of(json: &str, names: &FieldNames) -> Result<RequestFields, ApiError> {
    let twice = |RepeatedField(name): RepeatedField<'_>| {
        ApiError::validation(format!("{name} is there twice"))
    };
    names.take(json).map_err(twice)
}

/// An invocation that has begun.
struct Begun<'a> {
    turn: Turn,
    agent: &'a Agent,
    invocation: Invocation,
    format: FormatName,
}

/// Checks the caller's limits, and begins the turn.
fn begin<'a>(
    shared: &Shared,
    received: &Received,
    question: Question<'a>,
) -> Result<Begun<'a>, ApiError> {
    let Question {
        agent,
        content,
        session: sent,
        format,
    } = question;
    let context = &received.context;
    let sent_name = sent.as_ref().map(|sent| sent.name.clone());
    let permit = shared.limits.admit(&context.origin).map_err(|refused| {
        ApiError::refused(refused)
            .of_agent(&agent.id)
            .in_session(sent_name.as_deref())
    })?;
    let continues = sent.is_some();
    let session = sent.map_or_else(SessionId::generate, |sent| sent.id);
    let invocation = Invocation {
        content,
        visit: received.visit(shared, agent, session.clone()),
    };
    let identity = InvocationIdentity {
        request: received.ids.clone(),
        agent: agent.id.clone(),
        session,
        caller: invocation.visit.caller.clone(),
        continues,
    };
    let prompt_bytes = invocation.content.prompt_bytes();
    let metrics = shared.metrics.clone();
    let turn = Turn::begin(identity, context.received, prompt_bytes, metrics, permit);
    Ok(Begun {
        turn: turn.sent_as(sent_name),
        agent,
        invocation,
        format,
    })
}

async fn answer(
    shared: &Shared,
    received: &Received,
    begun: Begun<'_>,
) -> Result<Response, ApiError> {
    let Begun {
        mut turn,
        agent,
        invocation,
        format,
    } = begun;
    let context = &received.context;
    let is_streamed = context.can_stream && format.is_streamed();
    // A response that is not streamed cannot hold more of the reply than this.
    let max_reply_bytes = shared
        .settings
        .max_response_bytes
        .min(context.limit.bytes());
    let exposed_steps = context.exposed_steps;
    let exposed_steps = exposed_steps.unwrap_or(shared.settings.exposed_steps);
    let options = ReplyOptions {
        memory_bytes: if is_streamed {
            agentcore_reply::DEFAULT_MEMORY_BYTES
        } else {
            max_reply_bytes
        },
        detail: format.detail(exposed_steps, agent),
    };
    let deadline: Instant = context.deadline(shared.service.deadline(context.received));
    recall(shared, received, &mut turn, agent, &invocation, deadline).await;
    if !turn.has_reply() {
        let opened = turn.open(&shared.service, agent, &invocation, deadline, options);
        if let Err(error) = opened.await {
            return Err(error.timed(turn.timing()));
        }
    }
    // The prompt, which may be large, is not needed while the reply arrives.
    drop(invocation);
    let writer = format.writer(Subject {
        session: turn.session(),
        agent: &agent.id,
        now: shared.now,
    });
    Ok(if is_streamed {
        streamed(turn, writer)
    } else {
        whole(turn, writer, max_reply_bytes, context.limit).await
    })
}

/// Looks for the reply among those that are remembered.
async fn recall(
    shared: &Shared,
    received: &Received,
    turn: &mut Turn,
    agent: &Agent,
    invocation: &Invocation,
    deadline: Instant,
) {
    // Only first prompts are cached: in a running conversation the reply depends on what was
    // said before.
    let Some(replies) = shared.replies.as_ref().filter(|_| !turn.continues()) else {
        return;
    };
    let caller = received.context.origin.caller.as_ref();
    let Some(key) = Key::new(&agent.id, caller, invocation) else {
        return;
    };
    match replies.look_up(key, deadline).await {
        Lookup::Hit(text) => turn.recall(text),
        Lookup::Lead(lead) => turn.share(lead),
        Lookup::Miss => {}
    }
}
