//! The built binary as a Lambda function, with an agent behind it.

use agentcore_emulator::{Agent, Emulator};
use serde_json::Value;

use super::{ARN, Function, Outcome, variables};

pub(crate) async fn function(agent: Agent, more: &[(&str, &str)]) -> (Emulator, Function) {
    let emulator = Emulator::builder().agent(ARN, agent).start().await.unwrap();
    let function = Function::start(variables(&emulator, more)).await;
    (emulator, function)
}

/// The status and body of a response. Panics for other outcomes.
pub(crate) fn answered(outcome: Outcome) -> (u64, Value) {
    let Outcome::Response(answer) = outcome else {
        panic!("no answer: {outcome:?}")
    };
    let body = answer["body"].as_str().filter(|body| !body.is_empty());
    let body = body.unwrap_or("null");
    (
        answer["statusCode"].as_u64().unwrap(),
        serde_json::from_str(body).unwrap(),
    )
}
