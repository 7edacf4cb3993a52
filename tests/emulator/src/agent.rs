//! Scripted agents: how they handle a handshake, what they send, and which status they report.

use std::{fmt, sync::Arc};

use crate::{Handshake, Step};

mod assistant;
mod formats;
mod stock;
mod weather;

pub use assistant::{Pace, PlannedReply};
pub use stock::stock;

/// The name of the endpoint that every agent has.
pub(crate) const DEFAULT_ENDPOINT: &str = "DEFAULT";

/// An agent: how it handles a handshake, what it sends first, and what it replies.
#[derive(Clone)]
pub struct Agent {
    pub(crate) handshake: Handshake,
    pub(crate) opening: Vec<Step>,
    pub(crate) stopping: Handshake,
    pub(crate) endpoint_status: String,
    /// The token that it takes in place of a signature.
    pub(crate) bearer: Option<String>,
    /// The endpoints beside the default one; without a list, there is every one.
    endpoints: Option<Vec<String>>,
    reply: Arc<Reply>,
}

type Reply = dyn Fn(&Turn) -> Vec<Step> + Send + Sync;

/// A message to an agent, with the history of its runtime session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The message's `prompt`, or the whole message if it has none.
    pub prompt: String,
    /// The message's `sessionId`, or an empty string if it has none.
    pub session_id: String,
    /// The message as received.
    pub message: String,
    /// The runtime's session id, from the handshake.
    pub runtime_session_id: String,
    /// The number of this message in its runtime session, counted from 1 across all connections.
    pub turn_number: usize,
    /// The earlier prompts of the same runtime session, oldest first.
    pub history: Vec<String>,
}

impl Agent {
    /// An agent that performs the same steps for every message.
    #[must_use]
    pub fn scripted(steps: Vec<Step>) -> Self {
        Self::replying(move |_| steps.clone())
    }

    /// An agent whose steps depend on the message.
    #[must_use]
    pub fn replying(reply: impl Fn(&Turn) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self {
            handshake: Handshake::Accept,
            opening: Vec::new(),
            stopping: Handshake::Accept,
            endpoint_status: "READY".to_owned(),
            bearer: None,
            endpoints: None,
            reply: Arc::new(reply),
        }
    }

    /// An agent that never gets past its handshake.
    #[must_use]
    pub fn refusing(handshake: Handshake) -> Self {
        Self::scripted(Vec::new()).handshake(handshake)
    }

    /// Sets how the agent handles handshakes.
    #[must_use]
    pub fn handshake(self, handshake: Handshake) -> Self {
        Self { handshake, ..self }
    }

    /// Sets steps that the agent performs right after the handshake, before any message.
    #[must_use]
    pub fn opening(self, opening: Vec<Step>) -> Self {
        Self { opening, ..self }
    }

    /// Sets how the agent handles `StopRuntimeSession`. `Accept` responds as the service does.
    /// Attempts to stop are counted separately from attempts to connect.
    #[must_use]
    pub fn stopping(self, stopping: Handshake) -> Self {
        Self { stopping, ..self }
    }

    /// Sets the status that `GetAgentRuntimeEndpoint` reports, `READY` by default. It affects
    /// nothing else.
    #[must_use]
    pub fn endpoint_status(self, status: impl Into<String>) -> Self {
        Self {
            endpoint_status: status.into(),
            ..self
        }
    }

    /// Limits the agent's endpoints to these and `DEFAULT`; by default it has every endpoint asked
    /// for. Any other is a `ResourceNotFoundException`.
    #[must_use]
    pub fn endpoints<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        Self {
            endpoints: Some(names.into_iter().map(Into::into).collect()),
            ..self
        }
    }

    /// The same agent behind a JWT authorizer, which lets in who sends this token in `Authorization`
    /// as a bearer, the session id in its header, and nothing signed.
    #[must_use]
    pub fn bearer(self, token: impl Into<String>) -> Self {
        Self {
            bearer: Some(token.into()),
            ..self
        }
    }

    pub(crate) fn has_endpoint(&self, name: &str) -> bool {
        let listed = |names: &Vec<String>| names.iter().any(|known| known == name);
        name == DEFAULT_ENDPOINT || self.endpoints.as_ref().is_none_or(listed)
    }

    pub(crate) fn reply(&self, turn: &Turn) -> Vec<Step> {
        (self.reply)(turn)
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("handshake", &self.handshake)
            .field("opening", &self.opening)
            .field("stopping", &self.stopping)
            .field("endpoint_status", &self.endpoint_status)
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}
