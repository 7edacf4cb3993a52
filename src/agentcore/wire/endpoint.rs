//! Where the service is: its public host, or an address of the operator's.

use std::fmt;

use http::Uri;
use http::uri::Scheme;
use url::{Host, Url};

use crate::agent::{Partition, RuntimeArn};
use crate::env::{ConfigError, Environment};

/// The address of a service: scheme, host, port and a path below which its API lies.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    secure: bool,
    /// The host as a URL has it, an IPv6 address in brackets.
    host: String,
    port: u16,
    /// Empty, or a path that begins with a slash and does not end with one.
    path_prefix: String,
    /// Host, and port where it is not the scheme's own.
    authority: String,
}

/// Which of a service's public endpoints are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndpointVariant {
    /// Those whose cryptography is validated by FIPS 140. `AWS_USE_FIPS_ENDPOINT`
    pub fips: bool,
    /// Those that speak IPv6 beside IPv4. `AWS_USE_DUALSTACK_ENDPOINT`
    pub dual_stack: bool,
}

impl EndpointVariant {
    /// Reads which, where `overrides` are the variables that name endpoints of the operator's.
    pub(in crate::agentcore) fn from_env(
        env: &Environment,
        overrides: [&str; 2],
    ) -> Result<Self, ConfigError> {
        let chosen = |name| {
            let chosen = env.flag(name, false)?;
            // As botocore does: the name of another's endpoint cannot be changed, and to pass over the
            // wish in silence might break a rule that somebody has to keep.
            match overrides.into_iter().find(|other| env.get(other).is_some()) {
                Some(other) if chosen => {
                    let problem = format!("it cannot be true beside {other}");
                    Err(ConfigError::new(
                        name,
                        problem,
                        "false, or true without the other",
                    ))
                }
                _ => Ok(chosen),
            }
        };
        Ok(Self {
            fips: chosen("AWS_USE_FIPS_ENDPOINT")?,
            dual_stack: chosen("AWS_USE_DUALSTACK_ENDPOINT")?,
        })
    }

    /// The public endpoint of a service in an ARN's region, as botocore's rules name it. Every partition
    /// has all of them, by these rules.
    pub fn public(self, service: &str, arn: &RuntimeArn) -> Endpoint {
        self.of_service(service, arn.region(), arn.partition())
    }

    /// The same in any region.
    pub(in crate::agentcore) fn of_service(
        self,
        service: &str,
        region: &str,
        partition: &Partition,
    ) -> Endpoint {
        let fips = if self.fips { "-fips" } else { "" };
        let suffix = if self.dual_stack {
            partition.dual_stack_dns_suffix
        } else {
            partition.dns_suffix
        };
        let host = format!("{service}{fips}.{region}.{suffix}");
        Endpoint::new(true, host, 443, "")
    }
}

/// Why a text is no [`Endpoint`]. The text itself may hold a password and is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not an absolute URL with a host.
    #[error("it is not a URL with a host")]
    Form,
    /// A scheme that is not of the four.
    #[error("its scheme is not http, https, ws or wss")]
    Scheme,
    /// User name or password in the URL.
    #[error("it holds a user name or password")]
    UserInfo,
    /// A query or a fragment in the URL.
    #[error("it holds a query or a fragment")]
    Query,
    /// `http` or `ws` to a host that is not this machine: a signed request would cross a network
    /// in the clear.
    #[error("http and ws are for a loopback host or host.docker.internal alone")]
    Plain,
}

