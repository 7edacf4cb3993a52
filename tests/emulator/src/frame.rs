//! WebSocket frames (RFC 6455, section 5): a strict parser, and an encoder that can break the rules.

mod encode;
mod message;
mod parse;

pub use encode::Frame;
pub use message::{Assembler, Message};
pub use parse::{Masking, Parser, Violation};

/// The largest frame payload that the service accepts, in bytes.
pub const MAX_PAYLOAD: u64 = 32 * 1024;

/// The opcodes of RFC 6455, section 11.8.
pub mod opcode {
    /// A further frame of a message.
    pub const CONTINUATION: u8 = 0x0;
    /// A text message, or its first frame.
    pub const TEXT: u8 = 0x1;
    /// A binary message, or its first frame.
    pub const BINARY: u8 = 0x2;
    /// Closes the connection.
    pub const CLOSE: u8 = 0x8;
    /// Asks for a pong.
    pub const PING: u8 = 0x9;
    /// Answers a ping.
    pub const PONG: u8 = 0xA;
}

/// Masks or unmasks a payload.
fn mask(payload: &mut [u8], key: [u8; 4]) {
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}
