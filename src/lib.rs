//! An HTTP API on AWS Lambda in front of Bedrock AgentCore Runtime agents that speak WebSocket.
//!
//! # The way of the data
//!
//! ```text
//! Lambda event → gateway (one parse) → api (parse, don't validate) → service (which agent)
//!              → agentcore (presign → socket → sse → reply) → api (render) → gateway
//! ```
//!
//! One direction: [`api`] knows [`service`], [`service`] knows the client in [`agentcore`], and
//! nothing imports upward. Inside [`agentcore`] everything but the socket is without I/O, clock and
//! environment; `socket` alone names the WebSocket library.
//!
//! | module | does |
//! |---|---|
//! | [`config`] | reads the environment, and is the only one that does |
//! | [`agent`], [`invocation`] | domain types that only their parsers can make |
//! | [`caller`], [`limits`] | who calls, and whose session that is; how much each may ask for |
//! | [`agentcore`] | the client of AgentCore Runtime |
//! | [`service`] | finds the agent, delegates |
//! | [`api`] | routes, requests, answers, errors |
//! | [`gateway`] | events of gateways as requests, answers in a gateway's form |
//! | [`lambda`] | the loop: an event in, an answer out |
//! | [`telemetry`], [`trace`] | what is logged; which trace headers go on |
//! | [`bridge`] | the parts put together |

pub mod agent;
pub mod agentcore;
pub mod api;
pub mod bridge;
pub mod caller;
pub mod config;
pub mod env;
pub mod gateway;
mod hex;
pub mod invocation;
pub mod lambda;
pub mod limits;
pub mod secret;
pub mod service;
pub mod session;
pub mod telemetry;
pub mod trace;
