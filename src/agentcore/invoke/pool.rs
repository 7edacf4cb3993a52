//! Sockets that are kept for their session's next turn. `REUSE_CONNECTIONS`, `REUSE_IDLE_MS`
//!
//! A kept socket may be dead without a sign of it: Lambda freezes the process between invocations, and
//! gateways on the way forget connections. So it answers a ping before it is used, or is not used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ring::digest::{Context, SHA256};
use tokio::time::Instant;

use crate::agent::Runtime;
use crate::agentcore::wire::socket::Socket;
use crate::caller::{BearerToken, CallerId};
use crate::invocation::Visit;

/// How many sockets are kept at once.
const MAX_SOCKETS: usize = 64;

/// How long a kept socket may take to answer a ping.
const PING_TIMEOUT: Duration = Duration::from_millis(250);

/// Whose socket it is: the caller's, agent's and session's (and the same token's, where the caller's
/// own goes on).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Owner([u8; 32]);

impl Owner {
    /// The owner of a socket that this visit opened.
    pub(super) fn of(runtime: &Runtime, visit: &Visit) -> Self {
        let token = visit.token.as_ref().map(BearerToken::fingerprint);
        Self::digest(&[
            runtime.arn.as_str().as_bytes(),
            runtime.qualifier.as_deref().unwrap_or_default().as_bytes(),
            visit.runtime_session.as_str().as_bytes(),
            visit
                .caller
                .as_ref()
                .map_or("", CallerId::as_str)
                .as_bytes(),
            &token.map_or(Vec::new(), Vec::from),
        ])
    }

    fn digest(parts: &[&[u8]]) -> Self {
        let mut digest = Context::new(&SHA256);
        for part in parts {
            // Each after its length: no other parts give the same bytes.
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let mut owner = [0; 32];
        owner.copy_from_slice(digest.finish().as_ref());
        Self(owner)
    }
}

/// Where a socket goes when its turn is over.
pub(super) struct Home {
    pub(super) pool: Arc<Pool>,
    pub(super) owner: Owner,
}

/// The sockets of one process.
pub(in crate::agentcore) struct Pool {
    idle_for: Duration,
    sockets: Mutex<HashMap<Owner, Idle>>,
}

struct Idle {
    socket: Socket,
    since: Instant,
}

impl Pool {
    /// A pool whose sockets may be idle for so long.
    pub(in crate::agentcore) fn new(idle_for: Duration) -> Self {
        Self {
            idle_for,
            sockets: Mutex::new(HashMap::new()),
        }
    }

    /// Takes the owner's socket, if there is one that answers now and has said nothing since its turn.
    pub(super) async fn take(&self, owner: Owner) -> Option<Socket> {
        let idle = self.sockets().remove(&owner)?;
        if idle.since.elapsed() >= self.idle_for {
            return None;
        }
        let mut socket = idle.socket;
        socket.answers_ping(PING_TIMEOUT).await.then_some(socket)
    }

    /// Keeps a socket whose turn is over. The one that has been idle for longest makes room.
    pub(super) fn keep(&self, owner: Owner, socket: Socket) {
        let since = Instant::now();
        let mut sockets = self.sockets();
        sockets.retain(|_, idle| idle.since.elapsed() < self.idle_for);
        if sockets.len() >= MAX_SOCKETS {
            let oldest = sockets.iter().min_by_key(|(_, idle)| idle.since);
            if let Some(owner) = oldest.map(|(owner, _)| *owner) {
                sockets.remove(&owner);
            }
        }
        // One that is replaced closes as it is dropped.
        sockets.insert(owner, Idle { socket, since });
    }

    fn sockets(&self) -> MutexGuard<'_, HashMap<Owner, Idle>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
