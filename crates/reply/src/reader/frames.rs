//! The second step: what a frame says, by the dialects.

use super::account::Account;
use super::structured::Structured;
use crate::dialects::{Memory, Reading, bare_text, piece};
use crate::framing::{Content, Feedback, Otherwise};
use crate::json::{Kind, Str, Value};
use crate::python_repr::Reprs;
use crate::said::{Said, Source};

/// Reads frames.
#[derive(Debug, Default)]
pub(super) struct FrameReader {
    memory: Memory,
    /// What the last frame said.
    said: Said,
    reprs: Reprs,
    structured: Structured,
    /// Values that no dialect recognised.
    unread: u64,
    /// The last frame was one of them.
    is_unread: bool,
}

impl FrameReader {
    pub(super) fn said(&self) -> &Said {
        &self.said
    }

    pub(super) fn unread(&self) -> u64 {
        self.unread
    }

    /// Whether a run has begun that says itself when it is over.
    pub(super) fn is_in_run(&self) -> bool {
        self.memory.is_in_run()
    }

    /// Whether the reply so far is one value that no dialect recognised.
    pub(super) fn is_structured(&self) -> bool {
        self.structured.is_one()
    }

    /// The reply where it is one value that no dialect recognised. It is over then.
    pub(super) fn take_structured(&mut self) -> Option<String> {
        self.structured.take()
    }

    /// Reads a frame that is one piece of text, as most are: it need not go through what a frame
    /// says.
    pub(super) fn read_piece<'f>(&mut self, content: &Content<'f>) -> Option<(Str<'f>, Source)> {
        let piece = match *content {
            Content::Value {
                value,
                sse_name: "",
                ..
            } => {
                let piece = piece(value, &mut self.memory)?;
                self.reprs.came(true);
                piece
            }
            Content::Text {
                text,
                sse_name: "",
                is_sse_data: false,
            } => bare_text(Str::plain(text), &mut self.memory),
            _ => return None,
        };
        self.structured.something_came();
        Some(piece)
    }

    /// The account of the frame that was read last.
    pub(super) fn account_for(&self, mut account: Account) -> Account {
        account.dialect = self.memory.read_by();
        account.is_unread = self.is_unread;
        account.take_in(&self.said);
        account
    }

    /// Reads a frame.
    pub(super) fn read(&mut self, content: Content<'_>) -> Feedback {
        self.said.clear();
        self.memory.forget_read_by();
        self.is_unread = false;
        match content {
            Content::Text {
                text,
                sse_name,
                is_sse_data,
            } => self.read_text(text, sse_name, is_sse_data),
            Content::Name { sse_name } => {
                Reading::new(&mut self.said, &mut self.memory, sse_name).name_alone();
                Feedback::Nothing
            }
            Content::Value {
                value,
                text,
                sse_name,
                otherwise,
            } => match self.read_value(value, text, sse_name, otherwise) {
                HasRead::AsText if otherwise == Otherwise::TextOfArray => Feedback::IsText,
                _ => Feedback::Nothing,
            },
            Content::OpenSseEvent { value, sse_name } => self.try_value(value, sse_name),
        }
    }

    fn read_text(&mut self, text: &str, sse_name: &str, is_sse_data: bool) -> Feedback {
        self.structured.something_came();
        let mut reading = Reading::new(&mut self.said, &mut self.memory, sse_name);
        let mark = reading.mark();
        reading.plain_text(Str::plain(text));
        if is_sse_data && reading.has_text_since(mark) {
            Feedback::IsTextData
        } else {
            Feedback::Nothing
        }
    }

    fn read_value(
        &mut self,
        value: Value<'_>,
        text: &str,
        sse_name: &str,
        otherwise: Otherwise,
    ) -> HasRead {
        let mut reading = Reading::new(&mut self.said, &mut self.memory, sse_name);
        let has_read = read_value(&mut reading, &mut self.reprs, value, text, otherwise);
        if has_read == HasRead::Nothing {
            self.unread += 1;
            self.is_unread = true;
            self.structured.unread_came(value, text);
        } else {
            self.structured.something_came();
        }
        has_read
    }

    /// Reads a value to know whether it ends the reply. Nothing of it is kept: once its SSE event
    /// has ended it comes again.
    fn try_value(&mut self, value: Value<'_>, sse_name: &str) -> Feedback {
        let mut trial = self.memory.clone();
        Reading::new(&mut self.said, &mut trial, sse_name).value(value);
        let ends_reply = self.said.ends_reply();
        self.said.clear();
        if ends_reply {
            Feedback::EndsReply
        } else {
            Feedback::Nothing
        }
    }
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HasRead {
    /// A dialect has read it, or there was nothing to read.
    Value,
    /// It is the model's own words.
    AsText,
    /// No dialect recognises it.
    Nothing,
}

fn read_value(
    reading: &mut Reading<'_>,
    reprs: &mut Reprs,
    value: Value<'_>,
    text: &str,
    otherwise: Otherwise,
) -> HasRead {
    let has_objects = value.is_or_holds_object();
    reprs.came(has_objects);
    let as_text = |reading: &mut Reading<'_>| {
        reading.plain_text(Str::plain(text));
        HasRead::AsText
    };
    match value.kind() {
        Kind::Object | Kind::Array if has_objects => {
            if reading.value(value) {
                HasRead::Value
            } else if otherwise == Otherwise::Text {
                as_text(reading)
            } else {
                HasRead::Nothing
            }
        }
        _ if otherwise == Otherwise::Text => as_text(reading),
        Kind::Array => {
            let mark = reading.mark();
            reading.value(value);
            reading.name_alone();
            // An array in which no dialect finds text is the model's own words, such as `[1]`.
            if otherwise == Otherwise::TextOfArray && !reading.has_text_since(mark) {
                return as_text(reading);
            }
            HasRead::Value
        }
        Kind::String => {
            if let Some(text) = value.as_str().filter(|text| !reprs.is_repr(*text)) {
                reading.plain_text(text);
            }
            HasRead::Value
        }
        // `42` and `true` are tokens that happen to be JSON.
        Kind::Number | Kind::True | Kind::False => as_text(reading),
        Kind::Null | Kind::Object => {
            reading.name_alone();
            HasRead::Value
        }
    }
}
