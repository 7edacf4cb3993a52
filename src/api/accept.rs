//! Content negotiation by the `Accept` header.

use http::{HeaderMap, header};

/// Whether a request asks for server-sent events rather than JSON (RFC 9110, section 12.5.1).
///
/// True for `text/event-stream` with a quality above 0, if that is higher than the quality of
/// `application/json`, or equal and named earlier.
pub(super) fn wants_events(headers: &HeaderMap) -> bool {
    let ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let ranges: Vec<_> = ranges
        .flat_map(|value| value.split(','))
        .map(range)
        .collect();
    let find = |wanted: &str| {
        ranges
            .iter()
            .position(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    let Some(events) = find("text/event-stream").filter(|at| ranges[*at].1 > 0.0) else {
        return false;
    };
    find("application/json").is_none_or(|json| {
        let (events_quality, json_quality) = (ranges[events].1, ranges[json].1);
        events_quality > json_quality || (events_quality >= json_quality && events < json)
    })
}

/// A media range and its quality: 1 if not given, 0 if not a number.
fn range(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case("q")
            .then(|| value.trim().parse().unwrap_or(0.0))
    });
    (name, quality.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn events_are_chosen_by_name_and_quality() {
        for (accept, expected) in [
            (&["text/event-stream"][..], true),
            (&["Text/Event-Stream; charset=utf-8"], true),
            (&["text/event-stream, application/json"], true),
            (&["application/json, text/event-stream"], false),
            (&["application/json;q=0.5, text/event-stream"], true),
            (&["text/event-stream;q=0.5, application/json;q=0.9"], false),
            (&["application/json;q=0.5", "text/event-stream;q=0.6"], true),
            (&["text/event-stream;q=0"], false),
            (&["text/event-stream;q=x"], false),
            (&["text/event-stream; q=0.1"], true),
            (&["*/*"], false),
            (&["text/*"], false),
            (&["text/event-stream, */*"], true),
            (&[""], false),
            (&[], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in accept {
                headers.append(header::ACCEPT, HeaderValue::from_static(value));
            }
            assert_eq!(wants_events(&headers), expected, "{accept:?}");
        }
    }
}
