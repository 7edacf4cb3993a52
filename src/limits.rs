//! Limits on how many invocations one caller may make in this process. Processes do not share their
//! counts; a limit on the whole fleet is the gateway's task.
//!
//! Callers that the gateway identifies are counted by identity, all others by address. IPv6
//! addresses are counted by their first 64 bits, since a customer gets a whole such network (RFC
//! 6177). Requests without an address are counted together.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::caller::Origin;
use crate::env::{ConfigError, Environment};
use rate::Rate;

mod rate;

/// The configured limits on each caller, in one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Invocations per minute; 0 means no limit. `RATE_LIMIT_PER_MINUTE`
    pub per_minute: u32,
    /// Concurrent invocations; 0 means no limit. `MAX_CONCURRENT_PER_CALLER`
    pub concurrent: u32,
}

impl RateLimits {
    /// Reads `RATE_LIMIT_PER_MINUTE` and `MAX_CONCURRENT_PER_CALLER`.
    ///
    /// # Errors
    /// [`ConfigError`] if a value is not a whole number from 0 to 1,000,000.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            per_minute: env.number("RATE_LIMIT_PER_MINUTE", 0, 0..=1_000_000)?,
            concurrent: env.number("MAX_CONCURRENT_PER_CALLER", 0, 0..=1_000_000)?,
        })
    }
}

/// Counts the invocations of all callers against the limits.
#[derive(Debug)]
pub struct Limits {
    rate: Option<Rate>,
    slots: Option<Arc<Slots>>,
}

/// Permission for one invocation. Dropping it frees its place among the concurrent ones.
#[derive(Debug)]
pub struct Permit {
    _slot: Option<Slot>,
}

/// Which limit refused an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitExceeded {
    /// The caller has as many concurrent invocations as allowed.
    #[error("too many requests of this caller are going on; see Retry-After")]
    TooMany,
    /// The caller has made too many invocations in a minute. Holds the time until the next is
    /// allowed.
    #[error("this caller has sent too many requests in a minute; see Retry-After")]
    TooOften(Duration),
}

impl LimitExceeded {
    /// How long to wait before trying again: one second at least.
    pub fn retry_after(self) -> Duration {
        const SECOND: Duration = Duration::from_secs(1);
        match self {
            // It is unknown when one of the running invocations ends.
            Self::TooMany => SECOND,
            Self::TooOften(wait) => wait.max(SECOND),
        }
    }
}

impl Limits {
    /// Creates limits with all counts at zero.
    pub fn new(limits: RateLimits) -> Self {
        Self {
            rate: NonZeroU32::new(limits.per_minute).map(Rate::new),
            slots: NonZeroU32::new(limits.concurrent).map(|limit| Arc::new(Slots::new(limit))),
        }
    }

    /// Admits an invocation.
    ///
    /// # Errors
    /// [`LimitExceeded`] if its caller has to wait. A refused invocation does not count.
    pub fn admit(&self, origin: &Origin) -> Result<Permit, LimitExceeded> {
        let party = Party::of(origin);
        let slot = match &self.slots {
            Some(slots) => Some(slots.take(party).ok_or(LimitExceeded::TooMany)?),
            None => None,
        };
        // Checked last, since a success counts: a request without a free slot must not use it up.
        if let Some(rate) = &self.rate {
            rate.check(party).map_err(LimitExceeded::TooOften)?;
        }
        Ok(Permit { _slot: slot })
    }
}

/// Masks the network part of an IPv6 address, which all addresses of one customer share.
const NETWORK: u128 = u128::MAX << 64;

/// The key by which invocations are counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Party {
    /// A caller's fingerprint, which has a fixed size however long the caller's name is.
    Caller([u8; 32]),
    Address(Ipv4Addr),
    /// An IPv6 address with all bits but those of the network set to zero.
    Network(u128),
    /// Requests without a known caller or address.
    Unknown,
}

impl Party {
    fn of(origin: &Origin) -> Self {
        if let Some(caller) = &origin.caller {
            return Self::Caller(caller.fingerprint());
        }
        // `::ffff:192.0.2.1` is the same address as `192.0.2.1`.
        match origin.address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => Self::Address(address),
            Some(IpAddr::V6(address)) => Self::Network(address.to_bits() & NETWORK),
            None => Self::Unknown,
        }
    }
}

/// Counts the concurrent invocations of each party. Parties without any are removed, so the map
/// never holds more entries than the process has invocations in flight.
struct Slots {
    limit: NonZeroU32,
    taken: Mutex<HashMap<Party, u32>>,
}

