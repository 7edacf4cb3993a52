//! Integration tests: the bridge with an emulated AgentCore Runtime, over real sockets.

#![expect(
    clippy::disallowed_methods,
    reason = "tests run by the clock of their machine"
)]

mod ag_ui;
mod attack;
mod autobahn;
mod callers;
mod closing;
mod concurrency;
mod connecting;
mod connections;
mod credential_profiles;
mod credentials;
mod documents;
mod ended_sessions;
mod events;
mod exchange;
mod failures;
mod flow;
mod hook;
mod http_api;
mod input;
mod lambda;
mod latency;
mod limits;
mod long_streams;
mod matrix;
mod messages;
mod openai;
mod presign;
mod prewarm;
mod privacy;
mod properties;
mod proxy;
mod refusals;
mod reply_cache;
mod reply_end;
mod reuse;
mod runtime;
mod secrets;
mod security;
mod soak;
mod status;
mod steps;
mod stored_secrets;
mod streaming;
mod support;
mod surface;
mod telemetry;
mod tls;
mod tokens;
mod who_calls;
