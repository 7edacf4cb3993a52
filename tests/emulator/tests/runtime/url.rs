//! The URLs of agents, signed.

use std::fmt::Write as _;

use agentcore_emulator::{
    Credentials,
    sigv4::{SERVICE, Signed, signature},
};

pub(crate) const ARN: &str =
    "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/Test_Agent-abcdefghij";
pub(crate) const SESSION: &str = "session-0123456789-0123456789-0123456789";

/// The time on the emulator's clock, and the same as the client signs it.
pub(crate) const NOW: u64 = 1_709_208_000;
pub(crate) const AMZ_DATE: &str = "20240229T120000Z";

/// What a URL is made of; a test changes what it is about.
pub(crate) struct Url {
    pub(crate) prefix: &'static str,
    pub(crate) arn: String,
    pub(crate) qualifier: Option<&'static str>,
    pub(crate) session_id: Option<String>,
    pub(crate) amz_date: &'static str,
    pub(crate) credentials: Credentials,
}

impl Default for Url {
    fn default() -> Self {
        Self {
            prefix: "",
            arn: ARN.into(),
            qualifier: None,
            session_id: Some(SESSION.into()),
            amz_date: AMZ_DATE,
            credentials: Credentials::example(),
        }
    }
}

impl Url {
    /// The signed path and query.
    pub(crate) fn sign(&self, host: &str) -> String {
        let Self {
            prefix,
            arn,
            qualifier,
            session_id,
            amz_date,
            credentials,
        } = self;
        let region = arn.split(':').nth(3).unwrap();
        let day = &amz_date[..8];
        let mut target = format!("{prefix}/runtimes/{}/ws?", encode(arn));
        if let Some(name) = qualifier {
            let _ = write!(target, "qualifier={}&", encode(name));
        }
        if let Some(id) = session_id {
            let _ = write!(
                target,
                "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id={}&",
                encode(id)
            );
        }
        let credential = format!(
            "{}/{day}/{region}/{SERVICE}/aws4_request",
            credentials.access_key_id
        );
        let _ = write!(
            target,
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={amz_date}\
             &X-Amz-Expires=300&X-Amz-SignedHeaders=host",
            encode(&credential)
        );
        let headers = [("host", host)];
        let signed = Signed {
            method: "GET",
            target: &target,
            headers: &headers,
            amz_date,
            region,
            service: SERVICE,
        };
        let signature = signature(&signed, &credentials.secret_access_key);
        format!("{target}&X-Amz-Signature={signature}")
    }
}

pub(crate) fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
