//! The page: its files, which are part of this program, and what it asks beside the API.

use std::convert::Infallible;
use std::sync::Arc;

use agentcore_bridge::api::ExposedSteps;
use agentcore_emulator::Emulator;
use axum::body::Body;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::stream;
use http::{Method, Request, StatusCode, header};
use serde_json::json;

use crate::relay::OwnAgents;
use crate::turns::{Record, Turns};

/// The header by which the page names a turn, to read its events.
pub(crate) const TURN: &str = "x-local-turn";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: [(&str, &str, &str); 8] = [
    ("/", HTML, include_str!("page/index.html")),
    ("/page.css", CSS, include_str!("page/page.css")),
    ("/page.js", SCRIPT, include_str!("page/page.js")),
    ("/turn.js", SCRIPT, include_str!("page/turn.js")),
    ("/events.js", SCRIPT, include_str!("page/events.js")),
    ("/advice.js", SCRIPT, include_str!("page/advice.js")),
    ("/dom.js", SCRIPT, include_str!("page/dom.js")),
    (
        "/agents-client.js",
        SCRIPT,
        include_str!("../client/agents-client.js"),
    ),
];

/// Nothing but these files can run or be asked, whatever an agent sends.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// Serves the page.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) turns: Turns,
    /// What its turns tell of steps, where `EXPOSE_STEPS` does not say it.
    pub(crate) exposed_steps: Option<ExposedSteps>,
    /// What is behind it: `emulator`, `aws` or `own`.
    pub(crate) mode: &'static str,
    pub(crate) own_agents: Option<Arc<OwnAgents>>,
    pub(crate) emulator: Option<Arc<Emulator>>,
    /// A prefix of paths, as the API has it.
    pub(crate) base_path: Option<String>,
}

/// What is asked of the page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PageRoute {
    /// A file, by its number.
    File(usize),
    /// The path lacks the slash behind which relative addresses begin.
    Slash,
    /// What is behind it, and how it is.
    Info,
    /// The events of a turn.
    Turn(String),
}

impl Page {
    /// Whether a request is the page's. All others are the API's.
    pub(crate) fn route(&self, request: &Request<Body>) -> Option<PageRoute> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let path = request.uri().path();
        let path = match self
            .base_path
            .as_deref()
            .and_then(|base| path.strip_prefix(base))
        {
            Some("") => return Some(PageRoute::Slash),
            Some(rest) if rest.starts_with('/') => rest,
            _ => path,
        };
        if let Some(file) = FILES.iter().position(|(name, _, _)| *name == path) {
            return Some(PageRoute::File(file));
        }
        match path.strip_prefix("/local/")? {
            "info" => Some(PageRoute::Info),
            rest => Some(PageRoute::Turn(rest.strip_prefix("turns/")?.to_owned())),
        }
    }

    pub(crate) async fn answer(&self, route: PageRoute) -> Response {
        match route {
            PageRoute::File(number) => file(number),
            PageRoute::Slash => {
                let base = self.base_path.as_deref().unwrap_or_default();
                Redirect::permanent(&format!("{base}/")).into_response()
            }
            PageRoute::Info => self.info().await,
            PageRoute::Turn(name) => match self.turns.record(&name) {
                Some(record) => events(&record),
                None => StatusCode::NOT_FOUND.into_response(),
            },
        }
    }

    async fn info(&self) -> Response {
        let mut agents = serde_json::Map::new();
        if let Some(own) = &self.own_agents {
            for health in own.health().await {
                let described = json!({
                    "address": health.agent.address(),
                    "reachable": health.is_reachable,
                    "problem": health.problem,
                });
                agents.insert(health.agent.id, described);
            }
        }
        let info = json!({
            "mode": self.mode,
            "agents": agents,
            // So that one sees that a reply that was stopped is stopped.
            "openConnections": self.emulator.as_ref().map(|emulator| emulator.open_connections()),
        });
        json_answer(&info)
    }
}

/// An answer of JSON that nobody keeps.
pub(crate) fn json_answer(value: &serde_json::Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, value.to_string()).into_response()
}

fn file(number: usize) -> Response {
    let (_, kind, text) = FILES[number];
    let headers = [
        (header::CONTENT_TYPE, kind),
        // The files change with the program.
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let isolation = [
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    (headers, isolation, text).into_response()
}

/// The events of a turn as server-sent events, those to come too, until it is over.
fn events(record: &Record) -> Response {
    let lines = stream::unfold((record.subscribe(), 0), async |(mut events, sent)| {
        let line = {
            let has_more =
                |events: &crate::turns::Events| events.lines.len() > sent || events.is_over;
            // The record is held by the list of turns, or its end has been told.
            let events = events.wait_for(has_more).await.ok()?;
            events.lines.get(sent).cloned()
        };
        let event = match &line {
            Some(line) => Event::default().data(&**line),
            None if sent == usize::MAX => return None,
            None => Event::default().event("over").data("{}"),
        };
        let next = if line.is_some() { sent + 1 } else { usize::MAX };
        Some((Ok::<_, Infallible>(event), (events, next)))
    });
    Sse::new(lines)
        .keep_alive(KeepAlive::default())
        .into_response()
}
