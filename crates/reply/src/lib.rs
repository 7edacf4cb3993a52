//! Reads what any agent's reply says, without I/O: messages in; text, reasoning, tool calls and an
//! end out.

mod dialects;
mod json;
mod said;
