//! Server-sent events out of messages that may be cut anywhere.
//!
//! The line and field rules are those of the HTML Standard, section 9.2.6. What is added is what
//! WebSocket messages need: agents often leave out the newlines, since the message's end says the
//! same, and a line may just as well go on in the next message.

use std::ops::Range;

use memchr::memchr2;

use super::pending::PendingData;
use super::{BYTE_ORDER_MARK, Broken, DONE, MAX_BYTES};
use crate::names::is_terminal_name;

/// The fields whose name, at the beginning of a message, tells an event stream from other text.
const FIELDS: [&str; 4] = ["data:", "event:", "id:", "retry:"];

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
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(message)
        .trim_start_matches(['\r', '\n'])
}

fn begins_field(text: &str) -> bool {
    FIELDS.iter().any(|field| text.starts_with(field))
}

/// An event that has ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) data: Data,
    /// It says that the reply ends with it.
    pub(super) is_last: bool,
}

/// Where the data of an event is: the values of `data:`, joined by newlines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Data {
    #[default]
    None,
    /// In the message, since it came in one line.
    Here(Range<usize>),
    /// In [`Events::swap_data`].
    Joined,
}

/// Puts lines together to events.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each answers a question of its own about the line or the event at hand"
)]
pub(super) struct Events {
    /// A line whose end has not come.
    line: String,
    /// The line began with an earlier message.
    line_is_older: bool,
    /// The last line ended with a carriage return, of which a newline may still be part.
    after_carriage_return: bool,
    /// The value of `event:` of the event at hand, or of the last one.
    name: String,
    /// The event at hand has a field that counts.
    has_begun: bool,
    /// The name of the event at hand says that nothing comes after it.
    is_terminal: bool,
    data: Data,
    /// The data where it is `Joined`.
    joined: String,
    /// What is known of data whose line has not ended; most lines end.
    pending: Option<Box<PendingData>>,
    /// How much of the data is known not to end the reply.
    looked_at: usize,
}

impl Events {
    /// Whether neither a line nor an event has begun that is not over.
    pub(super) fn is_idle(&self) -> bool {
        self.line.is_empty() && !self.has_begun
    }

    /// The name of the last event; empty where it had none, or `message`, which says no more.
    pub(super) fn name(&self) -> &str {
        match self.name.as_str() {
            "message" => "",
            name => name,
        }
    }

    /// The data of the event at hand, between messages.
    pub(super) fn pending(&self) -> &str {
        &self.joined
    }

    /// Gives the data that is `Joined`, for a buffer to use again.
    pub(super) fn swap_data(&mut self, data: &mut String) {
        std::mem::swap(&mut self.joined, data);
        self.joined.clear();
        self.joined.shrink_to(1 << 16);
    }

    /// To be asked before each message: whether the pending line, and the event where it has data,
    /// have ended since the message cannot go on with it.
    pub(super) fn ends_before(&self, message: &str) -> bool {
        if self.line.is_empty() {
            return self.has_begun && is_done(message) && self.data != Data::None;
        }
        let is_data = self.line.starts_with("data:");
        if let Some(field) = FIELDS.iter().find(|field| message.starts_with(*field)) {
            return !(is_data && self.can_go_on_with(field));
        }
        if is_done(message) {
            return !(is_data && self.can_go_on_with(DONE));
        }
        // A number or a word could be the beginning of a longer text. Not so before a value.
        is_data
            && self
                .pending
                .as_ref()
                .is_some_and(|pending| pending.is_whole_scalar())
            && message.trim_start().starts_with(['{', '[', '"'])
    }

    fn can_go_on_with(&self, text: &str) -> bool {
        let pending = self.pending.as_ref();
        pending.is_some_and(|pending| pending.can_go_on_with(text.as_bytes()))
    }

