//! Whose requests these are: where credentials come from, and how long they are kept.

mod cache;
mod chain;
mod http;
mod process;
mod profile;
mod why;

pub use cache::CredentialsCache;
pub use chain::default_chain;
pub use why::describe;
