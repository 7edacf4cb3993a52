//! The attempts at an invocation: sign → connect → send, until the reply begins.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use bytes::Bytes;
use tokio::time::Instant;

use super::detail::Detail;
use super::door::Door;
use super::exchange::{Exchange, ReplyEvent, Terms};
use super::message::message;
use super::observer::Observer;
use super::opening::Opening;
use super::pool::{Home, Owner};
use super::progress::Progress;
use super::recovery::{Recovery, Remedy};
use super::reply::ReplyStream;
use super::watch::{Seen, Watch};
use crate::agent::{MessageTemplate, ReplyEnd, Runtime};
use crate::agentcore::client::AgentCoreClient;
use crate::agentcore::error::InvocationError;
use crate::agentcore::wire::dial::Begun;
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
    /// How the reply is read.
    pub options: ReplyOptions,
}

/// How a reply is read.
#[derive(Clone, Copy, Debug)]
pub struct ReplyOptions {
    /// How much of its text is remembered, so that nothing of it is told twice.
    pub memory_bytes: usize,
    /// What is told beside its text.
    pub detail: Detail,
}

impl AgentCoreClient {
    /// Sends a prompt and waits for the first that is told of the reply, or for its end.
    ///
    /// The agent is asked again only where it cannot have seen the prompt. How far it comes stands
    /// in `progress`, also where this is cancelled.
    ///
    /// # Errors
    /// [`InvocationError`] where the invocation failed before that. One that fails
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
            door: Door {
                client: self,
                runtime: request.runtime,
                visit: &request.invocation.visit,
                deadline,
                begun: Begun::default(),
            },
            request,
            message,
            progress,
            observer,
        };
        let mut recovery = Recovery::default();
        let mut retries = 0;
        let mut kept = attempt.kept_socket().await;
        let watch = Watch::current();
        loop {
            let made = match kept.take() {
                Some(socket) => attempt.say(socket).await.map_err(|error| (error, None)),
                None => attempt.make().await,
            };
            let (error, credentials) = match made {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            let remedy = recovery.of(self, &error, credentials.as_ref(), deadline);
            let delay = match remedy.await {
                Remedy::Again => Duration::ZERO,
                Remedy::InVain => {
                    watch.see(Seen::Failed(&error, None));
                    return Err(error);
                }
                Remedy::NotOurs => {
                    let Some(delay) = self.delay_before_retry(retries, &error, deadline) else {
                        watch.see(Seen::Failed(&error, None));
                        return Err(error);
                    };
                    retries += 1;
                    delay
                }
            };
            attempt.progress.retries += 1;
            watch.see(Seen::Failed(&error, Some(delay)));
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

impl ReplyOptions {
    /// Text alone is told, of which so many bytes are remembered.
    pub fn text_alone(memory_bytes: usize) -> Self {
        Self {
            memory_bytes,
            detail: Detail::default(),
        }
    }
}

/// One attempt, and what all of them share.
struct Attempt<'a> {
    door: Door<'a>,
    request: Request<'a>,
    message: Bytes,
    progress: &'a mut Progress,
    observer: &'a dyn Observer,
}

impl Attempt<'_> {
    /// The socket of the session's last turn, where that is kept and answers.
    async fn kept_socket(&self) -> Option<Socket> {
        let pool = self.door.client.pool.as_ref()?;
        let owner = Owner::of(self.request.runtime, &self.request.invocation.visit);
        pool.take(owner).await
    }

    /// Makes it. An error comes with the credentials of ours that it was made with.
    async fn make(&mut self) -> Result<ReplyStream, (InvocationError, Option<Credentials>)> {
        let credentials = self.door.credentials().await;
        let credentials = credentials.map_err(|error| (error, None))?;
        let opening = self.door.opening(credentials.as_ref());
        let (opening, signing) = opening.map_err(|error| (error, None))?;
        self.progress.signing = signing;
        let attempted = match self.open(&opening).await {
            Ok(socket) => self.say(socket).await,
            Err(error) => Err(error),
        };
        attempted.map_err(|error| (error, credentials))
    }

    async fn open(&mut self, opening: &Opening<'_>) -> Result<Socket, InvocationError> {
        self.progress.connecting();
        match self.door.connect(opening).await {
            Ok(socket) => {
                self.progress.connected();
                self.observer.connected(self.progress);
                Ok(socket)
            }
            Err(error) => {
                self.progress.not_connected();
                Err(error)
            }
        }
    }

    /// Sends the message, and waits for what comes first.
    async fn say(&mut self, socket: Socket) -> Result<ReplyStream, InvocationError> {
        let terms = Terms {
            deadline: self.request.deadline,
            chunk_timeout: self.door.client.settings.timeouts.chunk,
            reply_end: self.request.reply_end,
            options: self.request.options,
            ping_interval: self.door.client.settings.timeouts.ping_interval,
            keeps_socket: self.door.client.pool.is_some(),
        };
        // Boxed, since it is large and goes a long way to whoever reads the reply.
        let mut exchange = Box::new(Exchange::open(socket, terms));
        exchange.send(self.message.clone());
        let first = match exchange.next().await {
            ReplyEvent::Interrupted(error) => {
                self.progress.closed();
                self.observer.closed();
                return Err(error);
            }
            first => first,
        };
        let Request {
            runtime,
            invocation,
            ..
        } = self.request;
        let home = self.door.client.pool.as_ref().map(|pool| Home {
            pool: Arc::clone(pool),
            owner: Owner::of(runtime, &invocation.visit),
        });
        Ok(ReplyStream::new(exchange, first, home))
    }
}
