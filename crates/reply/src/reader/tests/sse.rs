//! Server-sent events, cut into messages.

use super::*;

#[test]
fn lines_are_put_together_to_sse_events() {
    check(&[
        (&["data: {\"chunk\":\"a\"}\n"], &["a"], false),
        (&["data: a\r", "\ndata: b\r\n\r\n"], &["a\nb"], false),
        (&["data: a\rdata: b\r\r"], &["a\nb"], false),
        (
            &["data\n\n", "data: a\n\n"],
            &["data\n\n", "data: a\n\n"],
            false,
        ),
        (&[":\n\ndata\ndata: a\n\n"], &["\na"], false),
        (&["\u{feff}\r\n\ndata: a\n\n"], &["a"], false),
        (&["\u{feff}", "\n", "da", "ta: a\n\n"], &["a"], false),
        (&["retry: 5\n\n", "data: a\n\n"], &["a"], false),
        (&["data: \n\n", "data:\n\n", "data: a\n\n"], &["a"], false),
        (&["data: 1\ndata: 2\n\n"], &["1", "2"], false),
        (
            &["data: {\ndata: \"chunk\":\ndata: \"a\"}\n\n"],
            &["a"],
            false,
        ),
        (
            &["data: {\ndata: \"chunk\":", "\ndata: \"a\"}"],
            &["a"],
            false,
        ),
        (&["data: true\n\n", "data: a\n\n"], &["true", "a"], false),
        (&["data: [1]\n\n", "data: a\n\n"], &["a"], false),
    ]);
}

#[test]
fn a_terminal_name_or_done_ends_the_reply() {
    check(&[
        (&["event: done"], &[], true),
        (&["event: done\ndata: {\"text\":\"b\"}\n\n"], &["b"], true),
        (&["data: b\nevent: end\n"], &["b"], true),
        (&["event: done\n", "data: late\n\n"], &[], true),
        (&["event: dones\n\n", "data: a\n\n"], &["a"], false),
        (&["data: a\ndata: [DONE]\n"], &["a"], true),
        (&["data: a\ndata: [DONE]"], &["a"], true),
        (&["data: [DO", "NE]"], &[], true),
        (&["data:[DONE]\n"], &[], true),
        (&["data: a\n", "[DONE]"], &["a"], true),
        (&["data: a\n[DONE]"], &["a"], true),
        (&["data: a\n[DONE]\n"], &["a"], true),
        (&[":\n[DONE]\n"], &[], true),
        (
            &["data: {\"type\":\"done\",\"text\":\"a\"}\n\n"],
            &["a"],
            true,
        ),
        (
            &["data: {\"chunk\":\"a\"}\n\ndata: [DONE]\n\ndata: b\n\n"],
            &["a"],
            true,
        ),
        (
            &["data: {\"chunk\":\"a\"}\ndata: {\"chunk\":\"b\"}", "[DONE]"],
            &["a", "b"],
            true,
        ),
        (&["data: {\"type\":\"done\"}\n"], &[], true),
        (
            &["data: {\"type\":\"done\",\"text\":\"x\"}\r\n"],
            &["x"],
            true,
        ),
        (
            &["data: {\"chunk\":\"a\"}\ndata: {\"type\":\"end\"}\n"],
            &["a"],
            true,
        ),
        (
            &["data: {\n", "data: \"type\":\"end\"\n", "data: }\n"],
            &[],
            true,
        ),
        (&["data: {\"type\":\"done\"}\nid: 3"], &[], true),
        (&["event: done\ndata: bye"], &["bye"], true),
        (&["event: done\ndata: 42"], &["42"], true),
    ]);
}

#[test]
fn a_line_without_its_end_goes_on_unless_the_next_message_shows_that_it_does_not() {
    check(&[
        (
            &["data: nullable", " thing\n\n"],
            &["nullable thing"],
            false,
        ),
        (&["data: null", "able\n\n"], &["nullable"], false),
        (&["data: 4", "2 apples\n\n"], &["42 apples"], false),
        (&["data: 42", "data: 43"], &["42", "43"], false),
        (&["data: 42", "[DONE]"], &["42"], true),
        (&["data: a", ": b\n\n"], &["a: b"], false),
        (&["data: {\"chunk\"", ":\"a\"}\n\n"], &["a"], false),
        (
            &["data: {\"chunk\":\"see ", "data: x\"}\n\n"],
            &["see data: x"],
            false,
        ),
        (
            &["data: {\"chunk\":\"a\"", "data: b\n\n"],
            &["{\"chunk\":\"a\"", "b"],
            false,
        ),
        (&["event: message", "data: a\n\n"], &["a"], false),
        (&[": hi", "data: a\n\n"], &["a"], false),
        (&["id: 4", "data: a\n\n"], &["a"], false),
        (&["data:", " a\n\n"], &["a"], false),
        (&["data: hello", "[DONE]"], &["hello"], true),
        (&[": keep-alive", "[DONE]"], &[], true),
        (
            &["data: {\"chunk\":\"", "[DONE]", "\"}\n\n"],
            &["[DONE]"],
            false,
        ),
    ]);
    let (pieces, end) = read(&["event: error", "data: the agent's own words\n\n"], true);
    assert_eq!((pieces, end), (vec![], Some(End::AgentError)));
}

/// The value is whole before its line is, and so read at once. Found by the fuzzer.
#[test]
fn white_space_behind_a_value_may_come_with_the_next_message() {
    check(&[
        (
            &["data: {\"chunk\":\"a\"}", " \t\n\ndata: [DONE]\n\n"],
            &["a"],
            true,
        ),
        (
            &[
                "data: {\"chunk\":\"a\"}",
                " \r\n\r\n",
                "data: {\"chunk\":\"b\"}\n\n",
            ],
            &["a", "b"],
            false,
        ),
        // What is a token of text stays one.
        (
            &["data: {\"chunk\":\"a\"}\n\n", " \n\nword"],
            &["a", " \n\nword"],
            false,
        ),
    ]);
}
