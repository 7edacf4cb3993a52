//! Trace headers that are passed on to the agent. They become part of our own request, so they are
//! validated and bounded.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::env::{ConfigError, Environment};

/// The trace header of AWS X-Ray.
pub const XRAY: &str = "x-amzn-trace-id";

const LONGEST_XRAY: usize = 128;
const LONGEST_TRACEPARENT: usize = 128;

/// The headers that are passed on: name, longest value in bytes, and the check of its form.
///
/// `traceparent` and `tracestate` are defined by W3C Trace Context, `baggage` by W3C Baggage.
const FORWARDED: [(&str, usize, IsWellFormed); 4] = [
    (XRAY, LONGEST_XRAY, is_xray),
    ("traceparent", LONGEST_TRACEPARENT, is_traceparent),
    ("tracestate", 512, is_list),
    ("baggage", 8192, is_list),
];

type IsWellFormed = fn(&str) -> bool;

/// Which invocations agents are told to trace. `TRACE_AGENTS`
///
/// AgentCore drops an agent's spans where the header says that the trace is not sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TraceAgents {
    /// Those that the gateway, Lambda or the caller samples.
    #[default]
    AsSampled,
    /// All of them.
    Always,
}

impl TraceAgents {
    /// Reads the choice.
    ///
    /// # Errors
    /// [`ConfigError`] where it is another.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        let accepted = "as-sampled or always";
        env.parse("TRACE_AGENTS", Self::default(), accepted, |text| match text
            .to_ascii_lowercase()
            .as_str()
        {
            "as-sampled" => Some(Self::AsSampled),
            "always" => Some(Self::Always),
            _ => None,
        })
    }
}

/// Validated trace headers for an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceHeaders(HeaderMap);

