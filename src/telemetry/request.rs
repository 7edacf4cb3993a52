//! The ids of the current request. A task-local, so that lines of libraries carry them too.

use std::sync::Arc;

use tokio::task_local;

/// The ids that log lines carry. Cloning is cheap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestIds(Arc<Ids>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Ids {
    request_id: String,
    trace_id: Option<String>,
}

task_local! {
    static CURRENT: RequestIds;
}

impl RequestIds {
    /// Takes Lambda's id of the request, and the trace id of X-Ray or `traceparent`.
    pub(crate) fn new(request_id: &str, trace_id: Option<&str>) -> Self {
        Self(Arc::new(Ids {
            request_id: request_id.to_owned(),
            trace_id: trace_id.map(str::to_owned),
        }))
    }

    pub(super) fn request_id(&self) -> &str {
        &self.0.request_id
    }

    pub(super) fn trace_id(&self) -> Option<&str> {
        self.0.trace_id.as_deref()
    }

    /// Runs a future with these ids as the current ones.
    pub(crate) fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self.clone(), future)
    }

    /// Runs a function with these ids as the current ones.
    pub(crate) fn sync_scope<T>(&self, function: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.clone(), function)
    }

    /// The current ids; `None` outside of a request.
    pub(super) fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }
}
