//! Who watches the messages of an invocation: a person, at the local run. A deployed function is never
//! watched. A task-local, so that nothing on the way has to know of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task_local;

use crate::agentcore::error::InvocationError;

/// What is seen of an invocation.
#[derive(Debug)]
pub enum Seen<'a> {
    /// An attempt has failed. Another begins after the delay, where there is one.
    Failed(&'a InvocationError, Option<Duration>),
    /// DNS, TCP and TLS are done: the opening handshake begins.
    Connected,
    /// The WebSocket is open.
    Open,
    /// A message to the agent.
    Sent(&'a [u8]),
    /// A text message of the agent.
    Text(&'a str),
    /// A binary message of the agent.
    Binary(&'a [u8]),
    /// The agent's close frame, with its code where it has one.
    Closed(Option<u16>),
    /// The reply is over, for a reason where it is not whole.
    Over(Option<&'a InvocationError>),
}

/// Is told what is seen, when it is seen.
pub trait Watcher: Send + Sync {
    /// This is seen.
    fn see(&self, seen: Seen<'_>);
}

task_local! {
    static CURRENT: Arc<dyn Watcher>;
}

/// Runs a future, all of whose invocations are watched, up to the ends of their replies.
pub fn watched<F: Future>(watcher: Arc<dyn Watcher>, future: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(watcher, future)
}

/// The watcher of one invocation, if there is one.
#[derive(Clone, Default)]
pub(super) struct Watch(Option<Arc<dyn Watcher>>);

impl Watch {
    pub(super) fn current() -> Self {
        Self(CURRENT.try_with(Arc::clone).ok())
    }

    pub(super) fn see(&self, seen: Seen<'_>) {
        if let Some(watcher) = &self.0 {
            watcher.see(seen);
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watch").field(&self.0.is_some()).finish()
    }
}
