//! Stands between the bridge and agents of the user's own, as AgentCore Runtime does between it and
//! containers: takes the same requests, passes the WebSocket on byte by byte, and says what a
//! container's failure is. It checks no signature.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::own_agents::OwnAgent;
use crate::page::json_answer;
pub(crate) use reach::OwnAgents;

mod reach;

const SESSION: &str = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

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
        let agents = Arc::new(OwnAgents::new(agents, tls, is_told));
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

fn router(agents: Arc<OwnAgents>) -> Router {
    Router::new().fallback(async move |request: Request<Body>| {
        let path = percent_decode_str(request.uri().path()).decode_utf8_lossy();
        let found = agents.iter().find(|agent| {
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
                    agents.note_well(&agent);
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
