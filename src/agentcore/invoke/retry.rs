//! When and how long to wait before another attempt.

use std::time::Duration;

use crate::env::{ConfigError, Environment};

/// Exponential backoff with equal jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// How many attempts may follow the first. `RETRY_MAX_RETRIES`
    pub max_retries: u32,
    /// The delay before the first retry, before jitter. `RETRY_INITIAL_DELAY_MS`
    pub initial_delay: Duration,
    /// What each delay is multiplied by for the next. `RETRY_MULTIPLIER`
    pub multiplier: f64,
    /// The longest delay, before jitter. `RETRY_MAX_DELAY_MS`
    pub max_delay: Duration,
    /// Whether a retry may happen after the prompt was handed over, which can run the agent twice.
    /// `RETRY_AFTER_SEND`
    pub after_send: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 3,
            initial_delay: Duration::from_secs(1),
            multiplier: 2.0,
            max_delay: Duration::from_secs(8),
            after_send: false,
        }
    }
}

impl RetryPolicy {
    /// Reads the policy.
    ///
    /// # Errors
    /// [`ConfigError`] where a value is not accepted, or the two delays do not fit.
    pub(in crate::agentcore) fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        let default = Self::default();
        let policy = Self {
            max_retries: env.number("RETRY_MAX_RETRIES", default.max_retries, 0..=10)?,
            initial_delay: env.milliseconds("RETRY_INITIAL_DELAY_MS", default.initial_delay)?,
            multiplier: env.parse(
                "RETRY_MULTIPLIER",
                default.multiplier,
                "a decimal number from 1 to 10",
                |text| {
                    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                    let number = text.parse().ok().filter(|_| is_plain);
                    number.filter(|number| (1.0..=10.0).contains(number))
                },
            )?,
            max_delay: env.milliseconds("RETRY_MAX_DELAY_MS", default.max_delay)?,
            after_send: env.flag("RETRY_AFTER_SEND", default.after_send)?,
        };
        if policy.initial_delay > policy.max_delay {
            let (name, other) = if env.get("RETRY_INITIAL_DELAY_MS").is_some() {
                ("RETRY_INITIAL_DELAY_MS", "RETRY_MAX_DELAY_MS")
            } else {
                ("RETRY_MAX_DELAY_MS", "RETRY_INITIAL_DELAY_MS")
            };
            let problem = format!("the initial delay is longer than the maximum (see {other})");
            let accepted = "an initial delay of at most the maximum";
            return Err(ConfigError::new(name, problem, accepted));
        }
        Ok(policy)
    }

    /// The delay before a retry, of which `retries` have been before.
    ///
    /// `jitter`, from 0 to 1, chooses between half of the delay and the whole. A `Retry-After` of
    /// the service is obeyed where it is longer.
    pub fn delay(&self, retries: u32, jitter: f64, retry_after: Option<Duration>) -> Duration {
        let exponent = i32::try_from(retries).unwrap_or(i32::MAX);
        let seconds = self.initial_delay.as_secs_f64() * self.multiplier.powi(exponent);
        let delay = seconds.min(self.max_delay.as_secs_f64()) * f64::midpoint(1.0, jitter);
        Duration::from_secs_f64(delay).max(retry_after.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let policy = RetryPolicy::default();
        let delays: Vec<_> = (0..6)
            .map(|n| policy.delay(n, 1.0, None).as_secs())
            .collect();
        assert_eq!(delays, [1, 2, 4, 8, 8, 8]);
        assert_eq!(policy.delay(u32::MAX, 1.0, None), Duration::from_secs(8));
    }

    #[test]
    fn jitter_takes_half_at_the_most() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.delay(1, 0.0, None), Duration::from_secs(1));
        assert_eq!(policy.delay(1, 0.5, None), Duration::from_millis(1500));
    }

    #[test]
    fn retry_after_is_obeyed_where_longer() {
        let policy = RetryPolicy::default();
        let after = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(policy.delay(0, 0.0, after(20)), Duration::from_secs(20));
        assert_eq!(policy.delay(3, 1.0, after(2)), Duration::from_secs(8));
    }
}
