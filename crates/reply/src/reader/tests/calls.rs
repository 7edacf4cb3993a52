//! Calls of tools and their results: put together from their pieces, told once each.

use super::*;
use crate::step::Output;

/// What a reply tells beside the end of turns, a line each.
fn told(messages: &[&str]) -> Vec<String> {
    let mut reader = ReplyReader::default().naming_calls("own-");
    let mut lines = Vec::new();
    for message in messages {
        reader.push_text(message);
        lines.extend(reader.by_ref().filter_map(line));
    }
    reader.finish();
    lines.extend(reader.filter_map(line));
    lines
}

fn line(step: Step) -> Option<String> {
    Some(match step {
        Step::Text(text) => format!("text {text}"),
        Step::Reasoning(text) => format!("reasoning {text}"),
        Step::CallBegun { id, name } => format!("begun {id} {name}"),
        Step::CallInput { id, piece } => format!("piece {id} {piece}"),
        Step::Call { id, name, input } => format!("call {id} {name} {input}"),
        Step::CallResult { id, output, failed } => {
            let (Output::Text(output) | Output::Json(output)) = output;
            format!(
                "result {id} {output}{}",
                if failed { " failed" } else { "" }
            )
        }
        Step::TurnEnd | Step::AgUiEvent { .. } | Step::End(_) => return None,
    })
}

/// What comes between the pieces of a call does not end it, where its format says when it is whole or
/// its input is half there.
#[test]
fn a_call_is_not_whole_before_its_input_is() {
    let replies: [(&str, &[&str]); 7] = [
        (
            "AG-UI",
            &[
                r#"{"type":"TOOL_CALL_START","toolCallId":"c","toolCallName":"f"}"#,
                r#"{"type":"REASONING_MESSAGE_CONTENT","messageId":"r","delta":"hm"}"#,
                r#"{"type":"TOOL_CALL_ARGS","toolCallId":"c","delta":"{\"a\":"}"#,
                r#"{"type":"TEXT_MESSAGE_CONTENT","messageId":"m","delta":"Hi"}"#,
                r#"{"type":"TOOL_CALL_ARGS","toolCallId":"c","delta":"1}"}"#,
                r#"{"type":"TOOL_CALL_END","toolCallId":"c"}"#,
            ],
        ),
        (
            "AI SDK",
            &[
                r#"{"type":"tool-input-start","toolCallId":"c","toolName":"f"}"#,
                r#"{"type":"tool-input-delta","toolCallId":"c","inputTextDelta":"{\"a\":"}"#,
                r#"{"type":"text-delta","id":"t","delta":"Hi"}"#,
                r#"{"type":"tool-input-available","toolCallId":"c","toolName":"f","input":{"a":1}}"#,
            ],
        ),
        (
            "OpenAI Responses",
            &[
                r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"i","call_id":"c","name":"f","arguments":""}}"#,
                r#"{"type":"response.function_call_arguments.delta","item_id":"i","output_index":0,"delta":"{\"a\":"}"#,
                r#"{"type":"response.output_text.delta","item_id":"m","output_index":1,"delta":"Hi"}"#,
                r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","id":"i","call_id":"c","name":"f","arguments":"{\"a\":1}"}}"#,
            ],
        ),
        (
            "Converse",
            &[
                r#"{"contentBlockStart":{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"c","name":"f"}}}}"#,
                r#"{"contentBlockDelta":{"contentBlockIndex":1,"delta":{"text":"Hi"}}}"#,
                r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{\"a\":1}"}}}}"#,
                r#"{"contentBlockStop":{"contentBlockIndex":0}}"#,
            ],
        ),
        (
            "Anthropic",
            &[
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"c","name":"f","input":{}}}"#,
                r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hi"}}"#,
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}"#,
                r#"{"type":"content_block_stop","index":0}"#,
            ],
        ),
        (
            "OpenAI chat",
            &[
                r#"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":"}}]}}]}"#,
                r#"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hi"}}]}"#,
                r#"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}}]}"#,
            ],
        ),
        (
            "LangGraph",
            &[
                r#"["messages",[{"type":"AIMessageChunk","id":"1","content":"","tool_call_chunks":[{"index":0,"id":"c","name":"f","args":"{\"a\":"}]},{"langgraph_node":"x"}]]"#,
                r#"["messages",[{"type":"AIMessageChunk","id":"2","content":"Hi","tool_call_chunks":[]},{"langgraph_node":"y"}]]"#,
                r#"["messages",[{"type":"AIMessageChunk","id":"1","content":"","tool_call_chunks":[{"index":0,"args":"1}"}]},{"langgraph_node":"x"}]]"#,
            ],
        ),
    ];
    for (format, messages) in replies {
        let lines = told(messages);
        let calls: Vec<_> = lines
            .iter()
            .filter(|line| line.starts_with("call"))
            .collect();
        assert_eq!(calls.len(), 1, "{format}: {lines:?}");
        assert!(
            calls[0].starts_with("call c f {\"a\":"),
            "{format}: {lines:?}"
        );
        assert!(calls[0].ends_with("1}"), "{format}: {lines:?}");
        assert!(lines.contains(&"text Hi".to_owned()), "{format}: {lines:?}");
    }
}

