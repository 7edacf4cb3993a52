//! What an agent is sent of an invocation.

use bytes::Bytes;

use crate::agent::{MessageTemplate, MessageValues};
use crate::caller::CallerId;
use crate::invocation::{Content, Invocation};

/// The message of an invocation, the same for each attempt.
pub(super) fn message(template: &MessageTemplate, invocation: &Invocation) -> Bytes {
    let visit = &invocation.visit;
    match &invocation.content {
        Content::Prompt { prompt, fields } => {
            let values = MessageValues {
                prompt: prompt.as_str(),
                session_id: visit.agent_session(),
                caller_id: visit.caller.as_ref().map_or("", CallerId::as_str),
            };
            template.write(&values, fields).into()
        }
        Content::Run(input) => input.in_session(visit.agent_session()).into(),
    }
}
