//! Whose requests these are: where credentials come from, and how long they are kept.

mod cache;
mod chain;
mod http;

pub use cache::CredentialsCache;
pub(super) use cache::describe;
pub use chain::default_chain;
