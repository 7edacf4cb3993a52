//! WebSocket frames (RFC 6455, section 5): a strict parser, and an encoder that can break the rules.

mod encode;
mod message;
mod parse;

pub use encode::Frame;
pub use message::{Assembler, Message};
pub use parse::{Masking, Parser, Violation};

/// The largest payload of one frame that the service takes, in bytes.
pub const MAX_PAYLOAD: u64 = 32 * 1024;

/// The operation codes of RFC 6455, section 11.8.
pub mod opcode {
    /// A later part of a message.
    pub const CONTINUATION: u8 = 0x0;
    /// A message of text, or its first part.
    pub const TEXT: u8 = 0x1;
    /// A message of bytes, or its first part.
    pub const BINARY: u8 = 0x2;
    /// The end of the conversation.
    pub const CLOSE: u8 = 0x8;
    /// Asks for a pong.
    pub const PING: u8 = 0x9;
    /// Answers a ping.
    pub const PONG: u8 = 0xA;
}

/// Applies the mask of a frame to its payload, or takes it away again.
fn mask(payload: &mut [u8], key: [u8; 4]) {
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}
