//! Server-sent events (SSE), put together from messages that may be cut anywhere.
//!
//! The line and field rules are those of the HTML Standard, section 9.2.6. What is added is what
//! WebSocket messages need: agents often leave out the newlines, since the message's end says the
//! same, and a line may just as well go on in the next message.

use std::ops::Range;

use memchr::memchr2;

use super::frame::Broken;
use super::pending::PendingData;
use super::sse_line::{FIELDS, is_done, split_field};
use super::{DONE, MAX_BYTES};
use crate::names::is_terminal_name;

/// An SSE event that has ended. Its name is [`SseParser::name`], its data [`SseParser::take_data`]:
/// they stay there, since this is handed up from function to function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SseEvent {
    /// It says that the reply ends with it.
    pub(super) is_last: bool,
}

/// Where the data of an SSE event is: the values of its `data:` fields, joined by newlines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum SseData {
    #[default]
    None,
    /// In the message, since it came in one line.
    InMessage(Range<usize>),
    /// In [`SseParser::swap_data`].
    Joined,
}

/// Puts lines together to SSE events.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each answers a question of its own about the line or the SSE event at hand"
)]
pub(super) struct SseParser {
    /// A line whose end has not come.
    line: String,
    /// That line began with an earlier message.
    line_is_older: bool,
    /// The last line ended with a carriage return: a newline that follows belongs to it.
    after_carriage_return: bool,
    /// The value of `event:` of the SSE event at hand, or of the last one.
    name: String,
    /// The SSE event at hand has a field that counts.
    has_begun: bool,
    /// The name of the SSE event at hand says that nothing comes after it.
    is_terminal: bool,
    data: SseData,
    /// The data where it is `Joined`.
    joined: String,
    /// What is known of data whose line has not ended. Most lines end with their message, and need
    /// none.
    pending: Option<Box<PendingData>>,
    /// How much of the data is known not to end the reply.
    looked_at: usize,
}

impl SseParser {
    /// Whether no line and no SSE event has begun whose end has not come.
    pub(super) fn is_idle(&self) -> bool {
        self.line.is_empty() && !self.has_begun
    }

    /// Whether there is data whose SSE event has not ended.
    pub(super) fn holds_data(&self) -> bool {
        let value = self.line.strip_prefix("data:").unwrap_or_default();
        !value.trim().is_empty() || !self.joined.trim().is_empty()
    }

    /// The name of the last SSE event; empty where it had none. `message` is the standard's word
    /// for none.
    pub(super) fn name(&self) -> &str {
        match self.name.as_str() {
            "message" => "",
            name => name,
        }
    }

    /// The data so far of the SSE event whose end has not come.
    pub(super) fn open_data(&self) -> &str {
        &self.joined
    }

    /// The data of the SSE event that has ended.
    pub(super) fn take_data(&mut self) -> SseData {
        std::mem::take(&mut self.data)
    }

    /// Swaps the data that is `Joined` for a buffer to use again.
    pub(super) fn swap_data(&mut self, data: &mut String) {
        std::mem::swap(&mut self.joined, data);
        self.joined.clear();
        self.joined.shrink_to(1 << 16);
    }

