//! What is asked, and on whose behalf: the requests.

use std::error::Error;
use std::time::SystemTime;

use agentcore_bridge::agentcore::credentials::{CredentialsCache, default_chain};
use agentcore_bridge::agentcore::wire::Connector;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Uri, header};
use http_body_util::Full;
use serde_json::json;

use crate::arguments::{AnswerKind, Run, Scope};

/// The API, and how its callers prove who they are.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) authority: Authority,
    pub(crate) is_secure: bool,
    pub(crate) answer: AnswerKind,
    path: String,
    agent: String,
    prompt: String,
    bearer: Option<HeaderValue>,
    api_key: Option<HeaderValue>,
    signer: Option<Signer>,
}

/// Signs by the credentials of the AWS default chain.
#[derive(Debug)]
struct Signer {
    service: String,
    region: String,
    credentials: CredentialsCache,
}

pub(crate) type Refused = Box<dyn Error + Send + Sync>;

impl Target {
    pub(crate) fn new(
        run: &Run,
        env: &agentcore_bridge::env::Environment,
        connector: Connector,
    ) -> Result<Self, Refused> {
        let authority = run.url.authority().ok_or("--url needs a host")?.clone();
        let is_secure = match run.url.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err("--url begins with https:// or http://".into()),
        };
        let last = match run.answer {
            AnswerKind::Stream => "/api/agents/invoke/stream",
            AnswerKind::Json => "/api/agents/invoke",
        };
        let signer = match &run.sigv4 {
            None => None,
            Some(scope) => {
                let (service, region) = names(scope, authority.host())?;
                let chain = default_chain(env, connector);
                let credentials = CredentialsCache::new(chain, now);
                Some(Signer {
                    service,
                    region,
                    credentials,
                })
            }
        };
        let secret = |text: &str| {
            let mut value = HeaderValue::from_str(text)?;
            value.set_sensitive(true);
            Ok::<_, http::header::InvalidHeaderValue>(value)
        };
        let bearer = run
            .bearer
            .as_ref()
            .map(|token| secret(&format!("Bearer {token}")));
        Ok(Self {
            path: format!("{}{last}", run.url.path().trim_end_matches('/')),
            authority,
            is_secure,
            answer: run.answer,
            agent: run.agent.clone(),
            prompt: run.prompt.clone(),
            bearer: bearer.transpose()?,
            api_key: run.api_key.as_deref().map(secret).transpose()?,
            signer,
        })
    }

    /// The request for the next turn of a session.
    pub(crate) async fn request(&self, session: &str) -> Result<Request<Full<Bytes>>, Refused> {
        let body = json!({ "agentId": self.agent, "prompt": self.prompt, "sessionId": session });
        let body = Bytes::from(body.to_string());
        let accept = match self.answer {
            AnswerKind::Stream => "text/event-stream",
            AnswerKind::Json => "application/json",
        };
        let mut request = Request::post(&self.path)
            .header(header::HOST, self.authority.as_str())
            .header(header::ACCEPT, accept)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body.clone()))?;
        let headers = request.headers_mut();
        if let Some(bearer) = &self.bearer {
            headers.insert(header::AUTHORIZATION, bearer.clone());
        }
        if let Some(key) = &self.api_key {
            headers.insert("x-api-key", key.clone());
        }
        if let Some(signer) = &self.signer {
            let credentials = signer.credentials.get().await?;
            signer.sign(&mut request, self, &body, credentials, now())?;
        }
        Ok(request)
    }
}

impl Signer {
    fn sign(
        &self,
        request: &mut Request<Full<Bytes>>,
        target: &Target,
        body: &[u8],
        credentials: Credentials,
        time: SystemTime,
    ) -> Result<(), Refused> {
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(time)
            .settings(SigningSettings::default())
            .build()?
            .into();
        let scheme = if target.is_secure { "https" } else { "http" };
        let uri = Uri::builder()
            .scheme(scheme)
            .authority(target.authority.clone())
            .path_and_query(target.path.as_str())
            .build()?
            .to_string();
        // A proxy may change the others.
        let headers = [("host", target.authority.as_str())];
        let signable =
            SignableRequest::new("POST", uri, headers.into_iter(), SignableBody::Bytes(body))?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

/// The service and region of an address as AWS gives it.
fn names(scope: &Scope, host: &str) -> Result<(String, String), Refused> {
    if let Scope::Named { service, region } = scope {
        return Ok((service.clone(), region.clone()));
    }
    let parts: Vec<_> = host.split('.').collect();
    let (service, region) = match parts[..] {
        [_, "execute-api", region, "amazonaws", ..] => ("execute-api", region),
        [_, "lambda-url", region, "on", "aws"] => ("lambda", region),
        _ => return Err(format!("{host} tells no region: --sigv4 SERVICE:REGION").into()),
    };
    Ok((service.to_owned(), region.to_owned()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one clock by which requests are signed"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
