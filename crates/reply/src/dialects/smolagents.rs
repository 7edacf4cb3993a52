//! smolagents: what `agent.run(stream=True)` yields, as `dict()` or `asdict` gives it, with or
//! without its class's name.
//!
//! <https://github.com/huggingface/smolagents/blob/main/src/smolagents/memory.py>; outputs and
//! results are in `agents.py` beside it, deltas of messages in `models.py`.
//!
//! What the model says in a step is its way to the answer: thoughts and code, or the words beside
//! the call of a tool. The answer is the final one alone.

use super::{Dialect, Reading, tool_input};
use crate::json::{Keys, Kind, Object, Str, Value};
use crate::said::Input;

pub(super) const DIALECT: Dialect = Dialect {
    name: "smolagents",
    keys: Keys::of(&[
        "type",
        "event",
        "step_number",
        "is_final_answer",
        "token_usage",
        "arguments",
        "task_images",
        "plan",
        "system_prompt",
    ]),
    read,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Delta,
    ToolCall,
    ToolOutput,
    ActionOutput,
    ActionStep,
    PlanningStep,
    FinalAnswer,
    RunResult,
    /// What the agent was given.
    Prompt,
}

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some((class, body)) = named(object).or_else(|| Some((class_of(object)?, *object))) else {
        return false;
    };
    match class {
        Class::Delta => delta(&body, reading),
        Class::ToolCall => call(&body, reading),
        Class::ToolOutput => {
            let called = body.object("tool_call");
            let id = body.string("id").or_else(|| called?.string("id"));
            let seen = body.get("observation").filter(|seen| !seen.is_null());
            reading.result(id, seen.or_else(|| body.get("output")), false);
        }
        Class::ActionOutput => {
            if body.is_true("is_final_answer") {
                answer("smolagents output", body.get("output"), reading);
            }
        }
        Class::ActionStep => step(&body, reading),
        Class::PlanningStep => {
            if let Some(plan) = body.string("plan") {
                reading.reasoning("smolagents plan", plan);
            }
        }
        Class::FinalAnswer => {
            answer("smolagents answer", body.get("output"), reading);
            reading.end();
        }
        Class::RunResult => {
            answer("smolagents result", body.get("output"), reading);
            reading.turn_end();
        }
        Class::Prompt => {}
    }
    true
}

/// The class by its name, and the fields, which are beside the name or in `data`.
fn named<'a>(object: &Object<'a>) -> Option<(Class, Object<'a>)> {
    let name = object.string("type").or_else(|| object.string("event"))?;
    let class = match &*name.decode() {
        "ChatMessageStreamDelta" => Class::Delta,
        "ToolOutput" => Class::ToolOutput,
        "ActionOutput" => Class::ActionOutput,
        "ActionStep" => Class::ActionStep,
        "PlanningStep" => Class::PlanningStep,
        "FinalAnswerStep" => Class::FinalAnswer,
        "RunResult" if object.has("steps") => Class::RunResult,
        "TaskStep" | "SystemPromptStep" => Class::Prompt,
        _ => return None,
    };
    Some((class, object.object("data").unwrap_or(*object)))
}

/// The class of an object without a name, by its fields.
fn class_of(object: &Object<'_>) -> Option<Class> {
    let has = |key: &str| object.has(key);
    if has("step_number") && (has("timing") || has("error") || has("observations")) {
        return Some(Class::ActionStep);
    }
    if has("is_final_answer") && has("output") {
        let is_tools = has("tool_call") || has("observation");
        return Some(if is_tools {
            Class::ToolOutput
        } else {
            Class::ActionOutput
        });
    }
    if has("token_usage") {
        return match () {
            () if has("steps") && has("state") && has("timing") => Some(Class::RunResult),
            () if has("plan") && has("model_output_message") => Some(Class::PlanningStep),
            () if has("content") && has("tool_calls") && !has("role") => Some(Class::Delta),
            () => None,
        };
    }
    let is_call = has("arguments") && has("name") && has("id") && !has("type") && !has("content");
    if is_call {
        return Some(Class::ToolCall);
    }
    let is_prompt = (has("task") && has("task_images")) || is_system_prompt(object);
    is_prompt.then_some(Class::Prompt)
}

fn is_system_prompt(object: &Object<'_>) -> bool {
    object.has("system_prompt") && object.iter().count() == 1
}

fn delta(delta: &Object<'_>, reading: &mut Reading<'_>) {
    if let Some(thought) = delta.string("content") {
        reading.reasoning("smolagents delta", thought);
    }
    let calls = delta.array("tool_calls").into_iter().flatten();
    for called in calls.filter_map(Value::as_object) {
        let function = called.object("function");
        let name = function.and_then(|function| function.string("name"));
        let arguments = function.and_then(|function| function.get("arguments"));
        let input = tool_input::piece(arguments);
        reading.call(called.string("id"), called.number("index"), name, input);
    }
}

/// Says a call. `dict()` puts its fields under `function`.
fn call(call: &Object<'_>, reading: &mut Reading<'_>) {
    let function = call.object("function").unwrap_or(*call);
    let arguments = function.get("arguments");
    // The input of an agent that runs code is a text, of which the JSON is a string.
    let input = match arguments.and_then(Value::as_str) {
        Some(_) => arguments.map_or(Input::None, |code| Input::Whole(code.raw().to_owned())),
        None => tool_input::whole(arguments),
    };
    reading.call(call.string("id"), None, function.string("name"), input);
}

