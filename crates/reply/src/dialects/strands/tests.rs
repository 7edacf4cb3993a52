use super::DIALECT;
use crate::dialects::testing::{leaves, reads, said};

#[test]
fn an_agent_says_each_word_in_four_forms() {
    let events = [
        r#"{"init_event_loop":true}"#,
        r#"{"start":true}"#,
        r#"{"data":"Hi","delta":{"text":"Hi"},"agent":"<strands.agent.Agent object at 0x7f>"}"#,
        r#"{"reasoningText":"hm","delta":{"reasoningContent":{"text":"hm"}},"reasoning":true}"#,
        r#"{"delta":{"toolUse":{"input":"{"}},"current_tool_use":{"toolUseId":"c","name":"f","input":"{"}}"#,
        r#"{"tool_stream_event":{"tool_use":{"toolUseId":"c"},"data":"TOOL"}}"#,
        r#"{"message":{"role":"user","content":[{"toolResult":{"toolUseId":"c","status":"success","content":[]}}]}}"#,
        r#"{"message":{"role":"assistant","content":[{"text":"Hi"}]}}"#,
        r#"{"result":"Hi\n"}"#,
    ];
    assert_eq!(
        said(&events),
        [
            "text Hi",
            "reasoning hm",
            "call c f begun",
            "result c []",
            "text Hi",
            "text Hi\n",
            "turn end"
        ]
    );
}

#[test]
fn a_result_after_an_interrupt_is_no_answer() {
    let events = [
        r#"{"init_event_loop":true}"#,
        r#"{"tool_interrupt_event":{"tool_use":{"toolUseId":"c"},"interrupts":[{"name":"ok?"}]}}"#,
        r#"{"result":"Interrupt: ok?"}"#,
    ];
    assert!(said(&events).is_empty());
}

#[test]
fn a_node_that_asks_somebody_leaves_its_graph_without_an_answer() {
    let events = [
        r#"{"type":"multiagent_node_interrupt","node_id":"a","interrupts":[{"id":"i","name":"ok?","reason":null,"response":null}]}"#,
        r#"{"type":"multiagent_result","result":"a: Interrupt"}"#,
    ];
    assert!(said(&events).is_empty());
    let result = r#"{"type":"multiagent_result","result":"a: Hi"}"#;
    assert_eq!(said(&[result]), ["text a: Hi"]);
}

#[test]
fn the_result_of_a_graph_counts_where_its_nodes_were_not_heard() {
    let result = r#"{"type":"multiagent_result","result":"a: Hi\nb: Bye"}"#;
    assert_eq!(said(&[result]), ["text a: Hi\nb: Bye"]);
    let node = r#"{"type":"multiagent_node_stream","node_id":"a","event":{"event":{"contentBlockDelta":{"delta":{"text":"Hi"}}}}}"#;
    let stop = r#"{"type":"multiagent_node_stop","node_id":"a","node_result":"Hi\n"}"#;
    assert_eq!(
        said(&[node, stop, result]),
        ["text Hi", "text Hi\n", "turn end"]
    );
    assert_eq!(said(&[node, result]), ["text Hi"]);
}

