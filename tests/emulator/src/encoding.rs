//! Percent encoding as `SigV4` and request targets use it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986, which is what AWS calls `UriEncode`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Percent-encodes everything but letters, digits, `-`, `.`, `_` and `~`.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Like [`encode`], but keeps the slashes of a path.
pub(crate) fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// Decodes percent encoding. Invalid UTF-8 becomes U+FFFD; a plus sign stays a plus sign.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Splits a request target into its path and its query, both still encoded.
pub(crate) fn split_target(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

/// The decoded parameters of a query, in order.
pub(crate) fn parameters(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(encode("a-b.c_d~e f/g+é%"), "a-b.c_d~e%20f%2Fg%2B%C3%A9%25");
        assert_eq!(encode_path("/x/a%3Ab/ws"), "/x/a%253Ab/ws");
    }

    #[test]
    fn parameters_are_decoded_in_order() {
        let (path, query) = split_target("/p?b=1%2F2&a&&c=x=y+z");
        assert_eq!(path, "/p");
        let expected = [("b", "1/2"), ("a", ""), ("c", "x=y+z")];
        let expected: Vec<_> = expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        assert_eq!(parameters(query), expected);
        assert_eq!(split_target("/p"), ("/p", ""));
    }
}
