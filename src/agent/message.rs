//! What an agent is sent: a template, parsed once at the start, and written in one pass for each
//! invocation, with the fields of the request that go on.

mod fields;
mod parse;
mod piece;
mod template;

pub use fields::RequestFields;
pub use parse::MessageError;
pub use template::{MessageTemplate, MessageValues};
