//! The time format of `X-Amz-Date`.

/// Parses `YYYYMMDDTHHMMSSZ` to seconds since the epoch; `None` if it is invalid.
pub(super) fn epoch_seconds(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let (year, month, day) = (
        digits(&bytes[..4])?,
        digits(&bytes[4..6])?,
        digits(&bytes[6..8])?,
    );
    let (hour, minute, second) = (
        digits(&bytes[9..11])?,
        digits(&bytes[11..13])?,
        digits(&bytes[13..15])?,
    );
    if year < 1970 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_since_epoch(year, month, day)?;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

fn digits(bytes: &[u8]) -> Option<u64> {
    bytes.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + u64::from(byte - b'0'))
    })
}

fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

    let before = usize::try_from(month.checked_sub(1)?).ok()?;
    if day == 0 || day > *months.get(before)? {
        return None;
    }
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    Some(years + months[..before].iter().sum::<u64>() + day - 1)
}

#[cfg(test)]
mod tests {
    use super::epoch_seconds;

    #[test]
    fn times_are_counted_from_the_epoch() {
        for (text, seconds) in [
            ("19700101T000000Z", 0),
            ("20000229T060708Z", 951_804_428),
            ("20240229T235959Z", 1_709_251_199),
            ("20251231T235959Z", 1_767_225_599),
            ("21000301T000000Z", 4_107_542_400),
        ] {
            assert_eq!(epoch_seconds(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn invalid_times_are_refused() {
        for text in [
            "",
            "2024-02-29T00:00Z",
            "20230229T000000Z",
            "21000229T000000Z",
            "20241301T000000Z",
            "20240001T000000Z",
            "20240100T000000Z",
            "20240101T240000Z",
            "20240101T006000Z",
            "20240101T000060Z",
            "20240101 000000Z",
            "2024010+T000000Z",
            "19691231T000000Z",
        ] {
            assert_eq!(epoch_seconds(text), None, "{text}");
        }
    }
}
