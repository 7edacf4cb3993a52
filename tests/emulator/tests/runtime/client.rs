//! A WebSocket client made of bytes, which can break every rule.

use std::{io, time::Duration};

use agentcore_emulator::{
    Agent, Emulator,
    frame::{Assembler, Frame, Masking, Message, Parser, opcode},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::url::{ARN, NOW, Url};

const MASK: [u8; 4] = [0xA5, 0x5A, 0x3C, 0xC3];

/// What a test may wait for at most; nothing takes as long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// An emulator with one agent, whose clock stands still.
pub(crate) async fn emulator(agent: Agent) -> Emulator {
    Emulator::builder()
        .agent(ARN, agent)
        .now(|| NOW)
        .start()
        .await
        .unwrap()
}

/// The head of an answer and, where there is a length, the body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The status and the error type of an answer that is an error.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert!(body["message"].is_string(), "{self:?}");
        let error_type = self.header("x-amzn-errortype").expect("an error type");
        is(self.status, error_type)
    }
}

/// A refusal to be expected.
pub(crate) fn is(status: u16, error_type: &str) -> (u16, String) {
    (status, error_type.to_owned())
}

pub(crate) struct Client {
    stream: TcpStream,
    /// What has come and was not looked at yet.
    received: Vec<u8>,
    parser: Parser,
    assembler: Assembler,
}

impl Client {
    pub(crate) async fn dial(emulator: &Emulator) -> Self {
        Self {
            stream: TcpStream::connect(emulator.address()).await.unwrap(),
            received: Vec::new(),
            parser: Parser::new(Masking::Forbidden, 1 << 20),
            assembler: Assembler::default(),
        }
    }

    /// Dials and asks for an upgrade, whatever the answer.
    pub(crate) async fn ask(emulator: &Emulator, url: &Url) -> Self {
        let mut client = Self::dial(emulator).await;
        let host = emulator.address().to_string();
        client.request("GET", &url.sign(&host), &host).await;
        client
    }

    /// Asks, and expects the upgrade.
    pub(crate) async fn connect(emulator: &Emulator) -> Self {
        let mut client = Self::ask(emulator, &Url::default()).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 101, "{answer:?}");
        // The example of RFC 6455, section 1.3.
        assert_eq!(
            answer.header("sec-websocket-accept"),
            Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
        client
    }

    pub(crate) async fn request(&mut self, method: &str, target: &str, host: &str) {
        let more = [("Traceparent", "00-t-01")];
        self.request_with(method, target, host, &more).await;
    }

    /// The same with other headers beside those of the handshake.
    pub(crate) async fn request_with(
        &mut self,
        method: &str,
        target: &str,
        host: &str,
        headers: &[(&str, &str)],
    ) {
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        );
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        self.write(head.as_bytes()).await;
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn send(&mut self, frame: Frame) {
        self.write(&frame.masked(MASK).encode()).await;
    }

    pub(crate) async fn say(&mut self, prompt: &str) {
        let message = serde_json::json!({ "prompt": prompt, "sessionId": "mine" }).to_string();
        self.send(Frame::new(opcode::TEXT, message)).await;
    }

    /// Reads more; nothing more is 0.
    async fn read(&mut self) -> io::Result<usize> {
        let read = self.stream.read_buf(&mut self.received);
        timeout(PATIENCE, read)
            .await
            .expect("something should come")
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        let end = loop {
            if let Some(at) = self
                .received
                .windows(4)
                .position(|four| four == b"\r\n\r\n")
            {
                break at;
            }
            assert_ne!(self.read().await.unwrap(), 0, "there should be an answer");
        };
        let head = String::from_utf8(self.received.drain(..end + 4).collect()).unwrap();
        let mut lines = head.trim_end().lines();
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Answer {
            status,
            headers,
            body: String::new(),
        };
        if let Some(len) = answer.header("content-length") {
            let len: usize = len.parse().unwrap();
            while self.received.len() < len {
                assert_ne!(self.read().await.unwrap(), 0, "the body should be whole");
            }
            answer.body = String::from_utf8(self.received.drain(..len).collect()).unwrap();
        }
        answer
    }

    pub(crate) async fn frame(&mut self) -> Frame {
        loop {
            self.parser.push(&std::mem::take(&mut self.received));
            if let Some(frame) = self.parser.next_frame().expect("the frame should be sound") {
                return frame;
            }
            assert_ne!(self.read().await.unwrap(), 0, "there should be a frame");
        }
    }

    pub(crate) async fn message(&mut self) -> Message {
        loop {
            let frame = self.frame().await;
            if let Some(message) = self.assembler.push(frame).unwrap() {
                return message;
            }
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.message().await {
            Message::Text(text) => text,
            other => panic!("{other:?} is not text"),
        }
    }

    /// Expects these bytes next.
    pub(crate) async fn expect_bytes(&mut self, expected: &[u8]) {
        while self.received.len() < expected.len() {
            assert_ne!(self.read().await.unwrap(), 0, "there should be more");
        }
        let bytes: Vec<_> = self.received.drain(..expected.len()).collect();
        assert_eq!(bytes, expected);
    }

    /// All bytes until the connection ends, and whether it ended in the ordinary way.
    pub(crate) async fn rest(&mut self) -> (Vec<u8>, io::Result<()>) {
        let ended = loop {
            match self.read().await {
                Ok(0) => break Ok(()),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        (std::mem::take(&mut self.received), ended)
    }

    /// Expects that nothing has come, the end of the connection included.
    pub(crate) fn expect_nothing_yet(&mut self) {
        let read = self.stream.try_read(&mut [0; 1]);
        assert_eq!(
            read.expect_err("nothing yet").kind(),
            io::ErrorKind::WouldBlock
        );
    }

    /// Expects the ordinary end of the connection, and nothing before it.
    pub(crate) async fn expect_end(&mut self) {
        let (bytes, ended) = self.rest().await;
        assert_eq!(bytes, b"");
        ended.expect("an ordinary end");
    }

    /// Expects a reset, and nothing before it.
    pub(crate) async fn expect_reset(&mut self) {
        let (bytes, ended) = self.rest().await;
        assert_eq!(bytes, b"");
        assert_eq!(
            ended.expect_err("a reset").kind(),
            io::ErrorKind::ConnectionReset
        );
    }
}
