//! The agents as a service: finds them, invokes them, and asks for their status.

use std::time::SystemTime;

use tokio::time::Instant;

use crate::agent::{Agent, AgentRegistry, Runtime, RuntimeArnError};
use crate::agentcore::AgentCoreClient;
use crate::agentcore::end_session::EndSessionError;
use crate::agentcore::error::InvocationError;
use crate::agentcore::invoke::observer::Observer;
use crate::agentcore::invoke::{Connection, Progress, ReplyOptions, ReplyStream, Request};
use crate::agentcore::status::RuntimeStatus;
use crate::caller::BearerToken;
use crate::invocation::{Invocation, Visit};
use crate::session::RuntimeSessionId;
use crate::telemetry;

mod status;

pub use status::Checked;
use status::StatusCache;

/// Finds and invokes agents.
#[derive(Debug)]
pub struct AgentService {
    agents: AgentRegistry,
    client: AgentCoreClient,
    statuses: StatusCache,
    now: fn() -> SystemTime,
}

/// An agent's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentStatus {
    /// The configured ARN is malformed, so there is no runtime to ask.
    NotConfigured,
    /// What the control plane answered.
    Checked(Checked),
}

impl AgentService {
    /// Creates a service for these agents. `now` is the clock by which statuses are dated.
    pub fn new(agents: AgentRegistry, client: AgentCoreClient, now: fn() -> SystemTime) -> Self {
        Self {
            statuses: StatusCache::new(&agents),
            agents,
            client,
            now,
        }
    }

    /// Whether an agent's runtime accepts invocations. The answer may be up to 30 seconds old.
    pub async fn status(&self, agent: &Agent, deadline: Instant) -> AgentStatus {
        let Ok(runtime) = runtime_of(agent) else {
            return AgentStatus::NotConfigured;
        };
        let ask = async {
            self.client
                .status(runtime, deadline)
                .await
                .unwrap_or_else(|error| {
                    telemetry::status_unknown(&agent.id, &*error);
                    RuntimeStatus::Unknown
                })
        };
        AgentStatus::Checked(self.statuses.get(&agent.id, self.now, ask).await)
    }

    /// Finds an agent by its id or by another of its names.
    pub fn find(&self, id: &str) -> Option<&Agent> {
        self.agents.find(id)
    }

    /// All configured agents.
    pub fn agents(&self) -> &AgentRegistry {
        &self.agents
    }

    /// The deadline of an invocation that begins at `start`, by `INVOKE_TIMEOUT_MS`.
    pub fn deadline(&self, start: Instant) -> Instant {
        start + self.client.invoke_timeout()
    }

    /// Ends a session of an agent, whether there is one or not. The caller's token is for an agent
    /// whose runtime asks for it.
    ///
    /// # Errors
    /// [`EndSessionError`] if the session may still be running.
    pub async fn end_session(
        &self,
        agent: &Agent,
        session: &RuntimeSessionId,
        token: Option<BearerToken>,
        deadline: Instant,
    ) -> Result<(), EndSessionError> {
        let runtime = runtime_of(agent).map_err(EndSessionError::malformed_arn)?;
        let ended = self.client.end_session(runtime, session, token, deadline);
        ended.await
    }

    /// Starts a session's micro-VM before there is a prompt.
    ///
    /// # Errors
    /// [`InvocationError`] where the runtime did not take the opening handshake.
    pub async fn prewarm(
        &self,
        agent: &Agent,
        visit: &Visit,
        deadline: Instant,
    ) -> Result<(), InvocationError> {
        let runtime = runtime_of(agent).map_err(InvocationError::malformed_arn)?;
        self.client.prewarm(runtime, visit, deadline).await
    }

    /// Signs an address of an agent's WebSocket, for the caller to open.
    ///
    /// # Errors
    /// [`InvocationError`] where the agent is not configured, or there are no credentials.
    pub async fn connection(
        &self,
        agent: &Agent,
        visit: &Visit,
        deadline: Instant,
    ) -> Result<Connection, InvocationError> {
        let runtime = runtime_of(agent).map_err(InvocationError::malformed_arn)?;
        self.client.connection(runtime, visit, deadline).await
    }

    /// Invokes an agent and waits for the first that is told of its reply.
    ///
    /// # Errors
    /// [`InvocationError`] if no part of a reply arrived.
    pub async fn invoke(
        &self,
        agent: &Agent,
        invocation: &Invocation,
        deadline: Instant,
        options: ReplyOptions,
        progress: &mut Progress,
        observer: &dyn Observer,
    ) -> Result<ReplyStream, InvocationError> {
        let request = Request {
            runtime: runtime_of(agent).map_err(InvocationError::malformed_arn)?,
            message: &agent.message,
            reply_end: agent.reply_end,
            invocation,
            deadline,
            options,
        };
        self.client.invoke(request, progress, observer).await
    }
}

fn runtime_of(agent: &Agent) -> Result<&Runtime, RuntimeArnError> {
    agent.runtime.as_ref().map_err(|error| *error)
}
