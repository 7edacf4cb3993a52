//! The checks that the service makes before a request reaches an agent.

use std::time::{Duration, SystemTime};

use super::{bearer, request::Request, response::Response};
use crate::{
    Agent, Handshake,
    agent::DEFAULT_ENDPOINT,
    arn,
    sigv4::{self, Refusal},
    state::State,
};

/// A request that has passed all checks.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) arn: String,
    pub(super) runtime_session_id: String,
    pub(super) agent: Agent,
    pub(super) handshake: Handshake,
}

/// Checks, in this order, the signature in the query, the agent, and the session id; of an agent that
/// takes a bearer token that in place of the signature, and the session id in the headers.
pub(super) fn admit(request: &Request, arn: &str, state: &State) -> Result<Admitted, Response> {
    let session_id = if let Some(token) = state.bearer(arn) {
        bearer::check(request, &token)?;
        request.session_in_headers()
    } else {
        authenticate(request, arn, state).map_err(|refusal| refused(refusal, state))?;
        request.session_in_query()
    };
    check_agent(request, arn, state)?;
    let runtime_session_id = checked(session_id)?;
    let (agent, handshake) = state.attempt(arn).ok_or_else(unknown_runtime)?;
    Ok(Admitted {
        arn: arn.to_owned(),
        runtime_session_id,
        agent,
        handshake,
    })
}

/// The same for a request to stop a session, with signature, or token, and session id in the headers.
/// Returns that id.
pub(super) fn admit_stop(
    request: &Request,
    body: &[u8],
    arn: &str,
    state: &State,
) -> Result<String, Response> {
    match state.bearer(arn) {
        Some(token) => bearer::check(request, &token)?,
        None => authorize(request, body, [arn::region(arn)], state).map(drop)?,
    }
    check_agent(request, arn, state)?;
    checked(request.session_in_headers())
}

/// Checks the signature in the headers, which must be for one of the regions. Returns that region.
pub(super) fn authorize<'a>(
    request: &Request,
    body: &[u8],
    regions: impl IntoIterator<Item = &'a str>,
    state: &'a State,
) -> Result<&'a str, Response> {
    let whole = sigv4::Request {
        method: &request.method,
        target: &request.target,
        headers: &request.headers,
        body,
    };
    let signer = sigv4::verify_request(&whole, regions, &state.credentials, (state.now)())
        .map_err(|refusal| refused(refusal, state))?;
    if state.is_expired(&signer.credentials.access_key_id) {
        return Err(refused(Refusal::ExpiredToken, state));
    }
    Ok(signer.region)
}

pub(super) fn unknown_runtime() -> Response {
    Response::error(404, "ResourceNotFoundException", "No such agent runtime")
}

pub(super) fn unknown_endpoint() -> Response {
    Response::error(404, "ResourceNotFoundException", "No such endpoint")
}

/// With the time by which the signature was judged, as every answer of the service has it.
fn refused(refusal: Refusal, state: &State) -> Response {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs((state.now)());
    let date = httpdate::fmt_http_date(now);
    Response::error(403, refusal.error_type(), &refusal.to_string()).with_header("date", &date)
}

fn authenticate(request: &Request, arn: &str, state: &State) -> Result<(), Refusal> {
    let host = request.header("host").unwrap_or_default();
    let credentials = sigv4::verify(
        &request.target,
        host,
        arn::region(arn),
        &state.credentials,
        (state.now)(),
    )?;
    if state.is_expired(&credentials.access_key_id) {
        return Err(Refusal::ExpiredToken);
    }
    Ok(())
}

/// Checks that the agent exists, and that it has the endpoint named in the query.
fn check_agent(request: &Request, arn: &str, state: &State) -> Result<(), Response> {
    let agent = state.agent(arn).ok_or_else(unknown_runtime)?;
    let qualifier = request.parameter("qualifier");
    if agent.has_endpoint(qualifier.as_deref().unwrap_or(DEFAULT_ENDPOINT)) {
        Ok(())
    } else {
        Err(unknown_endpoint())
    }
}

fn checked(session_id: Option<String>) -> Result<String, Response> {
    session_id.filter(|id| is_session_id(id)).ok_or_else(|| {
        let message = "The runtime session id must have 33 to 100 letters, digits, - and _";
        Response::error(400, "ValidationException", message)
    })
}

/// The service accepts up to 256 characters, but AgentCore Memory behind it only 100.
fn is_session_id(id: &str) -> bool {
    (33..=100).contains(&id.len())
        && id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::is_session_id;

    #[test]
    fn session_ids_have_33_to_100_characters_of_the_set() {
        assert!(is_session_id(&"a".repeat(33)));
        assert!(is_session_id(&format!("9{}", "-_Z".repeat(33))));
        for bad in [
            "a".repeat(32),
            "a".repeat(101),
            format!("-{}", "a".repeat(40)),
            format!("_{}", "a".repeat(40)),
            format!("{}é", "a".repeat(40)),
            format!("{} ", "a".repeat(40)),
            String::new(),
        ] {
            assert!(!is_session_id(&bad), "{bad}");
        }
    }
}
