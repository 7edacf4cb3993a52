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
