//! The deadline that Lambda gives an invocation.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Lambda's longest function timeout, in milliseconds.
const LONGEST_TIMEOUT_MS: u64 = 900_000;

/// Converts Lambda's deadline, in milliseconds since 1970, to the monotonic clock. `None` without a
/// deadline, and with one that is over: Lambda gives no such work, so the clock is wrong here, and to
/// go by it would fail every invocation.
///
/// `cargo lambda watch` sends the remaining milliseconds instead. A value of at most
/// [`LONGEST_TIMEOUT_MS`] is read as that: as a date it would be in 1970.
pub(super) fn deadline(given_ms: u64, received: Instant, now: SystemTime) -> Option<Instant> {
    let given = Duration::from_millis(given_ms);
    match given_ms {
        0 => return None,
        1..=LONGEST_TIMEOUT_MS => return Some(received + given),
        _ => {}
    }
    let left = (SystemTime::UNIX_EPOCH + given).duration_since(now).ok()?;
    // Lambda sends no deadline further away. The cap also keeps the addition from overflowing.
    Some(received + left.min(Duration::from_millis(LONGEST_TIMEOUT_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_read_as_a_date_or_as_remaining_time() {
        let received = Instant::now();
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(480_000);
        let now_ms = 480_000 * 3_600_000;
        for (given, left) in [
            (now_ms + 30_000, Some(30_000)),
            (now_ms + 1, Some(1)),
            (now_ms - 1, None),
            (now_ms - 3_600_000, None),
            (600_000, Some(600_000)),
            (0, None),
            (u64::MAX, Some(900_000)),
            (now_ms * 2, Some(900_000)),
        ] {
            let deadline = deadline(given, received, now);
            let expected = left.map(Duration::from_millis);
            assert_eq!(
                deadline.map(|deadline| deadline - received),
                expected,
                "{given}"
            );
        }
        let before = SystemTime::UNIX_EPOCH - Duration::from_hours(1);
        assert_eq!(
            deadline(0, received, before),
            None,
            "whatever the clock says"
        );
    }
}
