//! The attempts at an invocation: sign → connect → send, until the reply begins.

use std::time::Duration;

use aws_credential_types::Credentials;
use bytes::Bytes;
use serde::Serialize;
use tokio::time::Instant;

use super::exchange::{Exchange, ReplyEvent, Terms};
use super::observer::Observer;
use super::progress::Progress;
use super::reply::ReplyStream;
use crate::agent::{ReplyEnd, Runtime};
use crate::agentcore::client::AgentCoreClient;
use crate::agentcore::credentials;
use crate::agentcore::error::{
    CredentialsFault, Failure, InvocationError, Phase, Timeout, refusal,
};
use crate::agentcore::sign::presign::{PresignedUrl, presign};
use crate::agentcore::until::Until;
use crate::agentcore::wire::dial::Begun;
use crate::agentcore::wire::handshake::HandshakeError;
use crate::agentcore::wire::socket::Socket;
use crate::invocation::Invocation;

/// What is asked for, of whom, until when: the same for each attempt.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who is asked.
    pub runtime: &'a Runtime,
    /// What ends its replies, besides its own word.
    pub reply_end: ReplyEnd,
    /// What is said, in which session.
    pub invocation: &'a Invocation,
    /// When it must be over.
    pub deadline: Instant,
    /// How much of the reply's text is remembered, so that nothing of it is told twice.
    pub memory_bytes: usize,
}

/// What an agent is sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    prompt: &'a str,
    session_id: &'a str,
}

fn message(invocation: &Invocation) -> Result<Bytes, InvocationError> {
    let message = Message {
        prompt: invocation.prompt.as_str(),
        session_id: invocation.agent_session(),
    };
    let message = serde_json::to_vec(&message);
    let unsendable = |cause| InvocationError::new(Phase::Send, Failure::Unsignable).because(cause);
    Ok(message.map_err(unsendable)?.into())
}

impl AgentCoreClient {
    /// Sends a prompt and waits for the first piece of the reply, or for its end.
    ///
    /// The agent is asked again only where it cannot have seen the prompt. How far it comes stands
    /// in `progress`, also where this is cancelled.
    ///
    /// # Errors
    /// [`InvocationError`] where the invocation failed before the first piece. One that fails
    /// later ends its [`ReplyStream`] with [`ReplyEvent::Interrupted`].
    pub async fn invoke(
        &self,
        request: Request<'_>,
        progress: &mut Progress,
        observer: &dyn Observer,
    ) -> Result<ReplyStream, InvocationError> {
        let deadline = request.deadline;
        let message = message(request.invocation)?;
        let mut attempt = Attempt {
            client: self,
            request,
            message,
            progress,
            observer,
            begun: Begun::default(),
        };
        let mut has_refreshed = false;
        let mut retries = 0;
        loop {
            let (error, credentials) = match attempt.make().await {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            let delay = if is_expired(&error)
                && !has_refreshed
                && let Some(credentials) = credentials
            {
                has_refreshed = true;
                self.credentials.forget(&credentials);
                if !self.has_others_than(&credentials, deadline).await {
                    return Err(error);
                }
                Duration::ZERO
            } else {
                let Some(delay) = self.delay_before_retry(retries, &error, deadline) else {
                    return Err(error);
                };
                retries += 1;
                delay
            };
            attempt.progress.retries += 1;
            observer.retrying(attempt.progress, delay, &error);
            tokio::time::sleep(delay).await;
        }
    }

    /// How long to wait before another attempt; `None` where there is to be none.
    fn delay_before_retry(
        &self,
        retries: u32,
        error: &InvocationError,
        deadline: Instant,
    ) -> Option<Duration> {
        let policy = &self.settings.retry;
        let may_follow = error.phase.is_before_send() || policy.after_send;
        if retries == policy.max_retries || !may_follow || !error.failure.is_transient() {
            return None;
        }
        let delay = policy.delay(retries, rand::random(), error.failure.retry_after());
        // An attempt needs time of its own: one that would begin at the deadline is none.
        let begin = Instant::now().checked_add(delay)?;
        (begin < deadline).then_some(delay)
    }

    async fn has_others_than(&self, refused: &Credentials, deadline: Instant) -> bool {
        let resolved = <Until>::deadline(deadline)
            .wait(self.credentials.get())
            .await;
        matches!(resolved, Ok(Ok(credentials)) if credentials != *refused)
    }
}

/// One attempt, and what all of them share.
struct Attempt<'a> {
    client: &'a AgentCoreClient,
    request: Request<'a>,
    message: Bytes,
    progress: &'a mut Progress,
    observer: &'a dyn Observer,
    /// Addresses that attempts began with.
    begun: Begun,
}

