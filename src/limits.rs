//! How much one caller may ask for in this process. What a whole fleet may be asked for is the
//! gateway's to limit: other processes know nothing of this one.
//!
//! A caller that the gateway tells of has limits of its own wherever it calls from; others are told
//! apart by address. An IPv6 address counts by its first 64 bits, since whoever has one address has
//! all of that network (RFC 6177); those without an address share one limit.

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

/// Limits on each caller, in one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Invocations per minute; 0 is no limit. `RATE_LIMIT_PER_MINUTE`
    pub per_minute: u32,
    /// Invocations at the same time; 0 is no limit. `MAX_CONCURRENT_PER_CALLER`
    pub concurrent: u32,
}

impl RateLimits {
    /// Reads the limits.
    ///
    /// # Errors
    /// [`ConfigError`] where one is no number, or too large.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            per_minute: env.number("RATE_LIMIT_PER_MINUTE", 0, 0..=1_000_000)?,
            concurrent: env.number("MAX_CONCURRENT_PER_CALLER", 0, 0..=1_000_000)?,
        })
    }
}

/// The limits of all callers.
#[derive(Debug)]
pub struct Limits {
    rate: Option<Rate>,
    slots: Option<Arc<Slots>>,
}

/// An invocation that may go on. Its place among those at the same time is free again when this is
/// dropped.
#[derive(Debug)]
pub struct Permit {
    _slot: Option<Slot>,
}

/// Why an invocation may not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitExceeded {
    /// As many as are allowed are going on.
    #[error("too many requests of this caller are going on; see Retry-After")]
    TooMany,
    /// As many as are allowed have begun; another may after this time.
    #[error("this caller has sent too many requests in a minute; see Retry-After")]
    TooOften(Duration),
}

impl LimitExceeded {
    /// When to come again: after a second at the least.
    pub fn retry_after(self) -> Duration {
        const SECOND: Duration = Duration::from_secs(1);
        match self {
            // Nobody knows when another ends.
            Self::TooMany => SECOND,
            Self::TooOften(wait) => wait.max(SECOND),
        }
    }
}

impl Limits {
    /// Limits with nobody counted yet.
    pub fn new(limits: RateLimits) -> Self {
        Self {
            rate: NonZeroU32::new(limits.per_minute).map(Rate::new),
            slots: NonZeroU32::new(limits.concurrent).map(|most| Arc::new(Slots::new(most))),
        }
    }

    /// Lets an invocation begin.
    ///
    /// # Errors
    /// [`LimitExceeded`] where its caller has to wait. A refusal is not counted as an invocation.
    pub fn admit(&self, origin: &Origin) -> Result<Permit, LimitExceeded> {
        let party = Party::of(origin);
        let slot = match &self.slots {
            Some(slots) => Some(slots.take(party).ok_or(LimitExceeded::TooMany)?),
            None => None,
        };
        if let Some(rate) = &self.rate {
            rate.check(party).map_err(LimitExceeded::TooOften)?;
        }
        Ok(Permit { _slot: slot })
    }
}

/// The bits of an IPv6 address that one customer's addresses have in common.
const NETWORK: u128 = u128::MAX << 64;

/// Whose invocations are counted together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Party {
    /// A caller's fingerprint: of one size, however long its name is.
    Caller([u8; 32]),
    Address(Ipv4Addr),
    /// The bits of an IPv6 network, the others zero.
    Network(u128),
    /// Those that come from nowhere.
    Nobody,
}

impl Party {
    fn of(origin: &Origin) -> Self {
        if let Some(caller) = &origin.caller {
            return Self::Caller(caller.fingerprint());
        }
        // An IPv4 address may be written as an IPv6 one.
        match origin.address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => Self::Address(address),
            Some(IpAddr::V6(address)) => Self::Network(address.to_bits() & NETWORK),
            None => Self::Nobody,
        }
    }
}

/// What each party has going on at the moment. Who has nothing going on is not in it, so that it
/// never holds more than the process does at once.
struct Slots {
    most: NonZeroU32,
    taken: Mutex<HashMap<Party, u32>>,
}

impl Slots {
    fn new(most: NonZeroU32) -> Self {
        Self {
            most,
            taken: Mutex::default(),
        }
    }

    fn take(self: &Arc<Self>, party: Party) -> Option<Slot> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(party).or_default();
        // Where it is at the limit, it is not zero: the entry is not a new one.
        if *count >= self.most.get() {
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
            .field("most", &self.most)
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
    fn nothing_is_limited_unless_it_is_configured() {
        let limits = limits(0, 0);
        let all: Result<Vec<_>, _> = (0..1_000).map(|_| limits.admit(&from("::1"))).collect();
        assert_eq!(all.unwrap().len(), 1_000);
    }

    #[test]
    fn a_place_is_free_again_when_its_invocation_ends() {
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
        assert_eq!(parties(&limits), 0, "nobody is remembered");
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_a_minutes_worth_and_then_one_after_the_other() {
        let limits = limits(4, 0);
        let origin = key("k");
        for _ in 0..4 {
            limits.admit(&origin).unwrap();
        }
        for _ in 0..3 {
            // A refusal costs nothing: the wait stays the same.
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
        assert_eq!(after_an_hour, 4, "what was not used is not saved up");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_no_invocation() {
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
        assert_eq!(parties(&limits), 0, "who is refused has nothing going on");
    }

    #[test]
    fn callers_are_counted_by_who_they_are_else_by_where_they_are() {
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
