//! The client of Bedrock AgentCore Runtime.
//!
//! | room | does |
//! |---|---|
//! | [`client`] | what an agent's runtime is asked through, and how that is set up |
//! | [`invoke`] | one prompt, its attempts, and the reply |
//! | [`end_session`], [`status`] | the end of a session; whether a runtime is there |
//! | [`stored_secret`] | what another service of AWS keeps secret for us |
//! | [`deployment`] | what the hook of a deployment asks of Lambda and CodeDeploy |
//! | `signed_post` | how both of these ask |
//! | [`sign`] | AWS Signature Version 4, and the address that it makes |
//! | [`credentials`] | whose credentials, and until when |
//! | [`wire`] | DNS, TCP, TLS, WebSocket and HTTP, which know nothing of agents |
//! | [`error`] | how an invocation fails, and what a refusal says |
//!
//! [`invoke`], [`end_session`], [`status`], [`stored_secret`] and [`deployment`] are what is asked of AWS; they know [`sign`],
//! [`credentials`] and [`wire`], which know neither them nor each other, but that credentials are
//! fetched over [`wire`].

pub mod client;
pub mod credentials;
pub mod deployment;
pub mod end_session;
pub mod error;
pub mod invoke;
pub mod sign;
mod signed_post;
pub mod status;
pub mod stored_secret;
mod until;
pub mod wire;

pub use client::{AgentCoreClient, ClientSettings, Timeouts};
pub use invoke::{Detail, ReplyEvent, ReplyOptions, ReplyStream};
