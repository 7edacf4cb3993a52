//! What agents' runtimes are asked through.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::credentials::CredentialsCache;
use super::invoke::reply_end::ReplyEnd;
use super::invoke::retry::RetryPolicy;
use super::wire::Connector;
use super::wire::endpoint::Endpoint;
use crate::agent::RuntimeArn;

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// DNS, TCP, TLS and the opening handshake, for one attempt. `CONNECT_TIMEOUT_MS`
    pub connect: Duration,
    /// A whole invocation with its retries. `INVOKE_TIMEOUT_MS`
    pub invoke: Duration,
    /// Between two messages of the agent, the first included. `CHUNK_TIMEOUT_MS`
    pub chunk: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            invoke: Duration::from_secs(25),
            chunk: Duration::from_secs(20),
        }
    }
}

/// How a client behaves.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// In place of the data plane's public endpoints.
    pub endpoint: Option<Endpoint>,
    /// In place of the control plane's.
    pub control_endpoint: Option<Endpoint>,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// When another attempt is made.
    pub retry: RetryPolicy,
}

/// The agent's runtime that is meant.
#[derive(Clone, Copy, Debug)]
pub struct Runtime<'a> {
    /// Its ARN.
    pub arn: &'a RuntimeArn,
    /// The endpoint of it, where another than `DEFAULT` is meant.
    pub qualifier: Option<&'a str>,
    /// What ends its replies.
    pub reply_end: ReplyEnd,
}

/// Invokes agents. One serves the whole process; it is shared by reference.
pub struct AgentCoreClient {
    pub(super) settings: Settings,
    pub(super) credentials: CredentialsCache,
    pub(super) connector: Connector,
    pub(super) now: fn() -> SystemTime,
}

impl AgentCoreClient {
    /// A client with these credentials; `now` is the clock by which requests are signed.
    pub fn new(
        settings: Settings,
        credentials: CredentialsCache,
        connector: Connector,
        now: fn() -> SystemTime,
    ) -> Self {
        Self {
            settings,
            credentials,
            connector,
            now,
        }
    }

    /// How long an invocation may take at the most.
    pub fn invoke_timeout(&self) -> Duration {
        self.settings.timeouts.invoke
    }
}

impl fmt::Debug for AgentCoreClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentCoreClient")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
