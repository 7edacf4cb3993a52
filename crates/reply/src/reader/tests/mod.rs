//! The three steps together, each rule by its examples.

mod bare;
mod bounds;
mod calls;
mod once;
mod passed;
mod properties;
mod sse;

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
fn a_piece_without_text_is_none() {
    for key in ["chunk", "token", "text", "content", "data"] {
        let (empty, full) = (format!(r#"{{"{key}":""}}"#), format!(r#"{{"{key}":"a"}}"#));
        let (pieces, end) = read(&[&empty, &full, &empty, "[DONE]"], false);
        assert_eq!((pieces, end), (vec!["a".to_owned()], Some(End::Complete)));
    }
}
