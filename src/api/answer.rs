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

/// An answer that is written while the reply arrives: nothing is collected, and a caller that
/// reads slowly slows the reading from the agent.
pub(super) fn streamed(turn: Turn, mut format: Box<dyn Format>) -> Response {
    let (response, timing) = (response(&*format), turn.timing());
    // What comes first goes out with the first piece: not before it, and not in a packet of its own.
    let mut first = Vec::with_capacity(256);
    format.begin(&mut first);
    let events = stream::unfold(Some((turn, format, first)), |state| async move {
        let (mut turn, mut format, mut out) = state?;
        let request = turn.log().request().clone();
        let next = next_bytes(&mut turn, &mut *format, &mut out);
        let is_last = AssertUnwindSafe(request.scope(next)).catch_unwind().await;
        let is_last = is_last.unwrap_or_else(|_| {
            format.error(&turn.panicked(), &mut out);
            true
        });
        Some((
            out,
            (!is_last).then_some((turn, format, Vec::with_capacity(128))),
        ))
    });
    let body = body::streamed(KeepAlive::new(Box::pin(events)));
    timed(response.map(|()| body), timing)
}

/// Writes what goes out next, and says whether nothing comes after it.
async fn next_bytes(turn: &mut Turn, format: &mut dyn Format, out: &mut Vec<u8>) -> bool {
    match turn.next().await {
        ReplyEvent::Piece(text) => {
            format.piece(&text, out);
            false
        }
        ReplyEvent::Complete => {
            let bytes = turn.bytes();
            format.end(turn.complete(bytes, false), out);
            true
        }
        ReplyEvent::Interrupted(error) => {
            format.error(&turn.fail(&error), out);
            true
        }
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
