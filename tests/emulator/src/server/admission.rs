//! What the service checks before a request reaches an agent.

use super::{request::Request, response::Response};
use crate::{
    Agent, Handshake,
    encoding::{parameters, split_target},
    sigv4::{self, Refusal},
    state::State,
};

/// The query parameter that carries the runtime's session id.
pub(super) const SESSION_ID: &str = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

/// A request that has passed.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) arn: String,
    pub(super) runtime_session_id: String,
    pub(super) agent: Agent,
    pub(super) handshake: Handshake,
}

/// Checks, in this order, the signature, the agent, and the session id.
pub(super) fn admit(request: &Request, arn: &str, state: &State) -> Result<Admitted, Response> {
    authenticate(request, arn, state)
        .map_err(|refusal| Response::error(403, refusal.error_type(), &refusal.to_string()))?;
    let unknown = || Response::error(404, "ResourceNotFoundException", "No such agent runtime");
    if !state.is_registered(arn) {
        return Err(unknown());
    }
    let runtime_session_id = parameters(split_target(&request.target).1)
        .into_iter()
        .find_map(|(name, value)| (name == SESSION_ID).then_some(value))
        .filter(|id| is_session_id(id))
        .ok_or_else(|| {
            let message = "The runtime session id must have 33 to 100 letters, digits, - and _";
            Response::error(400, "ValidationException", message)
        })?;
    let (agent, handshake) = state.attempt(arn).ok_or_else(unknown)?;
    Ok(Admitted {
        arn: arn.to_owned(),
        runtime_session_id,
        agent,
        handshake,
    })
}

fn authenticate(request: &Request, arn: &str, state: &State) -> Result<(), Refusal> {
    let host = request.header("host").unwrap_or_default();
    // An ARN without a region has the empty one, which no scope can name.
    let region = arn.split(':').nth(3).unwrap_or_default();
    let credentials = sigv4::verify(
        &request.target,
        host,
        region,
        &state.credentials,
        (state.now)(),
    )?;
    if state.is_expired(&credentials.access_key_id) {
        return Err(Refusal::ExpiredToken);
    }
    Ok(())
}

/// The service takes up to 256 characters, but the memory behind its agents takes 100.
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
