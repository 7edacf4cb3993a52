use super::DIALECT;
use crate::dialects::testing::{leaves, reads, said};

const INPUT: &str = r#"{"input":[{"role":"user","additional_kwargs":{},
    "blocks":[{"block_type":"text","text":"PROMPT"}]}],"current_agent_name":"Agent"}"#;

#[test]
fn events_say_what_they_are_by_their_fields() {
    let lines = said(&[
        INPUT,
        r#"{"delta":"","response":"","current_agent_name":"A","tool_calls":[],"thinking_delta":"hm"}"#,
        r#"{"delta":"It","response":"It","current_agent_name":"A","tool_calls":[],"thinking_delta":null}"#,
        r#"{"delta":"","response":"It","current_agent_name":"A","thinking_delta":null,
            "tool_calls":[{"tool_id":"c","tool_name":"f","tool_kwargs":{"a":1}}]}"#,
        r#"{"tool_name":"f","tool_kwargs":{"a":1},"tool_id":"c"}"#,
        r#"{"tool_name":"f","tool_kwargs":{"a":1},"tool_id":"c","tool_output":{"blocks":[],
            "tool_name":"f","raw_input":{},"raw_output":"42","is_error":false},"return_direct":false}"#,
        r#"{"response":{"role":"assistant","additional_kwargs":{},"blocks":[
            {"block_type":"thinking","content":"hm"},{"block_type":"text","text":"It"}]},
            "structured_response":null,"current_agent_name":"A","tool_calls":[],"retry_messages":[]}"#,
        r#"{"result":{"response":{"role":"assistant","additional_kwargs":{},
            "blocks":[{"block_type":"text","text":"It"}]},"current_agent_name":"A","tool_calls":[]}}"#,
    ]);
    assert_eq!(
        lines,
        [
            "reasoning hm",
            "text It",
            r#"call c f whole {"a":1}"#,
            "result c 42",
            "reasoning hm",
            "text It",
            "text It",
            "end",
        ]
    );
}

#[test]
fn events_say_what_they_are_by_name() {
    let input = format!(r#"{{"type":"AgentInput","data":{INPUT}}}"#);
    let lines = said(&[
        &input,
        r#"{"type":"AgentStream","data":{"delta":"It","response":"It","current_agent_name":"A"}}"#,
        r#"{"__is_pydantic":true,"value":{"delta":"It","response":"It","current_agent_name":"A"},
            "qualified_name":"llama_index.core.agent.workflow.workflow_events.AgentStream"}"#,
        r#"{"type":"StepFailedEvent","data":{"step_name":"s","exception":{},"attempts":1}}"#,
        r#"{"event":"InputRequiredEvent","data":{"prefix":"Sure?"}}"#,
        r#"{"type":"StopEvent","data":{"result":"It"}}"#,
        r#"{"type":"WorkflowTimedOutEvent","data":{"timeout":1.0,"active_steps":[]}}"#,
    ]);
    assert_eq!(
        lines,
        [
            "text It",
            "text It",
            "text Sure?",
            "turn end",
            "text It",
            "end",
            "error"
        ]
    );
}

#[test]
fn a_question_is_a_field_that_its_class_does_not_declare() {
    for event in [
        r#"{"_data":{"prefix":"Sure?"}}"#,
        r#"{"type":"InputRequiredEvent","data":{"_data":{"prefix":"Sure?"}}}"#,
        r#"{"value":{"_data":{"prefix":"Sure?","user_name":"A"}},"qualified_name":"workflows.events.InputRequiredEvent","type":"InputRequiredEvent","types":[]}"#,
    ] {
        assert_eq!(said(&[event]), ["text Sure?", "turn end"], "{event}");
    }
    assert_eq!(said(&[r#"{"_data":{"msg":"Step one"}}"#]), ["unread"]);
}

#[test]
fn fields_that_are_not_there_say_nothing() {
    let lines = said(&[
        r#"{"type":"AgentStream","data":{"current_agent_name":"A","thinking_delta":"hm"}}"#,
        r#"{"tool_name":"f","tool_kwargs":"","tool_id":"c"}"#,
        // Before messages had blocks.
        r#"{"response":{"role":"assistant","content":"Hi","additional_kwargs":{}},"current_agent_name":"A","tool_calls":[]}"#,
    ]);
    assert_eq!(lines, ["reasoning hm", "call c f whole {}", "text Hi"]);
}

#[test]
fn blocks_come_by_themselves_too() {
    let lines = said(&[
        r#"{"block_type":"text","text":"Hi"}"#,
        r#"{"block_type":"thinking","content":"hm","num_tokens":null,"additional_information":{}}"#,
        r#"{"block_type":"citable","title":"T","source":"S","content":[{"block_type":"text","text":"CITED"}]}"#,
        r#"{"block_type":"citation","cited_content":{"block_type":"text","text":"CITED"},"source":"S","title":"T","additional_location_info":{}}"#,
        r#"{"block_type":7}"#,
    ]);
    assert_eq!(lines, ["text Hi", "reasoning hm"]);
}

#[test]
fn messages_are_the_assistants() {
    let lines = said(&[
        r#"{"role":"system","additional_kwargs":{},"blocks":[{"block_type":"text","text":"S"}]}"#,
        r#"{"role":"tool","additional_kwargs":{"tool_call_id":"c"},"blocks":[]}"#,
        r#"{"message":{"role":"assistant","additional_kwargs":{},"blocks":[
            {"block_type":"text","text":"A"},
            {"block_type":"tool_call","tool_call_id":"c","tool_name":"f","tool_kwargs":"{}"},
            {"block_type":"image","image":null},7]},"raw":null,"delta":null}"#,
    ]);
    assert_eq!(lines, ["result c []", "text A", "call c f whole {}"]);
}

#[test]
fn objects_of_other_formats_are_left_to_others() {
    let lines = said(&[
        r#"{"result":{"text":"A"}}"#,
        r#"{"delta":"B","response":"AB"}"#,
        r#"{"type":"ToolCall","name":"f"}"#,
    ]);
    assert_eq!(lines, ["text A", "text B", "call - f begun"]);
}

#[test]
fn what_a_person_answers_is_no_text() {
    let answer = r#"{"type":"HumanResponseEvent","data":{"response":"PROMPT"}}"#;
    assert!(said(&[answer]).is_empty());
}

#[test]
fn a_call_may_be_inside_of_its_name() {
    let call =
        r#"{"type":"ToolCall","data":{"tool_name":"f","tool_kwargs":{"a":1},"tool_id":"c"}}"#;
    reads(&DIALECT, &[call]);
    assert_eq!(said(&[call]), [r#"call c f whole {"a":1}"#]);
}

#[test]
fn messages_have_blocks_and_what_goes_with_them() {
    leaves(
        &DIALECT,
        &[
            r#"{"blocks":[{"text":"x"}]}"#,
            r#"{"type":"x","additional_kwargs":{},"text":"x"}"#,
        ],
    );
}
