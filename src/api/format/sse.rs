//! The framing of server-sent events, for all formats that use them.
//!
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>

use std::io::{self, Write};

use http::{HeaderName, HeaderValue, header};
use serde::Serialize;
use serde_json::ser::Formatter;

pub(super) const CONTENT_TYPE: (HeaderName, HeaderValue) = (
    header::CONTENT_TYPE,
    HeaderValue::from_static("text/event-stream; charset=utf-8"),
);

/// The last event of most streams.
pub(super) const DONE: &[u8] = b"data: [DONE]\n\n";

/// Appends an unnamed event.
pub(super) fn push_data(out: &mut Vec<u8>, data: &impl Serialize) {
    out.extend_from_slice(b"data: ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, OneLine);
    // Formats write structs of strings, numbers and booleans, which always serialize.
    let _ = data.serialize(&mut serializer);
    out.extend_from_slice(b"\n\n");
}

/// Appends a named event.
pub(super) fn push_event(out: &mut Vec<u8>, name: &str, data: &impl Serialize) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.push(b'\n');
    push_data(out, data);
}

/// Writes JSON on one line, whoever counts its lines: some readers of events take U+0085, U+2028
/// and U+2029 for line ends, which the specification does not.
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let bytes = fragment.as_bytes();
        let mut written = 0;
        for at in memchr::memchr2_iter(0xc2, 0xe2, bytes) {
            let (escape, length): (&[u8], _) = match bytes[at..] {
                [0xc2, 0x85, ..] => (br"\u0085", 2),
                [0xe2, 0x80, 0xa8, ..] => (br"\u2028", 3),
                [0xe2, 0x80, 0xa9, ..] => (br"\u2029", 3),
                _ => continue,
            };
            out.write_all(&bytes[written..at])?;
            out.write_all(escape)?;
            written = at + length;
        }
        out.write_all(&bytes[written..])
    }

    /// JSON that an agent wrote: between its values there may be line ends, within its strings none.
    fn write_raw_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for (n, line) in fragment.split(['\n', '\r']).enumerate() {
            if n > 0 {
                out.write_all(b" ")?;
            }
            self.write_string_fragment(out, line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn written(data: &impl Serialize) -> String {
        let mut out = Vec::new();
        push_data(&mut out, data);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_event_is_one_line_for_every_reader() {
        let text = "a\u{85}b\u{2028}\u{2029}c\nd\u{2027}\u{a3}é\u{e285}";
        let event = written(&text);
        let expected = "data: \"a\\u0085b\\u2028\\u2029c\\nd\u{2027}\u{a3}é\u{e285}\"\n\n";
        assert_eq!(event, expected);
        let json = event.trim_start_matches("data: ").trim_end();
        assert_eq!(serde_json::from_str::<String>(json).unwrap(), text);
    }

    #[test]
    fn json_of_an_agent_keeps_its_value_and_loses_its_lines() {
        let json = "{\r\n  \"a\": [\n1.50, \"\u{2028}\"\n]\n}";
        let event = written(&serde_json::from_str::<&RawValue>(json).unwrap());
        let data = event
            .strip_prefix("data: ")
            .unwrap()
            .strip_suffix("\n\n")
            .unwrap();
        assert!(!data.contains(['\n', '\r', '\u{2028}']), "{data}");
        assert!(data.contains("1.50"));
        let value = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(value(data), value(json));
    }
}
