use proptest::prelude::*;

use super::*;

/// The pieces of a reply and its end; `None` where the connection must be read on.
fn read(messages: &[&str], closed: bool) -> (Vec<String>, Option<End>) {
    let mut reader = ReplyReader::default();
    let mut pieces = Vec::new();
    for message in messages {
        reader.push_text(message);
        if let Some(end) = drain(&mut reader, &mut pieces) {
            return (pieces, Some(end));
        }
    }
    if closed {
        reader.finish();
    }
    let end = drain(&mut reader, &mut pieces);
    (pieces, end)
}

fn drain(reader: &mut ReplyReader, pieces: &mut Vec<String>) -> Option<End> {
    for step in reader.by_ref() {
        match step {
            Step::Text(piece) => pieces.push(piece),
            Step::End(end) => return Some(end),
            _ => {}
        }
    }
    None
}

/// Each case: messages, then the pieces, and whether the reply ended before the close.
fn check(cases: &[(&[&str], &[&str], bool)]) {
    for (messages, expected, ends) in cases {
        let (pieces, end) = read(messages, !ends);
        assert_eq!(pieces, *expected, "{messages:?}");
        assert_eq!(end, Some(End::Complete), "{messages:?}");
    }
}

#[test]
fn a_subgraphs_message_is_told_once_and_another_with_the_same_words_again() {
    let update = |namespace: &str, node: &str, id: &str| {
        format!(
            r#"[{namespace},{{"{node}":{{"messages":[{{"type":"ai","content":"Yes.","id":"{id}"}}]}}}}]"#
        )
    };
    let inner = update(r#"["child:1"]"#, "inner", "m1");
    let outer = update("[]", "child", "m1");
    let other = update("[]", "other", "m2");
    let (pieces, _) = read(&[&inner, &outer, &other], true);
    assert_eq!(pieces, ["Yes.", "Yes."]);
}

#[test]
fn events_end_where_they_end() {
    check(&[
        (&["data: {\"chunk\":\"a\"}\n"], &["a"], false),
        (&["data: a\r", "\ndata: b\r\n\r\n"], &["a\nb"], false),
        (&["data: a\rdata: b\r\r"], &["a\nb"], false),
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
        (
            &["data: {\"chunk\":\"a\"}\ndata: {\"chunk\":\"b\"}", "[DONE]"],
            &["a", "b"],
            true,
        ),
        (&["data: true\n\n", "data: a\n\n"], &["true", "a"], false),
        (&["data: [1]\n\n", "data: a\n\n"], &["a"], false),
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
fn what_is_pending_is_not_given_before_the_reply_ends_well() {
    for pending in [
        "data: hel",
        "{\"chunk\":",
        "da",
        "data: {\"chunk\":\"a\"}\n",
    ] {
        assert_eq!(read(&[pending], false), (vec![], None), "{pending:?}");
    }
}

#[test]
fn binary_messages_may_split_a_character_and_must_be_utf_8() {
    let mut reader = ReplyReader::default();
    let mut pieces = Vec::new();
    let bytes = "data: \"é\"\n\ndata: 1é\n\n".as_bytes();
    for byte in bytes {
        reader.push_binary(&[*byte]);
        assert_eq!(drain(&mut reader, &mut pieces), None);
    }
    assert_eq!(pieces, ["é", "1é"]);

    for bad in [&b"a\xff"[..], b"\xc3("] {
        let mut reader = ReplyReader::default();
        reader.push_binary(bad);
        assert_eq!(drain(&mut reader, &mut Vec::new()), Some(End::NotUtf8));
    }
    let mut reader = ReplyReader::default();
    reader.push_binary(b"\xc3");
    assert_eq!(reader.next(), None);
    let mut closed = reader;
    closed.finish();
    assert_eq!(closed.next(), Some(Step::End(End::NotUtf8)));
}

#[test]
fn lines_events_and_values_have_a_limit() {
    let mebibyte = "a".repeat(1 << 20);
    let line = |reader: &mut ReplyReader| reader.push_text(&mebibyte);
    let event = |reader: &mut ReplyReader| reader.push_text(&format!("data: {mebibyte}\n"));
    for (first, more) in [
        ("data: ", &line as &dyn Fn(&mut ReplyReader)),
        ("{\"chunk\":\"", &line),
        (":\n", &event),
    ] {
        let mut reader = ReplyReader::default();
        reader.push_text(first);
        assert_eq!(reader.next(), None);
        let steps = (0..9).find_map(|_| {
            more(&mut reader);
            reader.next()
        });
        assert!(steps == Some(Step::End(End::TooLarge)), "{first:?}");
    }
}

/// Half a million messages of a byte or two: with a cost that grows with what is pending this
/// would take hours.
#[test]
fn small_messages_cost_no_more_than_large_ones() {
    for (first, more) in [
        ("data: {\"chunk\":\"", "a"),
        ("data: x\ndata: {\"chunk\":\"", "a"),
        ("data: ", " "),
        ("data: [", "[]"),
        ("{\"chunk\":\"", "a"),
        ("", "\n"),
        (":", "a"),
        ("data: a\n", "data: 1\n"),
        ("data: x\n", "a"),
        ("data: x\ndata: [DONE]x", " "),
        ("data: {\"a\":\n", "data: 1,\n"),
    ] {
        let mut reader = ReplyReader::default();
        reader.push_text(first);
        assert_eq!(reader.next(), None);
        for _ in 0..500_000 {
            reader.push_text(more);
            if reader.next().is_some() {
                break;
            }
        }
    }
}

fn event_stream() -> impl Strategy<Value = String> {
    let text = r#"[a-zé "\\:{}\[\]]{0,8}"#;
    let line_end = prop::sample::select(vec!["\n", "\r\n", "\r"]);
    let data = prop_oneof![
        text.prop_map(|text| serde_json::json!({ "chunk": text }).to_string()),
        text.prop_map(|text| serde_json::Value::from(text).to_string()),
        text.prop_map(|text| serde_json::json!({ "content": [{ "text": text }] }).to_string()),
        Just("words, and more".to_owned()),
        Just("{\"chunk\":\"a\"}\ndata: {\"chunk\":\"b\"}".to_owned()),
        Just("{\"chunk\":\ndata: \"a\"}".to_owned()),
        Just("one\n: comment\ndata: {\"two\":2}".to_owned()),
    ];
    let event = (
        data,
        line_end,
        prop::sample::select(vec!["", ": c", "event: message", "id: 1"]),
    )
        .prop_map(|(data, end, before)| match before {
            "" => format!("data: {data}{end}{end}"),
            _ => format!("{before}{end}data: {data}{end}{end}"),
        });
    prop::collection::vec(event, 0..6).prop_map(|events| events.concat() + "data: [DONE]\n\n")
}

proptest! {
    /// The same bytes cut anywhere give the same pieces.
    #[test]
    fn an_event_stream_may_be_cut_anywhere(
        stream in event_stream(),
        cuts in prop::collection::vec(0usize..200, 0..12),
    ) {
        let bytes = stream.as_bytes();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let (mut reader, mut pieces, mut end, mut start) = (ReplyReader::default(), vec![], None, 0);
        for cut in cuts {
            if end.is_none() {
                reader.push_binary(&bytes[start..cut]);
                end = drain(&mut reader, &mut pieces);
                start = cut;
            }
        }
        let (whole, whole_end) = read(&[&stream], true);
        prop_assert_eq!(end, Some(End::Complete));
        prop_assert_eq!(whole_end, Some(End::Complete));
        prop_assert_eq!(pieces, whole);
    }

    #[test]
    fn no_bytes_make_it_panic(
        messages in prop::collection::vec(
            prop_oneof![
                r#"(data: ?|event: |[:{}\[\]",\n\r]|chunk|done|error|DONE|1|é| ){0,10}"#
                    .prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..8),
            ],
            0..12,
        ),
        text in any::<bool>(),
    ) {
        let mut reader = ReplyReader::default();
        let mut ended = 0;
        for message in &messages {
            match std::str::from_utf8(message) {
                Ok(message) if text => reader.push_text(message),
                _ => reader.push_binary(message),
            }
            for step in reader.by_ref() {
                prop_assert_eq!(ended, 0, "nothing comes after the end");
                match step {
                    Step::Text(piece) => prop_assert!(!piece.is_empty()),
                    Step::End(_) => ended += 1,
                    _ => {}
                }
            }
        }
        reader.finish();
        for step in reader.by_ref() {
            ended += usize::from(matches!(step, Step::End(_)));
        }
        prop_assert_eq!(ended, 1);
    }
}

#[test]
fn blank_messages_are_held_within_the_limit() {
    let mut reader = ReplyReader::default();
    let blank = "\n".repeat(1 << 10);
    let end = (0..=8 << 10).find_map(|_| {
        reader.push_text(&blank);
        reader.next()
    });
    assert_eq!(end, Some(Step::End(End::TooLarge)));
}
