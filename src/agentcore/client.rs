//! What agents' runtimes are asked through.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::credentials::CredentialsCache;
use super::invoke::pool::Pool;
use super::invoke::retry::RetryPolicy;
use super::sign::{SERVICE, SigningClock};
use super::wire::Connector;
use super::wire::endpoint::{Endpoint, EndpointVariant};
use crate::agent::RuntimeArn;
use crate::env::{ConfigError, Environment};

/// The control plane's name in its host, which is not that in its signature.
const CONTROL_SERVICE: &str = "bedrock-agentcore-control";

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// DNS, TCP and TLS, for one attempt. `CONNECT_TIMEOUT_MS`
    pub connect: Duration,
    /// From the request for a WebSocket to its answer, for one attempt: a runtime that has to start
    /// first answers late. `HANDSHAKE_TIMEOUT_MS`
    pub handshake: Duration,
    /// A whole invocation with its retries. `INVOKE_TIMEOUT_MS`
    pub invoke: Duration,
    /// Between two messages of the agent, the first included. `CHUNK_TIMEOUT_MS`
    pub chunk: Duration,
    /// After how much silence of the agent a ping is sent, which is no message; `None` is never.
    /// `PING_INTERVAL_MS`
    pub ping_interval: Option<Duration>,
}

impl Timeouts {
    fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        let default = Self::default();
        Ok(Self {
            connect: env.milliseconds("CONNECT_TIMEOUT_MS", default.connect)?,
            handshake: env.milliseconds("HANDSHAKE_TIMEOUT_MS", default.handshake)?,
            invoke: env.milliseconds("INVOKE_TIMEOUT_MS", default.invoke)?,
            chunk: env.milliseconds("CHUNK_TIMEOUT_MS", default.chunk)?,
            ping_interval: env.milliseconds_or_off("PING_INTERVAL_MS", default.ping_interval)?,
        })
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            handshake: Duration::from_secs(15),
            invoke: Duration::from_secs(25),
            chunk: Duration::from_secs(20),
            ping_interval: Some(Duration::from_secs(30)),
        }
    }
}

/// How a client behaves.
#[derive(Clone, Debug, Default)]
pub struct ClientSettings {
    /// In place of the data plane's public endpoints. `AWS_ENDPOINT_URL_BEDROCK_AGENTCORE`
    pub endpoint: Option<Endpoint>,
    /// In place of the control plane's. `AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL`
    pub control_endpoint: Option<Endpoint>,
    /// Which public endpoints. `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`
    pub variant: EndpointVariant,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// When another attempt is made.
    pub retry: RetryPolicy,
    /// For how long an idle socket is kept for its session's next turn, where it is kept at all.
    /// `REUSE_CONNECTIONS`, `REUSE_IDLE_MS`
    pub reuse_idle: Option<Duration>,
}

impl ClientSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] where the value of one is not accepted.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        let [data, control] = [
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE",
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
        ];
        Ok(Self {
            endpoint: Endpoint::from_env(env, data)?,
            control_endpoint: Endpoint::from_env(env, control)?,
            variant: EndpointVariant::from_env(env, [data, control])?,
            timeouts: Timeouts::from_env(env)?,
            retry: RetryPolicy::from_env(env)?,
            reuse_idle: env
                .flag("REUSE_CONNECTIONS", false)?
                .then_some(env.milliseconds("REUSE_IDLE_MS", Duration::from_mins(1))?),
        })
    }

    /// Where a runtime is invoked.
    pub(super) fn data_endpoint(&self, arn: &RuntimeArn) -> Endpoint {
        let public = || self.variant.public(SERVICE, arn);
        self.endpoint.clone().unwrap_or_else(public)
    }

    /// Where the state of a runtime is known.
    pub(super) fn control_endpoint(&self, arn: &RuntimeArn) -> Endpoint {
        let public = || self.variant.public(CONTROL_SERVICE, arn);
        self.control_endpoint.clone().unwrap_or_else(public)
    }
}

/// Invokes agents. One serves the whole process; it is shared by reference.
pub struct AgentCoreClient {
    pub(super) settings: ClientSettings,
    pub(super) credentials: CredentialsCache,
    pub(super) connector: Connector,
    pub(super) clock: SigningClock,
    /// Sockets for their sessions' next turns, where they are kept at all.
    pub(super) pool: Option<Arc<Pool>>,
}

impl AgentCoreClient {
    /// A client with these credentials; `now` is the clock by which requests are signed.
    pub fn new(
        settings: ClientSettings,
        credentials: CredentialsCache,
        connector: Connector,
        now: fn() -> SystemTime,
    ) -> Self {
        Self {
            pool: settings.reuse_idle.map(|idle| Arc::new(Pool::new(idle))),
            settings,
            credentials,
            connector: connector.remembering_names(now),
            clock: SigningClock::new(now),
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
