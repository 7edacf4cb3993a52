//! The bridge against an emulated AgentCore Runtime, over real sockets.

#![expect(
    clippy::disallowed_methods,
    reason = "tests run by the clock of their machine"
)]

mod concurrency;
mod credentials;
mod events;
mod exchange;
mod failures;
mod flow;
mod http_api;
mod lambda;
mod matrix;
mod presign;
mod privacy;
mod properties;
mod runtime_api;
mod soak;
mod status;
mod streaming;
mod support;
mod telemetry;
mod tls;
