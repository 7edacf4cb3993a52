//! What an agent is sent of an invocation.

use bytes::Bytes;

use crate::agent::{MessageTemplate, MessageValues};
use crate::caller::CallerId;
use crate::invocation::Invocation;

/// The message of an invocation, the same for each attempt.
pub(super) fn message(template: &MessageTemplate, invocation: &Invocation) -> Bytes {
    let values = MessageValues {
        prompt: invocation.prompt.as_str(),
        session_id: invocation.visit.agent_session(),
        caller_id: invocation
            .visit
            .caller
            .as_ref()
            .map_or("", CallerId::as_str),
    };
    template.write(&values, &invocation.fields).into()
}
