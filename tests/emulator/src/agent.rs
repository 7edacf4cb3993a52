//! Agents as scripts: what one does with a handshake, and what it says to a message.

use std::{fmt, sync::Arc};

use crate::{Handshake, Step};

mod formats;
mod stock;

pub use stock::stock;

/// An agent: how it meets a handshake, what it says first, and what it replies.
#[derive(Clone)]
pub struct Agent {
    pub(crate) handshake: Handshake,
    pub(crate) opening: Vec<Step>,
    reply: Arc<Reply>,
}

type Reply = dyn Fn(&Turn) -> Vec<Step> + Send + Sync;

/// A message for an agent, and what the runtime session was before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The message's `prompt`, or the whole message where it has none.
    pub prompt: String,
    /// The message's `sessionId`, or the empty string where it has none.
    pub session_id: String,
    /// The message as it came.
    pub message: String,
    /// The session id of the handshake.
    pub runtime_session_id: String,
    /// 1 for the first message of this runtime session, over all of its connections.
    pub turn_number: usize,
    /// The prompts before this one in the same runtime session, oldest first.
    pub history: Vec<String>,
}

impl Agent {
    /// An agent that does the same for every message.
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
            reply: Arc::new(reply),
        }
    }

    /// An agent that is met no further than its handshake.
    #[must_use]
    pub fn refusing(handshake: Handshake) -> Self {
        Self::scripted(Vec::new()).handshake(handshake)
    }

    /// The same agent with another handshake.
    #[must_use]
    pub fn handshake(self, handshake: Handshake) -> Self {
        Self { handshake, ..self }
    }

    /// The same agent with steps that it takes right after the handshake, before any message.
    #[must_use]
    pub fn opening(self, opening: Vec<Step>) -> Self {
        Self { opening, ..self }
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
            .finish_non_exhaustive()
    }
}
