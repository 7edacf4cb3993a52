//! An HTTP API on AWS Lambda for agents on Bedrock AgentCore Runtime that speak WebSocket.
//!
//! # Data flow
//!
//! ```text
//! Lambda event → lambda → gateway (an HTTP request) → api (parse, don't validate)
//!              → service (find the agent) → agentcore (sign → connect → exchange)
//!              → api (format the reply) → gateway (its response) → lambda
//! ```
//!
//! Modules depend on each other in this direction only: [`api`] uses [`service`], which uses the
//! client in [`agentcore`]. Only [`gateway`] knows the events of gateways. `docs/architecture.md`
//! describes the modules, their import graph and the decisions behind them.
//!
//! | module | purpose |
//! |---|---|
//! | [`config`], [`env`](mod@env) | the configuration, read from environment variables |
//! | [`agent`], [`invocation`], [`session`] | domain types that only their parsers can create |
//! | [`caller`], [`limits`] | who calls, and how many invocations each caller may make |
//! | [`agentcore`] | the client of AgentCore Runtime |
//! | [`service`] | finds agents and invokes them |
//! | [`api`] | routes, requests, responses, errors |
//! | [`gateway`] | gateway events as HTTP requests, responses in a gateway's form |
//! | [`lambda`] | the loop that takes events and sends responses |
//! | [`telemetry`], [`trace`] | log lines and metrics; trace headers for agents |
//! | [`hook`] | asks a new version whether it works, before it is deployed |
//! | [`bridge`] | wires the parts together |

pub mod agent;
pub mod agentcore;
pub mod api;
pub mod bridge;
pub mod caller;
pub mod config;
pub mod env;
pub mod gateway;
mod hex;
pub mod hook;
pub mod invocation;
pub mod lambda;
pub mod limits;
mod members;
pub mod secret;
pub mod service;
pub mod session;
pub mod telemetry;
pub mod trace;
