//! A Bedrock `AgentCore` Runtime on loopback, for tests and local runs.
//!
//! It checks what the service checks, the signature first of all, with code of its own: a second
//! opinion on the client that connects. The agents behind it are scripts, and can misbehave in
//! every way that a peer on a network can; what the client did is there to look at afterwards.
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
//! The way of a connection: `emulator` accepts it, `server` reads its request, checks it (with
//! [`sigv4`]), meets the handshake and holds the conversation (with [`frame`]), as the [`Agent`]
//! says; all that the client does goes into a [`Connection`]. Two operations are ordinary HTTP:
//! `StopRuntimeSession`, and `GetAgentRuntimeEndpoint`, for which the emulator is its own control
//! plane. See [`Operation`].

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

pub use agent::{Agent, Turn, stock};
pub use credentials::Credentials;
pub use emulator::{Builder, Emulator};
pub use observation::{Connection, Ended, Operation, ReceivedFrame, Session};
pub use script::{Handshake, Step};
