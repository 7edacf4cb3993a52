//! The attempts at an invocation: sign → connect → send, until the reply begins.

use std::time::Duration;

use aws_credential_types::Credentials;
use bytes::Bytes;
use tokio::time::Instant;

use super::exchange::{Exchange, ReplyEvent, Terms};
use super::message::message;
use super::observer::Observer;
use super::opening::{Leave, Opening};
use super::progress::Progress;
use super::recovery::{Recovery, Remedy};
use super::reply::ReplyStream;
use crate::agent::{MessageTemplate, ReplyEnd, Runtime, RuntimeAuth};
use crate::agentcore::client::AgentCoreClient;
use crate::agentcore::credentials;
use crate::agentcore::error::{Failure, InvocationError, Phase, Timeout, refusal};
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
    /// What it is sent.
    pub message: &'a MessageTemplate,
    /// What ends its replies, besides its own word.
    pub reply_end: ReplyEnd,
    /// What is said, in which session.
    pub invocation: &'a Invocation,
    /// When it must be over.
    pub deadline: Instant,
    /// How much of the reply's text is remembered, so that nothing of it is told twice.
    pub memory_bytes: usize,
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
        let message = message(request.message, request.invocation);
        let mut attempt = Attempt {
            client: self,
            request,
            message,
            progress,
            observer,
            begun: Begun::default(),
        };
        let mut recovery = Recovery::default();
        let mut retries = 0;
        loop {
            let (error, credentials) = match attempt.make().await {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            let remedy = recovery.of(self, &error, credentials.as_ref(), deadline);
            let delay = match remedy.await {
                Remedy::Again => Duration::ZERO,
                Remedy::InVain => return Err(error),
                Remedy::NotOurs => {
                    let Some(delay) = self.delay_before_retry(retries, &error, deadline) else {
                        return Err(error);
                    };
                    retries += 1;
                    delay
                }
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

impl<'a> Attempt<'a> {
    /// Makes it. An error comes with the credentials of ours that it was made with.
    async fn make(&mut self) -> Result<ReplyStream, (InvocationError, Option<Credentials>)> {
        let credentials = match self.request.runtime.auth {
            RuntimeAuth::SigV4 => Some(self.credentials().await.map_err(|error| (error, None))?),
            RuntimeAuth::Caller => None,
        };
        let opening = self.opening(credentials.as_ref());
        let opening = opening.map_err(|error| (error, None))?;
        let attempted = self.make_with(opening).await;
        attempted.map_err(|error| (error, credentials))
    }

    async fn credentials(&self) -> Result<Credentials, InvocationError> {
        let failed = |failure| InvocationError::new(Phase::Credentials, failure);
        let until = <Until>::deadline(self.request.deadline);
        match until.wait(self.client.credentials.get()).await {
            Ok(Ok(credentials)) => Ok(credentials),
            Ok(Err(cause)) => {
                Err(failed(Failure::NoCredentials).because(credentials::describe(&cause)))
            }
            Err(timeout) => Err(failed(timeout.into())),
        }
    }

    /// By leave of our credentials, else of the caller's token.
    fn opening(&mut self, ours: Option<&Credentials>) -> Result<Opening<'a>, InvocationError> {
        let Request {
            runtime,
            invocation,
            ..
        } = self.request;
        let leave = match (ours, &invocation.token) {
            (Some(credentials), _) => Leave::Signed(credentials, self.client.clock.now()),
            (None, Some(token)) => Leave::Token(token),
            (None, None) => {
                return Err(InvocationError::new(Phase::Credentials, Failure::NoToken));
            }
        };
        let begin = Instant::now();
        let endpoint = self.client.settings.data_endpoint(&runtime.arn);
        let opening = Opening::new(runtime, invocation, Some(&endpoint), leave);
        self.progress.signing = ours.map(|_| begin.elapsed());
        Ok(opening)
    }

    async fn make_with(&mut self, opening: Opening<'_>) -> Result<ReplyStream, InvocationError> {
        self.progress.connecting();
        let socket = match self.connect(&opening).await {
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

    async fn connect(&mut self, opening: &Opening<'_>) -> Result<Socket, InvocationError> {
        let failed = InvocationError::new;
        let (deadline, timeouts) = (self.request.deadline, self.client.settings.timeouts);
        let (endpoint, target) = (opening.url.endpoint(), opening.url.target());
        let connector = &self.client.connector;
        let transport = Until::sooner(deadline, Instant::now(), timeouts.connect, Timeout::Connect)
            .wait(connector.connect_elsewhere(endpoint, &mut self.begun))
            .await
            .map_err(|timeout| failed(Phase::Connect, timeout.into()))?
            .map_err(|cause| failed(Phase::Connect, Failure::Unreachable).because(cause))?;
        let time = timeouts.handshake;
        Until::sooner(deadline, Instant::now(), time, Timeout::Handshake)
            .wait(Socket::open(transport, endpoint, target, &opening.headers))
            .await
            .map_err(|timeout| failed(Phase::Handshake, timeout.into()))?
            .map_err(|error| self.handshake_failed(error))
    }

    fn handshake_failed(&self, error: HandshakeError) -> InvocationError {
        let failed = |failure| InvocationError::new(Phase::Handshake, failure);
        match error {
            HandshakeError::Refused(refused) => {
                let (status, now) = (refused.status, self.client.clock.now());
                let refusal = refusal::read(status, &refused.headers, &refused.body, now);
                let refusal = refusal.by(self.request.runtime.auth);
                failed(Failure::Refused(refusal.into()))
            }
            HandshakeError::Lost(cause) => failed(Failure::Lost).because(cause),
            HandshakeError::Violation(cause) => failed(Failure::Violation).because(cause),
        }
    }
}
