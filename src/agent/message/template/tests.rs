use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::agent::FieldNames;

const VALUES: MessageValues<'_> = MessageValues {
    prompt: "Hi \"{sessionId}\"\n\u{1}é☃ {prompt} {callerId}",
    session_id: "mine",
    caller_id: "caller-1",
};

fn written(template: &str, values: &MessageValues<'_>) -> String {
    let template = MessageTemplate::parse(template).unwrap();
    let message = template.write(values, &RequestFields::default());
    String::from_utf8(message).unwrap()
}

/// What was sent before there were templates.
fn usual(values: &MessageValues<'_>) -> String {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Message<'a> {
        prompt: &'a str,
        session_id: &'a str,
    }
    let (prompt, session_id) = (values.prompt, values.session_id);
    serde_json::to_string(&Message { prompt, session_id }).unwrap()
}

#[test]
fn the_default_is_these_two_keys() {
    let template = MessageTemplate::default();
    assert_eq!(MessageTemplate::parse(DEFAULT), Ok(template.clone()));
    let message = template.write(&VALUES, &RequestFields::default());
    assert_eq!(String::from_utf8(message).unwrap(), usual(&VALUES));
    assert!(!template.speaks_ag_ui());
}

#[test]
fn values_are_replaced_at_any_depth_once_and_keys_are_not() {
    let template = r#" {
        "{prompt}": "{prompt}", "n": 1e400, "big": 10000000000000000000000001,
        "list": [null, true, {"deep": ["a {callerId} b {sessionId}{sessionId}", ""]}],
        "escaped": "\u007bprompt\u007d \" \\ \u00e9", "other": "{} {{prompt}} {Prompt} {callerid} {",
        "half \" {sessionId}": {"sessionId": []}
    } "#;
    let prompt = serde_json::to_string(VALUES.prompt).unwrap();
    let prompt = &prompt[1..prompt.len() - 1];
    let expected = format!(
        r#"{{"{{prompt}}":"{prompt}","n":1e400,"big":10000000000000000000000001,"#
    ) + r#""list":[null,true,{"deep":["a caller-1 b minemine",""]}],"#
        + &format!(
            r#""escaped":"{prompt} \" \\ é","other":"{{}} {{{prompt}}} {{Prompt}} {{callerid}} {{","#
        )
        + r#""half \" {sessionId}":{"sessionId":[]}}"#;
    assert_eq!(written(template, &VALUES), expected);
}

#[test]
fn without_a_caller_its_id_is_empty() {
    let nobody = MessageValues {
        caller_id: "",
        ..VALUES
    };
    let template = r#"{"who":"{callerId}","text":"[{callerId}]"}"#;
    assert_eq!(written(template, &nobody), r#"{"who":"","text":"[]"}"#);
    assert_eq!(written("{}", &nobody), "{}");
}

#[test]
fn ag_ui_is_a_run_of_one_message_with_fresh_ids() {
    let run = || -> Value { serde_json::from_str(&written("AG-UI", &VALUES)).unwrap() };
    let (one, other) = (run(), run());
    let id = |run: &Value, at: &str| run.pointer(at).unwrap().as_str().unwrap().to_owned();
    let ids: std::collections::HashSet<_> = [&one, &other]
        .into_iter()
        .flat_map(|run| ["/runId", "/messages/0/id"].map(|at| id(run, at)))
        .collect();
    assert_eq!(ids.len(), 4);
    assert_eq!(
        one,
        json!({
            "threadId": "mine",
            "runId": id(&one, "/runId"),
            "state": {},
            "messages": [
                { "id": id(&one, "/messages/0/id"), "role": "user", "content": VALUES.prompt }
            ],
            "tools": [],
            "context": [],
            "forwardedProps": {},
        })
    );
    let template = MessageTemplate::parse("ag-ui").unwrap();
    assert!(template.speaks_ag_ui());
    assert_eq!(template.keys.len(), one.as_object().unwrap().len());
    assert!(template.keys.iter().all(|key| one.get(key).is_some()));
}

#[test]
fn what_is_no_template_is_refused() {
    for (text, error) in [
        ("prompt", MessageError::Json { line: 1, column: 1 }),
        ("{\"a\":}", MessageError::Json { line: 1, column: 6 }),
        ("{\"a\":1} x", MessageError::Json { line: 1, column: 9 }),
        ("[\"{prompt}\"]", MessageError::NoObject),
        ("\"{prompt}\"", MessageError::NoObject),
        ("null", MessageError::NoObject),
        (r#"{"a":"\ud800"}"#, MessageError::NoText),
        (r#"{"\ud800":"a"}"#, MessageError::NoText),
        (r#"{"a":1,"\u0061":2}"#, MessageError::RepeatedKey),
        (r#"{"a":[{"b":1,"b":2}]}"#, MessageError::RepeatedKey),
    ] {
        assert_eq!(MessageTemplate::parse(text), Err(error), "{text}");
    }
    assert!(MessageTemplate::parse(r#"{"a":{"b":1},"b":{"a":1}}"#).is_ok());
}

#[test]
fn fields_go_beside_the_keys_as_they_came() {
    let body = r#"{"agentId":"a","files":[ {"n":1e400} ],"b":"\ud800","c":null,"x":1}"#;
    let with = |template: &str, names: &str| {
        let template = MessageTemplate::parse(template).unwrap();
        let names = FieldNames::parse(names, &template).unwrap();
        let fields = names.take(body).unwrap();
        String::from_utf8(template.write(&VALUES, &fields)).unwrap()
    };
    assert_eq!(
        with(r#"{"a":1}"#, "c, files,b,absent,,files"),
        r#"{"a":1,"files":[ {"n":1e400} ],"b":"\ud800","c":null}"#
    );
    assert_eq!(with("{}", "x"), r#"{"x":1}"#);
    assert_eq!(with("{}", "absent"), "{}");
    assert_eq!(
        with(r#"{"x":"mine","y":[]}"#, "x,y"),
        r#"{"x":"mine","y":[]}"#,
        "a key of the message wins"
    );
}

proptest! {
    /// serde_json is the judge: the template as a value, with its strings replaced.
    #[test]
    fn whatever_is_said_is_one_message(
        prompt in any::<String>(),
        session_id in "[a-z]{1,8}",
        caller_id in "(caller-[0-9a-f]{4})?",
        before in "[^{}]{0,8}",
        after in "[^{}]{0,8}",
    ) {
        let values = MessageValues { prompt: &prompt, session_id: &session_id, caller_id: &caller_id };
        prop_assert_eq!(written(DEFAULT, &values), usual(&values));

        let text = format!("{before}{{prompt}}{after}{{callerId}}{{sessionId}}");
        let template = json!({ &before: [text, { "k": "{prompt}{prompt}" }] });
        let message: Value = serde_json::from_str(&written(&template.to_string(), &values)).unwrap();
        let text = format!("{before}{prompt}{after}{caller_id}{session_id}");
        let expected = json!({ &before: [text, { "k": format!("{prompt}{prompt}") }] });
        prop_assert_eq!(message, expected);
    }
}
