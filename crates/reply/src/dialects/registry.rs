//! Which dialects there are, and which of them reads an object.

use super::reading::Reading;
use super::{
    ag_ui, agent_framework, agno, ai_sdk, anthropic, autogen, claude_agent, converse, crewai,
    gemini, haystack, home_made, invoke_model, langchain, langgraph_events, llama_index,
    openai_agents, openai_chat, openai_responses, pydantic_ai, semantic_kernel, smolagents,
    strands, strands_bidi, strands_ts,
};
use crate::json::{Keys, Object};

/// A reader of one format.
pub(crate) struct Dialect {
    /// What its users call it.
    pub(crate) name: &'static str,
    /// Keys of which each object of the format has at least one. Where an object has none of them,
    /// the dialect is not asked.
    pub(crate) keys: Keys,
    /// Reads an object. False where it is none of this format: then nothing was said.
    pub(crate) read: fn(&Object<'_>, &mut Reading<'_>) -> bool,
}

/// The dialects, in the order in which they are tried. One that knows its objects by less comes
/// after those that would lose objects to it, so home-made forms come last.
const DIALECTS: &[&Dialect] = &[
    &ag_ui::DIALECT,
    &openai_responses::DIALECT,
    &openai_chat::DIALECT,
    &anthropic::DIALECT,
    &converse::DIALECT,
    &strands::DIALECT,
    &strands_ts::DIALECT,
    &strands_bidi::DIALECT,
    &ai_sdk::DIALECT,
    &langgraph_events::DIALECT,
    &langchain::DIALECT,
    &gemini::DIALECT,
    &pydantic_ai::DIALECT,
    &openai_agents::DIALECT,
    &claude_agent::DIALECT,
    &llama_index::DIALECT,
    &autogen::DIALECT,
    &agno::DIALECT,
    &agent_framework::DIALECT,
    &semantic_kernel::DIALECT,
    &smolagents::DIALECT,
    &crewai::DIALECT,
    &haystack::DIALECT,
    &invoke_model::DIALECT,
    &home_made::DIALECT,
];

/// The formats that are read, as their users call them, in the order in which they are tried.
pub fn formats() -> impl Iterator<Item = &'static str> {
    DIALECTS.iter().map(|dialect| dialect.name)
}

/// Reads an object by the first dialect that recognises it; false where none does.
pub(super) fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let dialects = DIALECTS.iter();
    let mut asked = dialects.filter(|dialect| object.may_have(dialect.keys));
    match asked.find(|dialect| (dialect.read)(object, reading)) {
        Some(dialect) => {
            reading.memory().read_by = Some(dialect.name);
            true
        }
        None => false,
    }
}
