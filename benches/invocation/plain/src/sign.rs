//! The presigned URL of the agent's WebSocket.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(crate) fn presign(
    endpoint: &str,
    arn: &str,
    session: &str,
    credentials: &Credentials,
    time: SystemTime,
) -> Result<String> {
    let region = arn.split(':').nth(3).unwrap_or_default();
    let arn = utf8_percent_encode(arn, RESERVED);
    let mut url = format!(
        "{endpoint}/runtimes/{arn}/ws?X-Amzn-Bedrock-AgentCore-Runtime-Session-Id={session}"
    );
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_mins(5));
    let identity = credentials.clone().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("bedrock-agentcore")
        .time(time)
        .settings(settings)
        .build()?
        .into();
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(request, &parameters)?.into_parts();
    for (name, value) in instructions.params() {
        write!(url, "&{name}={}", utf8_percent_encode(value, RESERVED))?;
    }
    Ok(url.replacen("http", "ws", 1))
}
