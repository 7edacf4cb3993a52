//! What was last heard of each agent's runtime.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::agent::{AgentId, AgentRegistry};
use crate::agentcore::status::RuntimeStatus;

/// How long a status is believed.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// How long it is believed that there is none to be had.
const UNKNOWN_KEPT_FOR: Duration = Duration::from_secs(5);

/// A status and when it was really asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What the control plane said.
    pub status: RuntimeStatus,
    /// When it was asked.
    pub at: SystemTime,
}

/// One place for each agent. Who asks while another is asking waits for the same answer.
#[derive(Debug)]
pub(super) struct StatusCache(BTreeMap<AgentId, Mutex<Option<Kept>>>);

#[derive(Debug)]
struct Kept {
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

    /// What was heard of an agent a short while ago, else what `ask` hears now.
    pub(super) async fn get(
        &self,
        agent: &AgentId,
        now: fn() -> SystemTime,
        ask: impl Future<Output = RuntimeStatus>,
    ) -> Checked {
        let Some(place) = self.0.get(agent) else {
            // The places are made of the same agents; one without would only not be remembered.
            return Checked {
                at: now(),
                status: ask.await,
            };
        };
        let mut kept = place.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| Instant::now() < kept.until) {
            return kept.checked;
        }
        let checked = Checked {
            at: now(),
            status: ask.await,
        };
        let kept_for = match checked.status {
            RuntimeStatus::Unknown => UNKNOWN_KEPT_FOR,
            RuntimeStatus::Available | RuntimeStatus::Unavailable => KEPT_FOR,
        };
        *kept = Some(Kept {
            checked,
            until: Instant::now() + kept_for,
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
    async fn a_status_is_kept_for_its_time() {
        let id = AgentId::from_variable_name("A").unwrap();
        let mut agents = AgentRegistry::default();
        agents
            .add(Agent::new(id.clone(), Err(RuntimeArnError::Form)))
            .unwrap();
        for (status, kept_for) in [(RuntimeStatus::Available, 30), (RuntimeStatus::Unknown, 5)] {
            let cache = StatusCache::new(&agents);
            let asked = AtomicU32::new(0);
            let ask = || async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                asked.fetch_add(1, Ordering::SeqCst);
                status
            };
            let both = tokio::join!(cache.get(&id, now, ask()), cache.get(&id, now, ask()));
            assert_eq!(both.0, both.1);
            assert_eq!(asked.load(Ordering::SeqCst), 1, "who asks meanwhile waits");
            tokio::time::sleep(Duration::from_secs(kept_for - 1)).await;
            cache.get(&id, now, ask()).await;
            assert_eq!(asked.load(Ordering::SeqCst), 1);
            tokio::time::sleep(Duration::from_secs(1)).await;
            cache.get(&id, now, ask()).await;
            assert_eq!(asked.load(Ordering::SeqCst), 2);
        }
    }
}
