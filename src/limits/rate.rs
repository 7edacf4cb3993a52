//! A rate limit per minute with a burst of the same size, by GCRA (a leaky bucket without a queue).

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::ops::Add;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::Party;

/// How many callers, and how many addresses, are tracked at most; each takes some 60 bytes.
const MAX_PARTIES: usize = 10_000;

/// The shortest time between two sweeps, which walk the whole map.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Limits the invocations of each party per minute.
pub(super) struct Rate {
    limiter: RateLimiter<Party, Parties, Monotonic, NoOpMiddleware<MonotonicInstant>>,
    /// When the last sweep began.
    last_sweep: Mutex<Instant>,
}

impl Rate {
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        let quota = Quota::per_minute(per_minute);
        Self {
            limiter: RateLimiter::new(quota, Parties::default(), Monotonic),
            last_sweep: Mutex::new(Instant::now()),
        }
    }

    /// Counts one invocation.
    ///
    /// # Errors
    /// The time to wait if the limit is exceeded. The invocation is not counted then.
    pub(super) fn check(&self, party: Party) -> Result<(), Duration> {
        if self.limiter.len() >= MAX_PARTIES {
            self.sweep();
        }
        self.limiter
            .check_key(&party)
            .map_err(|until| until.wait_time_from(Monotonic.now()))
    }

    /// Removes parties whose whole quota is free again, since a new entry would allow them as much.
    /// At most once per [`SWEEP_INTERVAL`], so that a flood of new parties does not cause a sweep
    /// each.
    fn sweep(&self) {
        let mut last_sweep = self
            .last_sweep
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last_sweep.elapsed() >= SWEEP_INTERVAL {
            *last_sweep = Instant::now();
            self.limiter.retain_recent();
        }
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rate").finish_non_exhaustive()
    }
}

/// For each party, the time at which its whole quota is free again.
///
/// Memory is bounded. When a map is full of active parties, new ones share a single bucket and no
/// entry is evicted: forged addresses cost neither memory nor another party's count. Identified
/// callers and addresses have separate maps, since addresses are easier to come by.
#[derive(Default)]
struct Parties {
    callers: Mutex<BoundedMap>,
    addresses: Mutex<BoundedMap>,
}

#[derive(Default)]
struct BoundedMap {
    parties: HashMap<Party, Nanos>,
    /// The shared bucket of all parties that found the map full.
    overflow: Option<Nanos>,
}

impl BoundedMap {
    fn measure_and_replace<T, E>(
        &mut self,
        party: Party,
        measure: impl Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    ) -> Result<T, E> {
        let known = self.parties.get(&party).copied();
        if known.is_none() && self.parties.len() >= MAX_PARTIES {
            let (outcome, after) = measure(self.overflow)?;
            self.overflow = Some(after);
            return Ok(outcome);
        }
        let (outcome, after) = measure(known)?;
        self.parties.insert(party, after);
        Ok(outcome)
    }

    fn retain_recent(&mut self, drop_below: Nanos) {
        self.parties.retain(|_, free_at| *free_at > drop_below);
    }
}

impl Parties {
    fn both(&self) -> [MutexGuard<'_, BoundedMap>; 2] {
        [&self.callers, &self.addresses].map(lock)
    }
}

fn lock(map: &Mutex<BoundedMap>) -> MutexGuard<'_, BoundedMap> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StateStore for Parties {
    type Key = Party;

    fn measure_and_replace<T, F, E>(&self, party: &Party, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let map = match party {
            Party::Caller(_) => &self.callers,
            Party::Address(_) | Party::Network(_) | Party::Unknown => &self.addresses,
        };
        lock(map).measure_and_replace(*party, measure)
    }
}

impl ShrinkableKeyedStateStore<Party> for Parties {
    fn retain_recent(&self, drop_below: Nanos) {
        for mut map in self.both() {
            map.retain_recent(drop_below);
        }
    }

    fn len(&self) -> usize {
        // The fuller of the two maps: `Rate::check` sweeps as soon as one is full.
        self.both()
            .map(|map| map.parties.len())
            .into_iter()
            .max()
            .unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Tokio's monotonic clock, which changes of the system time do not affect.
#[derive(Clone, Copy, Debug)]
struct Monotonic;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct MonotonicInstant(Instant);

impl Clock for Monotonic {
    type Instant = MonotonicInstant;

    fn now(&self) -> MonotonicInstant {
        MonotonicInstant(Instant::now())
    }
}

impl Reference for MonotonicInstant {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.into()).unwrap_or(self.0))
    }
}

impl Add<Nanos> for MonotonicInstant {
    type Output = Self;

    fn add(self, duration: Nanos) -> Self {
        Self(self.0 + duration.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_minute: u32) -> Rate {
        Rate::new(NonZeroU32::new(per_minute).unwrap())
    }

    fn address(n: usize) -> Party {
        Party::Address(u32::try_from(n).unwrap().into())
    }

    fn remembered(rate: &Rate) -> usize {
        rate.limiter.len()
    }

    #[tokio::test(start_paused = true)]
    async fn forged_addresses_do_not_grow_memory_or_reset_a_count() {
        let rate = rate(2);
        let [active, caller] = [address(0), Party::Caller([7; 32])];
        for party in [active, active, caller, caller] {
            rate.check(party).unwrap();
        }
        let mut let_in = 0;
        for n in 1..3 * MAX_PARTIES {
            let_in += usize::from(rate.check(address(n)).is_ok());
        }
        assert_eq!(remembered(&rate), MAX_PARTIES);
        // The active party had one entry; once the map was full, the shared bucket admitted two
        // more.
        assert_eq!(let_in, MAX_PARTIES - 1 + 2);
        assert!(rate.check(active).is_err(), "the active party was evicted");
        assert!(rate.check(caller).is_err());
        let other = Party::Caller([8; 32]);
        assert!(rate.check(other).is_ok(), "callers have a map of their own");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_removes_only_parties_with_a_free_quota() {
        let rate = rate(60);
        let active = address(0);
        for _ in 0..60 {
            rate.check(active).unwrap();
        }
        for n in 1..MAX_PARTIES {
            rate.check(address(n)).unwrap();
        }
        tokio::time::advance(Duration::from_secs(3)).await;
        rate.check(address(MAX_PARTIES)).unwrap();
        assert_eq!(remembered(&rate), 2, "the active one and the new one");
        let more = (0..10).filter(|_| rate.check(active).is_ok()).count();
        assert_eq!(more, 3, "its count was kept");
    }
}
