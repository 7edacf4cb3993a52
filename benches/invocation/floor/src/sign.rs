//! The presigned URL of the agent's WebSocket, by AWS Signature Version 4.

use std::time::{SystemTime, UNIX_EPOCH};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::{digest, hmac};

use crate::agent::Agent;

const SERVICE: &str = "bedrock-agentcore";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

impl Agent {
    /// The signed path and query for a session.
    pub(crate) fn target(&self, session: &str) -> String {
        let region = self.arn.split(':').nth(3).unwrap_or_default();
        let time = now();
        let encode = |text| utf8_percent_encode(text, &RESERVED);
        let date = &time[..8];
        let scope = format!("{date}/{region}/{SERVICE}/aws4_request");
        let path = format!("/runtimes/{}/ws", encode(&self.arn));
        let (key_id, token) = (&self.key_id, encode(&self.token));
        // In the order that the signature requires.
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={key_id}%2F{}&X-Amz-Date={time}\
             &X-Amz-Expires=300&X-Amz-Security-Token={token}&X-Amz-SignedHeaders=host\
             &X-Amzn-Bedrock-AgentCore-Runtime-Session-Id={session}",
            encode(&scope)
        );
        // The path is percent-encoded a second time. Its only reserved characters are slashes and
        // percent signs.
        let twice = path.replace('%', "%25");
        let host = &self.authority;
        let canonical = format!("GET\n{twice}\n{query}\nhost:{host}\n\nhost\n{EMPTY}");
        let hash = hex::encode(digest::digest(&digest::SHA256, canonical.as_bytes()));
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}");
        let mut key = mac(format!("AWS4{}", self.secret).as_bytes(), date);
        for part in [region, SERVICE, "aws4_request"] {
            key = mac(key.as_ref(), part);
        }
        let signature = hex::encode(mac(key.as_ref(), &to_sign));
        format!("{path}?{query}&X-Amz-Signature={signature}")
    }
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// The time as `20250101T000000Z`.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.unwrap_or_default().as_secs();
    // Days since 1 March 2000, so that a leap day is the last of a year. Valid until 2100.
    let days = seconds / 86_400 - 11_017;
    let year = (4 * days + 3) / 1_461;
    let day = days - 1_461 * year / 4;
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = (2_000 + year + month / 10, (month + 2) % 12 + 1);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}
