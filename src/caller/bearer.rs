//! The token by which a caller is let in at an agent's runtime.

use http::{HeaderMap, HeaderValue, header};

use crate::secret::Secret;

/// A caller's bearer token (RFC 6750), as it came. It is a credential: no `Debug`, no error and no
/// line of the log shows it, and dropped it is wiped from memory.
///
/// It says nothing here of who calls: nobody but the runtime looks into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerToken(Secret);

impl BearerToken {
    /// The token in a request's `Authorization`; `None` where there is none of this kind, or more
    /// than one header of the name.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (value, None) = (values.next()?, values.next()) else {
            return None;
        };
        // The name of a scheme may be in any case (RFC 9110, section 11.1).
        let (scheme, token) = value.to_str().ok()?.trim().split_once(' ')?;
        let token = token.trim_start();
        (scheme.eq_ignore_ascii_case("bearer") && is_token(token))
            .then(|| Self(Secret::new(token.to_owned())))
    }

    /// A value of this token's own, from which it cannot be had.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        super::identity::sha256(self.0.expose())
    }

    /// The header that passes it on.
    #[expect(clippy::expect_used, reason = "what its own parser holds")]
    pub(crate) fn authorization(&self) -> HeaderValue {
        let value = zeroize::Zeroizing::new([b"Bearer ", self.0.expose()].concat());
        let mut value =
            HeaderValue::from_bytes(&value).expect("a token is of visible ASCII characters alone");
        value.set_sensitive(true);
        value
    }
}

/// RFC 6750, section 2.1: `b64token`.
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let is_of_it = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(is_of_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let token = BearerToken::of(&headers)?;
        Some(token.authorization().to_str().unwrap().to_owned())
    }

    #[test]
    fn a_bearer_token_goes_on_as_it_came() {
        for value in ["Bearer eyJ.a-b_c~d+e/f==", "Bearer 0"] {
            assert_eq!(passed_on(&[value]).as_deref(), Some(value));
        }
        for value in ["bearer abc", "BEARER  abc "] {
            assert_eq!(passed_on(&[value]).as_deref(), Some("Bearer abc"));
        }
    }

    #[test]
    fn a_fingerprint_is_the_tokens_own() {
        let fingerprint = |token: &str| BearerToken(Secret::new(token.to_owned())).fingerprint();
        // As `printf abc | sha256sum` has it.
        assert!(crate::hex::hex(&fingerprint("abc")).starts_with("ba7816bf8f01cfea"));
        assert_ne!(fingerprint("abc"), fingerprint("abd"));
    }

    #[test]
    fn what_is_no_bearer_token_is_none() {
        for values in [
            &[][..],
            &[""],
            &["Bearer"],
            &["Bearer "],
            &["Bearer =="],
            &["Bearer a b"],
            &["Bearer a,b"],
            &["Bearer a\u{e9}"],
            &["eyJ.without.scheme"],
            &["Basic YTpi"],
            &["AWS4-HMAC-SHA256 Credential=a"],
            &["Bearer a", "Bearer b"],
            &["Bearer a", "Basic YTpi"],
        ] {
            assert_eq!(passed_on(values), None, "{values:?}");
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::AUTHORIZATION,
            HeaderValue::from_static("Bearer MARKER"),
        );
        let token = BearerToken::of(&headers).unwrap();
        let shown = format!("{token:?} {:?}", token.authorization());
        assert!(!shown.contains("MARKER"), "{shown}");
    }
}
