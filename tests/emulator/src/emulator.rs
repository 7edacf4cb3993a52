//! The emulator: built by a builder, it accepts connections until it is stopped.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

use crate::{
    Agent, Connection, Credentials, Ended, Session,
    observation::Log,
    server,
    state::{Clock, State, system_clock},
};

/// An emulated AgentCore Runtime that listens on 127.0.0.1.
///
/// Its tasks run on the tokio runtime on which it was started. Dropping it closes its port and all
/// connections.
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

/// Configures and starts an [`Emulator`].
#[derive(Default)]
pub struct Builder {
    port: u16,
    agents: Vec<(String, Agent)>,
    credentials: Vec<Credentials>,
    now: Option<Clock>,
    forgets: bool,
}

impl Emulator {
    /// Creates a builder with a free port, no agents, the example credentials, and the system
    /// clock.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The address on which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL, for use as an endpoint override: `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Registers or replaces the agent of an ARN, for all future connections.
    pub fn register(&self, arn: impl Into<String>, agent: Agent) {
        self.state.register(arn.into(), agent);
    }

    /// Marks credentials as expired: requests signed with them get an `ExpiredTokenException`.
    pub fn expire(&self, access_key_id: impl Into<String>) {
        self.state.expire(access_key_id.into());
    }

    /// All connections so far, in the order of acceptance.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        self.state.log.snapshot()
    }

    /// The number of connections that their clients have not ended.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.state
            .log
            .count(|connection| connection.ended == Ended::Open)
    }

    /// All runtime sessions, sorted by ARN and session id. A session starts with its first message,
    /// and lasts until `StopRuntimeSession`.
    #[must_use]
    pub fn sessions(&self) -> Vec<Session> {
        self.state.sessions()
    }

    /// Waits until the connections satisfy a predicate, and returns them.
    ///
    /// It waits without a timeout, since with tokio's paused time one would elapse at once.
    pub async fn wait_until(
        &self,
        predicate: impl FnMut(&[Connection]) -> bool,
    ) -> Vec<Connection> {
        self.state.log.wait_until(predicate).await
    }

    /// Closes the port and all connections, and waits until they are closed.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // The result is always that the task was cancelled.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Builder {
    /// Sets the port; 0, the default, picks a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Registers an agent under its full ARN.
    #[must_use]
    pub fn agent(mut self, arn: impl Into<String>, agent: Agent) -> Self {
        self.agents.push((arn.into(), agent));
        self
    }

    /// Adds accepted credentials. The example credentials are accepted only if none are added.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials.push(credentials);
        self
    }

    /// Replaces the clock; `now` returns seconds since the epoch.
    #[must_use]
    pub fn now(mut self, now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.now = Some(Box::new(now));
        self
    }

    /// Keeps no record of connections, which would grow for as long as the emulator runs. What
    /// gives records then gives none.
    #[must_use]
    pub fn forgetful(mut self) -> Self {
        self.forgets = true;
        self
    }

    /// Starts the emulator.
    ///
    /// # Errors
    /// The port cannot be bound.
    pub async fn start(mut self) -> io::Result<Emulator> {
        if self.credentials.is_empty() {
            self.credentials.push(Credentials::example());
        }
        let now = self.now.unwrap_or_else(|| Box::new(system_clock));
        let state = Arc::new(State::new(self.credentials, now, Log::new(!self.forgets)));
        for (arn, agent) in self.agents {
            state.register(arn, agent);
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Emulator {
            address,
            state,
            accepting,
        })
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("port", &self.port)
            .field("agents", &self.agents)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

/// Accepts connections, each in a task of its own. All of them end with this one.
async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let entry = state.log.open();
                    connections.spawn(server::serve(stream, Arc::clone(&state), entry));
                }
                // The client has gone already, or file descriptors have run out for the moment.
                // Either way, accepting goes on.
                Err(_) => tokio::task::yield_now().await,
            },
            // Removes finished tasks from the set.
            Some(_) = connections.join_next() => {}
        }
    }
}
