//! Routes a request to its handler, and adds what all responses have in common.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, header};
use hyper::body::Body as _;

use super::body::{Body, Response};
use super::context::{Received, RequestContext};
use super::error::ApiError;
use super::format::FormatName;
use super::reply_cache::ReplyCache;
use super::route::{Route, decoded, is_below_openai, without_prefix};
use super::settings::ApiSettings;
use super::{ag_ui, agents, connection, cors, end_session, invoke, openai, prewarm};
use crate::agent::Agent;
use crate::caller::BearerToken;
use crate::limits::Limits;
use crate::service::AgentService;
use crate::session::{RuntimeSessionId, SessionBinding, SessionId};
use crate::telemetry::Metrics;
use crate::telemetry::request::RequestIds;
use crate::trace::TraceHeaders;

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The HTTP API: a function from requests to responses. Clones share everything.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

/// The state that the handlers share.
pub(super) struct Shared {
    pub(super) service: AgentService,
    pub(super) settings: ApiSettings,
    pub(super) binding: SessionBinding,
    pub(super) metrics: Option<Metrics>,
    pub(super) now: fn() -> SystemTime,
    pub(super) started: SystemTime,
    pub(super) limits: Limits,
    pub(super) replies: Option<Arc<ReplyCache>>,
}

impl Shared {
    /// Derives the runtime's session from the one that the caller sent.
    pub(super) fn runtime_session(
        &self,
        context: &RequestContext,
        agent: &Agent,
        session: &SessionId,
    ) -> RuntimeSessionId {
        let caller = context.origin.caller.as_ref();
        self.binding.runtime_session(caller, &agent.id, session)
    }

    /// Finds the agent that a path names.
    pub(super) fn agent(&self, id: &str) -> Result<&Agent, ApiError> {
        let agent = decoded(id).and_then(|id| self.service.find(&id));
        agent.ok_or_else(ApiError::unknown_agent)
    }

    async fn handle(
        &self,
        route: Option<Route<'_>>,
        received: &Received,
        parts: &Parts,
        body: &Bytes,
    ) -> Result<Response, ApiError> {
        let route = route.ok_or_else(ApiError::unknown_path)?;
        if !route.methods().contains(&parts.method) {
            return Err(ApiError::method_not_allowed(route.methods()));
        }
        let query = parts.uri.query();
        match route {
            Route::Agents => Ok(agents::list(self)),
            Route::Agent { agent } => agents::show(self, agent),
            Route::Status { agent } => agents::show_status(self, received, agent).await,
            Route::Session { agent, session } => {
                end_session::end(self, received, agent, session).await
            }
            Route::Sessions { agent } => prewarm::prewarm(self, received, agent, body).await,
            Route::Invoke => {
                let format = FormatName::asked_for(query, &parts.headers);
                invoke::invoke(self, received, body, format).await
            }
            // This route streams whatever the `Accept` header says.
            Route::InvokeStream => {
                let format = FormatName::named_in(query).unwrap_or(FormatName::Native);
                invoke::invoke(self, received, body, format).await
            }
            Route::AgUi { agent } => ag_ui::run(self, received, agent, body).await,
            Route::Connections { agent } => connection::hand_out(self, received, agent, body).await,
            Route::ChatCompletions => openai::complete(self, received, &parts.headers, body).await,
            Route::Models => Ok(openai::models(self)),
            Route::Health => Ok(agents::health()),
        }
    }
}

impl Api {
    /// An API for a service, whose sessions are bound in this way. Invocations are measured where `metrics` are given; `now` is the clock
    /// by which answers are dated.
    pub fn new(
        service: AgentService,
        settings: ApiSettings,
        binding: SessionBinding,
        metrics: Option<Metrics>,
        now: fn() -> SystemTime,
    ) -> Self {
        Self(Arc::new(Shared {
            service,
            limits: Limits::new(settings.rate_limits),
            replies: ReplyCache::new(settings.response_cache_ttl),
            settings,
            binding,
            metrics,
            now,
            started: now(),
        }))
    }

    /// Handles a request. Every request gets a response, even if its handler panics.
    pub async fn answer(&self, request: Request<Bytes>, context: RequestContext) -> Response {
        let shared = &*self.0;
        let request_id = HeaderValue::from_str(&context.request_id);
        let trace = TraceHeaders::new(request.headers(), context.xray.as_deref())
            .told(shared.settings.trace_agents);
        let ids = RequestIds::new(&context.request_id, trace.trace_id());
        let received = Received {
            context,
            token: BearerToken::of(request.headers()),
            trace,
            ids: ids.clone(),
        };
        let stage = received.context.stage.as_deref();
        let prefixes = [stage, shared.settings.base_path.as_deref()];
        let (parts, body) = request.into_parts();
        let path = without_prefix(&parts.uri, prefixes);
        let route = Route::find(path);
        let speaks_openai = match route {
            Some(route) => route.is_of_openai(),
            None => is_below_openai(path, prefixes),
        };
        let origins = &shared.settings.allowed_origins;
        let origin = parts.headers.get(header::ORIGIN);
        let mut response = match (&parts.method, route) {
            (&Method::OPTIONS, Some(route)) => cors::preflight(origins, &parts.headers, route),
            // CORS does not apply to a path that does not exist.
            (&Method::OPTIONS, None) => error_response(speaks_openai, ApiError::unknown_path()),
            _ => {
                // Pinned where it is made: it holds a connection's state, which would be moved into
                // the future that waits for it.
                let handling = pin!(shared.handle(route, &received, &parts, &body));
                let handled = ids.scope(catch_panic(handling)).await;
                let mut response =
                    handled.unwrap_or_else(|error| error_response(speaks_openai, error));
                cors::add_headers(response.headers_mut(), origins, origin, route);
                response
            }
        };
        if parts.method == Method::HEAD {
            response = without_body(response);
        }
        add_common_headers(&mut response, request_id.ok());
        response
    }
}

/// What a handler gives. A panic is an error like others.
async fn catch_panic(
    handling: impl Future<Output = Result<Response, ApiError>>,
) -> Result<Response, ApiError> {
    let handled = AssertUnwindSafe(handling).catch_unwind().await;
    handled.unwrap_or_else(|_| Err(ApiError::panicked()))
}

/// The response to an error, in the form that the clients of a path read.
fn error_response(speaks_openai: bool, error: ApiError) -> Response {
    if speaks_openai {
        openai::error_response(&error)
    } else {
        error.into_response()
    }
}

/// An error response to an event that could not be read as a request.
pub(crate) fn refusal(error: ApiError, request_id: &str) -> Response {
    let mut response = error.into_response();
    add_common_headers(&mut response, HeaderValue::from_str(request_id).ok());
    response
}

/// Adds the headers that every response has.
fn add_common_headers(response: &mut Response, request_id: Option<HeaderValue>) {
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

/// The response to HEAD: that to GET without its body.
fn without_body(mut response: Response) -> Response {
    let length = response.body().size_hint().exact();
    *response.body_mut() = Body::default();
    if let Some(length) = length {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    response
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_gives_a_500_without_the_panic_message() {
        let error = catch_panic(async { panic!("MARKER") }).await.unwrap_err();
        let (parts, body) = error.into_response().into_parts();
        assert_eq!(parts.status, StatusCode::INTERNAL_SERVER_ERROR);
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            body.contains("InternalError") && !body.contains("MARKER"),
            "{body}"
        );
    }
}
