//! Integration tests: the bridge with an emulated AgentCore Runtime, over real sockets.

#![expect(
    clippy::disallowed_methods,
    reason = "tests run by the clock of their machine"
)]

mod callers;
mod concurrency;
mod credentials;
mod documents;
mod ended_sessions;
mod events;
mod exchange;
mod failures;
mod flow;
mod http_api;
mod input;
mod lambda;
mod latency;
mod limits;
mod matrix;
mod presign;
mod privacy;
mod properties;
mod reply_cache;
mod reply_end;
mod runtime;
mod secrets;
mod security;
mod soak;
mod status;
mod streaming;
mod support;
mod surface;
mod telemetry;
mod tls;