    /// Ends the pending line, and the event where it has data. An event without data goes on.
    pub(super) fn end_now(&mut self) -> Result<Option<Found>, Broken> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty()
            && let Some(found) = self.end_line(&line, None, "")?
        {
            return Ok(Some(found));
        }
        Ok((self.data != Data::None).then(|| self.end_event(false)))
    }

    /// Ends all at the end of the reply.
    pub(super) fn finish(&mut self) -> Result<Option<Found>, Broken> {
        let found = self.end_now()?;
        Ok(found.or_else(|| self.has_begun.then(|| self.end_event(false))))
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
    ) -> Result<Option<Found>, Broken> {
        let bytes = message.as_bytes();
        while *at < bytes.len() {
            if std::mem::take(&mut self.after_carriage_return) && bytes[*at] == b'\n' {
                *at += 1;
                continue;
            }
            let start = *at;
            let rest = &message[start..];
            // Every event ends with a blank line, for which no search is needed.
            let line_end = match bytes[start] {
                b'\n' => Some(0),
                _ => memchr2(b'\n', b'\r', rest.as_bytes()),
            };
            let Some(length) = line_end else {
                check_size(self.line.len() + rest.len())?;
                self.line_is_older = !self.line.is_empty();
                self.line.push_str(rest);
                *at = bytes.len();
                break;
            };
            self.after_carriage_return = rest.as_bytes()[length] == b'\r';
            *at += length + 1;
            let found = if self.line.is_empty() {
                check_size(length)?;
                self.end_line(&rest[..length], Some(start), message)?
            } else {
                check_size(self.line.len() + length)?;
                self.line.push_str(&rest[..length]);
                let line = std::mem::take(&mut self.line);
                let found = self.end_line(&line, None, message)?;
                self.reuse(line);
                found
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        self.keep_data(message);
        if splits_character {
            return Ok(None);
        }
        self.end_message()
    }

    /// Takes in a whole line, which begins at `start` if all of it is in the message, and gives the
    /// event that ends with it.
    fn end_line(
        &mut self,
        line: &str,
        start: Option<usize>,
        message: &str,
    ) -> Result<Option<Found>, Broken> {
        if line.is_empty() {
            return Ok(self.has_begun.then(|| self.end_event(false)));
        }
        if let Some(value) = line.strip_prefix("data:") {
            let value = value.strip_prefix(' ').unwrap_or(value);
            if is_done(value) {
                return Ok(Some(self.end_event(true)));
            }
            let start = start.map(|start| start + line.len() - value.len());
            self.push_data(value, start, message)?;
            return Ok(None);
        }
        if is_done(line) {
            return Ok(Some(self.end_event(true)));
        }
        let (field, value) = split_field(line);
        match field {
            "data" => self.push_data(value, None, message)?,
            "event" => {
                self.begin();
                value.clone_into(&mut self.name);
                self.is_terminal = is_terminal_name(value);
            }
            _ => {}
        }
        Ok(None)
    }

    fn begin(&mut self) {
        if !self.has_begun {
            self.has_begun = true;
            self.name.clear();
            self.is_terminal = false;
        }
    }

    fn push_data(
        &mut self,
        value: &str,
        start: Option<usize>,
        message: &str,
    ) -> Result<(), Broken> {
        self.begin();
        match (&self.data, start) {
            // The first line stays where it is: it need not be copied if the event ends here too.
            (Data::None, Some(start)) => self.data = Data::Here(start..start + value.len()),
            (Data::None, None) => {
                self.joined.push_str(value);
                self.data = Data::Joined;
            }
            (Data::Here(_) | Data::Joined, _) => {
                self.keep_data(message);
                check_size(self.joined.len() + value.len() + 1)?;
                self.joined.push('\n');
                self.joined.push_str(value);
            }
        }
        if let Some(pending) = &mut self.pending {
            pending.line_ended();
        }
        Ok(())
    }

    /// Keeps data for longer than the message that it is in.
    fn keep_data(&mut self, message: &str) {
        if let Data::Here(place) = &self.data {
            self.joined.clear();
            self.joined.push_str(&message[place.clone()]);
            self.data = Data::Joined;
        }
    }

    /// Ends the line and the event with the message, if what is pending is whole by itself or ends
    /// the reply.
    fn end_message(&mut self) -> Result<Option<Found>, Broken> {
        // After a terminal name the event's data, if any, was to be in the same message.
        if self.is_terminal && self.has_begun || self.line_is_whole() {
            let line = std::mem::take(&mut self.line);
            let found = if line.is_empty() {
                None
            } else {
                self.end_line(&line, None, "")?
            };
            return Ok(Some(found.unwrap_or_else(|| self.end_event(false))));
        }
        Ok(None)
    }

    fn line_is_whole(&mut self) -> bool {
        let line = self.line.as_str();
        let without_space = |value: &'_ str| value.strip_prefix(' ').map_or(0, |_| 1);
        if let Some(value) = line.strip_prefix("data:") {
            let value = &value[without_space(value)..];
            let lines = (self.data == Data::Joined).then_some(self.joined.as_str());
            let pending = self.pending.get_or_insert_default();
            return is_done(value) || pending.is_whole(lines, value);
        }
        if let Some(name) = line.strip_prefix("event:") {
            // A name that comes in pieces may go on: `final`, then `_result`.
            return !self.line_is_older && is_terminal_name(&name[without_space(name)..]);
        }
        is_done(line)
    }

    /// The data of the event at hand, or its last line, where that is a whole object that may end
    /// the reply: the blank line after it is not waited for. Each line is looked at once.
    pub(super) fn perhaps_whole(&mut self) -> Option<Range<usize>> {
        if self.data != Data::Joined {
            return None;
        }
        let data = self.joined.as_str();
        if self.looked_at == data.len() {
            return None;
        }
        self.looked_at = data.len();
        let is_object = |text: &str| text.starts_with('{') && text.trim_end().ends_with('}');
        let start = data.rfind('\n').map_or(0, |newline| newline + 1);
        if is_object(&data[start..]) {
            return Some(start..data.len());
        }
        let is_whole = self.pending.get_or_insert_default().is_joined_whole(data);
        (is_whole && is_object(data)).then_some(0..data.len())
    }

    fn end_event(&mut self, is_last: bool) -> Found {
        self.pending = None;
        self.looked_at = 0;
        if !std::mem::take(&mut self.has_begun) {
            self.name.clear();
        }
        self.is_terminal = false;
        Found {
            data: std::mem::take(&mut self.data),
            is_last,
        }
    }

    /// Keeps the memory of a line for the next one.
    fn reuse(&mut self, mut line: String) {
        line.clear();
        if self.line.is_empty() && line.capacity() <= 1 << 16 {
            self.line = line;
        }
    }
}

/// A field's name and value; a line without a colon is a field without a value.
fn split_field(line: &str) -> (&str, &str) {
    let colon = memchr::memchr(b':', line.as_bytes());
    let (field, value) = colon.map_or((line, ""), |at| (&line[..at], &line[at + 1..]));
    (field, value.strip_prefix(' ').unwrap_or(value))
}

/// Whether a value or a bare line says that the reply ends.
fn is_done(text: &str) -> bool {
    text.strip_prefix(DONE)
        .is_some_and(|rest| rest.trim_start().is_empty())
}

fn check_size(bytes: usize) -> Result<(), Broken> {
    if bytes > MAX_BYTES {
        Err(Broken::TooLarge)
    } else {
        Ok(())
    }
}
