//! The way to an endpoint: DNS, TCP and TLS, and whose clock is right.

use std::io;
use std::time::{Duration, SystemTime};

use agentcore_bridge::agentcore::wire::Connector;
use agentcore_bridge::agentcore::wire::connect::Transport;
use agentcore_bridge::agentcore::wire::endpoint::Endpoint;
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout};
use tokio_rustls::rustls;

use super::report::{Finding, Report};
use super::{chain, is_this_machine};
use crate::now;

/// How long a step may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// No answer that is asked for is anywhere near as large.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// A signature of another time than this is refused.
const SIGNATURES_LAST: Duration = Duration::from_mins(5);

/// What is normal between two clocks, with the time that an answer takes.
const TOLERATED: Duration = Duration::from_secs(30);

/// Checks the way to an endpoint.
pub(super) async fn check(connector: &Connector, endpoint: &Endpoint, report: &mut Report) {
    let host = endpoint.host();
    if !connector.has_proxy_for(endpoint) && !is_this_machine(endpoint) {
        let begin = Instant::now();
        let found = timeout(PATIENCE, tokio::net::lookup_host((host, endpoint.port()))).await;
        let problem = match found {
            Ok(Ok(found)) => match found.count() {
                0 => "the name has no address".to_owned(),
                count => {
                    let what = if count == 1 {
                        "1 address".to_owned()
                    } else {
                        format!("{count} addresses")
                    };
                    report.add(Finding::fine("dns", what).of(host).took(begin.elapsed()));
                    String::new()
                }
            },
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the resolver did not answer".to_owned(),
        };
        if !problem.is_empty() {
            report.add(Finding::failure("dns", problem).of(host).mended_by(
                "look at the region in the ARN, and at the network's DNS; where everything goes \
                 through a proxy, set HTTPS_PROXY=http://proxy.example:3128",
            ));
            return;
        }
    }
    let begin = Instant::now();
    let connected = timeout(PATIENCE, connector.connect(endpoint)).await;
    let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let (check, done) = if endpoint.is_secure() {
        ("tls", "connected, and the certificate is trusted")
    } else {
        ("tcp", "connected")
    };
    match connected {
        Ok(transport) => {
            report.add(Finding::fine(check, done).of(host).took(begin.elapsed()));
            if let Ok(answer) = send(transport, endpoint, Request::get("/")).await {
                clock(&answer, host, report);
            }
        }
        Err(error) => report.add(failed(check, &error).of(host)),
    }
}

/// Why there is no connection, and what mends it.
pub(super) fn failed(check: &'static str, error: &io::Error) -> Finding {
    let mend = match certificate_error(error) {
        Some(rustls::CertificateError::UnknownIssuer) => {
            "a proxy of your network signs with its own root: AWS_CA_BUNDLE=/path/to/its/root.pem"
        }
        Some(
            rustls::CertificateError::Expired
            | rustls::CertificateError::ExpiredContext { .. }
            | rustls::CertificateError::NotValidYet
            | rustls::CertificateError::NotValidYetContext { .. },
        ) => "look at the clock of this machine: timedatectl set-ntp true",
        Some(
            rustls::CertificateError::NotValidForName
            | rustls::CertificateError::NotValidForNameContext { .. },
        ) => {
            "another host answers: look at AWS_ENDPOINT_URL_BEDROCK_AGENTCORE, and at the private \
             DNS of a VPC endpoint"
        }
        _ if chain(error).contains("proxy") => {
            "look at HTTPS_PROXY, and name in NO_PROXY the hosts that need none"
        }
        _ => match error.kind() {
            io::ErrorKind::ConnectionRefused => {
                "nothing listens there: look at AWS_ENDPOINT_URL_BEDROCK_AGENTCORE and \
                 AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL, and start what they name"
            }
            _ => {
                "let this machine out to port 443 (security group, firewall), or set \
                 HTTPS_PROXY=http://proxy.example:3128"
            }
        },
    };
    let what = match error.kind() {
        io::ErrorKind::TimedOut => format!("no connection within {} s", PATIENCE.as_secs()),
        _ => chain(error),
    };
    Finding::failure(check, what).mended_by(mend)
}

fn certificate_error(error: &io::Error) -> Option<&rustls::CertificateError> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::InvalidCertificate(error) => Some(error),
        _ => None,
    }
}

/// Compares this machine's clock with the `Date` of an answer.
pub(super) fn clock<T>(answer: &Response<T>, host: &str, report: &mut Report) {
    let date = answer.headers().get(header::DATE);
    let date = date.and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    if let Some(date) = date {
        report.add(compared(now(), date).of(host));
    }
}

fn compared(ours: SystemTime, theirs: SystemTime) -> Finding {
    let (off, way) = match ours.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let mend = "set the clock: sudo timedatectl set-ntp true";
    let what = format!("the clock is {} s {way} the service's", off.as_secs());
    if off <= TOLERATED {
        Finding::fine("clock", "it is the service's time")
    } else if off < SIGNATURES_LAST {
        Finding::warning("clock", what).mended_by(mend)
    } else {
        let what = format!("{what}, and signatures last 300 s");
        Finding::failure("clock", what).mended_by(mend)
    }
}

/// Sends a request over a connection, and reads the whole answer.
pub(super) async fn send(
    transport: Box<dyn Transport>,
    endpoint: &Endpoint,
    request: http::request::Builder,
) -> Result<Response<Bytes>, String> {
    let request = request.header(header::HOST, endpoint.authority());
    let request = request.body(Full::<Bytes>::default());
    exchange(transport, request.map_err(|error| error.to_string())?).await
}

/// The same of a request that is complete.
pub(super) async fn exchange(
    transport: Box<dyn Transport>,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, String> {
    let exchange = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(transport)).await?;
        let connection = tokio::spawn(connection);
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        let body = body
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        connection.abort();
        Ok::<_, hyper::Error>(Response::from_parts(parts, body))
    };
    match timeout(PATIENCE, exchange).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(chain(&error)),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Outcome;
    use super::*;

    #[test]
    fn a_clock_is_compared_both_ways() {
        let noon = SystemTime::UNIX_EPOCH + Duration::from_hours(12);
        for (seconds, expected) in [
            (0, Outcome::Fine),
            (30, Outcome::Fine),
            (31, Outcome::Warning),
            (299, Outcome::Warning),
            (300, Outcome::Failure),
            (3_600, Outcome::Failure),
        ] {
            let off = Duration::from_secs(seconds);
            assert_eq!(compared(noon + off, noon).outcome, expected, "{seconds}");
            assert_eq!(compared(noon - off, noon).outcome, expected, "{seconds}");
        }
        assert!(
            compared(noon, noon + Duration::from_mins(2))
                .what
                .contains("120 s behind")
        );
    }
}
