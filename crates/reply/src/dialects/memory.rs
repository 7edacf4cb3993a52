//! What is remembered of a reply from one value to the next.

use super::{
    ag_ui, ai_sdk, anthropic, converse, langchain, langgraph_events, openai_chat, pydantic_ai,
    strands, strands_bidi,
};

/// What the dialects remember of a reply, each in a field of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(super) ag_ui: ag_ui::Memory,
    pub(super) openai_chat: openai_chat::Memory,
    pub(super) anthropic: anthropic::Memory,
    pub(super) converse: converse::Memory,
    pub(super) ai_sdk: ai_sdk::Memory,
    pub(super) pydantic_ai: pydantic_ai::Memory,
    pub(super) strands: strands::Memory,
    pub(super) strands_bidi: strands_bidi::Memory,
    pub(super) langchain: langchain::Memory,
    pub(super) langgraph_events: langgraph_events::Memory,
    /// Text was said. What only repeats all texts at the end need not be read.
    pub(super) has_text: bool,
    /// The dialect that recognised the object that was read last, the outermost.
    pub(super) read_by: Option<&'static str>,
}

impl Memory {
    /// What the frame that was read last was recognised as.
    pub(crate) fn read_by(&self) -> Option<&'static str> {
        self.read_by
    }

    /// Another frame is read.
    pub(crate) fn forget_read_by(&mut self) {
        self.read_by = None;
    }

    /// Whether a run has begun that says itself when it is over. Nothing else ends the reply then.
    pub(crate) fn is_in_run(&self) -> bool {
        self.ag_ui.in_run()
    }
}
