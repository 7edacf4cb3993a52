//! What hostile agents, hostile callers and a failing platform cost, against limits.

mod cost;
pub(crate) mod hostile;
mod memory;
mod platform;
mod remains;
