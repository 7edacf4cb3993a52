//! Requests signed by their headers.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use crate::agentcore::wire::endpoint::Endpoint;

/// AgentCore's name in a signature, for both planes.
pub(in crate::agentcore) const SERVICE: &str = "bedrock-agentcore";

/// What names the runtime's session outside of a signed address.
pub(in crate::agentcore) const SESSION_ID: HeaderName =
    HeaderName::from_static("x-amzn-bedrock-agentcore-runtime-session-id");

/// All but the unreserved characters of RFC 3986, section 2.3, as SigV4 wants it.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Percent-encodes every reserved character, the slash and the colon of an ARN too.
pub(in crate::agentcore) fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}

/// A request could not be signed, which no input of ours should bring about.
#[derive(Debug, thiserror::Error)]
#[error("the request could not be signed")]
pub struct SigningError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl SigningError {
    pub(in crate::agentcore) fn new(
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self(cause.into())
    }
}

/// Who signs, for whom, where, and when.
#[derive(Clone, Copy, Debug)]
pub(in crate::agentcore) struct Signer<'a> {
    /// The service's name in a signature.
    pub(in crate::agentcore) service: &'a str,
    pub(in crate::agentcore) credentials: &'a Credentials,
    pub(in crate::agentcore) region: &'a str,
    pub(in crate::agentcore) time: SystemTime,
}

impl Signer<'_> {
    /// Signs a request to an endpoint by its headers.
    ///
    /// # Errors
    /// [`SigningError`] where a header is none that can be signed.
    pub(in crate::agentcore) fn headers(
        &self,
        endpoint: &Endpoint,
        request: &mut Request<Full<Bytes>>,
        body: &[u8],
    ) -> Result<(), SigningError> {
        let host = HeaderValue::from_str(endpoint.authority()).map_err(SigningError::new)?;
        request.headers_mut().insert(header::HOST, host);
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.time)
            .settings(SigningSettings::default())
            .build()
            .map_err(SigningError::new)?
            .into();
        // The signer knows http and https alone; the scheme itself is not part of what is signed.
        let url = format!("https://{}{}", endpoint.authority(), request.uri());
        let headers = request.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let (method, body) = (request.method().as_str(), SignableBody::Bytes(body));
        let signable =
            SignableRequest::new(method, url, headers, body).map_err(SigningError::new)?;
        let (instructions, _) = sign(signable, &parameters)
            .map_err(SigningError::new)?
            .into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}
