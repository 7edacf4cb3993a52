//! What is to be read of the messages at hand, and where what was found is.

use std::ops::Range;

use super::bare::Texts;
use super::frame::{Broken, Otherwise};

/// One thing that is to be read.
#[derive(Debug)]
pub(super) enum Work {
    /// The message from this byte on, as if nothing were pending.
    Fresh(usize),
    /// An SSE event that has ended, since the message cannot go on with it; then the message.
    EndSseEvent,
    /// An SSE event that has ended with the reply.
    EndLastSseEvent,
    /// JSON values in the message with white space between.
    Values(Range<usize>),
    /// An object among messages of text. It is text too, unless a dialect reads it.
    Object(Range<usize>),
    /// Text of the message.
    Text(Range<usize>),
    /// Messages that are a piece of text each, read up to this byte.
    Texts(Box<Texts>, usize),
    /// Lines of data that are JSON each, read up to this byte.
    Lines(usize),
    Done,
    Broken(Broken),
}

/// What was found, by where it is. A frame is made of it in a second step, since work that goes on
/// cannot hold on to the text of a frame.
pub(super) enum Found {
    Text(Place),
    Value(Place, Otherwise),
    OpenSseEvent(Place),
    Name,
    Done,
    Broken(Broken),
}

/// Where the text of a frame is.
pub(super) struct Place {
    pub(super) buffer: Buffer,
    pub(super) range: Range<usize>,
    /// It is the data of an SSE event, which may give it a name.
    pub(super) is_sse_data: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Buffer {
    /// The message at hand.
    Message,
    /// Data that came in more than one message or line.
    Data,
    /// The data of an SSE event whose end has not come.
    OpenSseEvent,
}

impl Place {
    /// A place in the message, outside of SSE events.
    pub(super) fn bare(range: Range<usize>) -> Self {
        Self {
            buffer: Buffer::Message,
            range,
            is_sse_data: false,
        }
    }

    /// A place in the data of an SSE event that has ended.
    pub(super) fn sse_data(buffer: Buffer, range: Range<usize>) -> Self {
        Self {
            buffer,
            range,
            is_sse_data: true,
        }
    }
}
