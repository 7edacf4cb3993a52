//! Conversations: the id that a caller knows, the one that AgentCore Runtime knows, and how the one
//! follows from the other.

mod binding;
mod id;
mod key;
mod runtime_id;

pub use binding::SessionBinding;
pub use id::{SessionId, SessionIdError};
pub use key::{BindingKey, BindingSettings, SecretArn, SecretStore};
pub use runtime_id::RuntimeSessionId;