impl TraceHeaders {
    /// Extracts the trace headers of a request. `xray` is Lambda's own and wins over the caller's.
    /// Values that are too long or malformed are dropped.
    pub fn new(request: &HeaderMap, xray: Option<&str>) -> Self {
        let mut headers = HeaderMap::new();
        for (name, longest, is_well_formed) in FORWARDED {
            let from_lambda = xray.filter(|_| name == XRAY);
            let mut values = request.get_all(name).iter();
            let first = values.next().and_then(|value| value.to_str().ok());
            let from_caller = match (first, values.next(), is_list_header(name)) {
                (Some(first), None, _) => Some(Cow::Borrowed(first)),
                (Some(first), Some(_), true) => joined(first, request, name).map(Cow::Owned),
                // Only list headers may be repeated; any other repeated header is malformed.
                _ => None,
            };
            let value = from_lambda.map(Cow::Borrowed).or(from_caller);
            let value = value.filter(|value| value.len() <= longest && is_well_formed(value));
            if let Some(Ok(value)) = value.map(|value| HeaderValue::from_str(&value)) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        Self(headers)
    }

    /// The same headers, saying that the trace is sampled where agents are to trace all. A header that
    /// is not there is not made: without one, an agent decides for itself.
    #[must_use]
    pub fn told(mut self, agents: TraceAgents) -> Self {
        if agents == TraceAgents::AsSampled {
            return self;
        }
        for (name, longest, sampled) in [
            (XRAY, LONGEST_XRAY, sampled_xray as fn(&str) -> String),
            ("traceparent", LONGEST_TRACEPARENT, sampled_traceparent),
        ] {
            let value = self.0.get(name).and_then(|value| value.to_str().ok());
            let value = value.map(sampled).filter(|value| value.len() <= longest);
            if let Some(Ok(value)) = value.map(|value| HeaderValue::from_str(&value)) {
                self.0.insert(HeaderName::from_static(name), value);
            }
        }
        self
    }

    /// The trace id of X-Ray, or else of `traceparent`.
    pub fn trace_id(&self) -> Option<&str> {
        let value = |name| self.0.get(name)?.to_str().ok();
        let of_xray = value(XRAY).and_then(|value: &str| {
            let mut parts = value.split(';').map(str::trim);
            parts.find_map(|part| part.strip_prefix("Root="))
        });
        of_xray.or_else(|| value("traceparent")?.split('-').nth(1))
    }

    /// The headers, ready to add to a request.
    pub fn as_headers(&self) -> &HeaderMap {
        &self.0
    }
}

/// X-Ray's header with `Sampled=1` in place of what it says of that.
fn sampled_xray(value: &str) -> String {
    let parts = value.split(';').map(str::trim);
    let others = parts.filter(|part| !part.is_empty() && !part.starts_with("Sampled="));
    let mut parts: Vec<&str> = others.collect();
    // Before `Lineage`, as X-Ray writes it.
    let place = parts.iter().position(|part| part.starts_with("Lineage="));
    parts.insert(place.unwrap_or(parts.len()), "Sampled=1");
    parts.join(";")
}

/// A `traceparent` with the flag `sampled` set, which is the last bit of the fourth part.
fn sampled_traceparent(value: &str) -> String {
    let mut parts: Vec<String> = value.split('-').map(str::to_owned).collect();
    if let Some(flags) = parts.get_mut(3)
        && let Ok(bits) = u8::from_str_radix(flags, 16)
    {
        *flags = format!("{:02x}", bits | 1);
    }
    parts.join("-")
}

/// Whether repeated lines of a header form one list.
fn is_list_header(name: &str) -> bool {
    matches!(name, "tracestate" | "baggage")
}

fn joined(first: &str, request: &HeaderMap, name: &str) -> Option<String> {
    let others = request.get_all(name).iter().skip(1);
    others
        .map(|value| value.to_str().ok())
        .try_fold(first.to_owned(), |list, value| {
            Some(format!("{list},{}", value?))
        })
}

/// Whether a value has the form `Root=1-…;Parent=…;Sampled=1;Lineage=…:1|…:5`.
fn is_xray(value: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_:.@/+|".contains(c);
    value.trim_end_matches(';').split(';').all(|part| {
        let (key, value) = part.trim().split_once('=').unwrap_or_default();
        !key.is_empty() && key.chars().all(is_plain) && value.chars().all(is_plain)
    })
}

/// Whether a value has the form `00-<32 hex>-<16 hex>-<2 hex>`. Later versions may append more. Ids
/// of zeros alone are invalid.
fn is_traceparent(value: &str) -> bool {
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |text: &str, length| is_hex(text, length) && text.bytes().any(|b| b != b'0');
    let parts: Vec<&str> = value.splitn(5, '-').collect();
    let [version, trace, parent, flags, rest @ ..] = parts.as_slice() else {
        return false;
    };
    is_hex(version, 2)
        && *version != "ff"
        && (rest.is_empty() || *version != "00")
        && is_id(trace, 32)
        && is_id(parent, 16)
        && is_hex(flags, 2)
}

/// Whether a value is a comma-separated list of `key=value` in visible ASCII characters.
fn is_list(value: &str) -> bool {
    value.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t'))
        && value.split(',').all(|member| {
            let member = member.trim();
            member.is_empty()
                || member
                    .split_once('=')
                    .is_some_and(|(key, _)| !key.is_empty())
        })
        && value.contains('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    fn passed_on(headers: &[(&str, &str)], xray: Option<&str>) -> Vec<(String, String)> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::try_from(*name).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let headers = TraceHeaders::new(&map, xray).0;
        headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect()
    }

    #[test]
    fn only_well_formed_trace_headers_are_passed_on() {
        let longest = format!("k={}", "v".repeat(510));
        let headers = [
            ("traceparent", PARENT),
            ("tracestate", longest.as_str()),
            ("baggage", "userId=alice,serverNode=DF%2028;p=1"),
            ("authorization", "secret"),
        ];
        let expected: Vec<_> = headers[..3]
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        assert_eq!(passed_on(&headers, None), expected);
    }

    #[test]
    fn the_trace_id_of_lambda_wins() {
        let one = |value: &str| vec![(XRAY.to_owned(), value.to_owned())];
        assert_eq!(passed_on(&[(XRAY, "Root=1-2")], Some(ROOT)), one(ROOT));
        assert_eq!(passed_on(&[(XRAY, ROOT)], None), one(ROOT));
        // The form that X-Ray documents for functions that have called one another.
        let lineage = format!("{ROOT};Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2");
        assert_eq!(passed_on(&[], Some(&lineage)), one(&lineage));
    }

    #[test]
    fn the_trace_id_is_that_of_x_ray_else_of_traceparent() {
        let id = |headers: &[(&str, &str)], xray| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                let name = HeaderName::try_from(*name).unwrap();
                map.append(name, HeaderValue::from_str(value).unwrap());
            }
            TraceHeaders::new(&map, xray).trace_id().map(str::to_owned)
        };
        let root = Some("1-5759e988-bd862e3fe1be46a994272793".to_owned());
        let parent = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
        assert_eq!(id(&[("traceparent", PARENT)], Some(ROOT)), root);
        assert_eq!(id(&[("traceparent", PARENT)], None), parent);
        assert_eq!(id(&[("traceparent", PARENT)], Some("Parent=1")), parent);
        assert_eq!(id(&[("traceparent", "x")], None), None);
    }

    #[test]
    fn an_agent_that_is_to_trace_all_is_told_that_all_is_sampled() {
        let told = |headers: &[(&'static str, &str)], agents| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, HeaderValue::from_str(value).unwrap());
            }
            let told = TraceHeaders::new(&map, None).told(agents);
            let values = [XRAY, "traceparent"].map(|name| told.0.get(name).cloned());
            values.map(|value| value.map(|value| value.to_str().unwrap().to_owned()))
        };
        let id = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
        for (xray, sampled) in [
            ("Root=1-2;Parent=3;Sampled=0", "Root=1-2;Parent=3;Sampled=1"),
            ("Root=1-2;Parent=3;Sampled=1", "Root=1-2;Parent=3;Sampled=1"),
            (
                "Root=1-2; Sampled=0;Lineage=a:0;",
                "Root=1-2;Sampled=1;Lineage=a:0",
            ),
            ("Root=1-2", "Root=1-2;Sampled=1"),
        ] {
            for (flags, set) in [("00", "01"), ("01", "01"), ("02", "03")] {
                let headers = [(XRAY, xray), ("traceparent", &*format!("{id}-{flags}"))];
                let as_it_came = headers.map(|(_, value)| Some(value.to_owned()));
                assert_eq!(told(&headers, TraceAgents::AsSampled), as_it_came);
                let all = [Some(sampled.to_owned()), Some(format!("{id}-{set}"))];
                assert_eq!(told(&headers, TraceAgents::Always), all);
            }
        }
        assert_eq!(told(&[], TraceAgents::Always), [None, None]);
        // What would be too long goes on as it came.
        let long = format!("Root=1-{}", "a".repeat(120));
        assert_eq!(
            told(&[(XRAY, &long)], TraceAgents::Always)[0],
            Some(long.clone())
        );
    }

    #[test]
    fn malformed_and_too_long_headers_are_dropped() {
        let upper = PARENT.to_uppercase();
        let long = format!("k={}", "v".repeat(511));
        let long_root = format!("Root=1-{}", "a".repeat(128));
        for (name, value) in [
            ("traceparent", "00-0-0-0"),
            ("traceparent", upper.as_str()),
            (
                "traceparent",
                "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            ),
            (
                "traceparent",
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            ),
            (
                "traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            ),
            ("baggage", "no list"),
            ("baggage", ""),
            (XRAY, "x"),
            (XRAY, "Root=1 2"),
            (XRAY, long_root.as_str()),
        ] {
            assert_eq!(passed_on(&[(name, value)], None), [], "{name}: {value}");
        }
        assert_eq!(
            passed_on(&[("traceparent", PARENT), ("tracestate", &long)], None).len(),
            1
        );
        assert_eq!(
            passed_on(&[("traceparent", PARENT), ("traceparent", PARENT)], None),
            []
        );
        assert_eq!(
            passed_on(&[("baggage", "a=b"), ("baggage", "c=d")], None),
            [("baggage".to_owned(), "a=b,c=d".to_owned())]
        );
    }
}
