//! The `Server-Timing` header, which the developer tools of browsers show.

use std::fmt::Write as _;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::body::Response;
use super::turn::Timing;
use crate::telemetry::invocation::to_ms;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Adds the known durations to a response. <https://www.w3.org/TR/server-timing/>
pub(super) fn with_timing(mut response: Response, timing: Timing) -> Response {
    if let Ok(value) = HeaderValue::from_str(&server_timing(timing)) {
        response.headers_mut().insert(SERVER_TIMING, value);
    }
    response
}

fn server_timing(timing: Timing) -> String {
    let Timing {
        sign,
        connect,
        first,
        total,
    } = timing;
    let ms = |time: Duration| to_ms(time).to_string();
    // Signing takes microseconds, so it gets decimals.
    let sign = sign.map(|sign: Duration| {
        let micros = sign.as_micros();
        format!("{}.{:03}", micros / 1_000, micros % 1_000)
    });
    let mut header = String::new();
    for (name, duration) in [
        ("sign", sign),
        ("connect", connect.map(ms)),
        ("first", first.map(ms)),
        ("total", total.map(ms)),
    ] {
        let Some(duration) = duration else { continue };
        let comma = if header.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(header, "{comma}{name};dur={duration}");
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_durations_are_listed() {
        let mut timing = Timing {
            sign: Some(Duration::from_micros(42)),
            connect: Some(Duration::from_millis(17)),
            first: Some(Duration::from_micros(319_001)),
            total: Some(Duration::from_millis(4_100)),
        };
        let all = "sign;dur=0.042, connect;dur=17, first;dur=320, total;dur=4100";
        assert_eq!(server_timing(timing), all);
        (timing.sign, timing.connect, timing.first) = (None, None, None);
        assert_eq!(server_timing(timing), "total;dur=4100");
    }
}
