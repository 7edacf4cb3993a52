//! What a JSON value says: one file for each dialect, which reads one format of agents.
//!
//! The first dialect that recognises an object reads it, and no other is asked. A dialect
//! recognises its format by what the format's own definition makes unmistakable. It does so at
//! little cost, by an object's keys and at most by those of a few values inside. A value of another
//! type than the format's counts as missing.

// What the dialects share.
mod any_key;
mod ids;
mod memory;
mod reading;
mod registry;
mod tool_input;

// The dialects.
mod ag_ui;
mod agent_framework;
mod agno;
mod ai_sdk;
mod anthropic;
mod autogen;
mod claude_agent;
mod converse;
mod crewai;
mod gemini;
mod haystack;
mod home_made;
mod invoke_model;
mod langchain;
mod langgraph_events;
mod llama_index;
mod openai_agents;
mod openai_chat;
mod openai_items;
mod openai_responses;
mod pydantic_ai;
mod semantic_kernel;
mod smolagents;
mod strands;
mod strands_bidi;
mod strands_ts;

#[cfg(test)]
mod testing;

pub(crate) use ag_ui::is_event as is_ag_ui_event;
pub(crate) use home_made::{bare_text, piece};
pub(crate) use memory::Memory;
pub(crate) use reading::Reading;
use registry::Dialect;
pub use registry::formats;
