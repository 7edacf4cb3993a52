//! What TLS writes, gathered into few packets.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, BufWriter, ReadBuf};

use super::connect::Transport;

/// Holds the end of a handshake and a request behind it, or a close frame and TLS's own goodbye.
const GATHERED_BYTES: usize = 4 * 1024;

/// A transport below TLS, which writes each of its records by itself.
///
/// They leave with a flush, as is usual. That of a handshake's end waits for what comes next, which is
/// a request: one packet carries both. Whoever reads instead has it sent first.
pub(super) struct Gathered<T> {
    transport: BufWriter<T>,
    is_shaking_hands: bool,
}

impl<T: Transport> Gathered<T> {
    pub(super) fn new(transport: T) -> Self {
        Self {
            transport: BufWriter::with_capacity(GATHERED_BYTES, transport),
            is_shaking_hands: true,
        }
    }

    /// The handshake is over: flushes are no longer those that end it.
    pub(super) fn shook_hands(&mut self) {
        self.is_shaking_hands = false;
    }
}

impl<T: Transport> AsyncRead for Gathered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.transport.buffer().is_empty() {
            // Reading does not wait for a peer that waits for us to read. Neither does a write that fails
            // hide what came before: it is reading that says that the peer is gone.
            let _ = Pin::new(&mut self.transport).poll_flush(cx);
        }
        Pin::new(&mut self.transport).poll_read(cx, buffer)
    }
}

impl<T: Transport> AsyncWrite for Gathered<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_shaking_hands {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.transport).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}
