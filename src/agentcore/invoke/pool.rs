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
use crate::session::RuntimeSessionId;

/// How many sockets are kept at once.
const MAX_SOCKETS: usize = 64;

/// How long a kept socket may take to answer a ping.
const PING_TIMEOUT: Duration = Duration::from_millis(250);

/// Whose socket it is: the caller's, agent's and session's (and the same token's, where the caller's
/// own goes on).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Owner {
    /// The agent and the session alone.
    session: SessionKey,
    whole: [u8; 32],
}

/// A session of an agent's, whoever calls.
type SessionKey = [u8; 32];

impl Owner {
    /// The owner of a socket that this visit opened.
    pub(super) fn of(runtime: &Runtime, visit: &Visit) -> Self {
        let session = session_key(runtime, &visit.runtime_session);
        let caller = visit.caller.as_ref().map_or("", CallerId::as_str);
        let token = visit.token.as_ref().map(BearerToken::fingerprint);
        let token = token.map_or(Vec::new(), Vec::from);
        Self {
            session,
            whole: digest(&[&session, caller.as_bytes(), &token]),
        }
    }
}

fn session_key(runtime: &Runtime, session: &RuntimeSessionId) -> SessionKey {
    digest(&[
        runtime.arn.as_str().as_bytes(),
        runtime.qualifier.as_deref().unwrap_or_default().as_bytes(),
        session.as_str().as_bytes(),
    ])
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Context::new(&SHA256);
    for part in parts {
        // Each after its length: no other parts give the same bytes.
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.finish().as_ref());
    bytes
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

    /// Closes the sockets of a session that has ended. The service may take its time to do so.
    pub(in crate::agentcore) fn forget(&self, runtime: &Runtime, session: &RuntimeSessionId) {
        let ended = session_key(runtime, session);
        self.sockets().retain(|owner, _| owner.session != ended);
    }

    fn sockets(&self) -> MutexGuard<'_, HashMap<Owner, Idle>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
