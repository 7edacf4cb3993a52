//! Server-sent events may be cut into messages anywhere: the captured streams of events, cut anew.

use std::sync::LazyLock;

use agentcore_reply::End;
use proptest::prelude::*;
use proptest::sample::Index;

use super::captures::captures;
use super::{Message, read};

/// The bytes of each capture that is a stream of events, each message of which ends where an event
/// does; and whether it was closed.
static STREAMS: LazyLock<Vec<(Vec<u8>, bool)>> = LazyLock::new(|| {
    let streams = captures().into_iter().filter_map(|capture| {
        let mut bytes = Vec::new();
        let mut is_closed = false;
        for message in &capture.messages() {
            match message {
                Message::Text(text) => bytes.extend(text.as_bytes()),
                Message::Binary(more) => bytes.extend(more),
                Message::Close(code) => is_closed = *code == 1000,
            }
            let begins = bytes.starts_with(b"data:") || bytes.starts_with(b"event:");
            if !begins || !(bytes.ends_with(b"\n\n") || bytes.ends_with(b"\r\n\r\n")) {
                return None;
            }
        }
        Some((bytes, is_closed))
    });
    streams.collect()
});

fn cut(bytes: &[u8], is_closed: bool, at: &[usize]) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut start = 0;
    for end in at.iter().copied().chain([bytes.len()]) {
        messages.push(Message::Binary(bytes[start..end].to_vec()));
        start = end;
    }
    messages.extend(is_closed.then_some(Message::Close(1000)));
    messages
}

/// An event of a terminal name ends with its message, also where `event: final` would go on with
/// `_result`, or its data with another message.
fn cuts_a_name_at_an_end(before: &[u8]) -> bool {
    let text = String::from_utf8_lossy(before);
    let event = text.rsplit("\n\n").next().unwrap_or_default();
    let names = ["final", "end", "done", "stop", "finish", "complete"];
    let is_terminal = |line: &str| {
        let name = line.strip_prefix("event: ");
        name.is_some_and(|name| names.contains(&name))
    };
    event.lines().any(is_terminal)
}

#[test]
fn there_are_streams_to_cut() {
    assert!(STREAMS.len() >= 100, "{}", STREAMS.len());
}

#[test]
fn a_byte_a_message_is_the_same_reply() {
    for (bytes, is_closed) in STREAMS.iter() {
        let whole = read(&cut(bytes, *is_closed, &[]));
        let every: Vec<_> = (1..bytes.len()).collect();
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(read(&cut(bytes, *is_closed, &every)), whole, "{text}");
    }
}

/// Whether the line of a place names an event.
fn is_in_a_name(before: &[u8]) -> bool {
    let line = before.rsplit(|byte| *byte == b'\n').next();
    line.is_some_and(|line| line.starts_with(b"event"))
}

#[test]
fn a_name_may_be_cut_anywhere_but_where_it_ends_the_reply() {
    for (bytes, is_closed) in STREAMS.iter() {
        let whole = read(&cut(bytes, *is_closed, &[]));
        let places = (0..bytes.len()).filter(|at| is_in_a_name(&bytes[..*at]));
        for at in places.filter(|at| !cuts_a_name_at_an_end(&bytes[..*at])) {
            let in_two = read(&cut(bytes, *is_closed, &[at]));
            let before = String::from_utf8_lossy(&bytes[..at]);
            assert_eq!(in_two, whole, "{before}");
        }
    }
}

proptest! {
    #[test]
    fn events_may_be_cut_anywhere(
        stream in any::<Index>(),
        cuts in prop::collection::vec(any::<Index>(), 0..24),
    ) {
        let (bytes, is_closed) = stream.get(&STREAMS);
        let cuts = cuts.iter().map(|cut| cut.index(bytes.len()));
        let mut at: Vec<_> = cuts.filter(|at| !cuts_a_name_at_an_end(&bytes[..*at])).collect();
        at.sort_unstable();
        let whole = read(&cut(bytes, *is_closed, &[]));
        prop_assert_eq!(read(&cut(bytes, *is_closed, &at)), whole);
    }

    /// Whatever becomes of a capture on its way, there is one end, and never more text than was
    /// sent.
    #[test]
    fn a_damaged_reply_has_no_more_text_than_was_sent(
        capture in any::<Index>(),
        damage in prop::collection::vec((any::<Index>(), any::<Index>(), any::<u8>()), 0..6),
    ) {
        let captures = captures();
        let mut messages: Vec<Vec<u8>> = capture.get(&captures).messages().into_iter().filter_map(|message| {
            match message {
                Message::Text(text) => Some(text.into_bytes()),
                Message::Binary(bytes) => Some(bytes),
                Message::Close(_) => None,
            }
        }).filter(|bytes| !bytes.is_empty()).collect();
        prop_assume!(!messages.is_empty());
        for (message, at, byte) in damage {
            let message = message.index(messages.len());
            let at = at.index(messages[message].len());
            messages[message][at] = byte;
        }
        let sent: usize = messages.iter().map(Vec::len).sum();
        let mut messages: Vec<_> = messages.into_iter().map(Message::Binary).collect();
        messages.push(Message::Close(1000));
        let read = read(&messages);
        prop_assert!(read.end.is_some_and(|end| end != End::Complete) || read.text().len() <= sent);
        prop_assert!(read.text().len() <= sent);
    }
}
