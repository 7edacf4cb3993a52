//! Reads what any agent's reply says, without I/O: messages in; text, reasoning, tool calls and an
//! end out.
//!
//! [`ReplyReader`] takes three steps, each of which looks at each byte a bounded number of times:
//!
//! 1. *framing*: messages to text and JSON values;
//! 2. *dialects*: a value to what it says;
//! 3. *telling*: what was said to steps, without what was told before.
//!
//! # Terms
//!
//! | term | means |
//! |---|---|
//! | message | a message of the WebSocket |
//! | SSE event | a server-sent event; its *name* is its `event:`, its *data* its `data:` lines |
//! | frame | what framing finds in messages: text, a JSON value, the name of an SSE event, an end |
//! | value, object | JSON as the agent sent it |
//! | format, dialect | a format is what a framework or an API sends; a dialect reads one |
//! | say | what a dialect does: it says the texts, tool steps, turn ends and ends that it finds |
//! | tell | what was said is told to the caller, but for what was told before |
//! | piece | a part of a text or of a call's input, as it was sent |
//! | form | where words stand: the dialect and the path of keys; several may have the same words |
//! | speaker | who says words, where a format tells: a graph's node, a message's id |
//! | call, result | what an agent asks of a tool, and what the tool answers |
//! | turn | what a model says at once; between two of them tools work |
//! | step | what the caller gets: see [`Step`] |
//!
//! A dialect's own file speaks the language of its format: there an *event*, a *message*, a *part*
//! or a *chunk* is what the format's definition calls so.

mod dialects;
mod framing;
mod json;
mod names;
mod python_repr;
mod reader;
mod said;
mod step;
mod telling;

pub use dialects::formats;
pub use reader::{Account, Counts, DEFAULT_MEMORY_BYTES, ReplyReader, Utterance, UtteranceKind};
pub use step::{End, Output, Step};
