//! The way to an agent's WebSocket: credentials → sign → connect → handshake.

use std::time::Duration;

use aws_credential_types::Credentials;
use tokio::time::Instant;

use super::opening::{Leave, Opening};
use super::watch::{Seen, Watch};
use crate::agent::{Runtime, RuntimeAuth};
use crate::agentcore::client::AgentCoreClient;
use crate::agentcore::credentials;
use crate::agentcore::error::{Failure, InvocationError, Phase, Timeout, refusal};
use crate::agentcore::until::Until;
use crate::agentcore::wire::dial::Begun;
use crate::agentcore::wire::handshake::HandshakeError;
use crate::agentcore::wire::socket::Socket;
use crate::invocation::Visit;

/// What opens a socket to one session, attempt after attempt.
pub(super) struct Door<'a> {
    pub(super) client: &'a AgentCoreClient,
    pub(super) runtime: &'a Runtime,
    pub(super) visit: &'a Visit,
    /// When it must be over.
    pub(super) deadline: Instant,
    /// Addresses that attempts began with.
    pub(super) begun: Begun,
}

impl<'a> Door<'a> {
    /// Our credentials, where the runtime is not opened by the caller's token.
    pub(super) async fn credentials(&self) -> Result<Option<Credentials>, InvocationError> {
        if self.runtime.auth == RuntimeAuth::Caller {
            return Ok(None);
        }
        self.sigv4_credentials().await.map(Some)
    }

    /// Our credentials, whoever opens the runtime.
    pub(super) async fn sigv4_credentials(&self) -> Result<Credentials, InvocationError> {
        let failed = |failure| InvocationError::new(Phase::Credentials, failure);
        let until = <Until>::deadline(self.deadline);
        match until.wait(self.client.credentials.get()).await {
            Ok(Ok(credentials)) => Ok(credentials),
            Ok(Err(cause)) => {
                Err(failed(Failure::NoCredentials).because(credentials::describe(&cause)))
            }
            Err(timeout) => Err(failed(timeout.into())),
        }
    }

    /// By leave of our credentials, else of the caller's token. Says how long signing took.
    pub(super) fn opening(
        &self,
        ours: Option<&Credentials>,
    ) -> Result<(Opening<'a>, Option<Duration>), InvocationError> {
        let leave = match (ours, &self.visit.token) {
            (Some(credentials), _) => Leave::Signed(credentials, self.client.clock.now()),
            (None, Some(token)) => Leave::Token(token),
            (None, None) => {
                return Err(InvocationError::new(Phase::Credentials, Failure::NoToken));
            }
        };
        let begin = Instant::now();
        let endpoint = self.client.settings.data_endpoint(&self.runtime.arn);
        let opening = Opening::new(self.runtime, self.visit, Some(&endpoint), leave);
        Ok((opening, ours.map(|_| begin.elapsed())))
    }

    /// DNS, TCP, TLS and the opening handshake.
    pub(super) async fn connect(
        &mut self,
        opening: &Opening<'_>,
    ) -> Result<Socket, InvocationError> {
        let doubt = self.client.connector.doubt(opening.url.endpoint());
        let socket = self.connect_once(opening).await?;
        doubt.dispel();
        Ok(socket)
    }

    async fn connect_once(&mut self, opening: &Opening<'_>) -> Result<Socket, InvocationError> {
        let failed = InvocationError::new;
        let (deadline, timeouts) = (self.deadline, self.client.settings.timeouts);
        let (endpoint, target) = (opening.url.endpoint(), opening.url.target());
        let connector = &self.client.connector;
        let transport = Until::sooner(deadline, Instant::now(), timeouts.connect, Timeout::Connect)
            .wait(connector.connect_elsewhere(endpoint, &mut self.begun))
            .await
            .map_err(|timeout| failed(Phase::Connect, timeout.into()))?
            .map_err(|cause| failed(Phase::Connect, Failure::Unreachable).because(cause))?;
        let watch = Watch::current();
        watch.see(Seen::Connected);
        let time = timeouts.handshake;
        let socket = Until::sooner(deadline, Instant::now(), time, Timeout::Handshake)
            .wait(Socket::open(transport, endpoint, target, &opening.headers))
            .await
            .map_err(|timeout| failed(Phase::Handshake, timeout.into()))?
            .map_err(|error| self.handshake_failed(error))?;
        watch.see(Seen::Open);
        Ok(socket)
    }

    fn handshake_failed(&self, error: HandshakeError) -> InvocationError {
        let failed = |failure| InvocationError::new(Phase::Handshake, failure);
        match error {
            HandshakeError::Refused(refused) => {
                let (status, now) = (refused.status, self.client.clock.now());
                let refusal = refusal::read(status, &refused.headers, &refused.body, now);
                let refusal = refusal.by(self.runtime.auth);
                failed(Failure::Refused(refusal.into()))
            }
            HandshakeError::Lost(cause) => failed(Failure::Lost).because(cause),
            HandshakeError::Violation(cause) => failed(Failure::Violation).because(cause),
        }
    }
}
