//! Requests over plain HTTP, signed in their headers.

use std::fmt::Write as _;

use agentcore_emulator::{
    Credentials, Emulator,
    sigv4::{SERVICE, Signed, signature_with_body},
};

use crate::{
    client::{Answer, Client},
    url::{AMZ_DATE, ARN, SESSION, encode},
};

/// What a request is made of; a test changes what it is about.
pub(crate) struct Signable {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) session_id: Option<String>,
    pub(crate) body: String,
    pub(crate) region: &'static str,
    pub(crate) credentials: Credentials,
    /// The signature in place of the right one.
    pub(crate) signature: Option<String>,
}

impl Signable {
    /// To stop the session that other tests talk in.
    pub(crate) fn stop() -> Self {
        Self {
            method: "POST",
            target: format!("/runtimes/{}/stopruntimesession", encode(ARN)),
            session_id: Some(SESSION.to_owned()),
            body: String::new(),
            region: "us-east-1",
            credentials: Credentials::example(),
            signature: None,
        }
    }

    /// To get an endpoint of the agent of other tests.
    pub(crate) fn endpoint(name: &str) -> Self {
        let runtime_id = ARN.rsplit('/').next().unwrap();
        Self {
            method: "GET",
            target: format!("/runtimes/{runtime_id}/runtime-endpoints/{name}/"),
            session_id: None,
            ..Self::stop()
        }
    }

    /// The request as it goes over the wire.
    pub(crate) fn sign(&self, host: &str) -> String {
        let mut headers = vec![("host", host), ("x-amz-date", AMZ_DATE)];
        if let Some(token) = &self.credentials.session_token {
            headers.push(("x-amz-security-token", token));
        }
        if let Some(id) = &self.session_id {
            headers.push(("x-amzn-bedrock-agentcore-runtime-session-id", id));
        }
        let signed = Signed {
            method: self.method,
            target: &self.target,
            headers: &headers,
            amz_date: AMZ_DATE,
            region: self.region,
            service: SERVICE,
        };
        let secret = &self.credentials.secret_access_key;
        let right = signature_with_body(&signed, self.body.as_bytes(), secret);
        let signature = self.signature.as_ref().unwrap_or(&right);
        let (key, day) = (&self.credentials.access_key_id, &AMZ_DATE[..8]);
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();

        let mut request = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &headers {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        let _ = write!(
            request,
            "authorization: AWS4-HMAC-SHA256 \
             Credential={key}/{day}/{}/{SERVICE}/aws4_request, SignedHeaders={}, \
             Signature={signature}\r\n",
            self.region,
            names.join(";"),
        );
        if !self.body.is_empty() {
            let _ = write!(request, "content-length: {}\r\n", self.body.len());
        }
        request + "\r\n" + &self.body
    }

    /// Sends the request on a connection of its own, whatever the answer.
    pub(crate) async fn ask(&self, emulator: &Emulator) -> Client {
        let mut client = Client::dial(emulator).await;
        let request = self.sign(&emulator.address().to_string());
        client.write(request.as_bytes()).await;
        client
    }

    /// The answer, after which the connection ends.
    pub(crate) async fn answer(&self, emulator: &Emulator) -> Answer {
        let mut client = self.ask(emulator).await;
        let answer = client.answer().await;
        client.expect_end().await;
        answer
    }

    /// Status and error type of the answer.
    pub(crate) async fn refused(&self, emulator: &Emulator) -> (u16, String) {
        self.answer(emulator).await.refusal()
    }
}
