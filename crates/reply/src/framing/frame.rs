//! What framing gives, and what it is told of it.

use crate::json::Value;

/// What comes next in the messages.
#[derive(Debug)]
pub(crate) enum Frame<'f> {
    /// Something to read.
    Content(Content<'f>),
    /// The reply's end.
    Done,
    /// The messages break the protocol.
    Broken(Broken),
}

/// What may say something. `sse_name` is the name that an SSE event has by its `event:`, empty
/// where it has none.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content<'f> {
    /// Text as it stands.
    Text {
        text: &'f str,
        sse_name: &'f str,
        /// It is the data of an SSE event.
        is_sse_data: bool,
    },
    /// A JSON value, and what to make of it where no dialect reads it.
    Value {
        value: Value<'f>,
        /// The text that it was read from.
        text: &'f str,
        sse_name: &'f str,
        otherwise: Otherwise,
    },
    /// The data of an SSE event whose end has not come. It counts only where it ends the reply, for
    /// which [`Feedback::EndsReply`] is asked.
    OpenSseEvent { value: Value<'f>, sse_name: &'f str },
    /// An SSE event that has a name and no data.
    Name { sse_name: &'f str },
}

/// What a value is that no dialect reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// Nothing.
    Nothing,
    /// Text as it stands: the model's own words, with the white space around them.
    Text,
    /// Where it is an array without objects, text as it stands; else nothing.
    TextOfArray,
}

/// How messages can break the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A message, a line, an SSE event or a value is larger than 8 MiB.
    TooLarge,
    /// A message is not UTF-8.
    NotUtf8,
}

/// What reading a frame has shown, which changes how the next messages are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feedback {
    Nothing,
    /// A bare array was text: so are the bare messages that follow.
    IsText,
    /// The data of an SSE event was text: so are numbers and words in the data that follows.
    IsTextData,
    /// The SSE event whose end has not come ends the reply: its end is not waited for.
    EndsReply,
}
