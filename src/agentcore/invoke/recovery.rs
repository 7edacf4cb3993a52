//! What can be mended about a refusal, so that the same request is taken at once: credentials that
//! have expired, and a clock that is wrong.

use aws_credential_types::Credentials;
use tokio::time::Instant;

use crate::agentcore::client::AgentCoreClient;
use crate::agentcore::error::{CredentialsFault, InvocationError, Refusal};
use crate::agentcore::until::Until;

/// What has been mended in an invocation: each once, and no retry is spent on it.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    has_renewed_credentials: bool,
    has_corrected_clock: bool,
}

/// What is to become of an attempt that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// The cause is mended: another attempt, at once.
    Again,
    /// It cannot be mended, and another attempt would be refused likewise.
    InVain,
    /// There is nothing here to mend.
    NotOurs,
}

impl Recovery {
    /// Mends what an attempt with these credentials failed by.
    pub(super) async fn of(
        &mut self,
        client: &AgentCoreClient,
        error: &InvocationError,
        credentials: Option<&Credentials>,
        deadline: Instant,
    ) -> Remedy {
        let (Some(refusal), Some(credentials)) = (error.failure.refusal(), credentials) else {
            return Remedy::NotOurs;
        };
        if self.corrects_clock(client, refusal) {
            return Remedy::Again;
        }
        let is_expired = refusal.fault == Some(CredentialsFault::Expired);
        if !is_expired || self.has_renewed_credentials {
            return Remedy::NotOurs;
        }
        self.has_renewed_credentials = true;
        client.credentials.forget(credentials);
        let others = <Until>::deadline(deadline).wait(client.credentials.get());
        match others.await {
            Ok(Ok(others)) if others != *credentials => Remedy::Again,
            _ => Remedy::InVain,
        }
    }

    fn corrects_clock(&mut self, client: &AgentCoreClient, refusal: &Refusal) -> bool {
        let Some(time) = refusal.right_time().filter(|_| !self.has_corrected_clock) else {
            return false;
        };
        self.has_corrected_clock = true;
        client.clock.correct(time);
        true
    }
}
