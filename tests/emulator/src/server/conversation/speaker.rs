//! The speaking side of a conversation.

use std::{collections::VecDeque, io, pin::pin, time::Duration};

use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::mpsc::UnboundedReceiver,
    time::sleep,
};

use super::Event;
use crate::{
    Step,
    frame::{Frame, Message, opcode},
};

/// Performs steps, and reacts to the client's frames between them.
#[derive(Debug)]
pub(super) struct Speaker<W> {
    writer: W,
    inbox: UnboundedReceiver<Event>,
    /// Messages that arrived while steps were performed.
    pending: VecDeque<String>,
}

/// Why the agent has stopped sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// The conversation is over; the client is expected to end the connection.
    Over,
    /// The connection must be reset.
    Reset,
}

impl<W: AsyncWrite + Unpin> Speaker<W> {
    pub(super) fn new(writer: W, inbox: UnboundedReceiver<Event>) -> Self {
        Self {
            writer,
            inbox,
            pending: VecDeque::new(),
        }
    }

    /// The client's next message; `None` when the conversation is over.
    pub(super) async fn next_message(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(message) = self.pending.pop_front() {
                return Ok(Some(message));
            }
            let event = self.inbox.recv().await;
            if self.is_over_after(event).await? {
                return Ok(None);
            }
        }
    }

    /// Performs steps. Returns a [`Finish`] if a step or the client has ended the conversation.
    pub(super) async fn perform(&mut self, steps: Vec<Step>) -> io::Result<Option<Finish>> {
        for step in steps {
            while let Ok(event) = self.inbox.try_recv() {
                if self.is_over_after(Some(event)).await? {
                    return Ok(Some(Finish::Over));
                }
            }
            if let Some(finish) = self.step(step).await? {
                return Ok(Some(finish));
            }
        }
        Ok(None)
    }

    async fn step(&mut self, step: Step) -> io::Result<Option<Finish>> {
        match step {
            Step::Text(text) => self.send(&Frame::new(opcode::TEXT, text)).await?,
            Step::Binary(bytes) => self.send(&Frame::new(opcode::BINARY, bytes)).await?,
            Step::Fragments(pieces) => {
                for frame in fragments(pieces) {
                    self.send(&frame).await?;
                }
            }
            Step::Ping(payload) => self.send(&Frame::new(opcode::PING, payload)).await?,
            Step::Bytes(bytes) => self.writer.write_all(&bytes).await?,
            Step::Pause(time) => return self.pause(time).await,
            Step::Close(code) => {
                self.send(&Frame::close(code)).await?;
                self.until_close().await;
                self.writer.shutdown().await?;
                return Ok(Some(Finish::Over));
            }
            Step::AwaitClose => {
                while !self.is_over_after_next().await? {}
                return Ok(Some(Finish::Over));
            }
            Step::Fin => {
                self.writer.shutdown().await?;
                return Ok(Some(Finish::Over));
            }
            Step::Silence => return Ok(Some(Finish::Over)),
            Step::Reset => return Ok(Some(Finish::Reset)),
        }
        Ok(None)
    }

    async fn pause(&mut self, time: Duration) -> io::Result<Option<Finish>> {
        let mut over = pin!(sleep(time));
        loop {
            tokio::select! {
                () = &mut over => return Ok(None),
                event = self.inbox.recv() => if self.is_over_after(event).await? {
                    return Ok(Some(Finish::Over));
                },
            }
        }
    }

    /// Waits for the close frame that answers one of ours.
    async fn until_close(&mut self) {
        while let Some(Ok(message)) = self.inbox.recv().await {
            if matches!(message, Message::Close(_)) {
                return;
            }
        }
    }

    async fn is_over_after_next(&mut self) -> io::Result<bool> {
        let event = self.inbox.recv().await;
        self.is_over_after(event).await
    }

    /// Reacts to an event of the client. Returns whether the conversation is over.
    async fn is_over_after(&mut self, event: Option<Event>) -> io::Result<bool> {
        let farewell = match event {
            Some(Ok(Message::Text(text))) => {
                self.pending.push_back(text);
                return Ok(false);
            }
            Some(Ok(Message::Binary(bytes))) => {
                self.pending
                    .push_back(String::from_utf8_lossy(&bytes).into_owned());
                return Ok(false);
            }
            Some(Ok(Message::Ping(payload))) => {
                self.send(&Frame::new(opcode::PONG, payload)).await?;
                return Ok(false);
            }
            Some(Ok(Message::Pong(_))) => return Ok(false),
            Some(Ok(Message::Close(code))) => code,
            Some(Err(violation)) => Some(violation.code),
            // The listener has stopped, so the connection has ended.
            None => return Ok(true),
        };
        self.send(&Frame::close(farewell)).await?;
        self.writer.shutdown().await?;
        Ok(true)
    }

    async fn send(&mut self, frame: &Frame) -> io::Result<()> {
        self.writer.write_all(&frame.encode()).await
    }
}

/// The frames of one text message. Without pieces, it is an empty message.
fn fragments(pieces: Vec<Vec<u8>>) -> Vec<Frame> {
    let mut kinds = std::iter::once(opcode::TEXT).chain(std::iter::repeat(opcode::CONTINUATION));
    let mut frames: Vec<_> = pieces
        .into_iter()
        .zip(&mut kinds)
        .map(|(piece, kind)| Frame::new(kind, piece).unfinished())
        .collect();
    match frames.last_mut() {
        Some(last) => last.fin = true,
        None => frames.push(Frame::new(opcode::TEXT, "")),
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_of_a_message_are_continued_until_the_last() {
        let pieces = vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec()];
        let outlines: Vec<_> = fragments(pieces)
            .into_iter()
            .map(|frame| (frame.opcode, frame.fin))
            .collect();
        assert_eq!(outlines, [(1, false), (0, false), (0, true)]);
        assert_eq!(
            fragments(vec![b"a".to_vec()]),
            [Frame::new(opcode::TEXT, "a")]
        );
        assert_eq!(fragments(Vec::new()), [Frame::new(opcode::TEXT, "")]);
    }
}