impl Attempt<'_> {
    /// Makes it. An error comes with the credentials that it was made with.
    async fn make(&mut self) -> Result<ReplyStream, (InvocationError, Option<Credentials>)> {
        let failed = |failure| InvocationError::new(Phase::Credentials, failure);
        let until = <Until>::deadline(self.request.deadline);
        let credentials = match until.wait(self.client.credentials.get()).await {
            Ok(Ok(credentials)) => credentials,
            Ok(Err(cause)) => {
                let error = failed(Failure::NoCredentials);
                return Err((error.because(credentials::describe(&cause)), None));
            }
            Err(timeout) => return Err((failed(timeout.into()), None)),
        };
        let attempted = self.make_with(&credentials).await;
        attempted.map_err(|error| (error, Some(credentials)))
    }

    async fn make_with(
        &mut self,
        credentials: &Credentials,
    ) -> Result<ReplyStream, InvocationError> {
        let begin = Instant::now();
        let url = self.sign(credentials);
        self.progress.signing = Some(begin.elapsed());
        self.progress.connecting();
        let socket = match self.connect(&url).await {
            Ok(socket) => socket,
            Err(error) => {
                self.progress.not_connected();
                return Err(error);
            }
        };
        self.progress.connected();
        self.observer.connected(self.progress);
        let terms = Terms {
            deadline: self.request.deadline,
            chunk_timeout: self.client.settings.timeouts.chunk,
            ping_interval: self.client.settings.timeouts.ping_interval,
            reply_end: self.request.reply_end,
            memory_bytes: self.request.memory_bytes,
        };
        let mut exchange = Exchange::open(socket, terms);
        exchange.send(self.message.clone());
        match exchange.next().await {
            ReplyEvent::Interrupted(error) => {
                self.progress.closed();
                self.observer.closed();
                Err(error)
            }
            first => Ok(ReplyStream::new(exchange, first)),
        }
    }

    fn sign(&self, credentials: &Credentials) -> PresignedUrl {
        presign(
            self.request.runtime,
            &self.request.invocation.runtime_session,
            Some(
                &self
                    .client
                    .settings
                    .data_endpoint(&self.request.runtime.arn),
            ),
            credentials,
            (self.client.now)(),
        )
    }

    async fn connect(&mut self, url: &PresignedUrl) -> Result<Socket, InvocationError> {
        let failed = InvocationError::new;
        let (deadline, timeouts) = (self.request.deadline, self.client.settings.timeouts);
        let endpoint = url.endpoint();
        let connector = &self.client.connector;
        let transport = Until::sooner(deadline, Instant::now(), timeouts.connect, Timeout::Connect)
            .wait(connector.connect_elsewhere(endpoint, &mut self.begun))
            .await
            .map_err(|timeout| failed(Phase::Connect, timeout.into()))?
            .map_err(|cause| failed(Phase::Connect, Failure::Unreachable).because(cause))?;
        let headers = self.request.invocation.trace.as_headers();
        let time = timeouts.handshake;
        Until::sooner(deadline, Instant::now(), time, Timeout::Handshake)
            .wait(Socket::open(transport, endpoint, url.target(), headers))
            .await
            .map_err(|timeout| failed(Phase::Handshake, timeout.into()))?
            .map_err(|error| self.handshake_failed(error))
    }

    fn handshake_failed(&self, error: HandshakeError) -> InvocationError {
        let failed = |failure| InvocationError::new(Phase::Handshake, failure);
        match error {
            HandshakeError::Refused(refused) => failed(Failure::Refused(refusal::read(
                refused.status,
                &refused.headers,
                &refused.body,
                (self.client.now)(),
            ))),
            HandshakeError::Lost(cause) => failed(Failure::Lost).because(cause),
            HandshakeError::Violation(cause) => failed(Failure::Violation).because(cause),
        }
    }
}

fn is_expired(error: &InvocationError) -> bool {
    matches!(
        &error.failure,
        Failure::Refused(refusal) if refusal.fault == Some(CredentialsFault::Expired)
    )
}
