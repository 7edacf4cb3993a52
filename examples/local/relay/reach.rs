//! The user's own agents: whether they are there, and a connection to one.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use agentcore_bridge::telemetry::{Output, printable};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls;

use crate::own_agents::OwnAgent;

/// How long an agent may take to accept a connection: less than the bridge waits for the relay.
const REACH_TIMEOUT: Duration = Duration::from_secs(4);

/// How long an agent that took a connection is taken to be there.
const REMEMBERED: Duration = Duration::from_secs(30);

/// A byte stream to an agent.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The user's own agents, and how to get at them.
pub(crate) struct OwnAgents {
    agents: Vec<OwnAgent>,
    tls: TlsConnector,
    /// What goes wrong is said on the terminal.
    is_told: bool,
    /// What is known of each, by its id.
    states: Mutex<BTreeMap<String, State>>,
}

/// What is known of an agent.
#[derive(Clone, Default)]
struct State {
    /// When it last took a connection, unless it has refused one since.
    seen: Option<Instant>,
    /// What was wrong with its last handshake.
    problem: Option<String>,
}

/// How an agent is.
pub(crate) struct Health {
    pub(crate) agent: OwnAgent,
    pub(crate) is_reachable: bool,
    pub(crate) problem: Option<String>,
}

impl OwnAgents {
    pub(super) fn new(agents: Vec<OwnAgent>, tls: TlsConnector, is_told: bool) -> Self {
        Self {
            agents,
            tls,
            is_told,
            states: Mutex::default(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &OwnAgent> {
        self.agents.iter()
    }

    /// How each agent is.
    pub(crate) async fn health(&self) -> Vec<Health> {
        let checks = self.agents.iter().map(|agent| async {
            let reached = self.find(agent).await;
            let problem = match &reached {
                Ok(()) => self.state(agent).problem,
                Err(problem) => Some(problem.clone()),
            };
            Health {
                agent: agent.clone(),
                is_reachable: reached.is_ok(),
                problem,
            }
        });
        futures_util::future::join_all(checks).await
    }

    /// Whether an agent is there: it took a connection lately, or takes one now. Servers log a connection
    /// on which nothing is said, some of them loudly, so none is made that is not needed.
    pub(super) async fn find(&self, agent: &OwnAgent) -> Result<(), String> {
        let is_fresh = |seen: Instant| seen.elapsed() < REMEMBERED;
        if self.state(agent).seen.is_some_and(is_fresh) {
            return Ok(());
        }
        self.reach(agent).await.map(drop)
    }

    fn state(&self, agent: &OwnAgent) -> State {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.get(&agent.id).cloned().unwrap_or_default()
    }

    /// Notes how it is now. Returns how it was.
    fn set_state(&self, agent: &OwnAgent, state: State) -> State {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.insert(agent.id.clone(), state).unwrap_or_default()
    }

    /// Notes that a handshake was taken.
    pub(super) fn note_well(&self, agent: &OwnAgent) {
        let seen = Some(Instant::now());
        let problem = None;
        self.set_state(agent, State { seen, problem });
    }

    /// Notes what went wrong with a handshake, and says it where it is news.
    pub(super) fn note(&self, agent: &OwnAgent, problem: String) {
        let line = printable(&format!("{}: {problem}", agent.id));
        let seen = self.state(agent).seen;
        let state = State {
            seen,
            problem: Some(problem),
        };
        let is_news = self.set_state(agent, state.clone()).problem != state.problem;
        if is_news && self.is_told {
            Output.line(line);
        }
    }

    /// TCP and, where the URL says so, TLS.
    pub(super) async fn reach(&self, agent: &OwnAgent) -> Result<Box<dyn Stream>, String> {
        let connecting = self.connect(agent);
        let mut state = self.state(agent);
        state.seen = None;
        let failed = match timeout(REACH_TIMEOUT, connecting).await {
            Ok(Ok(stream)) => {
                state.seen = Some(Instant::now());
                self.set_state(agent, state);
                return Ok(stream);
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                "nothing listens there: is the agent running?".to_owned()
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no connection within {} s", REACH_TIMEOUT.as_secs()),
        };
        self.set_state(agent, state);
        Err(format!("{}: {failed}", agent.address()))
    }

    async fn connect(&self, agent: &OwnAgent) -> io::Result<Box<dyn Stream>> {
        let host = agent.url.host_str().unwrap_or_default();
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let port = agent.url.port_or_known_default().unwrap_or(80);
        let tcp = TcpStream::connect((host.as_str(), port)).await?;
        tcp.set_nodelay(true)?;
        if agent.url.scheme() == "http" {
            return Ok(Box::new(tcp));
        }
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        Ok(Box::new(self.tls.connect(name, tcp).await?))
    }
}
