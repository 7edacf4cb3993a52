//! Which request a line is about: known wherever its code runs, for lines of libraries too.

use std::sync::Arc;

use tokio::task_local;

/// A request, as lines name it. A clone is the same, and costs nothing.
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
    /// Lambda's id for the request, and X-Ray's trace, or that of `traceparent`.
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

    /// Runs a future as part of the request.
    pub(crate) fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self.clone(), future)
    }

    /// Runs a function as part of the request.
    pub(crate) fn sync_scope<T>(&self, function: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.clone(), function)
    }

    /// The request that the running code is part of.
    pub(super) fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }
}
