//! Parses frames strictly.

use super::{Frame, mask, opcode};

/// A protocol violation, with the close code that answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The code of RFC 6455, section 7.4.1.
    pub code: u16,
    /// What was wrong.
    pub reason: &'static str,
}

impl Violation {
    pub(super) const fn protocol(reason: &'static str) -> Self {
        Self { code: 1002, reason }
    }
}

/// Whether frames must be masked: those of a client must, those of a server must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masking {
    /// Frames come from a client.
    Required,
    /// Frames come from a server.
    Forbidden,
}

/// Parses a stream of bytes into frames.
#[derive(Debug)]
pub struct Parser {
    masking: Masking,
    max_payload: u64,
    buffer: Vec<u8>,
}

/// The header of a frame.
struct Header {
    fin: bool,
    opcode: u8,
    mask: Option<[u8; 4]>,
    payload_len: usize,
    /// The length of the header.
    len: usize,
}

impl Parser {
    /// Creates a parser that refuses payloads over `max_payload` bytes.
    #[must_use]
    pub fn new(masking: Masking, max_payload: u64) -> Self {
        Self {
            masking,
            max_payload,
            buffer: Vec::new(),
        }
    }

    /// Adds received bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame with its payload unmasked; `None` until more bytes have arrived.
    ///
    /// # Errors
    /// A [`Violation`], as soon as a frame's header shows it. The parser cannot be used after that.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Violation> {
        let Some(header) = self.header()? else {
            return Ok(None);
        };
        let end = header.len + header.payload_len;
        if self.buffer.len() < end {
            return Ok(None);
        }
        let mut payload = self.buffer[header.len..end].to_vec();
        self.buffer.drain(..end);
        if let Some(key) = header.mask {
            mask(&mut payload, key);
        }
        let frame = Frame {
            fin: header.fin,
            mask: header.mask,
            ..Frame::new(header.opcode, payload)
        };
        if frame.opcode == opcode::CLOSE {
            check_close(&frame.payload)?;
        }
        Ok(Some(frame))
    }

    fn header(&self) -> Result<Option<Header>, Violation> {
        let &[first, second, ref rest @ ..] = self.buffer.as_slice() else {
            return Ok(None);
        };
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0F);
        if first & 0x70 != 0 {
            return Err(Violation::protocol("a reserved bit is set"));
        }
        if matches!(opcode, 0x3..=0x7 | 0xB..) {
            return Err(Violation::protocol("the operation code is reserved"));
        }
        let masked = second & 0x80 != 0;
        if masked != (self.masking == Masking::Required) {
            return Err(Violation::protocol("the masking is that of the other side"));
        }
        let short = second & 0x7F;
        if opcode >= opcode::CLOSE && (!fin || short > 125) {
            return Err(Violation::protocol(
                "a control frame is too long or in parts",
            ));
        }
        let (payload_len, extension) = match short {
            126 => match rest.first_chunk() {
                Some(bytes) => (u64::from(u16::from_be_bytes(*bytes)), 2),
                None => return Ok(None),
            },
            127 => match rest.first_chunk() {
                Some(bytes) => (u64::from_be_bytes(*bytes), 8),
                None => return Ok(None),
            },
            short => (u64::from(short), 0),
        };
        if (short == 126 && payload_len < 126) || (short == 127 && payload_len <= 0xFFFF) {
            return Err(Violation::protocol("a length is not in its shortest form"));
        }
        if payload_len > self.max_payload {
            return Err(Violation {
                code: 1009,
                reason: "a frame is too large",
            });
        }
        let mask = match (masked, rest[extension..].first_chunk()) {
            (true, Some(key)) => Some(*key),
            (true, None) => return Ok(None),
            (false, _) => None,
        };
        let payload_len = usize::try_from(payload_len).map_err(|_| Violation {
            code: 1009,
            reason: "a frame is too large",
        })?;
        let len = 2 + extension + if masked { 4 } else { 0 };
        Ok(Some(Header {
            fin,
            opcode,
            mask,
            payload_len,
            len,
        }))
    }
}

