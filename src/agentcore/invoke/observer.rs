//! What an invocation tells of its way while it is under way, to whoever logs it.

use std::time::Duration;

use super::progress::Progress;
use crate::agentcore::error::InvocationError;

/// Is told of a step when it is made.
pub trait Observer: Send + Sync {
    /// The WebSocket is open.
    fn connected(&self, progress: &Progress);

    /// The WebSocket is closed.
    fn closed(&self);

    /// The attempt has failed, and another begins after a delay.
    fn retrying(&self, progress: &Progress, delay: Duration, error: &InvocationError);
}

/// Nobody looks.
impl Observer for () {
    fn connected(&self, _progress: &Progress) {}

    fn closed(&self) {}

    fn retrying(&self, _progress: &Progress, _delay: Duration, _error: &InvocationError) {}
}
