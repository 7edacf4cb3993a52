//! Encodes frames, valid or not.

use super::{mask, opcode};

/// A frame. Every part can be set, so that a test can send what no library would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whether it is the last frame of its message.
    pub fin: bool,
    /// The three reserved bits, as a number from 0 to 7.
    pub rsv: u8,
    /// The opcode, 0 to 15.
    pub opcode: u8,
    /// The masking key; clients must have one, servers must not.
    pub mask: Option<[u8; 4]>,
    /// The length to declare instead of the payload's real one.
    pub declared_len: Option<u64>,
    /// The payload, not masked.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A complete message or control frame, as a server sends it.
    pub fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            fin: true,
            rsv: 0,
            opcode,
            mask: None,
            declared_len: None,
            payload: payload.into(),
        }
    }

    /// A close frame, with a code or without.
    #[must_use]
    pub fn close(code: Option<u16>) -> Self {
        Self::new(
            opcode::CLOSE,
            code.map(u16::to_be_bytes).map_or_else(Vec::new, Vec::from),
        )
    }

    /// Clears the FIN bit: more of the message follows.
    #[must_use]
    pub fn unfinished(self) -> Self {
        Self { fin: false, ..self }
    }

    /// Sets the reserved bits.
    #[must_use]
    pub fn with_rsv(self, rsv: u8) -> Self {
        Self { rsv, ..self }
    }

    /// Masks the frame, as a client does.
    #[must_use]
    pub fn masked(self, key: [u8; 4]) -> Self {
        Self {
            mask: Some(key),
            ..self
        }
    }

    /// Declares a length that the payload does not have.
    #[must_use]
    pub fn declaring(self, len: u64) -> Self {
        Self {
            declared_len: Some(len),
            ..self
        }
    }

    /// Encodes the frame for the wire.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let len = self.declared_len.unwrap_or(self.payload.len() as u64);
        let mut bytes =
            vec![u8::from(self.fin) << 7 | (self.rsv & 0b111) << 4 | (self.opcode & 0b1111)];
        let masked = u8::from(self.mask.is_some()) << 7;
        match (u8::try_from(len), u16::try_from(len)) {
            (Ok(short), _) if short < 126 => bytes.push(masked | short),
            (_, Ok(medium)) => {
                bytes.push(masked | 0x7E);
                bytes.extend(medium.to_be_bytes());
            }
            _ => {
                bytes.push(masked | 0x7F);
                bytes.extend(len.to_be_bytes());
            }
        }
        let mut payload = self.payload.clone();
        if let Some(key) = self.mask {
            bytes.extend(key);
            mask(&mut payload, key);
        }
        bytes.extend(payload);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The examples of RFC 6455, section 5.7.
    #[test]
    fn frames_are_those_of_the_standard() {
        let hello = Frame::new(opcode::TEXT, "Hello");
        assert_eq!(hello.encode(), b"\x81\x05Hello");
        assert_eq!(
            hello.masked([0x37, 0xfa, 0x21, 0x3d]).encode(),
            [
                0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58
            ]
        );
        assert_eq!(
            Frame::new(opcode::TEXT, "Hel").unfinished().encode(),
            b"\x01\x03Hel"
        );
        assert_eq!(
            Frame::new(opcode::BINARY, [0; 256]).encode()[..4],
            [0x82, 0x7e, 0x01, 0x00]
        );
        assert_eq!(
            Frame::new(opcode::BINARY, vec![0; 65_536]).encode()[..10],
            [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]
        );
        assert_eq!(Frame::close(Some(1000)).encode(), [0x88, 0x02, 0x03, 0xe8]);
        assert_eq!(Frame::close(None).encode(), [0x88, 0x00]);
    }

    #[test]
    fn a_frame_can_break_the_rules() {
        let frame = Frame::new(0xF, "x").with_rsv(0b101).declaring(1 << 40);
        assert_eq!(frame.encode(), [0xDF, 0x7f, 0, 0, 1, 0, 0, 0, 0, 0, b'x']);
    }
}
