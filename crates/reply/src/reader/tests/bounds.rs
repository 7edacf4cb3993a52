//! What is held, and what it costs.

use super::*;

#[test]
fn what_is_pending_is_not_given_where_the_connection_breaks() {
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

#[test]
fn a_message_has_a_limit() {
    let mut reader = ReplyReader::default();
    reader.push_text(&"a".repeat((8 << 20) + 1));
    assert!(reader.next() == Some(Step::End(End::TooLarge)));
}

#[test]
fn what_follows_a_huge_message_is_read_as_ever() {
    let huge = "a".repeat(1 << 17);
    let value = format!(r#"{{"chunk":"{huge}"}}"#);
    let (pieces, _) = read(&[&value, r#"{"chunk":"b"}"#, "[DONE]"], false);
    assert!(pieces == [huge, "b".to_owned()]);
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

#[test]
fn what_is_nested_deep_is_read_by_its_name_and_is_no_text() {
    for depth in [126, 127, 128, 5_000] {
        let deep = "[".repeat(depth) + "\"SECRET\"" + &"]".repeat(depth);
        let objects = "{\"data\":".repeat(depth) + "\"SECRET\"" + &"}".repeat(depth);
        for secret in [
            format!(r#"{{"type":"tool_result","tool_call_id":"t","content":{deep}}}"#),
            format!(r#"{{"role":"user","content":"PROMPT","x":{deep}}}"#),
            format!(r#"{{"type":"tool_call","id":"t","name":"f","input":{objects}}}"#),
        ] {
            let piece = r#"{"chunk":"A"}"#;
            let event = format!("data: {secret}\n\n");
            for messages in [[secret.as_str(), piece], [piece, &secret], [&event, piece]] {
                assert_eq!(read(&messages, true).0, ["A"], "{depth}");
            }
        }
        let failed = format!(r#"{{"error":"SECRET","x":{deep}}}"#);
        let end = Some(End::AgentError);
        assert_eq!(read(&[&failed], true), (Vec::new(), end), "{depth}");
        let text = format!(r#"{{"chunk":"A","x":{deep}}}"#);
        assert_eq!(read(&["Hi ", &text], true).0, ["Hi ", "A"], "{depth}");
    }
}

/// What is measured is the sum of the parts.
#[test]
fn long_lines_and_data_in_parts_are_far_from_the_limit() {
    let words = "word ".repeat(4_000);
    let half = words.len() / 2;
    let text = format!("data: {words}");
    let (pieces, end) = read(&[&text[..half], &text[half..], "\n\n"], true);
    assert_eq!((pieces.concat(), end), (words.clone(), Some(End::Complete)));
    let (pieces, end) = read(&[&text[..half], &format!("{}\n\n", &text[half..])], true);
    assert_eq!((pieces.concat(), end), (words.clone(), Some(End::Complete)));
    let lines = format!("data: {words}\ndata: {words}\ndata: {words}\n\n");
    let (pieces, end) = read(&[&lines], true);
    assert_eq!(pieces.concat(), [&words[..]; 3].join("\n"));
    assert_eq!(end, Some(End::Complete));
    let value = format!(r#"{{"chunk":"{words}"}}"#);
    let (pieces, end) = read(&[&value[..half], &value[half..]], true);
    assert_eq!((pieces.concat(), end), (words, Some(End::Complete)));
}
