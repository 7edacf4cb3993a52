use super::DIALECT;
use crate::dialects::testing::{leaves, reads, said};

#[test]
fn a_message_streams_its_blocks() {
    let lines = said(&[
        r#"{"type":"message_start","message":{"id":"m","role":"assistant","content":[],"stop_reason":null}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"","citations":null}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hi"}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"cited_text":"CITED"}}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":9}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    let expected = [
        "reasoning hm",
        "call - - ended",
        "text Hi",
        "call - - ended",
        "end",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_message_that_calls_a_tool_ends_the_turn_alone() {
    for reason in ["tool_use", "pause_turn", "end_turn", "refusal"] {
        let delta = format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}}}}"#);
        let lines = said(&[&delta, r#"{"type":"message_stop"}"#]);
        let goes_on = matches!(reason, "tool_use" | "pause_turn");
        assert_eq!(
            lines,
            [if goes_on { "turn end" } else { "end" }],
            "{reason}"
        );
    }
    let two = said(&[
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#,
        r#"{"type":"message_stop","message":null}"#,
        r#"{"type":"message_start","message":{"content":[]}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens"}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    assert_eq!(two, ["turn end", "end"]);
    // Why the one before stopped says nothing of a message that does not say why.
    let next = said(&[
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#,
        r#"{"type":"message_start","message":{"content":[]}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    assert_eq!(next, ["end"]);
}

#[test]
fn tools_of_all_kinds_are_steps() {
    let lines = said(&[
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}"#,
        r#"{"type":"input_json","partial_json":"{\"a\":1}","snapshot":{"a":1}}"#,
        r#"{"type":"content_block_stop","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{"a":1}}}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result","title":"TITLE"}]}}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"web_fetch_tool_result","tool_use_id":"u","content":{"type":"web_fetch_tool_result_error","error_code":"x"}}}"#,
        r#"{"type":"mcp_tool_use","id":"p","name":"g","server_name":"s","input":{}}"#,
        r#"{"type":"tool_result","tool_use_id":"t","content":"sun","is_error":true}"#,
    ]);
    let expected = [
        "call t f begun",
        r#"call - - piece {"a":1}"#,
        r#"call t f whole {"a":1}"#,
        r#"result s [{"type":"web_search_result","title":"TITLE"}]"#,
        r#"result u {"type":"web_fetch_tool_result_error","error_code":"x"} failed"#,
        "call p g whole {}",
        "result t sun failed",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_sdks_helper_repeats_the_deltas() {
    let lines = said(&[
        r#"{"type":"thinking","thinking":"hm","snapshot":"hm"}"#,
        r#"{"type":"signature","signature":"s"}"#,
        r#"{"type":"text","text":" you","snapshot":"Hi you"}"#,
        r#"{"type":"citation","citation":{"cited_text":"CITED"},"snapshot":[{"cited_text":"CITED"}]}"#,
        r#"{"type":"content_block_stop","index":0,"content_block":{"type":"text","text":"Hi you","citations":[{"cited_text":"CITED"}]}}"#,
        r#"{"type":"message_stop","message":{"role":"assistant","stop_reason":"end_turn","content":[{"type":"text","text":"Hi you"}]}}"#,
    ]);
    let expected = [
        "reasoning hm",
        "text  you",
        "text Hi you",
        "text Hi you",
        "end",
    ];
    assert_eq!(lines, expected);
    let goes_on = r#"{"type":"message_stop","message":{"stop_reason":"tool_use","content":[]}}"#;
    assert_eq!(said(&[goes_on]), ["turn end"]);
}

#[test]
fn a_delta_comes_by_itself_too() {
    let lines = said(&[
        r#"{"type":"thinking_delta","thinking":"hm"}"#,
        r#"{"type":"signature_delta","signature":"s"}"#,
        r#"{"type":"citations_delta","citation":{"cited_text":"CITED"}}"#,
    ]);
    assert_eq!(lines, ["reasoning hm"]);
    let failed = r#"{"type":"web_fetch_tool_result","tool_use_id":"u","content":{"type":"web_fetch_tool_result_error","error_code":"x"}}"#;
    assert!(said(&[failed]).concat().ends_with("failed"));
}

#[test]
fn what_others_would_say_alike_is_of_the_api_all_the_same() {
    reads(
        &DIALECT,
        &[
            r#"{"type":"thinking","thinking":"hm","snapshot":"hm"}"#,
            r#"{"type":"thinking_delta","thinking":"hm"}"#,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"SECRET"}}"#,
        ],
    );
}

#[test]
fn what_has_no_type_says_nothing() {
    let lines = said(&[
        r#"{"type":"content_block_start","index":0,"content_block":{"text":"x"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"text":"x"}}"#,
    ]);
    assert!(lines.is_empty());
}

#[test]
fn a_whole_message_ends_its_turn() {
    let lines = said(&[
        r#"{"id":"m","type":"message","role":"assistant","model":"c","stop_reason":"end_turn","content":[
            {"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"x"},
            {"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"q"}},
            {"type":"compaction","content":"SUMMARY"},
            {"type":"text","text":"Hi","citations":null}]}"#,
    ]);
    let expected = [
        "reasoning hm",
        r#"call s web_search whole {"query":"q"}"#,
        "text Hi",
        "turn end",
    ];
    assert_eq!(lines, expected);
    // Fields that are null are left out by some.
    for field in [r#""model":"c""#, r#""stop_reason":null"#] {
        let message = format!(
            r#"{{"type":"message","role":"assistant","content":[{{"type":"text","text":"Hi"}}],{field}}}"#
        );
        assert_eq!(said(&[&message]), ["text Hi", "turn end"], "{message}");
    }
}

#[test]
fn an_error_of_the_api_fails_the_reply() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"SECRET"}}"#;
    assert_eq!(said(&[error]), ["error"]);
}

#[test]
fn what_is_not_of_the_api_is_left_to_others() {
    leaves(
        &DIALECT,
        &[
            r#"{"type":"text","text":"x"}"#,
            r#"{"type":"text_delta","text":"x"}"#,
            r#"{"type":"message","content":"x"}"#,
            r#"{"type":"message","role":"assistant","content":[{"text":"x"}]}"#,
            r#"{"type":"message_start","text":"x"}"#,
            r#"{"type":"tool_use","text":"x"}"#,
            r#"{"type":"error","error":"x"}"#,
        ],
    );
}
