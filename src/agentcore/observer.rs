//! What an invocation tells of its way, to whoever measures and logs it.

use std::time::Duration;

use agentcore_reply::Counts;

use super::error::InvocationError;

/// Is told of each step of an invocation when it is made. Each method may be left out.
///
/// The steps of one attempt are `signed`, `connecting`, then `connected` or `not_connected`; after
/// `connected` come pieces, at most one `finished`, and exactly one `closed`.
pub trait Observer: Send + Sync {
    /// The address was signed, which took so long.
    fn signed(&self, _took: Duration) {}

    /// An attempt begins to connect.
    fn connecting(&self) {}

    /// The WebSocket is open.
    fn connected(&self) {}

    /// The attempt did not lead to a WebSocket.
    fn not_connected(&self) {}

    /// The attempt has failed, and another begins after a delay.
    fn retrying(&self, _delay: Duration, _error: &InvocationError) {}

    /// A piece of the reply came, of so many bytes.
    fn piece(&self, _bytes: usize) {}

    /// The reply has ended, is not wanted any further, or has broken off for the reason given.
    /// `counts` says what it consisted of.
    fn finished(&self, _broke_off: Option<&InvocationError>, _counts: Counts) {}

    /// The WebSocket is closed.
    fn closed(&self) {}
}

/// Nobody looks.
impl Observer for () {}
