//! Server-sent events out of messages that may be cut anywhere.
//!
//! The line and field rules are those of the HTML Standard, section 9.2.6. What is added is what
//! WebSocket messages need: agents often leave out the newlines, since the message's end says the
//! same, and a line may just as well go on in the next message.

use memchr::memchr2;

use super::text::ends_reply;
use pending::PendingData;

mod pending;

/// The largest line and the largest event, in bytes.
pub(super) const MAX_EVENT_BYTES: usize = 8 << 20;

/// Data that ends a reply, as OpenAI's API introduced it.
pub(super) const DONE: &str = "[DONE]";

/// The fields whose name, at the beginning of a message, tells an event stream from other text.
const FIELDS: [&str; 4] = ["data:", "event:", "id:", "retry:"];

/// The values of `event:` by which an event says that nothing more comes.
const TERMINAL_NAMES: [&str; 3] = ["done", "end", "complete"];

/// How a message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// With a field or a comment.
    Field,
    /// With what the next message may complete to a field: part of its name, or nothing yet.
    PartOfField,
    /// Otherwise.
    Other,
}

/// Tells how a message begins, blank lines and a byte-order mark aside.
pub(super) fn beginning(message: &str) -> Beginning {
    let first = without_blank_lines(message);
    if first.starts_with(':') || begins_field(first) {
        Beginning::Field
    } else if FIELDS.iter().any(|field| field.starts_with(first)) {
        Beginning::PartOfField
    } else {
        Beginning::Other
    }
}

/// The message from its first line on that is not blank.
pub(super) fn without_blank_lines(message: &str) -> &str {
    message
        .strip_prefix('\u{feff}')
        .unwrap_or(message)
        .trim_start_matches(['\r', '\n'])
}

fn begins_field(text: &str) -> bool {
    FIELDS.iter().any(|field| text.starts_with(field))
}

/// One event of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// The value of `event:`, empty where there was none.
    pub(super) name: String,
    /// The values of `data:`, joined by newlines.
    pub(super) data: Option<String>,
    /// The stream says that the reply ends with this event.
    pub(super) is_last: bool,
}

/// A line or an event is larger than [`MAX_EVENT_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Puts lines together to events.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    /// A line whose end has not come.
    line: String,
    /// The last line ended with a carriage return, of which a newline may still be part.
    after_carriage_return: bool,
    event: Event,
    pending: PendingData,
    /// How much of the event's data is known not to end the reply.
    looked_at: usize,
}

impl EventReader {
    /// Whether neither a line nor an event has begun that is not over.
    pub(super) fn is_idle(&self) -> bool {
        self.line.is_empty() && self.event == Event::default()
    }

    /// To be asked before each message: ends the pending line, and the event where it has data, if
    /// the message cannot go on with it.
    pub(super) fn before(&mut self, message: &str) -> Result<Option<Event>, TooLarge> {
        if self.line.is_empty() || !self.ends_before(message) {
            return Ok(None);
        }
        let line = std::mem::take(&mut self.line);
        let ended = self.end_line(&line)?;
        Ok(ended.or_else(|| self.event.data.is_some().then(|| self.take_event())))
    }

    fn ends_before(&self, message: &str) -> bool {
        let is_data = self.line.starts_with("data:");
        if let Some(field) = FIELDS.iter().find(|field| message.starts_with(*field)) {
            return !(is_data && self.pending.can_go_on_with(field.as_bytes()));
        }
        if is_done(message) {
            return !(is_data && self.pending.can_go_on_with(DONE.as_bytes()));
        }
        // A number or a word could be the beginning of a longer text. Not so before a value.
        is_data
            && self.pending.is_whole_scalar()
            && message.trim_start().starts_with(['{', '[', '"'])
    }

    /// Reads on in `message` from `at`, to the next event or to the message's end.
    ///
    /// `splits_character` says that a character goes on in the next message, so that the line
    /// cannot end with this one.
    pub(super) fn read(
        &mut self,
        message: &str,
        at: &mut usize,
        splits_character: bool,
    ) -> Result<Option<Event>, TooLarge> {
        let bytes = message.as_bytes();
        while *at < bytes.len() {
            if std::mem::take(&mut self.after_carriage_return) && bytes[*at] == b'\n' {
                *at += 1;
                continue;
            }
            let rest = &message[*at..];
            let Some(length) = memchr2(b'\n', b'\r', rest.as_bytes()) else {
                check_size(self.line.len() + rest.len())?;
                self.line.push_str(rest);
                *at = bytes.len();
                break;
            };
            self.after_carriage_return = rest.as_bytes()[length] == b'\r';
            *at += length + 1;
            let ended = if self.line.is_empty() {
                check_size(length)?;
                self.end_line(&rest[..length])?
            } else {
                check_size(self.line.len() + length)?;
                self.line.push_str(&rest[..length]);
                let line = std::mem::take(&mut self.line);
                self.end_line(&line)?
            };
            if ended.is_some() {
                return Ok(ended);
            }
        }
        if splits_character {
            Ok(None)
        } else {
            self.end_message()
        }
    }

