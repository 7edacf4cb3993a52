//! What several forms say is told once.

use super::{check, read};

#[test]
fn a_form_that_followed_tells_only_what_it_gets_ahead_with() {
    for (messages, expected) in [
        (
            &[
                r#"{"chunk":"Hello "}"#,
                r#"{"token":"Hello "}"#,
                r#"{"chunk":"wor"}"#,
                r#"{"token":"w"}"#,
                r#"{"token":"orld"}"#,
            ][..],
            "Hello world",
        ),
        (
            &[
                r#"{"chunk":"one "}"#,
                r#"{"token":"one "}"#,
                r#"{"chunk":"two three"}"#,
                r#"{"token":"two "}"#,
                r#"{"token":"three four"}"#,
                r#"{"chunk":" four"}"#,
            ],
            "one two three four",
        ),
        (
            &[
                r#"{"chunk":"one "}"#,
                r#"{"token":"one "}"#,
                r#"{"chunk":"two three"}"#,
                r#"{"token":"two "}"#,
                r#"{"token":"dogs"}"#,
            ],
            "one two threetwo dogs",
        ),
    ] {
        assert_eq!(read(messages, true).0.concat(), expected, "{messages:?}");
    }
}

/// Two nodes of a graph that speak at once, each piece with the id of its message.
fn interleaved() -> Vec<String> {
    let piece = |text: &str, node: &str, id: &str| {
        format!(
            r#"["messages",[{{"type":"AIMessageChunk","content":"{text}","id":"{id}"}},{{"langgraph_node":"{node}"}}]]"#
        )
    };
    vec![
        piece("A1 ", "a", "r1"),
        piece("B1 ", "b", "r2"),
        piece("A2 ", "a", "r1"),
        piece("B2 ", "b", "r2"),
    ]
}

const STATE: &str = r#"{"messages":[{"type":"human","content":"q","id":"h"},
    {"type":"ai","content":"A1 A2 ","id":"r1"},{"type":"ai","content":"B1 B2 ","id":"r2"}]}"#;

#[test]
fn nodes_that_speak_at_once_are_not_told_again_by_the_state() {
    let update = |node: &str, text: &str, id: &str| {
        format!(
            r#"["updates",{{"{node}":{{"messages":[{{"type":"ai","content":"{text}","id":"{id}"}}]}}}}]"#
        )
    };
    let updates = [update("b", "B1 B2 ", "r2"), update("a", "A1 A2 ", "r1")];
    let values = format!(r#"["values",{STATE}]"#);
    let end = format!(r#"{{"event":"on_chain_end","parent_ids":[],"data":{{"output":{STATE}}}}}"#);
    for after in [&values, STATE, &end] {
        for updates in [&[][..], &updates] {
            let mut messages = interleaved();
            messages.extend_from_slice(updates);
            messages.extend([after.to_owned(), after.to_owned()]);
            let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
            assert_eq!(
                read(&messages, true).0.concat(),
                "A1 B1 A2 B2 ",
                "{messages:?}"
            );
        }
    }
}

#[test]
fn of_a_state_only_the_messages_that_were_not_heard_are_told() {
    let mut messages = interleaved();
    let state = STATE.replace("]}", r#",{"type":"ai","content":"C.","id":"r3"}]}"#);
    let longer = state.replace("]}", r#",{"type":"ai","content":"D.","id":"r4"}]}"#);
    messages.extend([state.clone(), state, longer.clone(), longer]);
    let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
    assert_eq!(read(&messages, true).0.concat(), "A1 B1 A2 B2 C.D.");
}

#[test]
fn a_state_whose_messages_came_without_their_ids_repeats_them_together() {
    let state = r#"{"messages":[{"type":"ai","content":"A. ","id":"m1"},{"type":"ai","content":"B.","id":"m2"}]}"#;
    check(&[(
        &[r#"{"token":"A. "}"#, r#"{"token":"B."}"#, state, state],
        &["A. ", "B."],
        false,
    )]);
}

#[test]
fn the_kits_whole_is_not_told_again_where_partial_was_left_out() {
    let forms: [&dyn Fn(&str) -> String; 4] = [
        &|parts| {
            format!(
                r#"{{"author":"a","invocationId":"i","content":{{"role":"model","parts":{parts}}}}}"#
            )
        },
        &|parts| format!(r#"{{"author":"a","invocation_id":"i","content":{{"parts":{parts}}}}}"#),
        &|parts| format!(r#"{{"author":"a","content":{{"role":"model","parts":{parts}}}}}"#),
        &|parts| format!(r#"{{"role":"model","parts":{parts}}}"#),
    ];
    for form in forms {
        let messages = ["It is ", "so.", "It is so."];
        let messages = messages.map(|text| form(&format!(r#"[{{"text":"{text}"}}]"#)));
        let array = format!("[{}]", messages.join(","));
        let messages = messages.each_ref().map(String::as_str);
        assert_eq!(read(&messages, true).0, ["It is ", "so."], "{messages:?}");
        assert_eq!(read(&[&array], true).0, ["It is ", "so."], "{array}");
    }
}

#[test]
fn an_array_of_events_is_told_as_the_events_one_after_the_other() {
    for array in [
        r#"[{"chunk":"Wait. "},{"chunk":"It is so."},{"type":"final","answer":"It is so."}]"#,
        r#"["values",[{"chunk":"Wait. "},{"chunk":"It is so."},{"answer":"It is so."}]]"#,
    ] {
        let (pieces, _) = read(&[array], true);
        assert_eq!(pieces, ["Wait. ", "It is so."], "{array}");
    }
    // The parts of one event are one text, which may be all of those before.
    let event = |parts: &str| format!(r#"{{"author":"a","content":{{"parts":[{parts}]}}}}"#);
    let messages = [
        event(r#"{"text":"It is "}"#),
        event(r#"{"text":"so."}"#),
        event(r#"{"text":"It is "},{"text":"so."}"#),
    ];
    let messages = messages.each_ref().map(String::as_str);
    assert_eq!(read(&messages, true).0, ["It is ", "so."]);
}

#[test]
fn a_transcript_that_was_guessed_is_told_once_when_it_is_final() {
    let transcript = |text: &str, is_final: bool| {
        format!(
            r#"{{"type":"bidi_transcript_stream","delta":{{"text":"{text}"}},"text":"{text}","role":"assistant","is_final":{is_final},"current_transcript":null}}"#
        )
    };
    let messages = [
        transcript("Hel", false),
        transcript("lo", false),
        transcript("Hello", true),
    ];
    let (pieces, _) = read(&messages.each_ref().map(String::as_str), true);
    assert_eq!(pieces.concat(), "Hello");
}
