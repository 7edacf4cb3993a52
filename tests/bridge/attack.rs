//! What hostile agents, hostile callers and a failing platform cost, against limits.

mod remains;
