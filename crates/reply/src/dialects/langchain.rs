//! LangChain's messages, and what LangGraph streams of them:
//! <https://docs.langchain.com/oss/python/langgraph/streaming>.
//!
//! Messages are read as `langchain_core/messages/` of <https://github.com/langchain-ai/langchain>
//! dumps them, and as its serialiser writes them (`lc`, `kwargs`).
//!
//! A graph streams in modes. `messages` gives pairs of a piece and where it is from, `updates` what
//! each node came to, and `values` the state so far: a conversation, compared from its beginning.

mod graph;
mod message;
mod modes;
mod runnable_events;

use super::ids::Ids;
use super::{Dialect, Reading};
use crate::json::{Keys, Object, Str};
use crate::said::Coverage;
use message::Message;

pub(super) use graph::update;
pub(super) use message::{answered, server_tool};
pub(super) use modes::{custom, is_silent};

pub(super) const DIALECT: Dialect = Dialect {
    name: "LangChain and LangGraph",
    keys: Keys::ANY,
    read,
};

/// What is remembered of a reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Messages that came whole: a graph's update holds those of its subgraphs' updates once more.
    whole: Ids,
    /// Messages whose words were said under their id.
    heard: Ids,
    /// Messages whose words were said in a state, as a part of the whole conversation.
    in_states: Ids,
}

impl Memory {
    /// Whether a whole message came before. From now on it did.
    fn knows(&mut self, id: Str<'_>) -> bool {
        let is_known = self.whole.has(id);
        self.whole.insert(id);
        is_known
    }

    /// Whether words were said under this id.
    fn is_heard(&self, id: Str<'_>) -> bool {
        self.heard.has(id) && !self.in_states.has(id)
    }

    /// Words were said under this id.
    fn hear(&mut self, id: Str<'_>) {
        if !self.heard.has(id) {
            self.heard.insert(id);
        }
    }

    /// Whether the words of a message in a state are said under its id. They always are as they
    /// were at first: by the id, where some of that state's messages were heard by theirs.
    fn speaks(&mut self, id: Str<'_>, is_by_id: bool) -> bool {
        if !is_by_id {
            if !self.heard.has(id) {
                self.in_states.insert(id);
            }
            return false;
        }
        let speaks = !self.in_states.has(id);
        if speaks {
            self.heard.insert(id);
        }
        speaks
    }
}

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if let Some(message) = Message::of(object) {
        read_message(&message, reading);
        return true;
    }
    if let Some(has_read) = runnable_events::read(object, reading) {
        return has_read;
    }
    if let Some(has_read) = modes::read(object, reading) {
        return has_read;
    }
    modes::is_quiet(object)
        || graph::state(object, "values", reading)
        || graph::updates(object, reading)
}

/// Reads a message that came by itself. LangGraph's platform names it by its mode.
fn read_message(message: &Message<'_>, reading: &mut Reading<'_>) {
    // Where subgraphs are streamed, their names follow: `messages/partial|agent:id`.
    let coverage = match reading.outer_name().split('|').next() {
        Some("messages/metadata") => return,
        // All of the message so far.
        Some("messages/partial") => Coverage::Snapshot,
        _ => Coverage::Unknown,
    };
    message.read(coverage, reading);
}

#[cfg(test)]
mod tests {
    use crate::dialects::testing::said;
    use crate::dialects::{Memory, Reading};
    use crate::json::Document;
    use crate::said::Said;

    const CHUNK: &str = r#"{"type":"AIMessageChunk","content":"Hi","id":"m","additional_kwargs":{},"tool_call_chunks":[]}"#;