    /// Whether the line whose end has not come has ended before this message, since the message
    /// cannot go on with it. With it ends the SSE event, where it has data. Asked before each
    /// message.
    pub(super) fn ends_before(&self, message: &str) -> bool {
        if self.line.is_empty() {
            return self.has_begun && is_done(message) && self.data != SseData::None;
        }
        let is_data = self.line.starts_with("data:");
        if let Some(field) = FIELDS.iter().find(|field| message.starts_with(*field)) {
            return !(is_data && self.can_go_on_with(field));
        }
        if is_done(message) {
            return !(is_data && self.can_go_on_with(DONE));
        }
        // A number or a word could be the beginning of a longer text, but not before a JSON value.
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

    /// Ends the line at hand, and the SSE event where it has data. Without data it goes on.
    pub(super) fn end_now(&mut self) -> Result<Option<SseEvent>, Broken> {
        let found = self.end_last_line()?;
        Ok(found.or_else(|| (self.data != SseData::None).then(|| self.end_event(false))))
    }

    /// Ends the line and the SSE event at hand, since the reply is over.
    pub(super) fn finish(&mut self) -> Result<Option<SseEvent>, Broken> {
        let found = self.end_now()?;
        Ok(found.or_else(|| self.has_begun.then(|| self.end_event(false))))
    }

    /// Reads on in `message` from `at`, to the end of the next SSE event or of the message.
    ///
    /// `splits_character` says that a character goes on in the next message, so that the last line
    /// cannot end with this one.
    pub(super) fn read(
        &mut self,
        message: &str,
        at: &mut usize,
        splits_character: bool,
    ) -> Result<Option<SseEvent>, Broken> {
        let bytes = message.as_bytes();
        while *at < bytes.len() {
            if std::mem::take(&mut self.after_carriage_return) && bytes[*at] == b'\n' {
                *at += 1;
                continue;
            }
            let start = *at;
            let rest = &message[start..];
            // Most SSE events end with a blank line, for which no search is needed.
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

    /// Takes in a whole line; gives the SSE event that ends with it. `start` is where the line
    /// begins in the message, if all of it is there.
    fn end_line(
        &mut self,
        line: &str,
        start: Option<usize>,
        message: &str,
    ) -> Result<Option<SseEvent>, Broken> {
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

    /// Takes in the line whose end has not come, where there is one.
    fn end_last_line(&mut self) -> Result<Option<SseEvent>, Broken> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return Ok(None);
        }
        self.end_line(&line, None, "")
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
            // The first line stays where it is: it is not copied where its SSE event ends here too.
            (SseData::None, Some(start)) => {
                self.data = SseData::InMessage(start..start + value.len());
            }
            (SseData::None, None) => {
                self.joined.push_str(value);
                self.data = SseData::Joined;
            }
            (SseData::InMessage(_) | SseData::Joined, _) => {
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

    /// Copies data out of the message that it is in, since it is needed for longer.
    fn keep_data(&mut self, message: &str) {
        if let SseData::InMessage(place) = &self.data {
            self.joined.clear();
            self.joined.push_str(&message[place.clone()]);
            self.data = SseData::Joined;
        }
    }

    /// Ends the line and the SSE event with the message, if the line is whole by itself or ends the
    /// reply.
    fn end_message(&mut self) -> Result<Option<SseEvent>, Broken> {
        // After a terminal name no other message is waited for, though it might have the data.
        if self.is_terminal && self.has_begun || self.line_is_whole() {
            let found = self.end_last_line()?;
            return Ok(Some(found.unwrap_or_else(|| self.end_event(false))));
        }
        Ok(None)
    }

    fn line_is_whole(&mut self) -> bool {
        let line = self.line.as_str();
        let without_space = |value: &'_ str| value.strip_prefix(' ').map_or(0, |_| 1);
        if let Some(value) = line.strip_prefix("data:") {
            let value = &value[without_space(value)..];
            let lines = (self.data == SseData::Joined).then_some(self.joined.as_str());
            let pending = self.pending.get_or_insert_default();
            return is_done(value) || pending.is_whole(lines, value);
        }
        if let Some(name) = line.strip_prefix("event:") {
            // A name that comes in pieces may go on: after `final`, `_result`, and after `final_` it does.
            let goes_on = self.line_is_older || name.ends_with(['_', '-', '.', ' ']);
            return !goes_on && is_terminal_name(&name[without_space(name)..]);
        }
        is_done(line)
    }

    /// Where the open data has a whole object, in all or in its last line: it may end the reply,
    /// and then the blank line after it is not waited for. Each line is looked at once.
    pub(super) fn whole_object(&mut self) -> Option<Range<usize>> {
        if self.data != SseData::Joined {
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

    fn end_event(&mut self, is_last: bool) -> SseEvent {
        self.pending = None;
        self.looked_at = 0;
        if !std::mem::take(&mut self.has_begun) {
            self.name.clear();
        }
        self.is_terminal = false;
        SseEvent { is_last }
    }

    /// Keeps the memory of a line for the next.
    fn reuse(&mut self, mut line: String) {
        line.clear();
        if self.line.is_empty() && line.capacity() <= 1 << 16 {
            self.line = line;
        }
    }
}

fn check_size(bytes: usize) -> Result<(), Broken> {
    if bytes > MAX_BYTES {
        Err(Broken::TooLarge)
    } else {
        Ok(())
    }
}
