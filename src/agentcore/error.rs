//! How an invocation fails. What it says is for the log; what the caller is told is the API's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

mod named;
pub(super) mod refusal;

pub use refusal::{CredentialsFault, Reason, Refusal, RefusalKind};

/// How far an invocation had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Finding the agent's runtime.
    Resolve,
    /// Getting credentials.
    Credentials,
    /// DNS, TCP and TLS.
    Connect,
    /// The WebSocket's opening handshake.
    Handshake,
    /// Handing over the prompt: from here on the agent may have begun to work.
    Send,
    /// Waiting for the first piece of the reply.
    FirstChunk,
    /// Reading the rest of the reply.
    Stream,
}

impl Phase {
    /// The phase's name in an answer and in a log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Credentials => "credentials",
            Self::Connect => "connect",
            Self::Handshake => "handshake",
            Self::Send => "send",
            Self::FirstChunk => "first_chunk",
            Self::Stream => "stream",
        }
    }

    /// Whether the agent cannot have seen any of the prompt.
    pub fn is_before_send(self) -> bool {
        self < Self::Send
    }
}

/// Which time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// The time for one attempt to connect: DNS, TCP and TLS.
    Connect,
    /// The time for the opening handshake of one attempt.
    Handshake,
    /// The time between two messages of the agent.
    Chunk,
    /// The time for the whole invocation.
    Invocation,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The agent's configured ARN is malformed.
    MalformedArn,
    /// No credentials could be had.
    NoCredentials,
    /// The runtime asks for the caller's own token, and the caller sent none.
    NoToken,
    /// Time ran out.
    Timeout(Timeout),
    /// The service refused the connection at the handshake, or another request.
    Refused(Box<Refusal>),
    /// No connection: DNS, TCP or TLS.
    Unreachable,
    /// The connection broke off, or was closed with a code that says so.
    Lost,
    /// The peer broke the WebSocket protocol or a limit of ours.
    Violation,
    /// The agent sent an error event.
    AgentError,
    /// The address could not be signed or made a request of.
    Unsignable,
}

impl From<Timeout> for Failure {
    fn from(timeout: Timeout) -> Self {
        Self::Timeout(timeout)
    }
}

impl Failure {
    /// Whether the same request may succeed another time.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Timeout(timeout) => *timeout != Timeout::Invocation,
            Self::Unreachable | Self::Lost => true,
            Self::Refused(refusal) => refusal.kind() == RefusalKind::Unavailable,
            Self::MalformedArn
            | Self::NoCredentials
            | Self::NoToken
            | Self::Violation
            | Self::AgentError
            | Self::Unsignable => false,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after
    }

    /// What the service answered, where it is that it refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// A failed invocation: what, when, and why.
#[derive(Clone, Debug)]
pub struct InvocationError {
    /// How far it had come.
    pub phase: Phase,
    /// What went wrong.
    pub failure: Failure,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl InvocationError {
    pub(crate) fn new(phase: Phase, failure: Failure) -> Self {
        Self {
            phase,
            failure,
            source: None,
        }
    }

    pub(crate) fn because(
        self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            source: Some(source.into().into()),
            ..self
        }
    }

    /// Whether it failed for want of time alone.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self.failure, Failure::Timeout(_))
    }

    /// An invocation of an agent whose configured ARN is none.
    pub fn malformed_arn(error: crate::agent::RuntimeArnError) -> Self {
        Self::new(Phase::Resolve, Failure::MalformedArn).because(error)
    }
}

impl fmt::Display for InvocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Failure::Refused(refusal) => write!(f, "the handshake was answered with {refusal}"),
            failure => failure.fmt(f),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MalformedArn => f.write_str("the agent's configured ARN is malformed"),
            Self::NoCredentials => f.write_str("no AWS credentials could be had"),
            Self::NoToken => f.write_str("the caller sent no bearer token for the agent's runtime"),
            Self::Timeout(Timeout::Connect) => f.write_str("the time to connect ran out"),
            Self::Timeout(Timeout::Handshake) => f.write_str("the time for the handshake ran out"),
            Self::Timeout(Timeout::Chunk) => f.write_str("the agent was silent for too long"),
            Self::Timeout(Timeout::Invocation) => {
                f.write_str("the time for the invocation ran out")
            }
            Self::Refused(refusal) => write!(f, "the service answered with {refusal}"),
            Self::Unreachable => f.write_str("the service could not be reached"),
            Self::Lost => f.write_str("the connection was lost"),
            Self::Violation => f.write_str("the peer broke the protocol"),
            Self::AgentError => f.write_str("the agent reported an error"),
            Self::Unsignable => f.write_str("the request could not be made"),
        }
    }
}

impl std::error::Error for InvocationError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
