//! A session's micro-VM started before there is a prompt: AgentCore starts it for the opening handshake.

use tokio::time::Instant;

use super::door::Door;
use crate::agent::Runtime;
use crate::agentcore::client::AgentCoreClient;
use crate::agentcore::error::InvocationError;
use crate::agentcore::wire::dial::Begun;
use crate::agentcore::wire::socket::Code;
use crate::invocation::Visit;

impl AgentCoreClient {
    /// Opens a WebSocket to a session and closes it, once and without a retry.
    ///
    /// # Errors
    /// [`InvocationError`] where the runtime did not take the handshake.
    pub async fn prewarm(
        &self,
        runtime: &Runtime,
        visit: &Visit,
        deadline: Instant,
    ) -> Result<(), InvocationError> {
        let mut door = Door {
            client: self,
            runtime,
            visit,
            deadline,
            begun: Begun::default(),
        };
        let credentials = door.credentials().await?;
        let (opening, _) = door.opening(credentials.as_ref())?;
        let socket = door.connect(&opening).await?;
        socket.close(Code::Normal).await;
        Ok(())
    }
}
