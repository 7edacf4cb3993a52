//! A signed address of an agent's WebSocket, for somebody else to open.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::door::Door;
use crate::agent::Runtime;
use crate::agentcore::client::AgentCoreClient;
use crate::agentcore::error::InvocationError;
use crate::agentcore::sign::presign::{EXPIRES_IN, PresignedUrl, presign};
use crate::agentcore::wire::dial::Begun;
use crate::invocation::Visit;

/// A signed address of an agent's WebSocket: who has it speaks to the agent.
#[derive(Debug)]
pub struct Connection {
    /// The address.
    pub url: PresignedUrl,
    /// When it can no longer be opened.
    pub expires_at: SystemTime,
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

impl AgentCoreClient {
    /// Signs the address of a session's WebSocket with our credentials.
    ///
    /// # Errors
    /// [`InvocationError`] where there are no credentials.
    pub async fn connection(
        &self,
        runtime: &Runtime,
        visit: &Visit,
        deadline: Instant,
    ) -> Result<Connection, InvocationError> {
        let door = Door {
            client: self,
            runtime,
            visit,
            deadline,
            begun: Begun::default(),
        };
        let credentials = door.sigv4_credentials().await?;
        let (endpoint, now) = (self.settings.data_endpoint(&runtime.arn), self.clock.now());
        let session = &visit.runtime_session;
        // An address is signed by whole seconds, and is good for no longer than who signed it.
        let signed_at = UNIX_EPOCH + Duration::from_secs(unix_seconds(now));
        let expires_at = signed_at + EXPIRES_IN;
        let credentials_end = credentials.expiry().unwrap_or(expires_at);
        Ok(Connection {
            url: presign(runtime, session, Some(&endpoint), &credentials, now),
            expires_at: expires_at.min(credentials_end),
        })
    }
}
