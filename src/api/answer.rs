//! Responses made of a reply: streamed while it arrives, or as one document.

use std::panic::AssertUnwindSafe;

use agentcore_reply::{Output, Step};
use futures_util::{FutureExt, stream};

use super::body::{self, Response};
use super::format::keep_alive::KeepAlive;
use super::format::{Format, with_text};
use super::limit::{AnswerLimit, Budget};
use super::timing::with_timing;
use super::turn::Turn;
use crate::agentcore::ReplyEvent;

/// Chunks that are ready at the same time are sent together, up to this many bytes.
const MAX_BATCH_BYTES: usize = 16 * 1024;

/// What a step adds to its texts at the most: the ends of what was open, the begins of what it needs, and
/// ids of ours in all of them.
const STEP_FRAME_BYTES: usize = 2_048;

/// A reply, and what is written of it.
struct Writer {
    turn: Turn,
    format: Box<dyn Format>,
    out: Vec<u8>,
}

/// Streams a reply while it arrives. Nothing is collected: a caller that reads slowly slows down
/// the reading from the agent (backpressure).
pub(super) fn streamed(turn: Turn, mut format: Box<dyn Format>) -> Response {
    let (response, timing) = (response(&*format), turn.timing());
    // The format's beginning is sent with the first chunk: never before it, and not in a packet of
    // its own.
    let mut out = Vec::with_capacity(256);
    format.begin(&mut out);
    // Boxed, since `unfold` moves it with each chunk.
    let writer = Box::new(Writer { turn, format, out });
    let pieces = stream::unfold(Some(writer), |writer| async move {
        let mut writer = writer?;
        let request = writer.turn.log().request().clone();
        let next = AssertUnwindSafe(request.scope(writer.next()));
        let is_last = next.catch_unwind().await.unwrap_or_else(|_| {
            let error = writer.turn.panicked();
            writer.format.error(&error, &mut writer.out);
            true
        });
        let out = std::mem::take(&mut writer.out);
        Some((out, (!is_last).then_some(writer)))
    });
    let body = body::streamed(KeepAlive::new(Box::pin(pieces)));
    with_timing(response.map(|()| body), timing)
}

impl Writer {
    /// Writes the next batch. Returns whether it is the last.
    async fn next(&mut self) -> bool {
        let mut event = Some(self.turn.next().await);
        while let Some(next) = event {
            if self.write(next) {
                return true;
            }
            if self.out.len() >= MAX_BATCH_BYTES {
                return false;
            }
            event = self.turn.next().now_or_never();
        }
        false
    }

    /// Writes an event of the reply. Returns whether it is the last.
    fn write(&mut self, event: ReplyEvent) -> bool {
        let Self { turn, format, out } = self;
        match event {
            ReplyEvent::Piece(text) => {
                format.piece(&text, out);
                return false;
            }
            ReplyEvent::Step(step) => {
                format.step(&step, out);
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

/// Collects a reply into one document with at most `max_reply_bytes` of its text, which stays below
/// the size limit of a response.
pub(super) async fn whole(
    mut turn: Turn,
    mut format: Box<dyn Format>,
    max_reply_bytes: usize,
    limit: AnswerLimit,
) -> Response {
    let mut budget = Budget::new(limit, format.escapes_line_separators());
    let mut document = Vec::with_capacity(1_024);
    format.begin(&mut document);
    let mut sent = 0;
    loop {
        match turn.next().await {
            ReplyEvent::Piece(text) => {
                let kept = &text[..text.floor_char_boundary(max_reply_bytes - sent)];
                let kept = budget.fitting(kept, format.piece_frame_bytes(), &document);
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
            ReplyEvent::Step(Step::AgUiEvent { event, text }) => {
                let room = text.floor_char_boundary(max_reply_bytes - sent);
                let kept = &text[..room];
                let kept = budget.fitting_event(&event, kept, STEP_FRAME_BYTES, &document);
                let is_whole = kept.is_some_and(|kept| kept.len() == text.len());
                let kept = kept.unwrap_or_default();
                let shown = if is_whole {
                    Some(event)
                } else {
                    with_text(&event, &text, kept).filter(|_| !kept.is_empty())
                };
                if let Some(event) = shown {
                    sent += kept.len();
                    let text = String::new();
                    format.step(&Step::AgUiEvent { event, text }, &mut document);
                }
                if !is_whole {
                    turn.close().await;
                    format.end(turn.complete(sent, true), &mut document);
                    break;
                }
            }
            ReplyEvent::Step(step) => {
                let (texts, frame) = extent(&step);
                if !budget.holds(&texts, frame, &document) {
                    turn.close().await;
                    format.end(turn.complete(sent, true), &mut document);
                    break;
                }
                format.step(&step, &mut document);
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
    with_timing(response, turn.timing())
}

/// What a step puts into a document at the most: its texts, and so many bytes around them.
fn extent(step: &Step) -> (Vec<&str>, usize) {
    const FRAME: usize = STEP_FRAME_BYTES;
    match step {
        Step::Reasoning(text) | Step::Text(text) => (vec![text], FRAME),
        Step::AgUiEvent { event, .. } => (vec![event], FRAME),
        Step::CallBegun { id, name } => (vec![id, name], FRAME),
        Step::CallInput { id, piece } => (vec![id, piece], FRAME),
        // Where nothing of the input was told before, its id comes with it and with the end.
        Step::Call { id, name, input } => (vec![id, id, name, input], FRAME),
        // A result without a call makes one.
        Step::CallResult { id, output, .. } => {
            let (Output::Text(output) | Output::Json(output)) = output;
            (vec![id, id, id, output], FRAME)
        }
        Step::TurnEnd | Step::End(_) => (Vec::new(), FRAME),
    }
}

/// A response with the headers of a format, without a body.
fn response(format: &dyn Format) -> http::Response<()> {
    let mut response = http::Response::new(());
    let headers = response.headers_mut();
    headers.extend(format.headers());
    response
}
