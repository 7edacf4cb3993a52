//! Events of AG-UI's that are passed on as they came, and what else is to be known of a reply.

use super::*;
use crate::step::Output;

const STARTED: &str = r#"{"type":"RUN_STARTED","threadId":"t","runId":"r"}"#;
const HELLO: &str = r#"{"type":"TEXT_MESSAGE_CONTENT","messageId":"m","delta":"Hello"}"#;
const WORLD: &str = r#"{"type":"TEXT_MESSAGE_CONTENT","messageId":"m","delta":" world"}"#;
const SPAN: &str = r#"{"type":"CUSTOM","name":"span","value":{"chunk":"no text"}}"#;
const CALL: &str = r#"{"type":"TOOL_CALL_START","toolCallId":"c","toolCallName":"f"}"#;
const FINISHED: &str = r#"{"type":"RUN_FINISHED","threadId":"t","runId":"r"}"#;
const FAILED: &str = r#"{"type":"RUN_ERROR","message":"a secret of the agent"}"#;

fn event(event: &str, text: &str) -> Step {
    Step::AgUiEvent {
        event: event.to_owned(),
        text: text.to_owned(),
    }
}

fn passed(messages: &[&str]) -> Vec<Step> {
    let mut reader = ReplyReader::default().passing_ag_ui_events();
    let mut steps = Vec::new();
    for message in messages {
        reader.push_text(message);
        steps.extend(reader.by_ref());
    }
    reader.finish();
    steps.extend(reader);
    steps
}

#[test]
fn events_are_passed_with_the_text_that_they_say() {
    let expected = [
        event(STARTED, ""),
        event(HELLO, "Hello"),
        event(SPAN, ""),
        event(CALL, ""),
        event(WORLD, " world"),
        event(FINISHED, ""),
        Step::End(End::Complete),
    ];
    let messages = [STARTED, HELLO, SPAN, CALL, WORLD, FINISHED];
    assert_eq!(passed(&messages), expected);
    let as_sse = messages.map(|message| format!("data: {message}\n\n"));
    assert_eq!(passed(&as_sse.each_ref().map(String::as_str)), expected);
    // All of them in one message.
    assert_eq!(passed(&[&as_sse.concat()]), expected);
}

#[test]
fn events_of_an_array_are_passed_one_by_one() {
    let array = format!(r#"["name",{STARTED},{HELLO},{{"chunk":"!"}},null,{FINISHED}]"#);
    let expected = [
        event(STARTED, ""),
        event(HELLO, "Hello"),
        Step::Text("!".to_owned()),
        event(FINISHED, ""),
        Step::End(End::Complete),
    ];
    assert_eq!(passed(&[&array]), expected);
    // One without an event is as ever.
    let other = [
        Step::Text("a".to_owned()),
        Step::Text("b".to_owned()),
        Step::End(End::Complete),
    ];
    assert_eq!(passed(&[r#"[{"chunk":"a"},{"chunk":"b"}]"#]), other);
}

#[test]
fn an_event_that_says_that_the_agent_failed_is_not_passed() {
    for messages in [
        vec![STARTED.to_owned(), HELLO.to_owned(), FAILED.to_owned()],
        vec![format!("[{STARTED},{HELLO},{FAILED}]")],
    ] {
        let messages: Vec<_> = messages.iter().map(String::as_str).collect();
        let expected = [
            event(STARTED, ""),
            event(HELLO, "Hello"),
            Step::End(End::AgentError),
        ];
        assert_eq!(passed(&messages), expected);
    }
}

#[test]
fn what_is_no_event_is_told_as_ever() {
    let steps = passed(&[
        r#"{"chunk":"a"}"#,
        HELLO,
        r#"{"type":"tool_result","tool_use_id":"c","content":"42"}"#,
    ]);
    let [
        Step::Text(text),
        passed_on,
        Step::CallResult { output, .. },
        end,
    ] = &steps[..]
    else {
        panic!("{steps:?}");
    };
    assert_eq!(text, "a");
    assert_eq!(*passed_on, event(HELLO, "Hello"));
    assert_eq!(*output, Output::Text("42".to_owned()));
    assert_eq!(*end, Step::End(End::Complete));
    let plain = [Step::Text("Hello".to_owned()), Step::End(End::Complete)];
    assert_eq!(passed(&["Hello"]), plain);
}

#[test]
fn a_message_that_waits_may_be_text() {
    let holds = |messages: &[&str]| {
        let mut reader = ReplyReader::default();
        for message in messages {
            reader.push_text(message);
            assert_eq!(reader.next(), None, "{message}");
        }
        (reader.holds_text(), reader.may_hold_text())
    };
    assert_eq!(holds(&[]), (false, false));
    // A value that no format has is told where nothing else comes.
    assert_eq!(holds(&[r#"{"total":3}"#]), (false, true));
    assert_eq!(holds(&[r#"{"total":3}"#, r#"{"total":4}"#]), (false, false));
    // The rest of a line is looked for in the next message.
    assert!(holds(&["data: Hel"]).1);
}

#[test]
fn messages_and_what_is_unread_of_them_are_counted() {
    let mut reader = ReplyReader::default();
    assert_eq!((reader.counts().messages, reader.counts().unread), (0, 0));
    reader.push_text(r#"{"chunk":"a"}"#);
    assert_eq!(reader.by_ref().count(), 1);
    reader.push_text(r#"{"total":3}"#);
    assert_eq!(reader.by_ref().count(), 0);
    reader.push_binary(br#"{"total":4}"#);
    assert_eq!(reader.by_ref().count(), 0);
    assert_eq!((reader.counts().messages, reader.counts().unread), (3, 2));
}
