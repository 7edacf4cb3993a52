//! Replies as agents send them, and what their users expect to read.

mod accounts;
mod captures;
mod cuts;
mod vectors;

use agentcore_reply::{End, ReplyReader, Step};

/// What a reader made of a reply.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    pieces: Vec<String>,
    /// `None` where the reader waits for more.
    end: Option<End>,
}

impl Read {
    fn text(&self) -> String {
        self.pieces.concat()
    }
}

/// One message of a reply.
#[derive(Clone, Debug)]
enum Message {
    Text(String),
    Binary(Vec<u8>),
    Close(u16),
}

/// Reads a reply as the bridge does: a close of 1000 or 1001 ends it, any other breaks it off.
fn read(messages: &[Message]) -> Read {
    let mut reader = ReplyReader::default();
    let mut read = Read::default();
    for message in messages {
        match message {
            Message::Text(text) => reader.push_text(text),
            Message::Binary(bytes) => reader.push_binary(bytes),
            Message::Close(1000 | 1001) => reader.finish(),
            Message::Close(_) => break,
        }
        for step in reader.by_ref() {
            match step {
                Step::Text(piece) => read.pieces.push(piece),
                Step::End(end) => read.end = Some(end),
                _ => {}
            }
        }
        if read.end.is_some() {
            break;
        }
    }
    read
}
