//! A cache of complete replies to identical prompts. `RESPONSE_CACHE_TTL_MS`
//!
//! Concurrent identical prompts are sent once: the first one leads, the others wait for its reply.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ring::digest::{Context, SHA256};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::agent::AgentId;
use crate::caller::{BearerToken, Caller};
use crate::invocation::{Content, Invocation};

/// The size of all cached text, in bytes.
const MAX_BYTES: usize = 16 << 20;

/// How many replies are cached or in flight at most.
const MAX_ENTRIES: usize = 1_024;

/// What two prompts must have in common to have one reply: agent, caller (and token, where that goes
/// on), prompt and fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// The key of an invocation of this agent by this caller; `None` where its reply depends on more
    /// than a prompt.
    pub(super) fn new(
        agent: &AgentId,
        caller: Option<&Caller>,
        invocation: &Invocation,
    ) -> Option<Self> {
        let Content::Prompt { prompt, fields } = &invocation.content else {
            return None;
        };
        let caller = caller.map(Caller::fingerprint);
        let token = invocation
            .visit
            .token
            .as_ref()
            .map(BearerToken::fingerprint);
        let some = |digest: &Option<[u8; 32]>| digest.map_or(Vec::new(), Vec::from);
        Some(Self::of(&[
            agent.as_str().as_bytes(),
            &some(&caller),
            &some(&token),
            prompt.as_str().as_bytes(),
            fields.as_str().as_bytes(),
        ]))
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut digest = Context::new(&SHA256);
        for part in parts {
            // Each after its length: no other parts give the same bytes.
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let mut key = [0; 32];
        key.copy_from_slice(digest.finish().as_ref());
        Self(key)
    }
}

/// The cached replies of this process.
#[derive(Debug)]
pub(super) struct ReplyCache {
    ttl: Duration,
    entries: Mutex<HashMap<Key, Entry>>,
}

#[derive(Debug)]
enum Entry {
    Cached {
        text: Arc<str>,
        until: Instant,
    },
    /// A request is in flight. Its sender is dropped when there is an outcome.
    InFlight(watch::Receiver<()>),
}

/// The result of a lookup.
#[derive(Debug)]
pub(super) enum Lookup {
    /// The cached reply.
    Hit(Arc<str>),
    /// No reply yet: the holder of the lead asks the agent and shares the reply.
    Lead(Lead),
    /// No reply, and none to wait for: the lead has failed, or the cache is full.
    Miss,
}

/// The right to provide the reply that other requests wait for. If it is dropped without a reply,
/// they ask the agent themselves.
#[derive(Debug)]
pub(super) struct Lead {
    cache: Arc<ReplyCache>,
    key: Key,
    _done: watch::Sender<()>,
}

impl ReplyCache {
    /// Creates a cache with this time to live; `None` if it is zero.
    pub(super) fn new(ttl: Duration) -> Option<Arc<Self>> {
        let entries = Mutex::default();
        (!ttl.is_zero()).then(|| Arc::new(Self { ttl, entries }))
    }

    /// Looks up a reply. If an identical prompt is in flight, waits for its reply until the
    /// deadline.
    pub(super) async fn look_up(self: &Arc<Self>, key: Key, deadline: Instant) -> Lookup {
        let mut in_flight = match self.look_or_lead(key) {
            Ok(found) => return found,
            Err(in_flight) => in_flight,
        };
        // `changed` fails when the sender is dropped, which is the event waited for.
        let _ = timeout_at(deadline, in_flight.changed()).await;
        match self.entries().get(&key) {
            Some(Entry::Cached { text, .. }) => Lookup::Hit(Arc::clone(text)),
            _ => Lookup::Miss,
        }
    }

    fn look_or_lead(self: &Arc<Self>, key: Key) -> Result<Lookup, watch::Receiver<()>> {
        let mut entries = self.entries();
        let now = Instant::now();
        match entries.get(&key) {
            Some(Entry::Cached { text, until }) if *until > now => {
                return Ok(Lookup::Hit(Arc::clone(text)));
            }
            Some(Entry::InFlight(in_flight)) => return Err(in_flight.clone()),
            _ => {}
        }
        if entries.len() >= MAX_ENTRIES {
            entries.retain(|_, entry| entry.is_live(now));
        }
        if entries.len() >= MAX_ENTRIES {
            return Ok(Lookup::Miss);
        }
        let (sender, receiver) = watch::channel(());
        entries.insert(key, Entry::InFlight(receiver));
        Ok(Lookup::Lead(Lead {
            cache: Arc::clone(self),
            key,
            _done: sender,
        }))
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn is_live(&self, now: Instant) -> bool {
        match self {
            Self::Cached { until, .. } => *until > now,
            Self::InFlight(_) => true,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Cached { text, .. } => text.len(),
            Self::InFlight(_) => 0,
        }
    }
}

impl Lead {
    /// The largest reply that is cached, in bytes.
    pub(super) const MAX_REPLY_BYTES: usize = MAX_BYTES / 16;

