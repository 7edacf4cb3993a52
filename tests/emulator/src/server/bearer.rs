//! What a JWT authorizer checks before a request reaches an agent. The tokens here are any texts:
//! it is the service that looks into a real one.

use super::{request::Request, response::Response};

/// Lets in who sends this token as a bearer, and nothing that is signed: a runtime takes the one or
/// the other, never both.
pub(super) fn check(request: &Request, token: &str) -> Result<(), Response> {
    let authorization = request.header("authorization");
    let is_signed = request.parameter("X-Amz-Signature").is_some()
        || authorization.is_some_and(|value| value.starts_with("AWS4-"));
    if is_signed {
        let message = "Authorization method mismatch: the agent takes an OAuth bearer token";
        return Err(Response::error(403, "AccessDeniedException", message));
    }
    let unauthorized = |message| Response::error(401, "UnauthorizedException", message);
    match authorization.and_then(|value| value.strip_prefix("Bearer ")) {
        None => Err(unauthorized("There is no bearer token")),
        Some(sent) if sent != token => Err(unauthorized("The bearer token is not accepted")),
        Some(_) => Ok(()),
    }
}
