//! A cache of the agents' statuses.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::agent::{AgentId, AgentRegistry};
use crate::agentcore::status::RuntimeStatus;

/// How long a status is cached.
const TTL: Duration = Duration::from_secs(30);

/// How long it is cached that the status could not be determined.
const UNKNOWN_TTL: Duration = Duration::from_secs(5);

/// A status, and when the control plane was asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What the control plane answered.
    pub status: RuntimeStatus,
    /// When the control plane was asked.
    pub at: SystemTime,
}

/// One entry for each agent. A request that finds another one in flight waits for its result.
#[derive(Debug)]
pub(super) struct StatusCache(BTreeMap<AgentId, Mutex<Option<Cached>>>);

#[derive(Debug)]
struct Cached {
    checked: Checked,
    until: Instant,
}

impl StatusCache {
    pub(super) fn new(agents: &AgentRegistry) -> Self {
        Self(
            agents
                .iter()
                .map(|agent| (agent.id.clone(), Mutex::default()))
                .collect(),
        )
    }

    /// Returns the cached status of an agent, or that of `ask` if there is none or it has expired.
    pub(super) async fn get(
        &self,
        agent: &AgentId,
        now: fn() -> SystemTime,
        ask: impl Future<Output = RuntimeStatus>,
    ) -> Checked {
        let Some(entry) = self.0.get(agent) else {
            // Every agent has an entry. A missing one would only mean no caching.
            return Checked {
                at: now(),
                status: ask.await,
            };
        };
        let mut cached = entry.lock().await;
        if let Some(cached) = cached
            .as_ref()
            .filter(|cached| Instant::now() < cached.until)
        {
            return cached.checked;
        }
        let checked = Checked {
            at: now(),
            status: ask.await,
        };
        let ttl = match checked.status {
            RuntimeStatus::Unknown => UNKNOWN_TTL,
            RuntimeStatus::Available | RuntimeStatus::Unavailable => TTL,
        };
        *cached = Some(Cached {
            checked,
            until: Instant::now() + ttl,
        });
        checked
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::agent::{Agent, RuntimeArnError};

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    #[tokio::test(start_paused = true)]
    async fn a_status_is_cached_until_its_ttl() {
        let id = AgentId::from_variable_name("A").unwrap();
        let mut agents = AgentRegistry::default();
        agents
            .add(Agent::new(id.clone(), Err(RuntimeArnError::Form)))
            .unwrap();
        for (status, ttl) in [(RuntimeStatus::Available, 30), (RuntimeStatus::Unknown, 5)] {
            let cache = StatusCache::new(&agents);
            let asked = AtomicU32::new(0);
            let ask = || async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                asked.fetch_add(1, Ordering::SeqCst);
                status
            };
            let both = tokio::join!(cache.get(&id, now, ask()), cache.get(&id, now, ask()));
            assert_eq!(both.0, both.1);
            assert_eq!(
                asked.load(Ordering::SeqCst),
                1,
                "a concurrent request must wait for the one in flight"
            );
            tokio::time::sleep(Duration::from_secs(ttl - 1)).await;
            cache.get(&id, now, ask()).await;
            assert_eq!(asked.load(Ordering::SeqCst), 1);
            tokio::time::sleep(Duration::from_secs(1)).await;
            cache.get(&id, now, ask()).await;
            assert_eq!(asked.load(Ordering::SeqCst), 2);
        }
    }
}
