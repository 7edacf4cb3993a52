//! What is known of a request beside what its caller wrote.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use crate::caller::Origin;
use crate::telemetry::request::RequestIds;

/// Where a request comes from, and what its answer must keep to.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Identifies the request in answers and logs: Lambda's id for it.
    pub request_id: String,
    /// When the request came.
    pub received: Instant,
    /// When Lambda ends the process if there is no answer.
    pub lambda_deadline: Option<Instant>,
    /// Lambda's trace id.
    pub xray: Option<String>,
    /// The stage of the gateway's API, which may be the first segment of the path.
    pub stage: Option<String>,
    /// Who sent it, as far as the gateway tells.
    pub origin: Origin,
    /// How large an answer may be.
    pub limit: AnswerLimit,
    /// Whether a body can go out while it is made.
    pub can_stream: bool,
}

/// What a request leaves of Lambda's time, for the answer.
const LEFT_FOR_THE_ANSWER: Duration = Duration::from_secs(1);

impl RequestContext {
    /// What lines of the log name the request by; the headers are its own.
    pub(super) fn ids(&self, headers: &HeaderMap) -> RequestIds {
        RequestIds::new(&self.request_id, headers, self.xray.as_deref())
    }

    /// The deadline, or the one that leaves a second of Lambda's time where that is earlier.
    pub(super) fn deadline(&self, deadline: Instant) -> Instant {
        let of_lambda = self.lambda_deadline.map(|deadline| {
            deadline
                .checked_sub(LEFT_FOR_THE_ANSWER)
                .unwrap_or(self.received)
        });
        of_lambda.map_or(deadline, |of_lambda| deadline.min(of_lambda))
    }
}

/// How large an answer may be as Lambda gets it: the body is a JSON string within JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerLimit {
    /// Lambda's own, 6 MB.
    Lambda,
    /// That of an Application Load Balancer, 1 MB.
    LoadBalancer,
}

impl AnswerLimit {
    /// The limit in bytes, headers and all.
    pub fn bytes(self) -> usize {
        match self {
            Self::Lambda => 6_000_000,
            Self::LoadBalancer => 1_000_000,
        }
    }
}
