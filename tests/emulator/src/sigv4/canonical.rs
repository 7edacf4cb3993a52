//! The canonical request, which both sides hash.

use super::{Signed, sha256};
use crate::encoding::{encode, encode_path, parameters, split_target};

/// Method, path, query, headers, header names and the body's hash, one per line.
pub(super) fn request(signed: &Signed<'_>, body: &[u8]) -> String {
    let (path, query) = split_target(signed.target);
    let names: Vec<_> = signed.headers.iter().map(|(name, _)| *name).collect();
    let headers = signed
        .headers
        .iter()
        .fold(String::new(), |lines, (name, value)| {
            lines + name + ":" + &trimmed(value) + "\n"
        });
    [
        signed.method,
        // All services but S3 encode the path of the wire once more.
        &encode_path(path),
        &sorted(query),
        &headers,
        &names.join(";"),
        &sha256(body),
    ]
    .join("\n")
}

/// The query sorted by encoded names and values, without the signature.
fn sorted(query: &str) -> String {
    let mut pairs: Vec<_> = parameters(query)
        .into_iter()
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// AWS's `Trimall`: trims whitespace, and collapses runs of it into one space.
fn trimmed(value: &str) -> String {
    let words: Vec<_> = value.split_ascii_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigv4::SERVICE;

    fn canonical(target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<String> {
        let signed = Signed {
            method: "GET",
            target,
            headers,
            amz_date: "20150830T123600Z",
            region: "us-east-1",
            service: SERVICE,
        };
        let request = request(&signed, body);
        request.lines().map(str::to_owned).collect()
    }

    #[test]
    fn query_parameters_are_sorted_by_their_encoded_names_and_values() {
        let target = "/a%3Ab/ws?b=2&a=%2f&B=1&a=+&X-Amz-Signature=0";
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(
            canonical(target, &[("host", "h")], b""),
            [
                "GET",
                "/a%253Ab/ws",
                "B=1&a=%2B&a=%2F&b=2",
                "host:h",
                "",
                "host",
                empty
            ]
        );
    }

    #[test]
    fn headers_are_trimmed_and_the_body_is_hashed() {
        let headers = [("a", "  b \t c  "), ("host", "h")];
        // The first example of FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            canonical("/", &headers, b"abc"),
            ["GET", "/", "", "a:b c", "host:h", "", "a;host", abc]
        );
    }
}
