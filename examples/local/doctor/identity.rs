//! Who am I: `GetCallerIdentity` of STS, which needs no permission.

use std::time::SystemTime;

use agentcore_bridge::agentcore::wire::endpoint::Endpoint;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;

use super::network;
use super::report::{Finding, Report};
use super::{Patient, chain};
use crate::now;

/// Names another STS, as the AWS SDKs have it.
pub(super) const ENDPOINT: &str = "AWS_ENDPOINT_URL_STS";

const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// Asks who the credentials are.
pub(super) async fn check(patient: &Patient, credentials: &Credentials, report: &mut Report) {
    let Some(runtime) = patient.runtimes().next() else {
        return;
    };
    let endpoint = match patient
        .variables
        .get(ENDPOINT)
        .filter(|url| !url.is_empty())
    {
        Some(url) => match Endpoint::parse(url) {
            Ok(endpoint) => endpoint,
            Err(error) => {
                let what = format!("{ENDPOINT}: {error}");
                report
                    .add(Finding::failure("identity", what).mended_by(format!("unset {ENDPOINT}")));
                return;
            }
        },
        None => patient.config.client.variant.public("sts", &runtime.arn),
    };
    let transport = match patient.connector.connect(&endpoint).await {
        Ok(transport) => transport,
        Err(error) => {
            // The function itself does not need it.
            let what = format!("{} could not be asked: {}", endpoint.host(), chain(&error));
            report.add(Finding::warning("identity", what));
            return;
        }
    };
    let request = signed(&endpoint, credentials, runtime.arn.region(), now());
    let answer = match request {
        Ok(request) => network::exchange(transport, request).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) => {
            network::clock(&answer, endpoint.host(), report);
            let body = String::from_utf8_lossy(answer.body());
            report.add(read(answer.status().as_u16(), &body));
        }
        Err(error) => report.add(Finding::warning("identity", error)),
    }
}

fn signed(
    endpoint: &Endpoint,
    credentials: &Credentials,
    region: &str,
    time: SystemTime,
) -> Result<Request<Full<Bytes>>, String> {
    let mut request = Request::post("/")
        .header(header::HOST, endpoint.authority())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::from(BODY))
        .map_err(|error| error.to_string())?;
    let identity = credentials.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    // The scheme is not part of what is signed.
    let url = format!("https://{}/", endpoint.authority());
    let headers = request.headers().iter();
    let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let body = SignableBody::Bytes(BODY.as_bytes());
    let signable = SignableRequest::new("POST", url, headers, body);
    let signable = signable.map_err(|error| error.to_string())?;
    let output = sign(signable, &parameters).map_err(|error| error.to_string())?;
    let (instructions, _) = output.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}

fn read(status: u16, body: &str) -> Finding {
    if let (200, Some(arn)) = (status, element(body, "Arn")) {
        return Finding::fine("identity", arn);
    }
    let code = element(body, "Code").unwrap_or("an error without a code");
    let mend = match code {
        "ExpiredToken" | "ExpiredTokenException" => {
            "fetch new credentials: aws sso login, or remove AWS_SESSION_TOKEN and the keys from .env"
        }
        "SignatureDoesNotMatch" | "InvalidClientTokenId" | "UnrecognizedClientException" => {
            "look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or at AWS_PROFILE"
        }
        "RegionDisabledException" => "enable the region for this account, or choose another",
        _ => "aws sts get-caller-identity says more",
    };
    let what = format!("STS refuses the credentials: {code} (status {status})");
    Finding::failure("identity", what).mended_by(mend)
}

/// The text of the first element of that name. STS writes none with attributes inside.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim())
}
