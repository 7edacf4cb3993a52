//! A signed request, which tests may tamper with.

use agentcore_emulator::{
    Credentials,
    sigv4::{self, Refusal, verify_request},
};

use crate::cases::NOW;

/// A request that botocore has signed, with the example keys of the AWS documentation.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) region: &'static str,
    pub(crate) session_token: Option<&'static str>,
    pub(crate) method: &'static str,
    pub(crate) target: &'static str,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) body: &'static str,
}

impl Case {
    pub(crate) fn credentials(&self) -> Credentials {
        Credentials {
            session_token: self.session_token.map(str::to_owned),
            ..Credentials::example()
        }
    }

    pub(crate) fn request(&self) -> Request {
        let headers = self.headers.iter();
        Request {
            credentials: self.credentials(),
            region: self.region.to_owned(),
            method: self.method.to_owned(),
            target: self.target.to_owned(),
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: self.body.as_bytes().to_vec(),
        }
    }
}

/// What the service gets, with what it knows beforehand.
pub(crate) struct Request {
    pub(crate) credentials: Credentials,
    pub(crate) region: String,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn whole(&self) -> sigv4::Request<'_> {
        sigv4::Request {
            method: &self.method,
            target: &self.target,
            headers: &self.headers,
            body: &self.body,
        }
    }

    pub(crate) fn check(&self) -> Result<(), Refusal> {
        self.check_at(NOW)
    }

    pub(crate) fn check_at(&self, now: u64) -> Result<(), Refusal> {
        let known = [self.credentials.clone()];
        verify_request(&self.whole(), [self.region.as_str()], &known, now).map(drop)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("{name} is not there")).1
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|(known, _)| known != name);
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.into()));
    }

    /// A parameter of the `Authorization` header.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        let header = self.header("authorization");
        let start = header.find(&format!("{name}=")).unwrap() + name.len() + 1;
        header[start..].split(',').next().unwrap()
    }

    pub(crate) fn set_parameter(&mut self, name: &str, value: &str) {
        let (old, new) = (self.parameter(name), format!("{name}={value}"));
        let header = self.header("authorization");
        let header = header.replace(&format!("{name}={old}"), &new);
        self.set("authorization", header);
    }
}
