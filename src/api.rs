//! The HTTP API: which path leads where, and what every answer has in common.

use std::any::Any;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, delete, get, post};
use axum::{Extension, Router};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

use crate::agent::Agent;
use crate::caller::runtime_session;
use crate::config::{AllowedOrigins, RateLimits, SessionBinding};
use crate::invocation::{RuntimeSessionId, SessionId};
use crate::limits::Limits;
use crate::service::AgentService;
use crate::telemetry::Metrics;
pub(crate) use error::ApiError;
use response::{AgentBody, AgentsBody, HealthBody, StatusBody, json};

mod accept;
pub mod context;
mod cors;
mod error;
mod invoke;
mod request;
mod response;
mod session;
mod stream;
mod timing;

pub use context::{AnswerLimit, RequestContext};

const AGENTS: &str = "/api/agents";
const AGENT: &str = "/api/agents/{agent_id}";
const STATUS: &str = "/api/agents/{agent_id}/status";
const SESSION: &str = "/api/agents/{agent_id}/sessions/{session_id}";
const INVOKE: &str = "/api/agents/invoke";
const INVOKE_STREAM: &str = "/api/agents/invoke/stream";
const HEALTH: &str = "/health";
const ROUTES: [&str; 7] = [
    AGENTS,
    AGENT,
    STATUS,
    SESSION,
    INVOKE,
    INVOKE_STREAM,
    HEALTH,
];

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the API needs to know beside the service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The longest prompt, in bytes of UTF-8.
    pub max_prompt_bytes: usize,
    /// The longest reply kept in an answer that is not streamed, in bytes of UTF-8.
    pub max_response_bytes: usize,
    /// Which origins a browser may call from.
    pub allowed_origins: AllowedOrigins,
    /// A path prefix to strip, with a leading slash and no trailing one.
    pub base_path: Option<String>,
    /// Whether the runtime's session depends on who calls.
    pub session_binding: SessionBinding,
    /// How much each caller may ask for.
    pub rate_limits: RateLimits,
    /// Where invocations are measured, if anywhere.
    pub metrics: Option<Metrics>,
    /// The clock by which answers are dated.
    pub now: fn() -> SystemTime,
}

/// The HTTP API as a function from requests to answers. Clones share everything.
#[derive(Clone, Debug)]
pub struct Api {
    router: Router,
    base_path: Option<String>,
}

/// What the handlers share.
struct Shared {
    service: AgentService,
    settings: Settings,
    limits: Limits,
}

impl Shared {
    /// The runtime's session for the one that the caller sent.
    fn runtime_session(
        &self,
        context: &RequestContext,
        agent: &Agent,
        session: &SessionId,
    ) -> RuntimeSessionId {
        let caller = context.origin.caller.as_ref();
        runtime_session(&self.settings.session_binding, caller, &agent.id, session)
    }

    /// The agent that a path names.
    fn agent(&self, id: Result<Path<String>, PathRejection>) -> Result<&Agent, ApiError> {
        let agent = id.ok().and_then(|Path(id)| self.service.agents().find(&id));
        agent.ok_or_else(ApiError::unknown_agent)
    }
}

impl Api {
    /// An API for a service.
    pub fn new(service: AgentService, settings: Settings) -> Self {
        let base_path = settings.base_path.clone();
        let origins = settings.allowed_origins.clone();
        let resource = |methods, allowed| resource(methods, allowed, &origins);
        let shared = Shared {
            service,
            limits: Limits::new(settings.rate_limits),
            settings,
        };
        let router = Router::new()
            .route(INVOKE, resource(post(invoke::invoke), CALL))
            .route(INVOKE_STREAM, resource(post(invoke::invoke_stream), CALL))
            .route(AGENTS, resource(get(list_agents), READ))
            .route(AGENT, resource(get(show_agent), READ))
            .route(STATUS, resource(get(show_status), READ))
            .route(SESSION, resource(delete(session::end), END))
            .route(HEALTH, resource(get(health), READ))
            .fallback_service(unknown_path(&origins))
            .with_state(Arc::new(shared));
        Self { router, base_path }
    }

