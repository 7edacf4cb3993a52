//! The hook of a deployment as a function: CodeDeploy's event in, what it was told out.

use std::sync::Arc;

use bytes::Bytes;

use super::worker::{FunctionResponse, Handler, Invocation};
use crate::hook::Hook;

/// CodeDeploy waits for what it is told by a request, and does not look at the answer.
#[derive(Clone)]
pub(super) struct HookFunction(pub(super) Arc<Hook>);

impl Handler for HookFunction {
    async fn respond(&self, event: Bytes, _: &Invocation) -> FunctionResponse {
        let told = self.0.answer(&event).await;
        whole(told.map_or("Nobody was told", |succeeded| {
            if succeeded { "Succeeded" } else { "Failed" }
        }))
    }

    fn panicked(&self, _: &Invocation) -> FunctionResponse {
        whole("Panicked")
    }

    fn shutting_down(&self, _: &Invocation) -> FunctionResponse {
        whole("Stopping")
    }
}

fn whole(answer: &str) -> FunctionResponse {
    FunctionResponse::Whole(Bytes::from(serde_json::json!(answer).to_string()))
}
