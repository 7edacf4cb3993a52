//! How far an invocation has come, and how long its parts took: a value that the answer and the
//! log both read.

use std::time::Duration;

use tokio::time::Instant;

/// An invocation so far.
#[derive(Clone, Debug)]
pub struct Progress {
    received: Instant,
    /// How long signing took, in the last attempt.
    pub signing: Option<Duration>,
    /// When the attempt began that has not led anywhere yet.
    connecting: Option<Instant>,
    /// One for each attempt that began to connect: DNS, TCP, TLS and the handshake.
    pub connections: Vec<Duration>,
    /// Attempts that did not lead to a WebSocket.
    pub connection_failures: u32,
    /// Attempts after the first.
    pub retries: u32,
    /// From the request to the first piece of the reply.
    pub first_piece: Option<Duration>,
    /// Pieces of the reply.
    pub chunks: u64,
    /// Bytes of the reply, in UTF-8.
    pub bytes: usize,
    /// Steps of the agent's were told.
    pub has_steps: bool,
    is_open: bool,
}

impl Progress {
    /// Of a request that came at this moment.
    pub fn since(received: Instant) -> Self {
        Self {
            received,
            signing: None,
            connecting: None,
            connections: Vec::new(),
            connection_failures: 0,
            retries: 0,
            first_piece: None,
            chunks: 0,
            bytes: 0,
            has_steps: false,
            is_open: false,
        }
    }

    /// How long it is since the request came.
    pub fn elapsed(&self) -> Duration {
        self.received.elapsed()
    }

    /// How long connecting took in the last attempt; `None` while there is no saying.
    pub fn last_connection(&self) -> Option<Duration> {
        match self.connecting {
            Some(_) => None,
            None => self.connections.last().copied(),
        }
    }

    /// Whether there is a WebSocket of which nobody has yet said that it is closed.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    pub(super) fn connecting(&mut self) {
        self.connecting = Some(Instant::now());
    }

    pub(super) fn connected(&mut self) {
        self.stop_connecting();
        self.is_open = true;
    }

    pub(super) fn not_connected(&mut self) {
        self.stop_connecting();
        self.connection_failures += 1;
    }

    /// An attempt that is given up took its time too.
    pub(crate) fn stop_connecting(&mut self) {
        if let Some(began) = self.connecting.take() {
            self.connections.push(began.elapsed());
        }
    }

    pub(crate) fn closed(&mut self) {
        self.is_open = false;
    }

    /// The first piece of the reply has come, which [`Self::piece`] counts later.
    pub(crate) fn first_piece_came(&mut self) {
        self.first_piece = Some(self.first_piece.unwrap_or_else(|| self.elapsed()));
    }

    /// A piece of the reply came, of so many bytes.
    pub(crate) fn piece(&mut self, bytes: usize) {
        self.first_piece_came();
        self.chunks += 1;
        self.bytes += bytes;
    }

    /// More came of the piece before, which was too long to be told at once.
    pub(crate) fn rest_of_piece(&mut self, bytes: usize) {
        self.bytes += bytes;
    }
}
