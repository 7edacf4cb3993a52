//! Keep-alive comments, so that no proxy closes a silent stream as idle.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, Sleep, sleep};

/// A comment is sent after this much silence.
const INTERVAL: Duration = Duration::from_secs(15);

const COMMENT: &[u8] = b": keep-alive\n\n";

/// Adds comments to a stream while it is silent. The timer is polled beside the inner stream, so
/// work in progress is never dropped for a comment.
pub(in crate::api) struct KeepAlive<S> {
    inner: S,
    /// `None` until the first item, before which no comment may be sent.
    silence: Option<Pin<Box<Sleep>>>,
}

impl<S> KeepAlive<S> {
    pub(in crate::api) fn new(inner: S) -> Self {
        Self {
            inner,
            silence: None,
        }
    }
}

impl<S: Stream<Item = Vec<u8>> + Unpin> Stream for KeepAlive<S> {
    type Item = Vec<u8>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let next = match self.inner.poll_next_unpin(cx) {
            Poll::Ready(next) => next,
            Poll::Pending => {
                let Some(silence) = &mut self.silence else {
                    return Poll::Pending;
                };
                ready!(silence.as_mut().poll(cx));
                Some(COMMENT.to_owned())
            }
        };
        match &mut self.silence {
            Some(silence) => silence.as_mut().reset(Instant::now() + INTERVAL),
            None => self.silence = Some(Box::pin(sleep(INTERVAL))),
        }
        Poll::Ready(next)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    /// The items of a stream, each with the milliseconds at which it came.
    async fn read(events: impl Stream<Item = String>) -> Vec<(String, u128)> {
        let start = Instant::now();
        KeepAlive::new(Box::pin(events.map(String::into_bytes)))
            .map(|text| {
                (
                    String::from_utf8(text).unwrap(),
                    start.elapsed().as_millis(),
                )
            })
            .collect()
            .await
    }

    #[tokio::test(start_paused = true)]
    async fn comments_fill_silences_but_never_come_first() {
        let waits = [20_000, 0, 14_999, 31_000];
        let events = stream::iter(waits).then(|wait| async move {
            sleep(Duration::from_millis(wait)).await;
            wait.to_string()
        });
        let at = |text: &str, at| (text.to_owned(), at);
        let comment = std::str::from_utf8(COMMENT).unwrap();
        let expected = [
            at("20000", 20_000),
            at("0", 20_000),
            at("14999", 34_999),
            at(comment, 49_999),
            at(comment, 64_999),
            at("31000", 65_999),
        ];
        assert_eq!(read(events).await, expected);
    }

    /// Covers a comment that becomes due while the next item is in progress, and at the very moment
    /// it is ready.
    #[tokio::test(start_paused = true)]
    async fn a_comment_does_not_drop_work_in_progress() {
        for (wait, work) in [(14_950, 100), (14_950, 50), (15_000, 1)] {
            let events = stream::unfold(0, |step| async move {
                match step {
                    0 => Some(("a".to_owned(), 1)),
                    1 => {
                        sleep(Duration::from_millis(wait)).await;
                        // If the future were dropped here, "end" would be lost.
                        sleep(Duration::from_millis(work)).await;
                        Some(("end".to_owned(), 2))
                    }
                    _ => None,
                }
            });
            let read = read(events).await;
            let texts: Vec<_> = read.iter().map(|(text, _)| text.as_str()).collect();
            let comments = usize::from(wait + work > 15_000);
            assert_eq!(texts.len(), 2 + comments, "{texts:?}");
            assert_eq!((texts[0], *texts.last().unwrap()), ("a", "end"));
            assert_eq!(read.last().unwrap().1, u128::from(wait + work));
        }
    }
}
