//! The time by which requests are signed.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// This machine's clock, corrected by what the service said of the time.
///
/// A correction holds for all later requests of the process, until the service gives another: a
/// clock that is wrong costs one invocation an attempt, not each. One that is set right later costs
/// one more.
pub(in crate::agentcore) struct SigningClock {
    machine: fn() -> SystemTime,
    /// How far the service's clock is ahead, in milliseconds.
    offset: AtomicI64,
}

impl SigningClock {
    /// The machine's clock as it is.
    pub(in crate::agentcore) fn new(machine: fn() -> SystemTime) -> Self {
        Self {
            machine,
            offset: AtomicI64::new(0),
        }
    }

    /// The time to sign by.
    pub(in crate::agentcore) fn now(&self) -> SystemTime {
        let now = (self.machine)();
        let offset = self.offset.load(Ordering::Relaxed);
        let by = Duration::from_millis(offset.unsigned_abs());
        let shifted = if offset < 0 {
            now.checked_sub(by)
        } else {
            now.checked_add(by)
        };
        shifted.unwrap_or(now)
    }

    /// The service's clock shows this time.
    pub(in crate::agentcore) fn correct(&self, service: SystemTime) {
        let milliseconds = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let offset = match service.duration_since((self.machine)()) {
            Ok(ahead) => milliseconds(ahead),
            Err(behind) => -milliseconds(behind.duration()),
        };
        self.offset.store(offset, Ordering::Relaxed);
    }
}

impl fmt::Debug for SigningClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningClock").field(&self.offset).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
    }

    #[test]
    fn it_goes_by_the_last_correction() {
        let clock = SigningClock::new(|| at(1_000_500));
        assert_eq!(clock.now(), at(1_000_500));
        for service in [2_000_000, 1_000, 1_000_500] {
            clock.correct(at(service));
            assert_eq!(clock.now(), at(service));
        }
    }
}
