//! Events of a run as a whole.

use serde::Serialize;

use super::RunIds;
use crate::api::error::ApiError;
use crate::api::format::sse::push_data;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunEvent<'a> {
    r#type: &'static str,
    thread_id: &'a str,
    run_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<RunResult>,
}

/// What a run came to, beside what it said.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct RunResult {
    pub(super) incomplete: bool,
}

#[derive(Serialize)]
struct RunError<'a> {
    r#type: &'static str,
    message: &'a str,
    code: &'a str,
}

pub(super) fn push_run_started(ids: &RunIds, out: &mut Vec<u8>) {
    push(ids, "RUN_STARTED", None, out);
}

pub(super) fn push_run_finished(ids: &RunIds, result: Option<RunResult>, out: &mut Vec<u8>) {
    push(ids, "RUN_FINISHED", result, out);
}

pub(super) fn push_run_error(error: &ApiError, out: &mut Vec<u8>) {
    let event = RunError {
        r#type: "RUN_ERROR",
        message: error.message(),
        code: error.code().as_str(),
    };
    push_data(out, &event);
}

fn push(ids: &RunIds, r#type: &'static str, result: Option<RunResult>, out: &mut Vec<u8>) {
    let event = RunEvent {
        r#type,
        thread_id: &ids.thread,
        run_id: &ids.run,
        result,
    };
    push_data(out, &event);
}