#[test]
fn results_are_read_as_people_serialise_them() {
    let agents = r#"{"type":"agent_result","message":{"role":"assistant","content":[{"text":"Hi"}]},"stop_reason":"end_turn","checkpoint":null}"#;
    assert_eq!(said(&[agents]), ["text Hi", "turn end"]);
    let fields = r#"{"stop_reason":"end_turn","message":{"role":"assistant","content":[{"text":"Hi"}]},"metrics":{},"state":{},"interrupts":null}"#;
    assert_eq!(said(&[fields]), ["text Hi", "turn end"]);
    for result in [agents, fields] {
        let event = format!(r#"{{"result":{result}}}"#);
        assert_eq!(said(&[&event]), ["text Hi", "turn end"], "{event}");
        let interrupted = event.replace("end_turn", "interrupt");
        assert!(said(&[&interrupted]).is_empty(), "{interrupted}");
    }
    let other = [r#"{"start":true}"#, r#"{"result":{"text":"Hi"}}"#];
    assert_eq!(said(&other), ["text Hi", "turn end"]);
    let graphs = [
        format!(
            r#"{{"type":"multiagent_result","status":"completed","results":{{"a":{{"result":{agents},"status":"completed"}}}},"accumulated_usage":{{}},"execution_time":1}}"#
        ),
        format!(
            r#"{{"status":"Status.COMPLETED","results":{{"a":{{"result":{{"results":{{"b":{{"result":{fields}}}}}}}}}}},"accumulated_usage":{{}},"execution_time":1}}"#
        ),
    ];
    for graph in &graphs {
        assert_eq!(said(&[graph]), ["text Hi"], "{graph}");
        let event = format!(r#"{{"type":"multiagent_result","result":{graph}}}"#);
        assert_eq!(said(&[&event]), ["text Hi"], "{event}");
    }
}

#[test]
fn a_swarm_that_failed_is_an_error_whatever_its_nodes_said() {
    let node = r#"{"type":"multiagent_node_stream","node_id":"a","event":{"event":{"contentBlockDelta":{"delta":{"text":"Hi"}}}}}"#;
    for status in ["failed", "Status.FAILED"] {
        let fields = format!(
            r#""status":"{status}","results":{{"a":{{"result":{{"type":"exception","message":"SECRET"}},"status":"failed"}}}},"accumulated_usage":{{}},"execution_time":1"#
        );
        let event = format!(
            r#"{{"type":"multiagent_result","result":{{"type":"multiagent_result",{fields}}}}}"#
        );
        assert_eq!(said(&[node, &event]), ["text Hi", "error"]);
        assert_eq!(said(&[&format!("{{{fields}}}")]), ["error"]);
    }
}

#[test]
fn a_structured_output_is_the_answer() {
    let object = r#"{"stop_reason":"tool_use","message":{"role":"assistant","content":[{"toolUse":{"toolUseId":"c","name":"City","input":{"n":1}}}]},"metrics":{},"state":{},"interrupts":null,"structured_output":{"n":1},"checkpoint":null}"#;
    let expected = [
        r#"call c City whole {"n":1}"#,
        r#"text {"n":1}"#,
        "turn end",
    ];
    assert_eq!(said(&[object]), expected);
    let event = format!(r#"{{"result":{object}}}"#);
    assert_eq!(said(&[&event]), expected);
    let node = format!(
        r#"{{"type":"multiagent_node_stop","node_id":"a","node_result":{{"result":{object},"status":"completed"}}}}"#
    );
    assert_eq!(said(&[&node]), expected);
    // As `str` gives it.
    let events = [
        r#"{"start":true}"#,
        r#"{"structured_output":{"n":1}}"#,
        r#"{"result":"{\"n\":1}"}"#,
    ];
    assert_eq!(said(&events), [r#"text {"n":1}"#, "turn end"]);
}

#[test]
fn a_nodes_error_and_what_python_writes_of_objects_are_no_text() {
    for event in [
        r#"{"type":"multiagent_node_stop","node_id":"a","node_result":"SECRET failure"}"#,
        r#"{"type":"multiagent_node_stop","node_id":"a","node_result":{"result":{"type":"exception","message":"SECRET"}}}"#,
        r#"{"type":"multiagent_node_stop","node_id":"a","node_result":"NodeResult(result=AgentResult(x=1))"}"#,
        r#"{"type":"multiagent_node_stop","node_id":"a","node_result":null}"#,
    ] {
        assert_eq!(said(&[event]), ["turn end"], "{event}");
    }
    for event in [
        r#"{"type":"multiagent_result","result":"GraphResult(status=1)"}"#,
        r#"{"type":"multiagent_result","result":"[{'id': 'i', 'name': 'ok?', 'reason': None, 'response': None}]"}"#,
    ] {
        assert!(said(&[event]).is_empty(), "{event}");
    }
}

#[test]
fn an_answer_in_pythons_own_form_is_text() {
    for answer in [
        "print(end='')",
        "[{'id': 'a', 'name': 'b'}]",
        "The Result(x=1) is it",
    ] {
        let event = format!(r#"{{"result":"{answer}"}}"#);
        let lines = said(&[r#"{"start":true}"#, &event]);
        assert_eq!(lines, [&format!("text {answer}"), "turn end"]);
    }
}

#[test]
fn what_str_and_repr_give_of_a_result_without_text_is_none() {
    for result in [
        "[{'id': 'i', 'name': 'ok?', 'reason': None, 'response': None}]",
        "AgentResult(stop_reason='end_turn', message={'role': 'assistant'})",
    ] {
        let event = format!(r#"{{"result":"{result}"}}"#);
        assert_eq!(
            said(&[r#"{"start":true}"#, &event]),
            ["turn end"],
            "{event}"
        );
    }
}

#[test]
fn what_is_not_of_strands_is_left_to_others() {
    for (object, expected) in [
        (r#"{"type":"multiagent_answer","text":"a"}"#, "text a"),
        (r#"{"data":"a"}"#, "text a"),
        (r#"{"result":"a"}"#, "text a"),
    ] {
        assert_eq!(said(&[object]), [expected]);
    }
}

#[test]
fn what_has_fewer_fields_is_left_to_others() {
    leaves(
        &DIALECT,
        &[
            r#"{"role":"assistant","message":{"role":"assistant","content":[{"text":"x"}]}}"#,
            r#"{"result":{"stop_reason":"x","text":"x"}}"#,
            r#"{"results":{},"text":"x"}"#,
            r#"{"results":{},"accumulated_usage":{},"text":"x"}"#,
            r#"{"results":[],"execution_time":1,"text":"x"}"#,
        ],
    );
}

#[test]
fn what_ends_reasoning_or_cites_says_nothing() {
    reads(
        &DIALECT,
        &[
            r#"{"reasoning_signature":"s","delta":{"reasoningContent":{"signature":"s"}},"reasoning":true}"#,
            r#"{"reasoningRedactedContent":"x","delta":{"reasoningContent":{"redactedContent":"x"}},"reasoning":true}"#,
            r#"{"citation":{"title":"TITLE"},"delta":{"citation":{"title":"TITLE"}}}"#,
        ],
    );
    let unnamed =
        r#"{"current_tool_use":{"name":"f","input":"{"},"delta":{"toolUse":{"input":"{"}}}"#;
    assert!(said(&[unnamed]).is_empty());
}
