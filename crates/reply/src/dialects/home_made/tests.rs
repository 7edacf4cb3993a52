//! The six rules, each by its examples, in their order.

use crate::dialects::testing::said;
use crate::dialects::{Memory, Reading};
use crate::json::{Document, Str};
use crate::said::Said;

#[track_caller]
fn check(values: &[&str], lines: &[&str]) {
    assert_eq!(said(values), lines, "{values:?}");
}

/// What an object, or a text, says that has an outer name.
fn said_as(outer_name: &str, value: &str) -> Vec<String> {
    let (mut said, mut memory) = (Said::default(), Memory::default());
    let mut document = Document::default();
    let mut reading = Reading::new(&mut said, &mut memory, "");
    let mut reading = reading.named(outer_name);
    if document.read(value) {
        reading.value(document.value(value));
    } else {
        reading.plain_text(Str::plain(value));
    }
    crate::dialects::testing::lines(&said)
}

#[test]
fn each_way_to_say_an_error_fails_the_reply() {
    for value in [
        r#"{"error":"x"}"#,
        r#"{"errors":[{"message":"x"}],"content":"A"}"#,
        r#"{"exception":{"type":"E"}}"#,
        r#"{"type":"Error","message":"x"}"#,
        r#"{"event":"run.failed","data":"x"}"#,
        r#"{"type":"bidi_error","message":"x","code":"X"}"#,
        r#"{"errorMessage":"x","errorType":"E"}"#,
        r#"{"is_error":true,"result":"x"}"#,
        r#"{"success":false,"message":"x"}"#,
        r#"{"status":"error","message":"x"}"#,
        r#"{"state":"FAILED","message":"x","data":null}"#,
        r#"{"statusCode":503,"message":"x"}"#,
        r#"{"code":400,"message":"x"}"#,
        r#"{"code":500.5,"message":"x"}"#,
        r#"{"code":4e2,"message":"x"}"#,
    ] {
        check(&[value], &["error"]);
    }
}

#[test]
fn empty_errors_and_good_codes_do_not_fail_the_reply() {
    check(
        &[
            r#"{"content":"A","error":null,"errors":[],"exception":"","errorMessage":" "}"#,
            r#"{"content":"B","error":false,"is_error":false,"success":true,"code":200}"#,
            r#"{"status":"error","message":"x","content":"C"}"#,
            r#"{"status":"completed","message":"D"}"#,
            r#"{"content":"E","error":{}}"#,
            r#"{"content":"F","error":0}"#,
            r#"{"code":399.5,"message":"G"}"#,
        ],
        &[
            "text A", "text B", "text C", "text D", "text E", "text F", "text G",
        ],
    );
}

#[test]
fn an_error_inside_gives_no_text_and_is_not_the_replys() {
    check(
        &[
            r#"{"data":{"error":"x","message":"y"}}"#,
            r#"{"data":{"type":"error","message":"x"},"content":"A"}"#,
            r#"{"type":"tool_error","error":"x"}"#,
            r#"{"type":"step_failed","error":"x","message":"y"}"#,
            r#"{"role":"tool","is_error":true,"content":"x","tool_call_id":"c"}"#,
            r#"{"data":{"type":"done"}}"#,
        ],
        &["text A", "result - x failed", "result c x failed"],
    );
}

#[test]
fn the_words_of_others_are_not_the_agents() {
    check(
        &[
            r#"{"role":"user","content":"PROMPT"}"#,
            r#"{"role":"System","content":"S"}"#,
            r#"{"type":"human","text":"PROMPT"}"#,
            r#"{"source":"user","content":"PROMPT"}"#,
            r#"{"author":"user","content":{"parts":["PROMPT"]}}"#,
            r#"{"message":{"role":"developer","content":"S"}}"#,
            r#"{"role":"tool","tool_call_id":"c","content":"42"}"#,
            r#"{"content":[{"tool_use_id":"d","content":[{"text":"43"}]},{"text":"A"}]}"#,
            r#"{"role":"assistant","content":"B","tool_call_id":null}"#,
        ],
        &[
            "result c 42",
            r#"result d [{"text":"43"}]"#,
            "text A",
            "text B",
        ],
    );
}

