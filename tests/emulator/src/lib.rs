//! An emulator of Bedrock `AgentCore` Runtime on loopback, for tests and local runs.
//!
//! It checks what the service checks, beginning with the signature, and does so with code of its
//! own, independent of the client under test. Its agents are scripted, and can misbehave in every
//! way that a network peer can. Everything that a client did is recorded.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! use agentcore_emulator::{Agent, Emulator, Step};
//!
//! let arn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/Test_Agent-abcdefghij";
//! let agent = Agent::scripted(vec![Step::text("Hello"), Step::Close(Some(1000))]);
//! let emulator = Emulator::builder().agent(arn, agent).start().await?;
//! assert!(emulator.endpoint().starts_with("http://127.0.0.1:"));
//! assert!(emulator.connections().is_empty());
//! # Ok(()) }
//! ```
//!
//! The path of a connection: `emulator` accepts it; `server` reads its request, checks it (with
//! [`sigv4`]), performs the handshake and holds the conversation (with [`frame`]), as the [`Agent`]
//! prescribes. What the client does is recorded in a [`Connection`]. Two operations are ordinary
//! HTTP: `StopRuntimeSession`, and `GetAgentRuntimeEndpoint`, for which the emulator acts as its
//! own control plane. See [`Operation`].

mod agent;
mod arn;
mod credentials;
mod emulator;
mod encoding;
pub mod frame;
mod observation;
mod script;
mod server;
pub mod sigv4;
mod state;

pub use agent::{Agent, Pace, PlannedReply, Turn, stock};
pub use credentials::Credentials;
pub use emulator::{Builder, Emulator};
pub use observation::{Connection, Ended, Operation, ReceivedFrame, Session};
pub use script::{Handshake, Step};
