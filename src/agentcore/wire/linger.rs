//! The end of a connection whose peer may still be sending, or has sent what is unread.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout_at};

use super::connect::Transport;

/// How long what a peer still sends is read, at the most.
pub(super) const LINGER: Duration = Duration::from_millis(100);

/// What is dropped is read in pieces of this size.
const DROPPED_BYTES: usize = 4 * 1024;

/// A transport that is not thrown away while its peer is sending.
///
/// A socket that is closed with something unread, or that something comes to afterwards, is reset,
/// and a reset destroys what was sent last: our close frame. So the sending side alone ends when this
/// is dropped, and what still comes is read and dropped beside all else, until the peer ends its side
/// too, for at most [`LINGER`]. Where Lambda freezes the process in between, the socket stays as it is.
///
/// Neither does a write that fails hide what came before: the peer may have sent all of its reply, and
/// a ping, before it went. So writing seems to go on, and it is reading that says that the peer is gone.
pub(super) struct Lingering<T: Transport> {
    /// `None` from when it is dropped.
    transport: Option<T>,
    /// When [`LINGER`] is over, once that has begun.
    until: Option<Instant>,
    /// A write has failed.
    write_failed: bool,
    /// The sending side has ended.
    is_shut_down: bool,
}

impl<T: Transport> Lingering<T> {
    pub(super) fn new(transport: T) -> Self {
        Self {
            transport: Some(transport),
            until: None,
            write_failed: false,
            is_shut_down: false,
        }
    }

    /// Whether what was written last has not all left, since the peer is gone.
    pub(super) fn write_failed(&self) -> bool {
        self.write_failed
    }

    /// Lingering begins: it will be over at this moment, whenever this is dropped.
    pub(super) fn until(&mut self, until: Instant) {
        self.until = Some(until);
    }

    /// Reads and drops what there is.
    pub(super) fn poll_drop_incoming(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_drop_incoming(self, cx)
    }

    fn transport(&mut self) -> io::Result<Pin<&mut T>> {
        let transport = self.transport.as_mut().map(Pin::new);
        transport.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl<T: Transport> Drop for Lingering<T> {
    fn drop(&mut self) {
        // Without a runtime there is nobody to read.
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(transport), Ok(runtime)) = (self.transport.take(), runtime) {
            let until = self.until.unwrap_or_else(|| Instant::now() + LINGER);
            runtime.spawn(timeout_at(until, end(transport, self.is_shut_down)));
        }
    }
}

async fn end<T: Transport>(mut transport: T, is_shut_down: bool) -> io::Result<()> {
    if !is_shut_down {
        transport.shutdown().await?;
    }
    poll_fn(|cx| poll_drop_incoming(&mut transport, cx)).await
}

/// Reads and drops what there is. The buffer is not a part of a future, which would be moved with it.
fn poll_drop_incoming<T: AsyncRead + Unpin>(
    transport: &mut T,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let mut dropped = [MaybeUninit::uninit(); DROPPED_BYTES];
    loop {
        let mut buffer = ReadBuf::uninit(&mut dropped);
        ready!(Pin::new(&mut *transport).poll_read(cx, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Ok(()));
        }
    }
}

impl<T: Transport> AsyncRead for Lingering<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.transport()?.poll_read(cx, buffer)
    }
}

impl<T: Transport> AsyncWrite for Lingering<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.write_failed {
            match ready!(self.transport()?.poll_write(cx, bytes)) {
                Ok(written) => return Poll::Ready(Ok(written)),
                Err(_) => self.write_failed = true,
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The end of the sending side flushes as well: one packet carries the close frame and the end.
        if self.until.is_some() {
            return Poll::Ready(Ok(()));
        }
        if !self.write_failed && ready!(self.transport()?.poll_flush(cx)).is_err() {
            self.write_failed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.transport()?.poll_shutdown(cx))?;
        self.is_shut_down = true;
        Poll::Ready(Ok(()))
    }
}
