//! One prompt, its attempts, and the reply: sign → connect → exchange.

mod attempt;
mod connection;
mod detail;
mod door;
mod exchange;
mod message;
pub mod observer;
mod opening;
pub(in crate::agentcore) mod pool;
mod prewarm;
mod progress;
mod recovery;
mod reply;
pub mod retry;
pub mod watch;

pub use attempt::{ReplyOptions, Request};
pub use connection::Connection;
pub use detail::Detail;
pub use exchange::ReplyEvent;
pub use progress::Progress;
pub use reply::ReplyStream;