impl Slots {
    fn new(limit: NonZeroU32) -> Self {
        Self {
            limit,
            taken: Mutex::default(),
        }
    }

    fn take(self: &Arc<Self>, party: Party) -> Option<Slot> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(party).or_default();
        // The limit is never zero, so an entry that was just created is not refused here and left
        // behind.
        if *count >= self.limit.get() {
            return None;
        }
        *count += 1;
        let slots = Arc::clone(self);
        Some(Slot { slots, party })
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

struct Slot {
    slots: Arc<Slots>,
    party: Party,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self
            .slots
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.party) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.party);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Caller;

    fn limits(per_minute: u32, concurrent: u32) -> Limits {
        Limits::new(RateLimits {
            per_minute,
            concurrent,
        })
    }

    fn from(address: &str) -> Origin {
        Origin {
            caller: None,
            address: address.parse().ok(),
        }
    }

    fn key(id: &str) -> Origin {
        Origin {
            caller: Some(Caller::api_key(id.to_owned())),
            ..from("192.0.2.1")
        }
    }

    fn parties(limits: &Limits) -> usize {
        limits.slots.as_ref().unwrap().taken.lock().unwrap().len()
    }

    #[test]
    fn without_configured_limits_everything_is_admitted() {
        let limits = limits(0, 0);
        let all: Result<Vec<_>, _> = (0..1_000).map(|_| limits.admit(&from("::1"))).collect();
        assert_eq!(all.unwrap().len(), 1_000);
    }

    #[test]
    fn a_slot_is_freed_when_its_invocation_ends() {
        let limits = limits(0, 2);
        let origin = from("192.0.2.1");
        let first = limits.admit(&origin).unwrap();
        let second = limits.admit(&origin).unwrap();
        let refused = limits.admit(&origin).unwrap_err();
        assert_eq!(refused, LimitExceeded::TooMany);
        assert_eq!(refused.retry_after(), Duration::from_secs(1));
        assert!(limits.admit(&from("192.0.2.2")).is_ok(), "others may");
        drop(first);
        let third = limits.admit(&origin).unwrap();
        assert!(limits.admit(&origin).is_err());
        drop((second, third));
        assert_eq!(parties(&limits), 0, "an entry was left behind");
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_one_minutes_quota_is_admitted_then_a_steady_rate() {
        let limits = limits(4, 0);
        let origin = key("k");
        for _ in 0..4 {
            limits.admit(&origin).unwrap();
        }
        for _ in 0..3 {
            // A refusal does not extend the wait.
            let refused = limits.admit(&origin).unwrap_err();
            assert_eq!(refused, LimitExceeded::TooOften(Duration::from_secs(15)));
        }
        tokio::time::advance(Duration::from_millis(14_999)).await;
        let refused = limits.admit(&origin).unwrap_err();
        assert_eq!(refused.retry_after(), Duration::from_secs(1));
        tokio::time::advance(Duration::from_millis(1)).await;
        limits.admit(&origin).unwrap();
        assert!(limits.admit(&origin).is_err());
        tokio::time::advance(Duration::from_hours(1)).await;
        let after_an_hour = (0..10).filter(|_| limits.admit(&origin).is_ok()).count();
        assert_eq!(after_an_hour, 4, "unused quota does not add up");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_invocation_does_not_count() {
        let limits = limits(2, 1);
        let origin = key("k");
        let first = limits.admit(&origin).unwrap();
        for _ in 0..5 {
            assert_eq!(limits.admit(&origin).unwrap_err(), LimitExceeded::TooMany);
        }
        drop(first);
        drop(limits.admit(&origin).unwrap());
        assert!(matches!(
            limits.admit(&origin),
            Err(LimitExceeded::TooOften(_))
        ));
        assert_eq!(parties(&limits), 0, "a refused invocation holds no slot");
    }

    #[test]
    fn callers_are_counted_by_identity_else_by_address() {
        let party = |origin: &Origin| Party::of(origin);
        for (one, other, same) in [
            (key("a"), key("a"), true),
            (key("a"), key("b"), false),
            (key("a"), from("192.0.2.1"), false),
            (from("192.0.2.1"), from("192.0.2.1"), true),
            (from("192.0.2.1"), from("192.0.2.2"), false),
            (from("192.0.2.1"), from("::ffff:192.0.2.1"), true),
            (from("2001:db8:0:1::1"), from("2001:db8:0:1:ffff::2"), true),
            (from("2001:db8:0:1::1"), from("2001:db8:0:2::1"), false),
            (from(""), from("unknown"), true),
            (from(""), from("::"), false),
        ] {
            assert_eq!(party(&one) == party(&other), same, "{one:?} {other:?}");
        }
    }
}
