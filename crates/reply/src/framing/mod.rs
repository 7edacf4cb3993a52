//! The first step: messages to text and JSON values.
//!
//! Agents send what they like: server-sent events (SSE), bare JSON or bare text, cut into messages
//! as it comes. [`Framing`] takes the messages and gives what is in them as [`Frame`]s, each as
//! soon as it is whole. It holds no more than the message at hand and what is pending, and looks at
//! each byte a bounded number of times.

mod bare;
mod frame;
mod messages;
mod pending;
mod read;
mod sse;
mod sse_line;
mod take;
mod work;

pub(crate) use frame::{Broken, Content, Feedback, Frame, Otherwise};
pub(crate) use messages::Framing;

/// The largest message, line, SSE event or value, in bytes.
const MAX_BYTES: usize = 8 << 20;

/// Data that ends a reply, as OpenAI's API introduced it.
const DONE: &str = "[DONE]";

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The white space of JSON.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