    /// Provides the complete reply, which is cached from now on.
    pub(super) fn share(self, text: &str) {
        let mut entries = self.cache.entries();
        let now = Instant::now();
        entries.retain(|_, entry| entry.is_live(now));
        // Evicts the entries that would expire first.
        while entries.values().map(Entry::bytes).sum::<usize>() + text.len() > MAX_BYTES {
            let first = entries.iter().filter_map(|(key, entry)| match entry {
                Entry::Cached { until, .. } => Some((*until, *key)),
                Entry::InFlight(_) => None,
            });
            let Some((_, key)) = first.min_by_key(|(until, _)| *until) else {
                return;
            };
            entries.remove(&key);
        }
        let until = now + self.cache.ttl;
        let text = Arc::from(text);
        entries.insert(self.key, Entry::Cached { text, until });
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let mut entries = self.cache.entries();
        if let Some(Entry::InFlight(_)) = entries.get(&self.key) {
            entries.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(message: &str) -> Key {
        Key::of(&[message.as_bytes()])
    }

    fn cache() -> Arc<ReplyCache> {
        ReplyCache::new(Duration::from_mins(1)).unwrap()
    }

    async fn look_up(cache: &Arc<ReplyCache>, message: &str) -> Lookup {
        let deadline = Instant::now() + Duration::from_secs(25);
        cache.look_up(key(message), deadline).await
    }

    async fn lead(cache: &Arc<ReplyCache>, message: &str) -> Lead {
        match look_up(cache, message).await {
            Lookup::Lead(lead) => lead,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_ttl_of_zero_disables_the_cache() {
        assert!(ReplyCache::new(Duration::ZERO).is_none());
    }

    #[test]
    fn parts_that_join_to_the_same_text_have_keys_of_their_own() {
        let keys = [
            Key::of(&[b"x"]),
            Key::of(&[b"x", b""]),
            Key::of(&[b"xy"]),
            Key::of(&[b"x", b"y"]),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key), "{at}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_is_cached_until_its_ttl() {
        let cache = cache();
        lead(&cache, "a").await.share("reply");
        tokio::time::advance(Duration::from_millis(59_999)).await;
        assert!(matches!(look_up(&cache, "a").await, Lookup::Hit(text) if &*text == "reply"));
        assert!(matches!(look_up(&cache, "b").await, Lookup::Lead(_)));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(matches!(look_up(&cache, "a").await, Lookup::Lead(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_requests_get_the_reply_or_a_miss() {
        for is_shared in [true, false] {
            let cache = cache();
            let first = lead(&cache, "a").await;
            let waiting: Vec<_> = (0..3)
                .map(|_| {
                    let cache = Arc::clone(&cache);
                    tokio::spawn(async move { look_up(&cache, "a").await })
                })
                .collect();
            tokio::time::sleep(Duration::from_secs(1)).await;
            if is_shared {
                first.share("reply");
            } else {
                drop(first);
            }
            for waiting in waiting {
                match waiting.await.unwrap() {
                    Lookup::Hit(text) => assert!(is_shared && &*text == "reply"),
                    Lookup::Miss => assert!(!is_shared),
                    Lookup::Lead(_) => panic!("a waiting request took the lead"),
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lookup_does_not_wait_beyond_the_deadline() {
        let cache = cache();
        let _first = lead(&cache, "a").await;
        let start = Instant::now();
        assert!(matches!(look_up(&cache, "a").await, Lookup::Miss));
        assert_eq!(start.elapsed(), Duration::from_secs(25));
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        let cache = cache();
        let text = "x".repeat(Lead::MAX_REPLY_BYTES);
        for n in 0..40 {
            lead(&cache, &n.to_string()).await.share(&text);
        }
        let bytes: usize = cache.entries().values().map(Entry::bytes).sum();
        assert!(bytes <= MAX_BYTES && bytes > MAX_BYTES / 2, "{bytes}");
        assert!(matches!(look_up(&cache, "39").await, Lookup::Hit(_)));

        let mut leads = Vec::new();
        while let Lookup::Lead(lead) = look_up(&cache, &format!("led {}", leads.len())).await {
            leads.push(lead);
        }
        assert!(cache.entries().len() <= MAX_ENTRIES);
        drop(leads);
        assert!(matches!(look_up(&cache, "new").await, Lookup::Lead(_)));
    }
}
