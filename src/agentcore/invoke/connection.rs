//! A signed address of an agent's WebSocket, for somebody else to open.

use std::time::SystemTime;

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
        Ok(Connection {
            url: presign(runtime, session, Some(&endpoint), &credentials, now),
            expires_at: now + EXPIRES_IN,
        })
    }
}
