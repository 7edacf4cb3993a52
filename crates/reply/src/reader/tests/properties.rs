//! What holds of every reply.

use proptest::prelude::*;

use super::*;

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
    fn no_bytes_make_the_reader_panic(
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
