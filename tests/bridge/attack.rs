//! What hostile agents, hostile callers and a failing platform cost, against limits.

mod hostile;
mod memory;
mod remains;
