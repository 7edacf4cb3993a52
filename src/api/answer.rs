//! A reply as an answer: written while it arrives, or as one document.

use std::panic::AssertUnwindSafe;

use futures_util::{FutureExt, stream};
use http::header;

use super::body::{self, Response};
use super::format::Format;
use super::format::keep_alive::KeepAlive;
use super::limit::{AnswerLimit, Room};
use super::timing::timed;
use super::turn::Turn;
use crate::agentcore::ReplyEvent;

/// What is ready at one moment goes out in one piece, up to so many bytes.
const MOST_AT_ONCE: usize = 16 * 1024;

/// A reply that is being written.
struct Writing {
    turn: Turn,
    format: Box<dyn Format>,
    out: Vec<u8>,
}

/// An answer that is written while the reply arrives: nothing is collected, and a caller that
/// reads slowly slows the reading from the agent.
pub(super) fn streamed(turn: Turn, mut format: Box<dyn Format>) -> Response {
    let (response, timing) = (response(&*format), turn.timing());
    // What comes first goes out with the first piece: not before it, and not in a packet of its own.
    let mut out = Vec::with_capacity(256);
    format.begin(&mut out);
    // In a box: it is moved with each piece.
    let writing = Box::new(Writing { turn, format, out });
    let pieces = stream::unfold(Some(writing), |writing| async move {
        let mut writing = writing?;
        let request = writing.turn.log().request().clone();
        let next = AssertUnwindSafe(request.scope(writing.next()));
        let is_last = next.catch_unwind().await.unwrap_or_else(|_| {
            let error = writing.turn.panicked();
            writing.format.error(&error, &mut writing.out);
            true
        });
        let out = std::mem::take(&mut writing.out);
        Some((out, (!is_last).then_some(writing)))
    });
    let body = body::streamed(KeepAlive::new(Box::pin(pieces)));
    timed(response.map(|()| body), timing)
}

impl Writing {
    /// Writes what goes out next, and says whether nothing comes after it.
    async fn next(&mut self) -> bool {
        let mut event = Some(self.turn.next().await);
        while let Some(next) = event {
            if self.write(next) {
                return true;
            }
            if self.out.len() >= MOST_AT_ONCE {
                return false;
            }
            event = self.turn.next().now_or_never();
        }
        false
    }

    /// Writes what the reply gave, and says whether that was its end.
    fn write(&mut self, event: ReplyEvent) -> bool {
        let Self { turn, format, out } = self;
        match event {
            ReplyEvent::Piece(text) => {
                format.piece(&text, out);
                return false;
            }
            ReplyEvent::Complete => {
                let bytes = turn.bytes();
                format.end(turn.complete(bytes, false), out);
            }
            ReplyEvent::Interrupted(error) => format.error(&turn.fail(&error), out),
        }
        true
    }
}

/// An answer that holds the whole document, of which at most `max_reply_bytes` are the reply's,
/// and which stays below the limit of an answer.
pub(super) async fn whole(
    mut turn: Turn,
    mut format: Box<dyn Format>,
    max_reply_bytes: usize,
    limit: AnswerLimit,
) -> Response {
    let mut room = Room::new(limit);
    let mut document = Vec::with_capacity(1_024);
    format.begin(&mut document);
    let mut sent = 0;
    loop {
        match turn.next().await {
            ReplyEvent::Piece(text) => {
                let kept = &text[..text.floor_char_boundary(max_reply_bytes - sent)];
                let kept = room.fitting(kept, format.piece_frame_bytes(), &document);
                if !kept.is_empty() {
                    format.piece(kept, &mut document);
                    sent += kept.len();
                }
                if kept.len() < text.len() {
                    turn.close().await;
                    format.end(turn.complete(sent, true), &mut document);
                    break;
                }
            }
            ReplyEvent::Complete => {
                format.end(turn.complete(sent, false), &mut document);
                break;
            }
            ReplyEvent::Interrupted(error) if format.tells_errors() => {
                format.error(&turn.fail(&error), &mut document);
                break;
            }
            ReplyEvent::Interrupted(_) => {
                format.end(turn.complete(sent, true), &mut document);
                break;
            }
        }
    }
    let response = response(&*format).map(|()| body::whole(document));
    timed(response, turn.timing())
}

/// An answer in the format, still without a body.
fn response(format: &dyn Format) -> http::Response<()> {
    let mut response = http::Response::new(());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, format.content_type());
    headers.extend(format.header());
    response
}
