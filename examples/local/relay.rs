//! Stands between the bridge and agents of the user's own, as AgentCore Runtime does between it and
//! containers: takes the same requests, passes the WebSocket on byte by byte, and says what a
//! container's failure is. It checks no signature.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agentcore_bridge::telemetry::{Output, printable};
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls;

use crate::own_agents::OwnAgent;
use crate::page::json_answer;

/// How long an agent may take to accept a connection: less than the bridge waits for the relay.
const REACH_TIMEOUT: Duration = Duration::from_secs(4);

/// How long an agent that took a connection is taken to be there.
const REMEMBERED: Duration = Duration::from_secs(30);

const SESSION: &str = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

/// A byte stream to an agent.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
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

/// Where it listens, until it is dropped.
pub(crate) struct Relay {
    pub(crate) agents: Arc<OwnAgents>,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Relay {
    pub(crate) async fn start(
        agents: Vec<OwnAgent>,
        tls: TlsConnector,
        is_told: bool,
    ) -> io::Result<Self> {
        let agents = Arc::new(OwnAgents {
            agents,
            tls,
            is_told,
            states: Mutex::default(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = router(Arc::clone(&agents));
        let serving = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            agents,
            address,
            serving,
        })
    }

    /// For use as an endpoint override.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl OwnAgents {
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
    async fn find(&self, agent: &OwnAgent) -> Result<(), String> {
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

    /// Notes what went wrong with a handshake, and says it where it is news.
    fn note(&self, agent: &OwnAgent, problem: String) {
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
    async fn reach(&self, agent: &OwnAgent) -> Result<Box<dyn Stream>, String> {
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

fn router(agents: Arc<OwnAgents>) -> Router {
    Router::new().fallback(async move |request: Request<Body>| {
        let path = percent_decode_str(request.uri().path()).decode_utf8_lossy();
        let found = agents.agents.iter().find(|agent| {
            path.contains(&format!("runtime/{}/", agent.runtime_id()))
                || path.starts_with(&format!("/runtimes/{}/", agent.runtime_id()))
        });
        let Some(agent) = found.cloned() else {
            return refuse(StatusCode::NOT_FOUND, "ResourceNotFoundException");
        };
        match (
            request.method(),
            path.trim_end_matches('/').rsplit('/').next(),
        ) {
            (&Method::GET, Some("ws")) => match open(&agents, &agent, request).await {
                Ok(response) => {
                    let seen = Some(Instant::now());
                    let problem = None;
                    agents.set_state(&agent, State { seen, problem });
                    response
                }
                Err(problem) => {
                    agents.note(&agent, problem);
                    // What the service says of a container that fails.
                    refuse(StatusCode::FAILED_DEPENDENCY, "RuntimeClientError")
                }
            },
            // Sessions are the agent's own affair here.
            (&Method::POST, Some("stopruntimesession")) => json_answer(&json!({})),
            (&Method::GET, _) => {
                let is_there = agents.find(&agent).await.is_ok();
                let status = if is_there { "READY" } else { "CREATE_FAILED" };
                json_answer(&json!({ "status": status }))
            }
            _ => refuse(StatusCode::NOT_FOUND, "ResourceNotFoundException"),
        }
    })
}

fn refuse(status: StatusCode, error_type: &'static str) -> Response {
    let mut answer = json_answer(&json!({ "message": "see the terminal of the local run" }));
    *answer.status_mut() = status;
    let error_type = HeaderValue::from_static(error_type);
    answer.headers_mut().insert("x-amzn-errortype", error_type);
    answer
}

/// Opens the agent's WebSocket for the bridge's, and passes on what both say until both are done.
async fn open(
    agents: &OwnAgents,
    agent: &OwnAgent,
    mut request: Request<Body>,
) -> Result<Response, String> {
    let stream = agents.reach(agent).await?;
    let wrong = |what: String| format!("{}: {what}", agent.address());
    let lost = |error: hyper::Error| wrong(format!("the handshake got no answer: {error}"));
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(lost)?;
    tokio::spawn(connection.with_upgrades());

    let ours = hyper::upgrade::on(&mut request);
    let asked = handshake_request(agent, &request).map_err(|error| wrong(error.to_string()))?;
    let mut answer = sender.send_request(asked).await.map_err(lost)?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(wrong(refused(&answer)));
    }
    let theirs = hyper::upgrade::on(&mut answer);
    tokio::spawn(async move {
        if let (Ok(ours), Ok(theirs)) = (ours.await, theirs.await) {
            let (mut ours, mut theirs) = (TokioIo::new(ours), TokioIo::new(theirs));
            // That one side is gone ends the other too, whatever the reason.
            let _ = copy_bidirectional(&mut ours, &mut theirs).await;
        }
    });
    let (parts, _) = answer.into_parts();
    Ok(Response::from_parts(parts, Body::empty()))
}

/// The same handshake as a container of the runtime gets it: at its own path, with the session in a
/// header.
fn handshake_request(agent: &OwnAgent, request: &Request<Body>) -> http::Result<Request<Body>> {
    let target = match agent.url.query() {
        Some(query) => format!("{}?{query}", agent.url.path()),
        None => agent.url.path().to_owned(),
    };
    let mut headers = request.headers().clone();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(HOST, HeaderValue::try_from(authority(&agent.url))?);
    if let Some(session) = session(request.uri(), &headers) {
        headers.insert(SESSION, session);
    }
    let mut asked = Request::get(Uri::try_from(target)?).body(Body::empty())?;
    *asked.headers_mut() = headers;
    Ok(asked)
}

fn authority(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The session's id: in the query beside a signature, in the headers beside a token.
fn session(uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let in_query = query
        .filter(|(name, _)| name.eq_ignore_ascii_case(SESSION))
        .find_map(|(_, value)| HeaderValue::from_str(&value).ok());
    in_query.or_else(|| headers.get(SESSION).cloned())
}

/// Why an agent that answered HTTP and no WebSocket may have done so.
fn refused(answer: &http::Response<Incoming>) -> String {
    let status = answer.status();
    let why = match status.as_u16() {
        403 | 404 => "; has it a WebSocket handler (`@app.websocket`) at this path?",
        426 => "; it speaks no WebSocket there",
        500..=599 => "; its own log says why",
        _ => "",
    };
    format!("the handshake was answered with {status}{why}")
}

#[cfg(test)]
mod tests;