    /// The event that is pending when the reply ends.
    pub(super) fn finish(&mut self) -> Result<Option<Event>, TooLarge> {
        let line = std::mem::take(&mut self.line);
        let ended = self.end_line(&line)?;
        let is_pending = self.event != Event::default();
        Ok(ended.or_else(|| is_pending.then(|| self.take_event())))
    }

    /// Takes in a whole line, and gives the event that ends with it.
    fn end_line(&mut self, line: &str) -> Result<Option<Event>, TooLarge> {
        if line.is_empty() {
            let is_empty = self.event == Event::default();
            return Ok((!is_empty).then(|| self.take_event()));
        }
        if is_done(line) {
            return Ok(Some(self.take_last_event()));
        }
        let (field, value) = split_field(line);
        match field {
            "data" if is_done(value) => return Ok(Some(self.take_last_event())),
            "data" => {
                let held = self.event.data.as_ref().map_or(0, |data| data.len() + 1);
                check_size(held + value.len())?;
                match &mut self.event.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    None => self.event.data = Some(value.to_owned()),
                }
                self.pending.line_ended();
            }
            "event" => {
                value.clone_into(&mut self.event.name);
                self.event.is_last |= TERMINAL_NAMES.contains(&value);
            }
            _ => {}
        }
        Ok(None)
    }

    /// Ends the line and the event with the message, if what is pending is whole by itself or ends
    /// the reply.
    fn end_message(&mut self) -> Result<Option<Event>, TooLarge> {
        // After a terminal name the event's data, if any, was to be in the same message.
        if self.event.is_last || self.line_is_whole() {
            let line = std::mem::take(&mut self.line);
            let ended = if line.is_empty() {
                None
            } else {
                self.end_line(&line)?
            };
            return Ok(Some(ended.unwrap_or_else(|| self.take_event())));
        }
        Ok(self.data_ends_reply().then(|| self.take_event()))
    }

    fn line_is_whole(&mut self) -> bool {
        let line = self.line.as_str();
        let without_space = |value: &'_ str| value.strip_prefix(' ').map_or(0, |_| 1);
        if let Some(value) = line.strip_prefix("data:") {
            let value = &value[without_space(value)..];
            return is_done(value) || self.pending.is_whole(self.event.data.as_deref(), value);
        }
        if let Some(name) = line.strip_prefix("event:") {
            return TERMINAL_NAMES.contains(&&name[without_space(name)..]);
        }
        is_done(line)
    }

    /// Whether the last line of data is an object that says that nothing more comes: the blank line
    /// after it is not waited for. Each line is looked at once.
    fn data_ends_reply(&mut self) -> bool {
        let Some(data) = &self.event.data else {
            return false;
        };
        if self.looked_at == data.len() {
            return false;
        }
        self.looked_at = data.len();
        let last = data.rsplit('\n').next().unwrap_or_default();
        let is_end = |text| serde_json::from_str(text).is_ok_and(|value| ends_reply(&value));
        is_end(last) || (last.len() < data.len() && last.ends_with('}') && is_end(data))
    }

    fn take_event(&mut self) -> Event {
        self.pending = PendingData::default();
        self.looked_at = 0;
        std::mem::take(&mut self.event)
    }

    fn take_last_event(&mut self) -> Event {
        Event {
            is_last: true,
            ..self.take_event()
        }
    }
}

/// A field's name and value; a line without a colon is a field without a value.
fn split_field(line: &str) -> (&str, &str) {
    let (field, value) = line.split_once(':').unwrap_or((line, ""));
    (field, value.strip_prefix(' ').unwrap_or(value))
}

/// Whether a value or a bare line says that the reply ends.
fn is_done(text: &str) -> bool {
    text.strip_prefix(DONE)
        .is_some_and(|rest| rest.trim_start().is_empty())
}

fn check_size(bytes: usize) -> Result<(), TooLarge> {
    if bytes > MAX_EVENT_BYTES {
        Err(TooLarge)
    } else {
        Ok(())
    }
}

/// Whether a text is one JSON value.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
