//! Messages that are no events: JSON, or text.

use super::*;

#[test]
fn bare_messages_are_values_or_text() {
    check(&[
        (
            &["{\"chunk\":\"a\"}", "\n", "{\"chunk\":\"b\"}\n"],
            &["a", "b"],
            false,
        ),
        (&["{\n \"chunk\": \"a\"\n}\n"], &["a"], false),
        (&["\"a\"\"b\" [\"c\"]"], &["a", "b", "c"], false),
        (
            &["{\"chunk\":\"a\"}{\"chu", "nk\":\"b\"}", "[DONE]\n"],
            &["a", "b"],
            true,
        ),
        (&["{\"chunk\":\"a\"}\n[DONE]"], &["a"], true),
        (&["Hello\n[DONE]\n"], &["Hello\n"], true),
        (&["Hello [DONE]"], &["Hello [DONE]"], false),
        (&["{\"chunk\":"], &["{\"chunk\":"], false),
        (&["{", "{\"chunk\":\"a\"}"], &["{", "a"], false),
        (&["[", "see", "]"], &["[", "see", "]"], false),
        (&["[", "D", "ONE]"], &[], true),
        (&["[", "DON", "'T]"], &["[", "DON", "'T]"], false),
        (&["[1]"], &["[1]"], false),
        (&["[1]", "\"a\""], &["[1]", "\"a\""], false),
        (
            &["see [1", "] ", "there"],
            &["see [1", "] ", "there"],
            false,
        ),
        (
            &["see ", "[1", "] ", "there"],
            &["see ", "[1", "] ", "there"],
            false,
        ),
        (
            &["a", "{\"chunk\":\"b\"}", "\"c\""],
            &["a", "b", "\"c\""],
            false,
        ),
        (&["true", " 1"], &["true", " 1"], false),
        (&["\n\n", "Hello"], &["\n\n", "Hello"], false),
        (&["d", "a", "nke"], &["d", "a", "nke"], false),
        (&["data", " is"], &["data", " is"], false),
        (&["data"], &["data"], false),
        (&["\n"], &["\n"], false),
        (&["a", "\n", "b"], &["a", "\n", "b"], false),
        (
            &["{\"type\":\"message_stop\"}", "{\"text\":\"late\"}"],
            &[],
            true,
        ),
        (&["\"\\ud800\""], &["\u{fffd}"], false),
        (&["\"\\b\\f\\r\""], &["\u{8}\u{c}\r"], false),
        (&["\"\\u12x4\""], &["\"\\u12x4\""], false),
        (
            &["{\"a\":\"\\u12", "x4\"}"],
            &["{\"a\":\"\\u12", "x4\"}"],
            false,
        ),
        (&["{\"\":1,\"chunk\":\"a\"}"], &["a"], false),
        (&["", "a", ""], &["a"], false),
        (&["\u{feff}{\"chunk\":\"a\"}"], &["a"], false),
        (&["\u{feff}", "{\"chunk\":\"a\"}"], &["a"], false),
    ]);
}

#[test]
fn a_bare_message_among_events_is_bare_and_the_events_go_on() {
    check(&[
        (
            &["data: a\n\n", "{\"text\":\"b\"}", "data: c\n\n"],
            &["a", "b", "c"],
            false,
        ),
        (
            &["data: a\n\n", "b", "data: c\n\n"],
            &["a", "b", "c"],
            false,
        ),
        (&["{\"text\":\"a\"}", "data: b\n\n"], &["a", "b"], false),
        (&["data: a\n\n", "[DONE]"], &["a"], true),
        (&["data: a\n\n", "{\"type\":", "\"done\"}"], &["a"], true),
        (
            &["data: a\n\n", "\n", "foo: x\n"],
            &["a", "foo: x\n"],
            false,
        ),
        (&["data: a\n\n", "re", "ally"], &["a", "re", "ally"], false),
    ]);
}

#[test]
fn structured_output_and_arrays_without_text_are_told_as_they_came() {
    check(&[
        (&["{\"a\":1}\n"], &["{\"a\":1}\n"], false),
        (&["\n{\"a\": [1]} \r\n"], &["\n{\"a\": [1]} \r\n"], false),
        (&["{\"a\":", " 1}\n"], &["{\"a\": 1}\n"], false),
        (&["[1]\n", "[2]"], &["[1]\n", "[2]"], false),
        (&["{\"chunk\":\"A\"}\n{\"a\":1}\n"], &["A"], false),
    ]);
}

#[test]
fn what_waits_for_the_next_message_is_told_as_it_stands_or_goes_on() {
    let chunk = r#"{"chunk":"a"}"#;
    for (messages, closed, expected) in [
        // The beginning of a field of SSE, and white space: after SSE, after values, before text.
        (&["data: a\n\n", "da"][..], true, &["a", "da"][..]),
        (&["data: a\n\n", "da", "ta: b\n\n"], true, &["a", "b"]),
        (&["data: a\n\n", " "], true, &["a"]),
        (&[chunk, "da"], true, &["a", "da"]),
        (&[chunk, " "], true, &["a"]),
        (&[chunk, " ", chunk], true, &["a", "a"]),
        (&[" ", "Hi"], true, &[" ", "Hi"]),
        (&["Hi ", "{hello}"], true, &["Hi ", "{hello}"]),
        // Data whose last line comes in pieces is whole without a blank line.
        (
            &["data: {\"chunk\":\ndata: \"a", " b", " c\"}"],
            false,
            &["a b c"],
        ),
        (&["data: {\"chunk\":\ndata: \"a\"", "}"], false, &["a"]),
        (
            &[
                "data: {\"chunk\":\"a\"}\ndata: {\"chunk\":\"b\"}\ndata: {\"chunk\":\"c",
                "d",
                "e\"}",
            ],
            false,
            &["a", "b", "cde"],
        ),
        (&["data: {\ndata: hello }"], false, &[]),
    ] {
        let (pieces, _) = read(messages, closed);
        assert_eq!(pieces, expected, "{messages:?}");
    }
}