fn step(step: &Object<'_>, reading: &mut Reading<'_>) {
    if let Some(thought) = step.string("model_output") {
        reading.reasoning("smolagents step", thought);
    }
    let calls = step.array("tool_calls").into_iter().flatten();
    for called in calls.filter_map(Value::as_object) {
        call(&called, reading);
    }
    if step.is_true("is_final_answer") {
        answer("smolagents step", step.get("action_output"), reading);
    }
    reading.turn_end();
}

/// Says the answer: text, or the JSON of what else it is.
fn answer(form: &str, output: Option<Value<'_>>, reading: &mut Reading<'_>) {
    let Some(output) = output else { return };
    match output.kind() {
        Kind::Null => {}
        Kind::String => {
            if let Some(text) = output.as_str() {
                reading.text(form, text);
            }
        }
        _ => reading.text(form, Str::plain(output.raw())),
    }
}

#[cfg(test)]
mod tests {
    use super::DIALECT;
    use crate::dialects::testing::{leaves, said};

    const STEP: &str = r#"{"step_number":1,"timing":{},"model_input_messages":[{"role":"system","content":"S"}],
        "tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":{"a":1}}}],"error":{"type":"E","message":"x"},
        "model_output":"Let me","observations":"42","action_output":null,"is_final_answer":false}"#;

    #[test]
    fn a_run_says_its_steps_and_one_answer() {
        let named = STEP.replacen('{', r#"{"type":"ActionStep","#, 1);
        let lines = said(&[
            r#"{"type":"ChatMessageStreamDelta","content":"Thought:","tool_calls":null,"token_usage":null}"#,
            r#"{"type":"function","id":"c","function":{"name":"f","arguments":{"a":1}}}"#,
            r#"{"type":"ToolOutput","id":"c","output":"42","is_final_answer":false,"observation":"42","tool_call":{"id":"c"}}"#,
            r#"{"type":"ActionOutput","output":null,"is_final_answer":false}"#,
            r#"{"model_input_messages":[],"model_output_message":{"role":"assistant","content":"PLAN"},"plan":"PLAN","timing":{},"token_usage":null}"#,
            &named,
            r#"{"type":"ActionOutput","output":"It","is_final_answer":true}"#,
            r#"{"type":"FinalAnswerStep","output":{"n":1}}"#,
        ]);
        assert_eq!(
            lines,
            [
                "reasoning Thought:",
                r#"call c f whole {"a":1}"#,
                "result c 42",
                "reasoning PLAN",
                "reasoning Let me",
                r#"call c f whole {"a":1}"#,
                "turn end",
                "text It",
                r#"text {"n":1}"#,
                "end",
            ]
        );
    }

    #[test]
    fn objects_without_a_name_are_known_by_their_fields() {
        let lines = said(&[
            r#"{"content":"Let","tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{\"a"}}],"token_usage":null}"#,
            r#"{"name":"python","arguments":"print(1)","id":"d"}"#,
            r#"{"id":"c","output":"42","is_final_answer":false,"observation":"42","tool_call":{"name":"f","arguments":{},"id":"c"}}"#,
            STEP,
            r#"{"step_number":1,"error":{"type":"AgentToolExecutionError","message":"x"}}"#,
            r#"{"task":"PROMPT","task_images":null}"#,
            r#"{"output":"It","state":"success","steps":[{"task":"PROMPT"}],"token_usage":null,"timing":{}}"#,
        ]);
        assert_eq!(
            lines,
            [
                "reasoning Let",
                r#"call c f piece {"a"#,
                r#"call d python whole "print(1)""#,
                "result c 42",
                "reasoning Let me",
                r#"call c f whole {"a":1}"#,
                "turn end",
                "turn end",
                "text It",
                "turn end",
            ]
        );
    }

    #[test]
    fn objects_of_other_formats_are_left_to_others() {
        let lines = said(&[r#"{"output":"A"}"#, r#"{"step_number":1,"content":"B"}"#]);
        assert_eq!(lines, ["text A", "text B"]);
    }

    #[test]
    fn a_results_name_says_what_it_is_where_fields_are_left_out() {
        let result =
            r#"{"type":"RunResult","output":"It","state":"success","steps":[{"task":"PROMPT"}]}"#;
        assert_eq!(said(&[result]), ["text It", "turn end"]);
        let output = r#"{"type":"ActionOutput","output":"42"}"#;
        assert!(said(&[output]).is_empty());
    }

    #[test]
    fn what_has_fewer_fields_is_left_to_others() {
        leaves(
            &DIALECT,
            &[
                r#"{"token_usage":{},"steps":[],"text":"x"}"#,
                r#"{"token_usage":{},"plan":"x","text":"x"}"#,
                r#"{"token_usage":{},"content":"x"}"#,
                r#"{"arguments":{},"text":"x"}"#,
                r#"{"arguments":{},"name":"f","text":"x"}"#,
                r#"{"task_images":[],"text":"x"}"#,
            ],
        );
    }
}