    /// Answers a request. There is always an answer.
    pub async fn answer(&self, mut request: Request<Body>, context: RequestContext) -> Response {
        let request_id = HeaderValue::from_str(&context.request_id);
        let is_preflight = request.method() == Method::OPTIONS;
        let prefixes = [context.stage.as_deref(), self.base_path.as_deref()];
        if let Some(uri) = without_prefix(request.uri(), prefixes) {
            *request.uri_mut() = uri;
        }
        let ids = context.ids(request.headers());
        request.extensions_mut().insert(Arc::new(context));

        let answered = ids.scope(self.router.clone().oneshot(request)).await;
        let mut response = answered.unwrap_or_else(|never| match never {});
        if is_preflight && response.status() == StatusCode::OK {
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
        cors::tidy(response.headers_mut(), is_preflight);
        mark(&mut response, request_id.ok());
        response
    }
}

/// Answers where there is no request to be answered.
pub(crate) fn refusal(error: &ApiError, request_id: &str) -> Response<String> {
    let mut response = Response::new(error.to_body());
    *response.status_mut() = error.code().status();
    let content_type = HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    mark(&mut response, HeaderValue::from_str(request_id).ok());
    response
}

/// Adds what every answer has.
fn mark<B>(response: &mut Response<B>, request_id: Option<HeaderValue>) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Some(request_id) = request_id {
        headers.insert(X_REQUEST_ID, request_id);
    }
}

/// The address without the first prefix that leads to a route; `None` where it leads to one as it
/// came, or to none either way.
fn without_prefix(uri: &Uri, prefixes: [Option<&str>; 2]) -> Option<Uri> {
    let path = uri.path();
    if is_route(path) {
        return None;
    }
    let stripped = prefixes.into_iter().flatten().find_map(|prefix| {
        let rest = path
            .strip_prefix('/')?
            .strip_prefix(prefix.trim_matches('/'))?;
        is_route(rest).then_some(rest)
    })?;
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    format!("{stripped}{query}").parse().ok()
}

fn is_route(path: &str) -> bool {
    ROUTES.iter().any(|route| {
        let mut segments = path.split('/');
        let fits = route.split('/').all(|expected| {
            let segment = segments.next();
            segment == Some(expected)
                || expected.starts_with('{') && segment.is_some_and(|segment| !segment.is_empty())
        });
        fits && segments.next().is_none()
    })
}

const READ: &[Method] = &[Method::GET, Method::HEAD, Method::OPTIONS];
const CALL: &[Method] = &[Method::POST, Method::OPTIONS];
const END: &[Method] = &[Method::DELETE, Method::OPTIONS];

/// A route's methods, with what each route has around them.
fn resource<S: Clone + Send + Sync + 'static>(
    methods: MethodRouter<S>,
    allowed: &'static [Method],
    origins: &AllowedOrigins,
) -> MethodRouter<S> {
    let answer_panic = |_: Box<dyn Any + Send>| ApiError::panicked().into_response();
    methods
        .fallback(move || async move { method_not_allowed(allowed) })
        .layer::<_, Infallible>(CatchPanicLayer::custom(answer_panic))
        .layer(cors::layer(origins, allowed))
}

/// There is no preflight for what is not there.
fn unknown_path(origins: &AllowedOrigins) -> MethodRouter {
    let unknown = || async { ApiError::unknown_path() };
    any(unknown)
        .layer(cors::layer(origins, &[]))
        .options(unknown)
}

fn method_not_allowed(allowed: &'static [Method]) -> Response {
    let names: Vec<_> = allowed.iter().map(Method::as_str).collect();
    let mut response = ApiError::method_not_allowed().into_response();
    if let Ok(names) = HeaderValue::from_str(&names.join(", ")) {
        response.headers_mut().insert(header::ALLOW, names);
    }
    response
}

async fn list_agents(State(shared): State<Arc<Shared>>) -> Response {
    let agents = shared
        .service
        .agents()
        .iter()
        .map(AgentBody::from)
        .collect();
    json(StatusCode::OK, &AgentsBody { agents })
}

