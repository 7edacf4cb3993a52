//! The client of Bedrock AgentCore Runtime: presign → socket → exchange.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::agent::RuntimeArn;
use crate::invocation::Invocation;
use credentials::CredentialsCache;
use endpoint::Endpoint;
use error::{CredentialsFault, Failure, InvocationError, Phase, Timeout};
use exchange::{Exchange, ReplyEvent, Terms};
use observer::Observer;
use presign::{PresignedUrl, presign};
use reply_end::ReplyEnd;
use retry::RetryPolicy;
use socket::{Connector, HandshakeError, Socket};
use tokio_rustls::rustls::ClientConfig;

pub mod credentials;
pub mod endpoint;
pub mod error;
pub mod exchange;
pub mod observer;
pub mod presign;
mod refusal;
pub mod reply_end;
mod rest;
pub mod retry;
pub mod session;
mod socket;
pub mod status;
pub mod tls;

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

/// Invokes agents. One serves the whole process; it is shared by reference.
pub struct AgentCoreClient {
    endpoint: Option<Endpoint>,
    control_endpoint: Option<Endpoint>,
    credentials: CredentialsCache,
    connector: Connector,
    timeouts: Timeouts,
    retry: RetryPolicy,
    now: fn() -> SystemTime,
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

/// The agent's runtime that is to be invoked.
#[derive(Clone, Copy, Debug)]
pub struct Runtime<'a> {
    /// Its ARN.
    pub arn: &'a RuntimeArn,
    /// The endpoint of it, where another than `DEFAULT` is meant.
    pub qualifier: Option<&'a str>,
    /// What ends its replies.
    pub reply_end: ReplyEnd,
}

/// What is asked for, by whom, until when: the same for each attempt.
struct Turn<'a> {
    runtime: Runtime<'a>,
    invocation: &'a Invocation,
    deadline: Instant,
    /// How much of the reply's text is remembered, so that nothing of it is told twice.
    memory_bytes: usize,
    observer: Arc<dyn Observer>,
}

impl Turn<'_> {
    /// What the agent is sent.
    fn message(&self) -> Result<String, InvocationError> {
        let message = Message {
            prompt: self.invocation.prompt.as_str(),
            session_id: self.invocation.agent_session(),
        };
        serde_json::to_string(&message).map_err(|cause| unsignable(Phase::Send).because(cause))
    }
}

/// What an agent is sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    prompt: &'a str,
    session_id: &'a str,
}

impl AgentCoreClient {
    /// A client with these credentials; `now` is the clock by which requests are signed.
    pub fn new(
        settings: Settings,
        credentials: CredentialsCache,
        tls: Arc<ClientConfig>,
        now: fn() -> SystemTime,
    ) -> Self {
        let Settings {
            endpoint,
            control_endpoint,
            timeouts,
            retry,
        } = settings;
        let connector = Connector::new(tls);
        Self {
            endpoint,
            control_endpoint,
            credentials,
            connector,
            timeouts,
            retry,
            now,
        }
    }

    /// How long an invocation may take at the most.
    pub fn invoke_timeout(&self) -> Duration {
        self.timeouts.invoke
    }

