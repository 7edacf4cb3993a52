//! What goes without the proxy: the value of `NO_PROXY`, which no standard defines. What curl, Go and
//! Python have in common is read, and what one of them adds where no other reads it differently.

use std::net::{IpAddr, SocketAddr};

/// What goes without the proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exceptions(Vec<Exception>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Exception {
    what: What,
    /// Every port where none is named.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// `*`
    Everything,
    /// `example.com`, `.example.com`, `*.example.com`: the domain and all that is below it.
    Domain(String),
    /// `10.0.0.0/8`, or an address, which is a network of one.
    Network(IpAddr, u32),
}

impl Exceptions {
    /// Reads a list, separated by commas or white space.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let entries = text.split([',', ' ', '\t', '\n']);
        let entries = entries.filter(|entry| !entry.is_empty());
        entries
            .map(Exception::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a host, an address without brackets, is among them. No name is looked up for that.
    pub(super) fn contain(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let address = host
            .parse()
            .ok()
            .map(|address: IpAddr| address.to_canonical());
        self.0.iter().any(|exception| {
            exception.port.is_none_or(|own| own == port) && exception.what.contains(&host, address)
        })
    }
}

impl Exception {
    fn parse(entry: &str) -> Result<Self, &'static str> {
        if let Some((address, bits)) = entry.split_once('/') {
            let not_a_network = "a network in it is not of the form 10.0.0.0/8";
            let address = parse_address(address).ok_or(not_a_network)?;
            let bits = bits.parse().ok().filter(|bits| *bits <= bits_of(address));
            let what = What::Network(address, bits.ok_or(not_a_network)?);
            return Ok(Self { what, port: None });
        }
        let (host, port) = match entry.parse::<SocketAddr>() {
            Ok(socket) => (socket.ip().to_string(), Some(socket.port())),
            Err(_) => split_port(entry),
        };
        let what = if host == "*" {
            What::Everything
        } else if let Some(address) = parse_address(&host) {
            What::Network(address, bits_of(address))
        } else {
            let domain = host.trim_start_matches("*.").trim_matches('.');
            let is_of_a_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
            if domain.is_empty() || !domain.chars().all(is_of_a_name) {
                return Err("an entry in it is neither a host nor an address");
            }
            What::Domain(domain.to_ascii_lowercase())
        };
        Ok(Self { what, port })
    }
}

impl What {
    fn contains(&self, host: &str, address: Option<IpAddr>) -> bool {
        match self {
            Self::Everything => true,
            // The end of an address is no domain.
            Self::Domain(domain) => address.is_none() && is_within(host, domain),
            Self::Network(network, bits) => {
                address.is_some_and(|address| shares_bits(address, *network, *bits))
            }
        }
    }
}

/// Whether a host is a domain's own, or below it.
fn is_within(host: &str, domain: &str) -> bool {
    let before = host.strip_suffix(domain);
    before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// `example.com:443`. What is behind an IPv6 address's colons is no port.
fn split_port(entry: &str) -> (String, Option<u16>) {
    let split = entry.rsplit_once(':');
    match split.and_then(|(host, port)| Some((host, port.parse().ok()?))) {
        Some((host, port)) if !host.contains(':') => (host.to_owned(), Some(port)),
        _ => (entry.to_owned(), None),
    }
}

/// An address, with or without an IPv6 address's brackets.
fn parse_address(text: &str) -> Option<IpAddr> {
    let text = text.trim_start_matches('[').trim_end_matches(']');
    text.parse().ok()
}

fn bits_of(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn shares_bits(one: IpAddr, other: IpAddr, bits: u32) -> bool {
    let differ = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        _ => return false,
    };
    differ >= bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_domains_addresses_networks_and_ports_are_told_apart() {
        for (list, inside, outside) in [
            ("*", &["a:443", "1.1.1.1:443"][..], &[][..]),
            (
                "example.com",
                &["example.com:443", "a.b.example.com:8443", "EXAMPLE.COM.:1"],
                &["notexample.com:443", "example.com.evil:443"],
            ),
            (
                ".example.com",
                &["example.com:443", "a.example.com:443"],
                &["notexample.com:443"],
            ),
            (
                "*.example.com",
                &["a.example.com:443"],
                &["notexample.com:443"],
            ),
            ("a, b\tc,,d ", &["a:1", "b:1", "c:1", "d:1"], &["e:1"]),
            ("localhost:8443", &["localhost:8443"], &["localhost:443"]),
            ("*:443", &["a:443"], &["a:444"]),
            (
                "10.0.0.0/8",
                &["10.1.2.3:443"],
                &["11.0.0.0:443", "a.10:443"],
            ),
            ("0.0.0.0/0", &["10.1.2.3:443"], &["::1:443", "a:443"]),
            (
                "127.0.0.1",
                &["127.0.0.1:443", "::ffff:127.0.0.1:443"],
                &["127.0.0.11:443"],
            ),
            ("127.0.0.1:8443", &["127.0.0.1:8443"], &["127.0.0.1:443"]),
            ("0.0.1", &["x.0.0.1x:1"][..0], &["127.0.0.1:443"]),
            (
                "fd00::/8",
                &["fd12::1:443"],
                &["fe80::1:443", "1.1.1.1:443"],
            ),
            ("::1", &["::1:443"], &["::2:443"]),
            ("[::1]", &["::1:443"], &["::2:443"]),
            ("[::1]:8443", &["::1:8443"], &["::1:443"]),
            ("", &[], &["a:443"]),
        ] {
            let exceptions = Exceptions::parse(list).unwrap();
            let contains = |authority: &str| {
                let (host, port) = authority.rsplit_once(':').unwrap();
                exceptions.contain(host, port.parse().unwrap())
            };
            for authority in inside {
                assert!(contains(authority), "{authority} in {list:?}");
            }
            for authority in outside {
                assert!(!contains(authority), "{authority} not in {list:?}");
            }
        }
    }

    #[test]
    fn a_network_that_is_none_is_told() {
        for list in [
            "10.0.0.0/33",
            "10.0.0/8",
            "a/8",
            "::/129",
            "10.0.0.0/",
            "http://x",
        ] {
            assert!(Exceptions::parse(list).is_err(), "{list}");
        }
    }
}
