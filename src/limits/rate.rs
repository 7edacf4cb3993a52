//! So many invocations a minute, with a burst of as many (GCRA, a leaky bucket without a queue).

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

/// How many parties are remembered of each kind, at some 60 bytes each.
const MOST_PARTIES: usize = 10_000;

/// How often it is looked at the most who can be forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// A limit on how often each party may begin something.
pub(super) struct Rate {
    limiter: RateLimiter<Party, Buckets, Monotonic, NoOpMiddleware<Moment>>,
    /// When it was last looked who can be forgotten.
    tidied: Mutex<Instant>,
}

impl Rate {
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        let quota = Quota::per_minute(per_minute);
        Self {
            limiter: RateLimiter::new(quota, Buckets::default(), Monotonic),
            tidied: Mutex::new(Instant::now()),
        }
    }

    /// Counts a beginning.
    ///
    /// # Errors
    /// How long to wait, where there were too many. This one is not counted then.
    pub(super) fn check(&self, party: Party) -> Result<(), Duration> {
        if self.limiter.len() >= MOST_PARTIES {
            self.tidy();
        }
        self.limiter
            .check_key(&party)
            .map_err(|until| until.wait_time_from(Monotonic.now()))
    }

    /// Forgets those that could begin as many as ever: they are not told from strangers. To look for
    /// them takes a while, so that not every newcomer may have it done.
    fn tidy(&self) {
        let mut tidied = self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        if tidied.elapsed() >= TIDY_EVERY {
            *tidied = Instant::now();
            self.limiter.retain_recent();
        }
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rate").finish_non_exhaustive()
    }
}

/// What is remembered of each party: when it will have waited off all that it began.
///
/// The memory is bounded. When it is full of those that matter, newcomers share one bucket, and
/// nobody is forgotten for them: made-up addresses cost neither memory nor anybody's count. Known
/// callers and addresses have a memory each, since addresses are easier to come by.
#[derive(Default)]
struct Buckets {
    callers: Mutex<Bounded>,
    addresses: Mutex<Bounded>,
}

#[derive(Default)]
struct Bounded {
    parties: HashMap<Party, Nanos>,
    /// The bucket of those that there is no room for.
    crowd: Option<Nanos>,
}

impl Bounded {
    fn measure_and_replace<T, E>(
        &mut self,
        party: Party,
        measure: impl Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    ) -> Result<T, E> {
        let known = self.parties.get(&party).copied();
        if known.is_none() && self.parties.len() >= MOST_PARTIES {
            let (outcome, after) = measure(self.crowd)?;
            self.crowd = Some(after);
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

impl Buckets {
    fn both(&self) -> [MutexGuard<'_, Bounded>; 2] {
        [&self.callers, &self.addresses].map(lock)
    }
}

fn lock(bounded: &Mutex<Bounded>) -> MutexGuard<'_, Bounded> {
    bounded.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StateStore for Buckets {
    type Key = Party;

    fn measure_and_replace<T, F, E>(&self, party: &Party, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let of_its_kind = match party {
            Party::Caller(_) => &self.callers,
            Party::Address(_) | Party::Network(_) | Party::Nobody => &self.addresses,
        };
        lock(of_its_kind).measure_and_replace(*party, measure)
    }
}

impl ShrinkableKeyedStateStore<Party> for Buckets {
    fn retain_recent(&self, drop_below: Nanos) {
        for mut bounded in self.both() {
            bounded.retain_recent(drop_below);
        }
    }

    fn len(&self) -> usize {
        // The fuller of the two: when that is full, it is time to look who can go.
        self.both()
            .map(|bounded| bounded.parties.len())
            .into_iter()
            .max()
            .unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The clock that all our timers go by. No change of the date moves it.
#[derive(Clone, Copy, Debug)]
struct Monotonic;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(Instant);

impl Clock for Monotonic {
    type Instant = Moment;

    fn now(&self) -> Moment {
        Moment(Instant::now())
    }
}

impl Reference for Moment {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.into()).unwrap_or(self.0))
    }
}

impl Add<Nanos> for Moment {
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
    async fn made_up_addresses_take_no_more_memory_and_nobodys_count() {
        let rate = rate(2);
        let [active, caller] = [address(0), Party::Caller([7; 32])];
        for party in [active, active, caller, caller] {
            rate.check(party).unwrap();
        }
        let mut let_in = 0;
        for n in 1..3 * MOST_PARTIES {
            let_in += usize::from(rate.check(address(n)).is_ok());
        }
        assert_eq!(remembered(&rate), MOST_PARTIES);
        // One place was the active one's; beyond them all, two of the crowd got through.
        assert_eq!(let_in, MOST_PARTIES - 1 + 2);
        assert!(rate.check(active).is_err(), "it is not forgotten");
        assert!(rate.check(caller).is_err());
        let other = Party::Caller([8; 32]);
        assert!(rate.check(other).is_ok(), "callers have room of their own");
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_waited_makes_room_and_nobody_else() {
        let rate = rate(60);
        let active = address(0);
        for _ in 0..60 {
            rate.check(active).unwrap();
        }
        for n in 1..MOST_PARTIES {
            rate.check(address(n)).unwrap();
        }
        tokio::time::advance(Duration::from_secs(3)).await;
        rate.check(address(MOST_PARTIES)).unwrap();
        assert_eq!(remembered(&rate), 2, "the active one and the new one");
        let more = (0..10).filter(|_| rate.check(active).is_ok()).count();
        assert_eq!(more, 3, "its count was kept");
    }
}
