//! lib
pub mod agent;
pub mod agentcore;
pub mod api;
pub mod aws;
pub mod bridge;
pub mod config;
pub mod invocation;
pub mod lambda;
pub mod secret;
pub mod service;
pub mod telemetry;
pub mod trace;
