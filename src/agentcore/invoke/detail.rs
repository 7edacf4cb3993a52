//! What of a reply is told beside its text.

use agentcore_reply::Step;

/// What of a reply is told beside its text and the ends of turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// The agent's reasoning.
    pub reasoning: bool,
    /// Calls of tools, and what the tools answered.
    pub tools: bool,
    /// Events of AG-UI's as the agent wrote them.
    pub ag_ui_events: bool,
}

impl Detail {
    /// Whether a step that is no text is told.
    pub(super) fn tells(self, step: &Step) -> bool {
        match step {
            Step::Reasoning(_) => self.reasoning,
            Step::CallBegun { .. }
            | Step::CallInput { .. }
            | Step::Call { .. }
            | Step::CallResult { .. } => self.tools,
            Step::AgUiEvent { .. } => self.ag_ui_events,
            Step::TurnEnd | Step::Text(_) | Step::End(_) => true,
        }
    }
}