    #[test]
    fn messages_are_read_in_each_way_to_write_them() {
        for message in [
            CHUNK.to_owned(),
            r#"{"lc":1,"type":"constructor","id":["langchain_core","messages","AIMessageChunk"],"kwargs":{"content":"Hi"}}"#.to_owned(),
            r#"{"type":"ai","data":{"content":"Hi","type":"ai"}}"#.to_owned(),
            r#"{"type":"ai","content":[{"type":"text","text":"Hi","index":0}]}"#.to_owned(),
            r#"{"content":"Hi","additional_kwargs":{},"response_metadata":{},"type":"ChatMessageChunk","name":null,"id":null,"role":"assistant"}"#.to_owned(),
            format!(r#"[{CHUNK},{{"langgraph_node":"n","langgraph_step":1}}]"#),
            format!(r#"[["sub:1"],"messages",[{CHUNK},{{"langgraph_node":"n"}}]]"#),
            format!(r#"{{"type":"messages","ns":[],"data":[{CHUNK},{{"langgraph_node":"n"}}]}}"#),
            format!(r#"{{"node":{{"messages":[{CHUNK}]}}}}"#),
            format!(r#"["updates",{{"node":{{"messages":{CHUNK}}}}}]"#),
            format!(r#"{{"node":[{{"messages":[]}},{{"messages":[{CHUNK}]}}]}}"#),
            format!(r#"{{"node":[{{"messages":[{CHUNK}]}},{{"other":1}}]}}"#),
            r#"["custom","Hi"]"#.to_owned(),
            r#"[["sub:1"],"custom","Hi"]"#.to_owned(),
            r#"[[],"custom","Hi"]"#.to_owned(),
        ] {
            assert_eq!(said(&[&message]), ["text Hi"], "{message}");
        }
    }

    #[test]
    fn what_is_not_the_agents_is_no_text() {
        for (message, expected) in [
            (r#"{"type":"human","content":"PROMPT"}"#, &[][..]),
            (r#"{"type":"HumanMessageChunk","content":"PROMPT"}"#, &[]),
            (r#"{"type":"SystemMessageChunk","content":"SYSTEM"}"#, &[]),
            (r#"{"type":"SystemMessage","content":"SYSTEM"}"#, &[]),
            (
                r#"{"type":"ToolMessage","content":"r","tool_call_id":"c"}"#,
                &["result c r"],
            ),
            (
                r#"{"tools":{"messages":[{"type":"tool","content":"r","tool_call_id":"c","name":"f"}]}}"#,
                &["result c r"],
            ),
            (
                r#"{"messages":[{"type":"human","content":"PROMPT"},{"type":"ai","content":"A"},
                    {"type":"tool","content":"r","tool_call_id":"c","name":"f"}]}"#,
                &["text A", "result c r"],
            ),
            (
                r#"{"content":"PROMPT","additional_kwargs":{},"response_metadata":{},"type":"chat","name":null,"id":null,"role":"user"}"#,
                &[],
            ),
            (
                r#"{"content":"42","additional_kwargs":{},"response_metadata":{},"type":"chat","name":null,"id":null,"role":"tool"}"#,
                &["result - 42"],
            ),
            (
                r#"{"content":"42","additional_kwargs":{},"response_metadata":{},"type":"function","name":"f","id":null}"#,
                &["result - 42"],
            ),
            (
                r#"{"type":"system","content":"SYSTEM","additional_kwargs":{}}"#,
                &[],
            ),
            (
                r#"{"type":"tool","content":"r","tool_call_id":"c","status":"error","additional_kwargs":{}}"#,
                &["result c r failed"],
            ),
            (
                r#"{"type":"ai","content":[{"type":"thinking","thinking":"hm"}],"tool_calls":[{"id":"c","name":"f","args":{}}]}"#,
                &["reasoning hm", "call c f whole {}"],
            ),
            (
                r#"{"type":"AIMessageChunk","content":"","additional_kwargs":{"reasoning_content":"hm"},"tool_call_chunks":[{"id":"c","name":"f","args":"{","index":0}]}"#,
                &["reasoning hm", "call c f piece {"],
            ),
        ] {
            assert_eq!(said(&[message]), expected, "{message}");
        }
    }

    #[test]
    fn a_content_may_hold_texts_and_blocks_of_providers() {
        let message = r#"{"content":[{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"id":"rs"},
            {"type":"text","text":"Hi","annotations":[]},"!",{"type":"function_call","name":"f","arguments":"{}","call_id":"c","id":"x"},
            {"type":"image","url":"u"},{"type":"server_tool_call","id":"w","name":"web_search","args":{"q":1}},
            {"type":"server_tool_result","tool_call_id":"w","status":"error","output":"none"}],
            "additional_kwargs":{},"type":"ai","tool_calls":[{"name":"f","args":{},"id":"c","type":"tool_call"}]}"#;
        let expected = [
            "reasoning hm",
            "text Hi!",
            "call c f whole {}",
            r#"call w web_search whole {"q":1}"#,
            "result w none failed",
        ];
        assert_eq!(said(&[message]), expected);
    }

    #[test]
    fn a_custom_event_is_what_its_name_says() {
        for (event, expected) in [
            (
                r#"{"event":"on_custom_event","name":"token","data":"Hi","parent_ids":[]}"#,
                &["text Hi"][..],
            ),
            (
                r#"{"event":"on_custom_event","name":"answer","data":{"chunk":"Hi"}}"#,
                &["text Hi"],
            ),
            (
                r#"{"event":"on_custom_event","name":"status","data":"Searching"}"#,
                &[],
            ),
            (
                r#"{"event":"on_custom_event","name":"progress","data":{"message":"Searching"}}"#,
                &[],
            ),
            (
                r#"{"event":"on_custom_event","name":"thinking","data":"hm"}"#,
                &["reasoning hm"],
            ),
        ] {
            assert_eq!(said(&[event]), expected, "{event}");
        }
    }

    #[test]
    fn what_tools_do_is_a_mode_too() {
        let events = [
            r#"{"type":"tools","ns":[],"data":{"event":"tool-started","tool_call_id":"c","tool_name":"f","input":{"a":1}}}"#,
            r#"{"type":"tools","ns":[],"data":{"event":"tool-output-delta","tool_call_id":"c","delta":"x"}}"#,
            r#"["tools",{"event":"tool-finished","tool_call_id":"c","output":{"content":"42","additional_kwargs":{},"type":"tool","name":"f","tool_call_id":"c","artifact":null,"status":"success"}}]"#,
            r#"{"event":"on_tool_error","data":{"error":"ValueError('no')","input":{"a":2},"tool_call_id":"d"},"name":"f"}"#,
        ];
        let expected = [
            r#"call c f whole {"a":1}"#,
            "result c 42",
            "result d ValueError('no') failed",
        ];
        assert_eq!(said(&events), expected);
    }

    #[test]
    fn events_of_chains_and_the_silent_modes_tell_nothing() {
        for event in [
            r#"{"event":"on_chain_start","data":{"input":{"messages":[{"type":"human","content":"PROMPT"}]}}}"#,
            r#"{"event":"on_chain_stream","name":"n","data":{"chunk":"__end__"}}"#,
            r#"{"event":"on_chain_end","name":"n","data":{"output":"__end__"}}"#,
            r#"{"event":"on_tool_error","data":{"error":"SECRET"}}"#,
            r#"["debug",{"type":"task","step":1,"timestamp":"t","payload":{"input":{"messages":[{"type":"human","content":"PROMPT"}]}}}]"#,
            r#"{"type":"tasks","ns":[],"data":{"id":"t","name":"n","result":{"messages":[{"type":"ai","content":"x"}]}}}"#,
            r#"{"__interrupt__":[{"value":"ok?","id":"i"}]}"#,
            r#"{"id":"t","name":"n","error":null,"result":[["messages",[{"type":"ai","content":"x"}]]],"interrupts":[]}"#,
        ] {
            assert!(said(&[event]).is_empty(), "{event}");
        }
        let piece = r#"{"event":"on_chat_model_stream","data":{"chunk":{"content":"Hi"}}}"#;
        assert_eq!(said(&[piece]), ["text Hi"]);
    }

    #[test]
    fn what_the_platform_tells_of_a_message_is_no_text() {
        let (mut said, mut memory) = (Said::default(), Memory::default());
        let mut document = Document::default();
        assert!(document.read(CHUNK));
        let mut reading = Reading::new(&mut said, &mut memory, "messages/metadata|agent:1");
        assert!(reading.value(document.value(CHUNK)));
        assert_eq!(said.count(), 0);
    }
}