impl Endpoint {
    /// Parses an endpoint override, as the AWS SDKs take it in `AWS_ENDPOINT_URL_<SERVICE>`.
    ///
    /// # Errors
    /// [`EndpointError`] says what does not fit.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let url = Url::parse(text).map_err(|_| EndpointError::Form)?;
        let secure = match url.scheme() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return Err(EndpointError::Scheme),
        };
        let host = url.host().ok_or(EndpointError::Form)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointError::Query);
        }
        if !secure && !is_this_machine(&host) {
            return Err(EndpointError::Plain);
        }
        let port = url.port_or_known_default().ok_or(EndpointError::Form)?;
        Ok(Self::new(
            secure,
            host.to_string(),
            port,
            url.path().trim_end_matches('/'),
        ))
    }

    /// Reads an endpoint override.
    pub(in crate::agentcore) fn from_env(
        env: &Environment,
        name: &str,
    ) -> Result<Option<Self>, ConfigError> {
        let parse = |value| {
            Self::parse(value).map_err(|error| {
                let accepted = "a URL such as https://host, or http://localhost:8081 for one on \
                                this machine";
                ConfigError::new(name, error, accepted)
            })
        };
        env.get(name).map(parse).transpose()
    }

    /// The ordinary public endpoint of a service in an ARN's region.
    pub fn public(service: &str, arn: &RuntimeArn) -> Self {
        EndpointVariant::default().public(service, arn)
    }

    /// Where an address leads that is no setting of the operator's: a link-local address speaks
    /// plain HTTP.
    pub(in crate::agentcore) fn of_uri(uri: &Uri) -> Option<Self> {
        let secure = uri.scheme()? == &Scheme::HTTPS;
        let default_port = if secure { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default_port);
        Some(Self::new(secure, uri.host()?.to_owned(), port, ""))
    }

    pub(super) fn new(secure: bool, host: String, port: u16, path_prefix: &str) -> Self {
        let default_port = if secure { 443 } else { 80 };
        let authority = if port == default_port {
            host.clone()
        } else {
            format!("{host}:{port}")
        };
        Self {
            secure,
            host,
            port,
            path_prefix: path_prefix.to_owned(),
            authority,
        }
    }

    /// Whether TLS is spoken.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host to connect to and to find in the certificate, without an IPv6 address's brackets.
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host, and port where it is not the scheme's own: the value of the `Host` header.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Host and port, whichever that is.
    pub(super) fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Empty, or the path that every request begins with.
    pub fn path_prefix(&self) -> &str {
        &self.path_prefix
    }

    /// `wss://host[:port]`, or `ws://…`.
    pub fn websocket_origin(&self) -> String {
        format!(
            "{}://{}",
            if self.secure { "wss" } else { "ws" },
            self.authority
        )
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.authority).finish()
    }
}

/// Loopback, or the name by which a container of Docker's knows the machine that it runs on.
fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => matches!(*name, "localhost" | "host.docker.internal"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_schemes_give_host_port_and_prefix() {
        for (text, secure, host, port, authority, prefix) in [
            (
                "https://example.com",
                true,
                "example.com",
                443,
                "example.com",
                "",
            ),
            (
                "wss://example.com:443/",
                true,
                "example.com",
                443,
                "example.com",
                "",
            ),
            (
                "https://example.com:8443/a/b/",
                true,
                "example.com",
                8443,
                "example.com:8443",
                "/a/b",
            ),
            ("http://localhost", false, "localhost", 80, "localhost", ""),
            (
                "ws://127.0.0.1:8081",
                false,
                "127.0.0.1",
                8081,
                "127.0.0.1:8081",
                "",
            ),
            ("http://[::1]:9/x", false, "::1", 9, "[::1]:9", "/x"),
            (
                "http://host.docker.internal:8081",
                false,
                "host.docker.internal",
                8081,
                "host.docker.internal:8081",
                "",
            ),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            let got = (endpoint.is_secure(), endpoint.host(), endpoint.port());
            assert_eq!(got, (secure, host, port), "{text}");
            assert_eq!(
                (endpoint.authority(), endpoint.path_prefix()),
                (authority, prefix)
            );
        }
    }

    #[test]
    fn what_would_be_unsafe_is_refused() {
        use EndpointError::{Form, Plain, Query, Scheme, UserInfo};
        for (text, error) in [
            ("example.com", Form),
            ("", Form),
            ("https://", Form),
            ("ftp://example.com", Scheme),
            ("localhost:8081", Scheme),
            ("http://example.com", Plain),
            ("ws://10.0.0.1", Plain),
            ("http://localhost.example.com", Plain),
            ("https://user:password@example.com", UserInfo),
            ("https://user@example.com", UserInfo),
            ("https://example.com/?x=1", Query),
            ("https://example.com/#x", Query),
        ] {
            assert_eq!(Endpoint::parse(text), Err(error), "{text}");
        }
    }

    /// For both planes, in every region of every partition that botocore knows.
    #[test]
    fn public_hosts_are_those_of_botocores_rules() {
        let known = include_str!("../../../tests/data/endpoints.json");
        let known: Vec<serde_json::Value> = serde_json::from_str(known).unwrap();
        assert!(known.len() > 90, "{}", known.len());
        for entry in known {
            let text = |name: &str| entry[name].as_str().unwrap();
            let (partition, region) = (text("partition"), text("region"));
            let arn = format!(
                "arn:{partition}:bedrock-agentcore:{region}:123456789012:runtime/Agent-Pgs8nUGuuS"
            );
            let arn = RuntimeArn::parse(&arn).unwrap();
            for (fips, dual_stack, name) in [
                (false, false, "plain"),
                (true, false, "fips"),
                (false, true, "dualStack"),
                (true, true, "fipsDualStack"),
            ] {
                let endpoint = EndpointVariant { fips, dual_stack }.public(text("service"), &arn);
                assert_eq!(endpoint.authority(), text(name));
                assert!(endpoint.is_secure() && endpoint.port() == 443);
            }
        }
    }
}
