//! Conversations: the id that a caller knows, the one that AgentCore Runtime knows, and how the one
//! follows from the other.

mod binding;
mod id;
mod runtime_id;

pub use binding::SessionBinding;
pub use id::{SessionId, SessionIdError};
pub use runtime_id::RuntimeSessionId;