/// The rules for the payload of a close frame: RFC 6455, sections 5.5.1 and 7.4.
fn check_close(payload: &[u8]) -> Result<(), Violation> {
    match *payload {
        [] => Ok(()),
        [high, low, ref reason @ ..] => {
            let code = u16::from_be_bytes([high, low]);
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(Violation::protocol("a close code may not be sent"));
            }
            match str::from_utf8(reason) {
                Ok(_) => Ok(()),
                Err(_) => Err(Violation::protocol(
                    "the reason of a close frame is not UTF-8",
                )),
            }
        }
        [_] => Err(Violation::protocol("a close frame has half a code")),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::MAX_PAYLOAD, *};

    const KEY: [u8; 4] = [1, 2, 3, 4];

    fn parse(bytes: &[u8]) -> Result<Option<Frame>, Violation> {
        let mut parser = Parser::new(Masking::Required, MAX_PAYLOAD);
        parser.push(bytes);
        parser.next_frame()
    }

    fn code(bytes: &[u8]) -> u16 {
        parse(bytes).expect_err("the frame should be refused").code
    }

    #[test]
    fn a_frame_is_the_same_however_its_bytes_arrive() {
        for len in [0, 1, 125, 126, 127, 32 * 1024] {
            let frame = Frame::new(opcode::TEXT, vec![b'x'; len]).masked(KEY);
            let mut parser = Parser::new(Masking::Required, MAX_PAYLOAD);
            let bytes = frame.encode();
            let (last, before) = bytes.split_last().unwrap();
            for byte in before {
                parser.push(&[*byte]);
                assert_eq!(parser.next_frame(), Ok(None));
            }
            parser.push(&[*last]);
            assert_eq!(parser.next_frame(), Ok(Some(frame)));
            assert_eq!(parser.next_frame(), Ok(None));
        }
    }

    #[test]
    fn several_frames_in_one_read_are_parsed() {
        let mut parser = Parser::new(Masking::Forbidden, MAX_PAYLOAD);
        let frames = [Frame::new(opcode::PING, "a"), Frame::close(Some(1000))];
        parser.push(&frames.clone().map(|frame| frame.encode()).concat());
        for frame in frames {
            assert_eq!(parser.next_frame(), Ok(Some(frame)));
        }
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_by_its_header() {
        let frame = Frame::new(opcode::BINARY, "").masked(KEY);
        assert_eq!(
            code(&frame.clone().declaring(MAX_PAYLOAD + 1).encode()),
            1009
        );
        assert_eq!(code(&frame.clone().declaring(u64::MAX).encode()), 1009);
        assert_eq!(parse(&frame.declaring(MAX_PAYLOAD).encode()), Ok(None));
    }

    #[test]
    fn breaches_of_the_protocol_are_refused() {
        let text = Frame::new(opcode::TEXT, "x");
        assert_eq!(code(&text.encode()), 1002, "not masked");
        assert_eq!(
            code(&text.clone().masked(KEY).with_rsv(0b100).encode()),
            1002
        );
        assert_eq!(code(&Frame::new(0x3, "").masked(KEY).encode()), 1002);
        assert_eq!(code(&Frame::new(0xB, "").masked(KEY).encode()), 1002);
        assert_eq!(
            code(
                &Frame::new(opcode::PING, "")
                    .unfinished()
                    .masked(KEY)
                    .encode()
            ),
            1002
        );
        assert_eq!(
            code(&Frame::new(opcode::PING, [0; 126]).masked(KEY).encode()),
            1002
        );
        assert_eq!(code(&[0x81, 0xFE, 0, 5]), 1002, "not the shortest length");
        assert_eq!(
            code(&[0x81, 0xFF, 0, 0, 0, 0, 0, 0, 1, 0]),
            1002,
            "not the shortest length"
        );
        assert_eq!(
            code(&Frame::new(opcode::CLOSE, [3]).masked(KEY).encode()),
            1002
        );
        for unsendable in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
            assert_eq!(
                code(&Frame::close(Some(unsendable)).masked(KEY).encode()),
                1002
            );
        }
        let reason = Frame::new(opcode::CLOSE, *b"\x03\xe8\xff").masked(KEY);
        assert_eq!(code(&reason.encode()), 1002);
    }
}
