//! The emulator's life: it is built, accepts connections, and stops.

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
    Agent, Connection, Credentials, Ended, Session, server,
    state::{Clock, State, system_clock},
};

/// A runtime that listens on 127.0.0.1.
///
/// It lives on the tokio runtime that it was started on. When it is dropped, its port and all of
/// its connections are closed.
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

/// The settings of an [`Emulator`] to be.
#[derive(Default)]
pub struct Builder {
    port: u16,
    agents: Vec<(String, Agent)>,
    credentials: Vec<Credentials>,
    now: Option<Clock>,
}

impl Emulator {
    /// Begins with a free port, no agents, the example credentials, and the machine's clock.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, to be used as an endpoint override: `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the agent of an ARN, for connections from now on, in place of one that was there.
    pub fn register(&self, arn: impl Into<String>, agent: Agent) {
        self.state.register(arn.into(), agent);
    }

    /// Lets credentials expire: signed with them, a request is an `ExpiredTokenException`.
    pub fn expire(&self, access_key_id: impl Into<String>) {
        self.state.expire(access_key_id.into());
    }

    /// All connections so far, in the order in which they were accepted.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        self.state.log.snapshot()
    }

    /// How many connections the clients have not ended.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.state
            .log
            .count(|connection| connection.ended == Ended::Open)
    }

    /// The conversations that are remembered, sorted by ARN and session id. One begins with its
    /// first message, and lasts until `StopRuntimeSession`.
    #[must_use]
    pub fn sessions(&self) -> Vec<Session> {
        self.state.sessions()
    }

    /// Waits until the connections are as wanted, for ever if they never are, and returns them.
    ///
    /// There is no time limit here, because one would be over at once where time is paused.
    pub async fn wait_until(
        &self,
        predicate: impl FnMut(&[Connection]) -> bool,
    ) -> Vec<Connection> {
        self.state.log.wait_until(predicate).await
    }

    /// Closes the port and all connections, and returns when they are closed.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // The outcome is that it was cancelled.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Builder {
    /// Listens on that port; 0, the default, is any free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Adds an agent under its full ARN.
    #[must_use]
    pub fn agent(mut self, arn: impl Into<String>, agent: Agent) -> Self {
        self.agents.push((arn.into(), agent));
        self
    }

    /// Adds credentials to accept; the example ones are accepted only if there are no others.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials.push(credentials);
        self
    }

    /// Replaces the clock; `now` gives seconds since the epoch.
    #[must_use]
    pub fn now(mut self, now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.now = Some(Box::new(now));
        self
    }

    /// Starts to listen.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn start(mut self) -> io::Result<Emulator> {
        if self.credentials.is_empty() {
            self.credentials.push(Credentials::example());
        }
        let now = self.now.unwrap_or_else(|| Box::new(system_clock));
        let state = Arc::new(State::new(self.credentials, now));
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

/// Gives each connection a task of its own; all of them end with this one.
async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let entry = state.log.open();
                    connections.spawn(server::serve(stream, Arc::clone(&state), entry));
                }
                // The client has gone again, or there are no file descriptors left just now: the
                // next turn of the loop will tell.
                Err(_) => tokio::task::yield_now().await,
            },
            // Takes finished tasks out of the set.
            Some(_) = connections.join_next() => {}
        }
    }
}