#[test]
fn agents_call_their_role_what_they_like() {
    for role in [
        "assistant",
        "Assistant",
        "model",
        "ai",
        "bot",
        "chatbot",
        "",
    ] {
        for content in [
            r#""A""#,
            r#"[{"text":"A"}]"#,
            r#"[{"type":"text","text":"A"}]"#,
        ] {
            let message = format!(r#"{{"role":"{role}","content":{content}}}"#);
            check(&[&message], &["text A"]);
            for key in ["message", "result", "chunk", "data"] {
                check(&[&format!(r#"{{"{key}":{message}}}"#)], &["text A"]);
            }
            let output = format!(r#"{{"output":{{"message":{message}}}}}"#);
            check(&[&output], &["text A"]);
            let messages =
                format!(r#"{{"messages":[{{"role":"user","content":"PROMPT"}},{message}]}}"#);
            check(&[&messages], &["text A"]);
        }
    }
}

#[test]
fn tools_and_reasoning_are_steps() {
    check(
        &[
            r#"{"type":"tool_call","tool":"f","message":"Calling f"}"#,
            r#"{"type":"tool_call","toolUseId":"t","name":"f","input":{"city":"Paris"}}"#,
            r#"{"type":"tool_use","input":"{\"city\""}"#,
            r#"{"event":"function_call","data":{"name":"f","arguments":"{\"a\":1}","call_id":"c"}}"#,
            r#"{"type":"tool_end","tool":"f","output":"42"}"#,
            r#"{"type":"tool_call_end","id":"t"}"#,
            r#"{"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}],"content":"A"}"#,
            r#"{"type":"function","id":"d","function":{"name":"g","arguments":{}}}"#,
            r#"{"type":"thinking","thinking":"hm","signature":"s"}"#,
            r#"{"event":"agent_thought","thought":"so"}"#,
            r#"{"type":"reasoning_summary","summary":[{"text":"a"},{"text":"b"}]}"#,
            r#"{"text":"c","thought":true}"#,
            r#"{"content":"B","reasoning_content":"d"}"#,
        ],
        &[
            "call - f begun",
            r#"call t f whole {"city":"Paris"}"#,
            r#"call - - piece {"city""#,
            r#"call c f whole {"a":1}"#,
            "result - 42",
            "call t - ended",
            "text A",
            "call c f whole {}",
            "call d g whole {}",
            "reasoning hm",
            "reasoning so",
            "reasoning ab",
            "reasoning c",
            "reasoning d",
            "text B",
        ],
    );
}

#[test]
fn a_calls_id_is_found_under_each_of_its_keys() {
    for key in [
        "toolUseId",
        "tool_use_id",
        "toolCallId",
        "tool_call_id",
        "callId",
        "call_id",
        "tool_id",
        "id",
    ] {
        let call = format!(r#"{{"type":"tool_use","{key}":"T","name":"f","input":{{"a":1}}}}"#);
        let result = format!(r#"{{"type":"tool_result","{key}":"T","output":"42"}}"#);
        check(
            &[&call, &result],
            &[r#"call T f whole {"a":1}"#, "result T 42"],
        );
    }
    check(
        &[
            r#"{"type":"tool_call","tool_call":{"id":"T","function":{"name":"f","arguments":"{\"a\":1}"}}}"#,
            r#"{"type":"tool_call","data":{"toolCall":{"id":"U","name":"g","args":{}}}}"#,
        ],
        &[r#"call T f whole {"a":1}"#, "call U g whole {}"],
    );
}

#[test]
fn a_result_says_in_each_way_that_it_failed() {
    for failed in [
        r#""success":false"#,
        r#""is_error":true"#,
        r#""status":"error""#,
    ] {
        let result = format!(r#"{{"type":"tool_result","id":"T","output":"42",{failed}}}"#);
        check(&[&result], &["result T 42 failed"]);
    }
    check(
        &[r#"{"type":"tool_result","id":"T","output":"42","success":true}"#],
        &["result T 42"],
    );
}

#[test]
fn what_tools_answered_may_be_in_a_message_of_the_users() {
    const RESULT: &str = r#"{"role":"user","content":[{"type":"text","text":"PROMPT"},
        {"type":"tool_result","tool_use_id":"T","content":"42"}]}"#;
    check(&[RESULT], &["result T 42"]);
    check(&[&format!(r#"{{"message":{RESULT}}}"#)], &["result T 42"]);
    check(
        &[&format!(r#"{{"type":"user","message":{RESULT}}}"#)],
        &["result T 42"],
    );
    check(
        &[
            r#"{"role":"user","content":[{"toolUseId":"T","status":"error","content":[{"text":"no"}]}]}"#,
        ],
        &[r#"result T [{"text":"no"}] failed"#],
    );
}

#[test]
fn housekeeping_gives_nothing_unless_it_carries_text() {
    check(
        &[
            r#"{"type":"status","message":"Thinking…"}"#,
            r#"{"event":"Keep-Alive","data":"x"}"#,
            r#"{"type":"session_start","content":"x"}"#,
            r#"{"type":"token_usage","output":"5"}"#,
            r#"{"data":{"type":"log","message":"x"}}"#,
            r#"{"type":"start","chunk":"A"}"#,
            r#"{"type":"progress","delta":"B"}"#,
            r#"{"type":"source","text":"C"}"#,
            r#"{"type":"usage","token":5}"#,
        ],
        &["text A", "text B", "text C"],
    );
}

#[test]
fn the_first_key_that_yields_text_has_it() {
    check(
        &[
            r#"{"chunk":"A"}"#,
            r#"{"chunk":null,"data":{"x":1},"content":[{"text":"B"},{"text":"C"}]}"#,
            r#"{"message":{"content":{"parts":[{"text":"D"}]}},"chunk":""}"#,
            r#"{"event":{"data":{"delta":{"content":"E"}}}}"#,
            r#"{"event":"token","data":"F"}"#,
            r#"{"delta":"","response":"whole"}"#,
            r#"{"text":"AB","delta":"G"}"#,
            r#"{"choices":[{"delta":{"content":"H"},"index":0}],"model":"m","x":[]}"#,
            r#"{"parts":["I","J"]}"#,
            r#"{"chunk":"K","data":"x","chunk":"L"}"#,
            "{\"content\":\"\"}",
        ],
        &[
            "text A", "text BC", "text D", "text E", "text F", "text G", "text H", "text IJ",
            "text L",
        ],
    );
    check(
        &[
            r#"{"content":5,"text":null,"data":true}"#,
            r#"{"city":"Paris"}"#,
            "{}",
        ],
        &["unread", "unread", "unread"],
    );
}

#[test]
fn of_a_conversation_what_follows_the_users_last_message_is_text() {
    check(
        &[
            r#"{"messages":[{"role":"user","content":"P"},{"role":"assistant","content":"old"},
            {"role":"user","content":"PROMPT"},{"role":"assistant","content":"A"},
            {"role":"tool","content":"42"},{"role":"assistant","content":[{"text":"B"}]}],"thread":"t"}"#,
        ],
        &["text A", "result - 42", "text B"],
    );
    check(&[r#"{"messages":["a"],"n":[{}]}"#], &["unread"]);
}

#[test]
fn an_end_comes_after_the_text_beside_it() {
    check(
        &[
            r#"{"type":"done"}"#,
            r#"{"event":"message_end","metadata":{}}"#,
            r#"{"type":"Final","content":"A"}"#,
            r#"{"response":"B","done":true}"#,
            r#"{"finished":true}"#,
            r#"{"response":"C","done":false}"#,
            r#"{"type":"thinking","content":"hm","done":true}"#,
        ],
        &[
            "end",
            "end",
            "text A",
            "end",
            "text B",
            "end",
            "end",
            "text C",
            "reasoning hm",
        ],
    );
}

#[test]
fn the_word_that_ends_a_stream_is_no_text_of_an_end() {
    check(
        &[
            r#"{"event":"end","data":"[DONE]"}"#,
            r#"{"type":"done","content":"[DONE]"}"#,
            r#"{"event":"token","data":"[DONE]"}"#,
        ],
        &["end", "end", "text [DONE]"],
    );
}

#[test]
fn the_name_of_an_sse_event_is_a_name_of_its_data() {
    for (outer_name, value, lines) in [
        ("error", "x", vec!["error"]),
        ("heartbeat", "x", vec![]),
        ("thinking", "hm", vec!["reasoning hm"]),
        ("tool_result", "4 + 2", vec!["result - 4 + 2"]),
        ("tool_call", "f", vec![]),
        ("tool_result", r#"["4","2"]"#, vec![r#"result - ["4","2"]"#]),
        ("tool", r#"["42"]"#, vec![r#"result - ["42"]"#]),
        ("tool_call", r#"["f"]"#, vec![]),
        ("heartbeat", r#"["x"]"#, vec![]),
        ("error", r#"["x"]"#, vec!["error"]),
        ("thinking", r#"["h",["m"]]"#, vec!["reasoning hm"]),
        ("token", r#"["A",["B"]]"#, vec!["text AB"]),
        ("user", "PROMPT", vec![]),
        ("token", "A", vec!["text A"]),
        ("end", "A", vec!["text A", "end"]),
        ("thinking", r#"{"content":"hm"}"#, vec!["reasoning hm"]),
        (
            "error",
            r#"{"type":"problem","message":"x"}"#,
            vec!["text x"],
        ),
        // The object's own name comes first.
        ("reasoning", r#"{"type":"text","text":"A"}"#, vec!["text A"]),
        (
            "tool_result",
            r#"{"type":"text","text":"A"}"#,
            vec!["text A"],
        ),
        ("error", r#"{"text":"x"}"#, vec!["error"]),
        ("done", "{}", vec!["end"]),
        (
            "content_block_delta",
            r#"{"contentBlockIndex":0,"type":"text","text":"A"}"#,
            vec!["text A"],
        ),
        (
            "content_block_delta",
            r#"{"contentBlockIndex":0,"type":"tool_use","input":":1}"}"#,
            vec!["call - - piece :1}"],
        ),
    ] {
        assert_eq!(said_as(outer_name, value), lines, "{outer_name} {value}");
    }
}

#[test]
fn what_is_deep_or_wide_is_looked_into_once() {
    let deep = r#"{"data":"#.repeat(120) + r#"{"content":"A"}"# + &"}".repeat(120);
    check(&[&deep], &["text A"]);
    // Each of these keys is looked into at each level, and not more than once.
    let mut fork = r#"{"text":""}"#.to_owned();
    for _ in 0..12 {
        fork = format!(r#"{{"data":{fork},"content":{fork}}}"#);
    }
    check(&[&fork], &[]);
}

#[test]
fn a_tools_words_are_its_result_beside_its_input_too() {
    let object = r#"{"role":"tool","name":"f","input":{"a":1},"output":"42"}"#;
    check(&[object], &["result - 42"]);
    assert_eq!(said_as("tool", "42 degrees"), ["result - 42 degrees"]);
}

#[test]
fn what_is_no_list_is_none_of_its_elements() {
    let object = r#"{"role":"assistant","content":"A","tool_calls":"f"}"#;
    check(&[object], &["text A"]);
    check(&[r#"{"messages":"A"}"#], &["unread"]);
}

#[test]
fn thoughts_are_looked_for_as_deep_as_people_write_them() {
    let thought = |depth: usize| {
        let content = "[".repeat(depth) + r#""hm""# + &"]".repeat(depth);
        format!(r#"{{"type":"thinking","content":{content}}}"#)
    };
    check(&[&thought(3)], &["reasoning hm"]);
    check(&[&thought(4)], &[]);
}

#[test]
fn what_a_call_came_to_has_not_failed_the_agent() {
    check(
        &[r#"{"type":"update","tool_call_id":"c","output":"r","error":"no"}"#],
        &["result c r failed"],
    );
}

#[test]
fn the_name_of_an_event_without_data_may_say_that_the_agent_failed() {
    let (mut said, mut memory) = (Said::default(), Memory::default());
    Reading::new(&mut said, &mut memory, "error").name_alone();
    assert!(said.has_error());
}