/// Half of an input is no call that the agent made.
#[test]
fn a_call_whose_input_was_cut_is_not_told_as_whole() {
    let lines = told(&[
        r#"{"contentBlockStart":{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"c","name":"f"}}}}"#,
        r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{\"y\":"}}}}"#,
        r#"{"messageStop":{"stopReason":"max_tokens"}}"#,
    ]);
    assert_eq!(lines, ["begun c f", r#"piece c {"y":"#]);
}

/// A format without an end of calls: the next thing that is said ends them.
#[test]
fn a_call_of_a_format_without_an_end_is_whole_at_the_next_thing() {
    let lines = told(&[
        r#"{"type":"tool_call","id":"c","name":"f"}"#,
        r#"{"chunk":"Hi"}"#,
    ]);
    assert_eq!(lines, ["begun c f", "call c f {}", "text Hi"]);
}

#[test]
fn a_result_without_an_id_is_of_the_oldest_call_of_its_tool() {
    let call = |name: &str| {
        format!(
            r#"{{"author":"a","content":{{"parts":[{{"functionCall":{{"name":"{name}","args":{{}}}}}}],"role":"model"}}}}"#
        )
    };
    let result = |name: &str, output: u8| {
        format!(
            r#"{{"author":"a","content":{{"parts":[{{"functionResponse":{{"name":"{name}","response":{{"x":{output}}}}}}}],"role":"user"}}}}"#
        )
    };
    let messages = [
        call("f"),
        call("g"),
        call("f"),
        result("g", 1),
        result("f", 2),
        result("f", 3),
        result("h", 4),
    ];
    let messages: Vec<_> = messages.iter().map(String::as_str).collect();
    let lines = told(&messages);
    let results: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("result"))
        .collect();
    let expected = [
        r#"result own-2 {"x":1}"#,
        r#"result own-1 {"x":2}"#,
        r#"result own-3 {"x":3}"#,
        r#"result own-4 {"x":4}"#,
    ];
    assert_eq!(results, expected);

    let lines = told(&[
        r#"{"type":"tool_start","input":{"a":1},"name":"f"}"#,
        r#"{"type":"tool_end","output":"42"}"#,
    ]);
    assert_eq!(
        lines,
        [
            "begun own-1 f",
            r#"call own-1 f {"a":1}"#,
            "result own-1 42"
        ]
    );
}

#[test]
fn a_result_that_is_nothing_is_one() {
    for (result, output) in [
        (r#"{"type":"tool_result","id":"c","output":null}"#, "null"),
        (r#"{"type":"tool_result","id":"c"}"#, ""),
    ] {
        let lines = told(&[
            r#"{"type":"tool_call","id":"c","name":"f","input":{}}"#,
            result,
        ]);
        assert_eq!(
            lines.last(),
            Some(&format!("result c {output}")),
            "{lines:?}"
        );
    }
}
