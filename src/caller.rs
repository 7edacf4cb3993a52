//! Who calls, what it is called, and by whose leave.
//!
//! Only the gateway tells who calls: by what it puts into an event's request context after it has
//! checked a token, a signature or a key. Headers and bodies are the client's to write, and are not
//! looked at, those included that a load balancer adds (`x-amzn-oidc-*`): whoever reaches the
//! function by another way can send them too. A bearer token is passed on, and tells nobody here
//! who calls.

mod bearer;
mod identity;

pub use bearer::BearerToken;
pub(crate) use identity::length_prefixed;
pub use identity::{Caller, CallerId, Origin};
