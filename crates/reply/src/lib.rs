//! Reads what any agent's reply says, without I/O: messages in; text, reasoning, tool calls and an
//! end out.
//!
//! Three steps, each of which looks at each byte a bounded number of times: *framing*, messages to
//! text and JSON values; *dialects*, a value to what it says; *telling*, what was told already is
//! not told again. [`ReplyReader`] is all three.

mod calls;
mod dialects;
mod framing;
mod json;
mod names;
mod reader;
mod said;
mod step;
mod structured;
mod telling;
mod unknown;

pub use dialects::formats;
pub use reader::{Counts, DEFAULT_MEMORY_BYTES, ReplyReader};
pub use step::{End, Step};