async fn show_agent(
    State(shared): State<Arc<Shared>>,
    agent_id: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let agent = shared.agent(agent_id)?;
    Ok(json(StatusCode::OK, &AgentBody::from(agent)))
}

async fn show_status(
    State(shared): State<Arc<Shared>>,
    Extension(context): Context,
    agent_id: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let agent = shared.agent(agent_id)?;
    let deadline = context.deadline(shared.service.deadline(context.received));
    let status = shared.service.status(agent, deadline).await;
    Ok(json(
        StatusCode::OK,
        &StatusBody::new(&agent.id, status, shared.settings.now),
    ))
}

async fn health() -> Response {
    json(
        StatusCode::OK,
        &HealthBody {
            status: "ok",
            version: env!("CARGO_PKG_VERSION"),
        },
    )
}

/// The context of the request at hand, which [`Api::answer`] puts there.
type Context = Extension<Arc<RequestContext>>;

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn panic_with(text: &str) -> StatusCode {
        panic!("{text}")
    }

    #[tokio::test]
    async fn a_panic_is_a_500_that_says_nothing_of_it() {
        let panics = get(|| async { panic_with("MARKER") });
        let origins = AllowedOrigins::Any;
        let router: Router = Router::new().route(HEALTH, resource::<()>(panics, READ, &origins));
        for _ in 0..2 {
            let mut request = Request::get(HEALTH).body(Body::empty()).unwrap();
            request
                .headers_mut()
                .insert(header::ORIGIN, HeaderValue::from_static("https://a"));
            let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
            assert_eq!(parts.status, StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(parts.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
            let body = body.collect().await.unwrap().to_bytes();
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert!(
                body.contains("InternalError") && !body.contains("MARKER"),
                "{body}"
            );
        }
    }

    #[test]
    fn a_path_is_tried_as_it_came_then_without_one_prefix() {
        let strip = |path: &str, stage: Option<&str>, base: Option<&str>| {
            let uri = path.parse().unwrap();
            without_prefix(&uri, [stage, base]).map_or(path.to_owned(), |uri| uri.to_string())
        };
        for (path, stage, base, expected) in [
            ("/health", Some("prod"), Some("/v1"), "/health"),
            ("/prod/health", Some("prod"), None, "/health"),
            ("/v1/health", Some("prod"), Some("/v1"), "/health"),
            (
                "/v1/x/api/agents?a=b",
                None,
                Some("/v1/x"),
                "/api/agents?a=b",
            ),
            (
                "/prod/v1/health",
                Some("prod"),
                Some("/v1"),
                "/prod/v1/health",
            ),
            ("/prodhealth", Some("prod"), None, "/prodhealth"),
            (
                "/api/agents/invoke",
                Some("api"),
                None,
                "/api/agents/invoke",
            ),
            (
                "/api/api/agents/invoke",
                Some("api"),
                None,
                "/api/agents/invoke",
            ),
            ("/prod/prod/health", Some("prod"), None, "/prod/prod/health"),
            (
                "/prod/api/agents/a/sessions/b%2Fc",
                Some("prod"),
                None,
                "/api/agents/a/sessions/b%2Fc",
            ),
            ("/health", None, None, "/health"),
            ("/health/", Some("health"), None, "/health/"),
        ] {
            assert_eq!(
                strip(path, stage, base),
                expected,
                "{path} {stage:?} {base:?}"
            );
        }
    }

    #[test]
    fn routes_are_told_from_other_paths() {
        for path in [
            "/health",
            "/api/agents",
            "/api/agents/x",
            "/api/agents/invoke",
            "/api/agents/x/sessions/y",
        ] {
            assert!(is_route(path), "{path}");
        }
        for path in [
            "",
            "/",
            "/health/",
            "/api/agents/",
            "/api/agents/a/b/c/d",
            "/api/agents/a/sessions",
            "/api/agents/a/sessions/",
            "/api/agents//sessions/y",
            "/api/agents/a/sessions/y/z",
            "//health",
        ] {
            assert!(!is_route(path), "{path}");
        }
    }
}
