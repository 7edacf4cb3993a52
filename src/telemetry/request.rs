//! Which request a line is about: known wherever its code runs, for lines of libraries too.

use http::HeaderMap;
use tokio::task_local;

use crate::trace::TraceHeaders;

/// A request, as lines name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestIds {
    /// Lambda's id for it.
    pub(crate) request_id: String,
    /// X-Ray's trace, or that of `traceparent`.
    pub(crate) trace_id: Option<String>,
}

task_local! {
    static CURRENT: RequestIds;
}

impl RequestIds {
    /// The ids of a request with these headers; `xray` is Lambda's own trace header.
    pub(crate) fn new(request_id: &str, headers: &HeaderMap, xray: Option<&str>) -> Self {
        Self {
            request_id: request_id.to_owned(),
            trace_id: TraceHeaders::new(headers, xray).trace_id(),
        }
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
