//! Accepts requests of this machine's user only. The local run has the user's credentials, so no
//! web page that is open in a browser may use it.
//!
//! A page can send text or a form to any address without a preflight and, once its own name
//! resolves to 127.0.0.1 (DNS rebinding), read the responses too. What a page cannot forge is what
//! the browser sends: the name it requests (`Host`), the page's origin (`Origin`), and its distance
//! (`Sec-Fetch-Site`).

use std::net::IpAddr;

use agentcore_bridge::api::AllowedOrigins;
use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Request, Uri};

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Decides which requests are accepted.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    /// The origins in `CORS_ALLOWED_ORIGINS`.
    pub(crate) named: AllowedOrigins,
    /// Whether pages of this machine are allowed on any port. Set if there is only an emulator to
    /// reach.
    pub(crate) trusts_own_pages: bool,
}

/// The reason for a refusal, for the sender.
pub(crate) type Refusal = &'static str;

const NO_HOST: Refusal = "the Host of a request to the local run is a loopback name, such as \
    localhost, and is there once";
const FOREIGN: Refusal = "the local run takes no requests of other sites' pages; a frontend's origin \
    can be named in CORS_ALLOWED_ORIGINS";

impl Guard {
    /// Checks a request before it is handled.
    pub(crate) fn check<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        Self::check_host(request)?;
        let headers = request.headers();
        let mut origins = headers.get_all(ORIGIN).iter();
        let (origin, others) = (origins.next(), origins.next());
        if others.is_some() || origin.is_some_and(|origin| !self.names(origin) && !is_own(origin)) {
            return Err(FOREIGN);
        }
        let is_named = origin.is_some_and(|origin| self.names(origin));
        let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
        if !is_named && sites.any(|site| site == "cross-site") {
            return Err(FOREIGN);
        }
        Ok(())
    }

    /// The check of a request for what is public anyway, such as the page's own files: links of other
    /// sites may lead to it.
    pub(crate) fn check_host<B>(request: &Request<B>) -> Result<(), Refusal> {
        let authority = request.uri().authority();
        if is_host_loopback(request.headers()) && authority.is_none_or(is_loopback) {
            Ok(())
        } else {
            Err(NO_HOST)
        }
    }

    fn names(&self, origin: &HeaderValue) -> bool {
        let is_named = match &self.named {
            AllowedOrigins::None => false,
            AllowedOrigins::Any => true,
            AllowedOrigins::Listed(origins) => origins.iter().any(|named| origin == named.as_str()),
        };
        is_named || self.trusts_own_pages && is_own(origin)
    }
}

fn is_host_loopback(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let host = Authority::try_from(host.as_bytes());
    host.is_ok_and(|host| is_loopback(&host))
}

/// Whether an origin is of this machine. Any port will do, since development servers use various
/// ones.
fn is_own(origin: &HeaderValue) -> bool {
    let uri = Uri::try_from(origin.as_bytes()).ok();
    let is_web = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri
        .filter(is_web)
        .and_then(|uri| uri.into_parts().authority);
    authority.is_some_and(|authority| is_loopback(&authority))
}

/// Whether a name always means this machine: loopback addresses, `localhost`, and names below it
/// (RFC 6761, section 6.3).
fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    if authority.as_str().contains('@') {
        return false;
    }
    let address = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = address.parse::<IpAddr>() {
        return address.is_loopback();
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Guard = Guard {
        named: AllowedOrigins::None,
        trusts_own_pages: false,
    };

    fn request(uri: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    fn takes(guard: &Guard, headers: &[(&str, &str)]) -> bool {
        guard.check(&request("/api/agents/invoke", headers)).is_ok()
    }

    #[test]
    fn the_host_must_be_a_loopback_name_on_any_port() {
        for host in [
            "localhost",
            "localhost:3000",
            "LOCALHOST:5173",
            "localhost.:80",
            "app.localhost:3000",
            "127.0.0.1:3000",
            "127.9.9.9",
            "[::1]:3000",
        ] {
            assert!(takes(&STRICT, &[("host", host)]), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:3000",
            "localhost.evil.example",
            "notlocalhost",
            "127.0.0.1.evil.example",
            "localhost@evil.example",
            "evil.example@localhost",
            "0.0.0.0:3000",
            "192.168.0.7:3000",
            "[::]:3000",
            "[::ffff:192.168.0.7]",
            "local host",
        ] {
            assert!(!takes(&STRICT, &[("host", host)]), "{host}");
        }
        assert!(!takes(&STRICT, &[]), "a host is there");
        let two = [("host", "localhost"), ("host", "evil.example")];
        assert!(!takes(&STRICT, &two), "and once");
        let host = [("host", "localhost:3000")];
        for (uri, expected) in [
            ("http://localhost:3000/health", true),
            ("http://evil.example/health", false),
        ] {
            assert_eq!(
                STRICT.check(&request(uri, &host)).is_ok(),
                expected,
                "{uri}"
            );
        }
    }

    #[test]
    fn the_origin_must_be_of_this_machine_or_configured() {
        let named = Guard {
            named: AllowedOrigins::Listed(vec!["https://app.example".to_owned()]),
            ..STRICT
        };
        for (origin, of_strict, of_named) in [
            ("http://localhost:3000", true, true),
            ("http://127.0.0.1:5173", true, true),
            ("https://app.example", false, true),
            ("https://app.example.evil.example", false, false),
            ("https://evil.example", false, false),
            ("http://localhost.evil.example", false, false),
            ("chrome-extension://localhost", false, false),
            ("null", false, false),
            ("", false, false),
        ] {
            let headers = [("host", "localhost:3000"), ("origin", origin)];
            assert_eq!(takes(&STRICT, &headers), of_strict, "{origin}");
            assert_eq!(takes(&named, &headers), of_named, "{origin}");
        }
        let two = [
            ("host", "localhost"),
            ("origin", "http://localhost"),
            ("origin", "https://evil.example"),
        ];
        assert!(!takes(&STRICT, &two));
    }

    #[test]
    fn cross_site_requests_need_a_configured_origin() {
        let named = Guard {
            named: AllowedOrigins::Listed(vec!["https://app.example".to_owned()]),
            ..STRICT
        };
        let emulated = Guard {
            trusts_own_pages: true,
            ..STRICT
        };
        let own = "http://localhost:5173";
        for (site, origin, guard, expected) in [
            ("same-origin", None, &STRICT, true),
            ("none", None, &STRICT, true),
            ("same-site", Some(own), &STRICT, true),
            ("cross-site", None, &STRICT, false),
            // `localhost` and 127.0.0.1 are two different sites.
            ("cross-site", Some(own), &STRICT, false),
            ("cross-site", Some(own), &emulated, true),
            ("cross-site", Some("https://evil.example"), &emulated, false),
            ("cross-site", None, &emulated, false),
            ("cross-site", Some("https://app.example"), &named, true),
            ("cross-site", None, &named, false),
        ] {
            let mut headers = vec![("host", "127.0.0.1:3000"), (SEC_FETCH_SITE, site)];
            headers.extend(origin.map(|origin| ("origin", origin)));
            assert_eq!(takes(guard, &headers), expected, "{headers:?}");
        }
    }
}
