use crate::dialects::testing::said;

#[test]
fn a_runs_events_say_its_words_and_tools() {
    let lines = said(&[
        r#"{"created_at":1,"event":"RunStarted","agent_id":"a","run_id":"r","nested_depth":0,"model":"m"}"#,
        r#"{"event":"ModelRequestStarted","run_id":"r","model":"m"}"#,
        r#"{"event":"RunContent","run_id":"r","content_type":"str","reasoning_content":"hm"}"#,
        r#"{"event":"RunContent","run_id":"r","content":"It","content_type":"str","reasoning_content":""}"#,
        r#"{"event":"ToolCallStarted","run_id":"r","tool":{"tool_call_id":"c","tool_name":"f",
            "tool_args":{"a":1},"tool_call_error":null,"result":null}}"#,
        r#"{"event":"ToolCallCompleted","run_id":"r","content":"f(a=1) completed in 0.1s.",
            "tool":{"tool_call_id":"c","tool_name":"f","tool_args":{"a":1},"tool_call_error":false,"result":"42"}}"#,
        r#"{"event":"ToolCallError","run_id":"r","tool":{"tool_call_id":"d"},"error":"no"}"#,
        r#"{"event":"ReasoningStep","run_id":"r","content":{"title":"t"},"content_type":"ReasoningStep","reasoning_content":"so"}"#,
        r#"{"event":"RunIntermediateContent","run_id":"r","content":"draft"}"#,
        r#"{"event":"RunContent","run_id":"r","content":{"n":1},"content_type":"N"}"#,
        r#"{"event":"RunContentCompleted","run_id":"r"}"#,
        r#"{"event":"RunCompleted","run_id":"r","content":"It","content_type":"str","reasoning_content":"hm"}"#,
    ]);
    assert_eq!(
        lines,
        [
            "reasoning hm",
            "text It",
            r#"call c f whole {"a":1}"#,
            "result c 42",
            "result d no failed",
            "reasoning so",
            "reasoning draft",
            r#"text {"n":1}"#,
            "reasoning hm",
            "text It",
            "turn end",
            "end",
        ]
    );
}

#[test]
fn a_run_that_waits_for_somebody_says_so() {
    let lines = said(&[
        r#"{"event":"RunContent","run_id":"r","content":null,"content_type":"str","reasoning_content":"hm"}"#,
        r#"{"event":"ToolCallStarted","run_id":"r","tool":{"tool_call_id":"c","tool_name":"f","tool_args":null,"result":null}}"#,
        r#"{"event":"RunPaused","agent_id":"m","run_id":"m","parent_run_id":"r","content":"I have tools to execute."}"#,
        r#"{"event":"RunPaused","agent_id":"a","run_id":"r","nested_depth":0,"content":"I have tools to execute, but I need confirmation.",
            "tools":[{"tool_call_id":"c","tool_name":"f","tool_args":null,"requires_confirmation":true}]}"#,
    ]);
    let expected = [
        "reasoning hm",
        "call c f whole {}",
        "turn end",
        "text I have tools to execute, but I need confirmation.",
        "turn end",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_members_run_is_a_step_of_its_teams() {
    let lines = said(&[
        r#"{"event":"TeamRunStarted","team_id":"t","run_id":"r"}"#,
        r#"{"event":"RunContent","agent_id":"a","run_id":"m","parent_run_id":"r","content":"draft"}"#,
        r#"{"event":"RunError","agent_id":"a","run_id":"m","parent_run_id":"r","content":"no"}"#,
        r#"{"event":"RunCompleted","agent_id":"a","run_id":"m","parent_run_id":"r","content":"draft"}"#,
        r#"{"event":"TeamRunContent","team_id":"t","run_id":"r","parent_run_id":null,"content":"It"}"#,
        r#"{"event":"TeamRunCompleted","team_id":"t","run_id":"r","content":"It"}"#,
    ]);
    assert_eq!(lines, ["text It", "text It", "turn end", "end"]);
}

#[test]
fn a_workflow_ends_once() {
    let lines = said(&[
        r#"{"event":"WorkflowStarted","workflow_id":"w","run_id":"r"}"#,
        r#"{"event":"StepStarted","workflow_id":"w","run_id":"r","step_name":"s"}"#,
        r#"{"event":"RunContent","agent_id":"a","run_id":"m","workflow_id":"w","workflow_run_id":"r","step_id":"s","content":"It"}"#,
        r#"{"event":"RunCompleted","agent_id":"a","run_id":"m","workflow_id":"w","workflow_run_id":"r","step_id":"s","content":"It"}"#,
        r#"{"event":"StepError","workflow_id":"w","run_id":"r","error":"no"}"#,
        r#"{"event":"StepCompleted","workflow_id":"w","run_id":"r","content":"It"}"#,
        r#"{"event":"WorkflowCompleted","workflow_id":"w","run_id":"r","content":"It"}"#,
    ]);
    assert_eq!(
        lines,
        [
            "text It", "text It", "turn end", "text It", "turn end", "end"
        ]
    );
}

#[test]
fn an_event_may_be_inside_of_its_name() {
    let lines = said(&[
        r#"{"event":"ModelRequestStarted","data":{"event":"ModelRequestStarted","run_id":"r"}}"#,
        r#"{"event":"RunContent","data":{"event":"RunContent","run_id":"r","content":"It"}}"#,
        r#"{"event":"RunError","data":{"event":"RunError","run_id":"r","content":"boom"}}"#,
    ]);
    assert_eq!(lines, ["text It", "error"]);
}

#[test]
fn an_output_is_the_answer_and_no_prompt() {
    let lines = said(&[
        r#"{"run_id":"r","agent_id":"a","content":"It","content_type":"str","reasoning_content":"hm",
            "status":"COMPLETED","messages":[{"role":"user","content":"PROMPT"}],
            "tools":[{"tool_call_id":"c","tool_name":"f","tool_args":{},"result":"42"}],
            "input":{"input_content":"PROMPT"}}"#,
        r#"{"run_id":"m","parent_run_id":"r","content":"boom","content_type":"str","status":"ERROR"}"#,
        r#"{"run_id":"r","content":"boom","content_type":"str","status":"ERROR"}"#,
        r#"{"event":"RunError","content":"boom"}"#,
    ]);
    assert_eq!(
        lines,
        [
            "call c f whole {}",
            "result c 42",
            "reasoning hm",
            "text It",
            "turn end",
            "error",
            "error",
        ]
    );
}

#[test]
fn objects_of_other_formats_are_left_to_others() {
    let lines = said(&[
        r#"{"event":"StartRun","content":"A"}"#,
        r#"{"event":"CustomEvent","content":"B"}"#,
        r#"{"event":"TaskCompleted","result":"C"}"#,
    ]);
    assert_eq!(lines, ["text A", "text B", "text C"]);
}
