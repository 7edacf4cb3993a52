//! Assembles frames into messages.

use super::{Frame, Violation, opcode};

/// A complete message or a control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A ping's payload.
    Ping(Vec<u8>),
    /// A pong's payload.
    Pong(Vec<u8>),
    /// A close frame's code.
    Close(Option<u16>),
}

/// Assembles the frames of messages.
#[derive(Debug, Default)]
pub struct Assembler {
    /// The opcode and the payload so far of an incomplete message.
    partial: Option<(u8, Vec<u8>)>,
}

impl Assembler {
    /// Adds a frame. Returns the message that it completes, if any.
    ///
    /// # Errors
    /// A frame out of place (1002), or text that is not UTF-8 (1007).
    pub fn push(&mut self, frame: Frame) -> Result<Option<Message>, Violation> {
        match frame.opcode {
            opcode::CLOSE => {
                let code = frame
                    .payload
                    .first_chunk()
                    .map(|code| u16::from_be_bytes(*code));
                return Ok(Some(Message::Close(code)));
            }
            opcode::PING => return Ok(Some(Message::Ping(frame.payload))),
            opcode::PONG => return Ok(Some(Message::Pong(frame.payload))),
            _ => {}
        }
        let (kind, payload) = match (self.partial.take(), frame.opcode) {
            (Some((kind, mut begun)), opcode::CONTINUATION) => {
                begun.extend(frame.payload);
                (kind, begun)
            }
            (None, opcode::TEXT | opcode::BINARY) => (frame.opcode, frame.payload),
            (Some(_), _) => return Err(Violation::protocol("a message begins inside another")),
            (None, _) => return Err(Violation::protocol("there is nothing to continue")),
        };
        if !frame.fin {
            self.partial = Some((kind, payload));
            return Ok(None);
        }
        if kind == opcode::BINARY {
            return Ok(Some(Message::Binary(payload)));
        }
        match String::from_utf8(payload) {
            Ok(text) => Ok(Some(Message::Text(text))),
            Err(_) => Err(Violation {
                code: 1007,
                reason: "a text message is not UTF-8",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_a_message_with_control_frames_between_them() {
        let mut assembler = Assembler::default();
        let first = Frame::new(opcode::TEXT, *b"caf\xc3").unfinished();
        let second = Frame::new(opcode::CONTINUATION, *b"\xa9");
        assert_eq!(assembler.push(first), Ok(None));
        let ping = assembler.push(Frame::new(opcode::PING, "p"));
        assert_eq!(ping, Ok(Some(Message::Ping(b"p".to_vec()))));
        assert_eq!(
            assembler.push(second),
            Ok(Some(Message::Text("café".into())))
        );
        let binary = assembler.push(Frame::new(opcode::BINARY, [0xFF]));
        assert_eq!(binary, Ok(Some(Message::Binary(vec![0xFF]))));
    }

    #[test]
    fn close_frames_have_a_code_or_none() {
        let mut assembler = Assembler::default();
        assert_eq!(
            assembler.push(Frame::close(None)),
            Ok(Some(Message::Close(None)))
        );
        let close = assembler.push(Frame::new(opcode::CLOSE, *b"\x03\xe9bye"));
        assert_eq!(close, Ok(Some(Message::Close(Some(1001)))));
    }

    #[test]
    fn frames_out_of_place_and_broken_text_are_refused() {
        let code = |frames: Vec<Frame>| {
            let mut assembler = Assembler::default();
            let refused = frames
                .into_iter()
                .find_map(|frame| assembler.push(frame).err());
            refused.expect("a frame should be refused").code
        };
        let begun = Frame::new(opcode::TEXT, "a").unfinished();
        assert_eq!(code(vec![Frame::new(opcode::CONTINUATION, "a")]), 1002);
        assert_eq!(code(vec![begun.clone(), begun]), 1002);
        assert_eq!(code(vec![Frame::new(opcode::TEXT, [0xC3])]), 1007);
    }
}
