use super::merged;
use crate::dialects::testing::said;
use crate::json::Document;

#[test]
fn updates_say_their_contents() {
    let lines = said(&[
        r#"{"type":"agent_response_update","contents":[{"type":"text_reasoning","text":"hm"}],"role":"assistant","response_id":"r","message_id":"m"}"#,
        r#"{"type":"agent_response_update","contents":[{"type":"text","text":"It","annotations":null}],"role":"assistant"}"#,
        r#"{"type":"agent_response_update","contents":[{"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":"}],"role":"assistant"}"#,
        r#"{"type":"agent_response_update","contents":[{"type":"function_call","call_id":"c","name":"","arguments":"1}"}],"role":"assistant","finish_reason":"tool_calls"}"#,
        r#"{"type":"agent_response_update","contents":[{"type":"function_result","call_id":"c","result":"42","items":[{"type":"text","text":"42"}]}],"role":"tool"}"#,
        r#"{"type":"agent_response_update","contents":[{"type":"mcp_server_tool_call","call_id":"d","tool_name":"g","arguments":{}},
            {"type":"mcp_server_tool_result","call_id":"d","output":"7"},{"type":"usage","usage_details":{}}],"role":"assistant"}"#,
        r#"{"type":"agent_response_update","contents":[{"type":"text","text":"PROMPT"}],"role":{"type":"role","value":"user"}}"#,
        r#"{"$type":"x","authorName":"A","role":"assistant","contents":[{"$type":"text","text":"B"},
            {"$type":"functionCall","callId":"e","name":"h","arguments":{"a":1}}],"responseId":"r","messageId":"m"}"#,
    ]);
    assert_eq!(
        lines,
        [
            "reasoning hm",
            "text It",
            r#"call c f piece {"a":"#,
            "call c - piece 1}",
            "turn end",
            "result c 42",
            "call d g whole {}",
            "result d 7",
            "text B",
            r#"call e h whole {"a":1}"#,
        ]
    );
}

#[test]
fn a_command_of_the_models_service_has_failed_where_it_says_so() {
    let result = |part: &str| {
        let update =
            format!(r#"{{"type":"agent_response_update","contents":[{part}],"role":"assistant"}}"#);
        said(&[&update]).concat()
    };
    let shell = |rest: &str| {
        result(&format!(
            r#"{{"type":"shell_tool_result","call_id":"c","outputs":[{{"type":"shell_command_output","stdout":"out",{rest}}}],"additional_properties":{{}}}}"#
        ))
    };
    assert!(!shell(r#""exit_code":0,"timed_out":false"#).ends_with("failed"));
    assert!(shell(r#""exit_code":1,"timed_out":false"#).ends_with("failed"));
    assert!(shell(r#""exit_code":null,"timed_out":true"#).ends_with("failed"));
    let search = r#"{"type":"search_tool_result","call_id":"c","status":"failed","items":[]}"#;
    assert_eq!(result(search), "result c [] failed");
}

#[test]
fn a_response_is_its_messages() {
    let lines = said(&[r#"{"type":"agent_response","messages":[
            {"type":"message","role":"assistant","contents":[{"type":"text","text":"A"},
                {"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]},
            {"type":"message","role":"tool","contents":[{"type":"function_result","call_id":"c","result":"42"}]},
            {"type":"message","role":"assistant","contents":[{"type":"text","text":"B"}]}],
            "response_id":"r","usage_details":{}}"#]);
    assert_eq!(
        lines,
        ["text AB", "call c f whole {}", "result c 42", "turn end"]
    );
}

#[test]
fn a_workflows_events_say_what_its_executors_give_out() {
    let lines = said(&[
        r#"{"type":"executor_invoked","executor_id":"a","data":"PROMPT"}"#,
        r#"{"type":"intermediate","executor_id":"a","data":{"type":"agent_response_update","contents":[{"type":"text","text":"A"}],"role":"assistant"}}"#,
        r#"{"type":"output","executor_id":"b","data":"B"}"#,
        r#"{"type":"output","executor_id":"b","data":[{"type":"message","role":"assistant","contents":[{"type":"text","text":"C"}]}]}"#,
        r#"{"type":"failed","executor_id":null,"details":{"message":"no"}}"#,
    ]);
    assert_eq!(lines, ["text A", "text B", "text C", "turn end", "error"]);
}

#[test]
fn a_workflow_that_asks_its_user_ends_a_turn() {
    for name in ["request_info", "RequestInfoEvent"] {
        for (data, lines) in [
            (r#""Approve?""#, &["text Approve?", "turn end"][..]),
            (r#"{"tool":"f"}"#, &["turn end"]),
        ] {
            let event = format!(
                r#"{{"type":"{name}","data":{data},"request_id":"r","source_executor_id":"a","request_type":"str","response_type":"bool"}}"#
            );
            assert_eq!(said(&[&event]), lines);
        }
    }
}

#[test]
fn objects_of_other_formats_are_left_to_others() {
    let lines = said(&[
        r#"{"contents":["A"]}"#,
        r#"{"contents":[{"text":"B"}],"role":"assistant"}"#,
        r#"{"type":"data","data":"C"}"#,
    ]);
    assert_eq!(lines, ["text A", "text B", "text C"]);
}

#[test]
fn a_whole_that_replaces_its_pieces_has_another_form() {
    let form = |content: &str| {
        let mut document = Document::default();
        assert!(document.read(content));
        let content = document.value(content).as_object().expect("an object");
        merged("piece", "whole", &content)
    };
    assert_eq!(form(r#"{"type":"text","text":"Hi"}"#), "piece");
    assert_eq!(
        form(r#"{"type":"text","text":"Hi","merge_mode":"replace"}"#),
        "whole"
    );
}