    /// Sends a prompt and waits for the first piece of the reply, or for its end. Of the reply's
    /// text so many bytes are remembered, so that nothing of it is told twice.
    ///
    /// The agent is asked again only where it cannot have seen the prompt. The observer is told of
    /// each step.
    ///
    /// # Errors
    /// [`InvocationError`] where the invocation failed before the first piece. One that fails
    /// later ends its [`ReplyStream`] with [`ReplyEvent::Interrupted`].
    pub async fn invoke(
        &self,
        runtime: Runtime<'_>,
        invocation: &Invocation,
        deadline: Instant,
        memory_bytes: usize,
        observer: Arc<dyn Observer>,
    ) -> Result<ReplyStream, InvocationError> {
        let turn = Turn {
            runtime,
            invocation,
            deadline,
            memory_bytes,
            observer,
        };
        let mut retries = 0;
        let mut has_refreshed = false;
        loop {
            let (error, credentials) = match self.attempt(&turn).await {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            if is_expired(&error)
                && !has_refreshed
                && let Some(credentials) = credentials
            {
                has_refreshed = true;
                self.credentials.forget(&credentials);
                if self.has_others_than(&credentials, deadline).await {
                    turn.observer.retrying(Duration::ZERO, &error);
                    continue;
                }
                return Err(error);
            }
            if retries == self.retry.max_retries || !self.may_retry(&error) {
                return Err(error);
            }
            let delay = self
                .retry
                .delay(retries, rand::random(), retry_after(&error));
            // An attempt needs time of its own: one that would begin at the deadline is none.
            let begin = Instant::now().checked_add(delay);
            if begin.is_none_or(|begin| begin >= deadline) {
                return Err(error);
            }
            turn.observer.retrying(delay, &error);
            tokio::time::sleep(delay).await;
            retries += 1;
        }
    }

    fn may_retry(&self, error: &InvocationError) -> bool {
        let is_transient = match &error.failure {
            Failure::Timeout(timeout) => *timeout != Timeout::Invocation,
            Failure::Unreachable | Failure::Lost => true,
            Failure::Refused(refusal) => refusal.is_transient(),
            _ => false,
        };
        is_transient && (error.phase.is_before_send() || self.retry.after_send)
    }

    async fn has_others_than(&self, refused: &Credentials, deadline: Instant) -> bool {
        let resolved = timeout_at(deadline, self.credentials.get()).await;
        matches!(resolved, Ok(Ok(credentials)) if credentials != *refused)
    }

    /// One attempt. An error comes with the credentials that it was made with.
    async fn attempt(
        &self,
        turn: &Turn<'_>,
    ) -> Result<ReplyStream, (InvocationError, Option<Credentials>)> {
        let credentials = match timeout_at(turn.deadline, self.credentials.get()).await {
            Ok(Ok(credentials)) => credentials,
            Ok(Err(cause)) => {
                let error = InvocationError::new(Phase::Credentials, Failure::NoCredentials);
                return Err((error.because(credentials::describe(&cause)), None));
            }
            Err(_) => {
                let failure = Failure::Timeout(Timeout::Invocation);
                return Err((InvocationError::new(Phase::Credentials, failure), None));
            }
        };
        let attempted = self.attempt_with(&credentials, turn).await;
        attempted.map_err(|error| (error, Some(credentials)))
    }

    async fn attempt_with(
        &self,
        credentials: &Credentials,
        turn: &Turn<'_>,
    ) -> Result<ReplyStream, InvocationError> {
        let url = self.sign(credentials, turn)?;
        turn.observer.connecting();
        let socket = match self.connect(&url, turn).await {
            Ok(socket) => socket,
            Err(error) => {
                turn.observer.not_connected();
                return Err(error);
            }
        };
        turn.observer.connected();
        let observer = Arc::clone(&turn.observer);
        let terms = Terms {
            deadline: turn.deadline,
            chunk_timeout: self.timeouts.chunk,
            reply_end: turn.runtime.reply_end,
            memory_bytes: turn.memory_bytes,
        };
        let mut exchange = Exchange::open(socket, terms, observer);
        exchange.send(turn.message()?);
        match exchange.next().await {
            ReplyEvent::Interrupted(error) => Err(error),
            first => Ok(ReplyStream {
                exchange,
                first: Some(first),
            }),
        }
    }

    fn sign(
        &self,
        credentials: &Credentials,
        turn: &Turn<'_>,
    ) -> Result<PresignedUrl, InvocationError> {
        let begin = Instant::now();
        let url = presign(
            turn.runtime.arn,
            turn.runtime.qualifier,
            &turn.invocation.runtime_session,
            self.endpoint.as_ref(),
            credentials,
            (self.now)(),
        )
        .map_err(|cause| unsignable(Phase::Connect).because(cause))?;
        turn.observer.signed(begin.elapsed());
        Ok(url)
    }

    async fn connect(
        &self,
        url: &PresignedUrl,
        turn: &Turn<'_>,
    ) -> Result<Socket, InvocationError> {
        let failed = InvocationError::new;
        let until = turn.deadline.min(Instant::now() + self.timeouts.connect);
        let timeout = Failure::Timeout(if until == turn.deadline {
            Timeout::Invocation
        } else {
            Timeout::Connect
        });
        let transport = timeout_at(until, self.connector.connect(url.endpoint()))
            .await
            .map_err(|_| failed(Phase::Connect, timeout.clone()))?
            .map_err(|cause| failed(Phase::Connect, Failure::Unreachable).because(cause))?;
        let headers = turn.invocation.trace.as_headers();
        timeout_at(until, Socket::open(transport, url, headers))
            .await
            .map_err(|_| failed(Phase::Handshake, timeout))?
            .map_err(|error| self.handshake_failed(error))
    }

    fn handshake_failed(&self, error: HandshakeError) -> InvocationError {
        let failed = |failure| InvocationError::new(Phase::Handshake, failure);
        match error {
            HandshakeError::Request(cause) => unsignable(Phase::Handshake).because(cause),
            HandshakeError::Refused(refused) => {
                failed(Failure::Refused(refusal::read(&refused, (self.now)())))
            }
            HandshakeError::Lost(cause) => failed(Failure::Lost).because(cause),
            HandshakeError::Violation(cause) => failed(Failure::Violation).because(cause),
        }
    }
}

impl fmt::Debug for AgentCoreClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentCoreClient")
            .field("endpoint", &self.endpoint)
            .field("timeouts", &self.timeouts)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

fn unsignable(phase: Phase) -> InvocationError {
    InvocationError::new(phase, Failure::Unsignable)
}

fn is_expired(error: &InvocationError) -> bool {
    matches!(
        &error.failure,
        Failure::Refused(refusal) if refusal.fault == Some(CredentialsFault::Expired)
    )
}

fn retry_after(error: &InvocationError) -> Option<Duration> {
    match &error.failure {
        Failure::Refused(refusal) => refusal.retry_after,
        _ => None,
    }
}

/// A reply that has begun. Its socket is closed when it ends, and when it is dropped.
pub struct ReplyStream {
    exchange: Exchange,
    first: Option<ReplyEvent>,
}

impl ReplyStream {
    /// The next piece, or how the reply ended, when the socket is closed already.
    pub async fn next(&mut self) -> ReplyEvent {
        match self.first.take() {
            Some(first) => first,
            None => self.exchange.next().await,
        }
    }

    /// Ends the reply before it has ended.
    pub async fn close(&mut self) {
        self.exchange.close().await;
    }
}

impl fmt::Debug for ReplyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyStream").finish_non_exhaustive()
    }
}
