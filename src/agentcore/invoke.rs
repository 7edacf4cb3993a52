//! One prompt, its attempts, and the reply: sign → connect → exchange.

mod attempt;
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

pub use attempt::Request;
pub use exchange::ReplyEvent;
pub use progress::Progress;
pub use reply::ReplyStream;
