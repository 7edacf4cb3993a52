//! AWS Signature Version 4 from the service's side: verifies signatures in the query of a URL or in
//! the headers of a request.
//!
//! Written from the AWS documentation alone ("Create a signed AWS API request" and "Authenticating
//! requests: using query parameters" in the IAM user guide), independently of the code that signs.
//! Pure: credentials and time are arguments.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

mod authorization;
mod canonical;
mod credential;
mod date;
mod query;
mod refusal;

pub use authorization::{Request, Signer, verify_request};
pub use query::{MAX_EXPIRES, verify};
pub use refusal::Refusal;

/// The service's name in a credential scope.
pub const SERVICE: &str = "bedrock-agentcore";

/// The largest accepted difference between the clocks of client and service, in seconds.
const MAX_CLOCK_SKEW: u64 = 300;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a signature covers, except for the body and the secret key.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// Path and query as on the wire; an `X-Amz-Signature` in the query is ignored.
    pub target: &'a str,
    /// The signed headers, sorted, with lower-case names.
    pub headers: &'a [(&'a str, &'a str)],
    /// The time of the signature, `YYYYMMDDTHHMMSSZ`.
    pub amz_date: &'a str,
    /// The region of the credential scope.
    pub region: &'a str,
    /// The service of the credential scope.
    pub service: &'a str,
}

/// Computes a signature for a request with an empty body, as 64 lower-case hexadecimal digits.
#[must_use]
pub fn signature(signed: &Signed<'_>, secret_access_key: &str) -> String {
    signature_with_body(signed, b"", secret_access_key)
}

/// Like [`signature`], for a request with a body.
#[must_use]
pub fn signature_with_body(signed: &Signed<'_>, body: &[u8], secret_access_key: &str) -> String {
    let day = signed.amz_date.get(..8).unwrap_or(signed.amz_date);
    let scope = format!("{day}/{}/{}/aws4_request", signed.region, signed.service);
    let request = sha256(canonical::request(signed, body).as_bytes());
    let string_to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{request}", signed.amz_date);

    let secret = format!("AWS4{secret_access_key}");
    let key = [day, signed.region, signed.service, "aws4_request"]
        .into_iter()
        .fold(secret.into_bytes(), |key, part| hmac(&key, part));
    hex(&hmac(&key, &string_to_sign))
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests;
