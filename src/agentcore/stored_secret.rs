//! A secret that AWS keeps, read by one signed request:
//! [`GetSecretValue`](https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html)
//! of Secrets Manager, or
//! [`GetParameter`](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html)
//! of Systems Manager.

use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::credentials::CredentialsCache;
use super::signed_post::{Patience, PostError, SignedPost};
use super::wire::Connector;
use super::wire::endpoint::{Endpoint, EndpointVariant};
use crate::env::{ConfigError, Environment};
use crate::secret::Secret;
use crate::session::{SecretArn, SecretStore};

/// How long all of it may take: Lambda gives a start ten seconds.
const TIME: Duration = Duration::from_secs(8);

/// Many functions that start at the same time are throttled.
const ATTEMPTS: u32 = 4;
const FIRST_DELAY: Duration = Duration::from_millis(200);

/// In place of the public endpoints of what keeps secrets.
#[derive(Clone, Debug, Default)]
pub struct SecretStoreEndpoints {
    /// `AWS_ENDPOINT_URL_SECRETS_MANAGER`
    pub secrets_manager: Option<Endpoint>,
    /// `AWS_ENDPOINT_URL_SSM`
    pub ssm: Option<Endpoint>,
}

impl SecretStoreEndpoints {
    /// Reads the endpoints.
    ///
    /// # Errors
    /// [`ConfigError`] where one is none.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            secrets_manager: Endpoint::from_env(env, "AWS_ENDPOINT_URL_SECRETS_MANAGER")?,
            ssm: Endpoint::from_env(env, "AWS_ENDPOINT_URL_SSM")?,
        })
    }
}

/// Why a secret could not be read. Says nothing of what it is, or where.
#[derive(Debug)]
pub struct ReadSecretError(Cause);

#[derive(Debug)]
enum Cause {
    Post(PostError),
    /// The answer held no secret.
    NoValue,
    /// All of it took too long.
    TimedOut,
}

/// Reads secrets with these credentials, by this clock.
#[derive(Clone, Copy, Debug)]
pub struct SecretReader<'a> {
    /// Whose requests these are.
    pub credentials: &'a CredentialsCache,
    /// What opens the connections.
    pub connector: &'a Connector,
    /// Which of their public endpoints are asked.
    pub variant: EndpointVariant,
    /// Where the stores are, if not there.
    pub endpoints: &'a SecretStoreEndpoints,
    /// The clock by which requests are signed.
    pub now: fn() -> SystemTime,
}

impl SecretReader<'_> {
    /// Reads a secret as it stands, within eight seconds. What may pass is tried again.
    ///
    /// # Errors
    /// [`ReadSecretError`] where it cannot be read.
    pub async fn read(&self, arn: &SecretArn) -> Result<Secret, ReadSecretError> {
        let reading = timeout_at(Instant::now() + TIME, self.read_patiently(arn));
        let read = reading.await.unwrap_or(Err(Cause::TimedOut));
        read.map_err(ReadSecretError)
    }

    async fn read_patiently(&self, arn: &SecretArn) -> Result<Secret, Cause> {
        let mut patience = Patience::new(ATTEMPTS, FIRST_DELAY);
        loop {
            match self.ask(arn).await {
                Err(cause) if cause.may_pass() && patience.wait().await => {}
                settled => return settled,
            }
        }
    }

    async fn ask(&self, arn: &SecretArn) -> Result<Secret, Cause> {
        let public = public(arn, self.variant);
        let endpoint = match arn.store() {
            SecretStore::SecretsManager => &self.endpoints.secrets_manager,
            SecretStore::Ssm => &self.endpoints.ssm,
        };
        let (operation, body) = match arn.store() {
            SecretStore::SecretsManager => (
                "secretsmanager.GetSecretValue",
                serde_json::json!({ "SecretId": arn.as_str() }),
            ),
            SecretStore::Ssm => (
                "AmazonSSM.GetParameter",
                serde_json::json!({ "Name": arn.as_str(), "WithDecryption": true }),
            ),
        };
        let post = SignedPost {
            service: arn.store().service(),
            region: arn.region(),
            endpoint: endpoint.as_ref().unwrap_or(&public),
            path: "/",
            operation: Some(operation),
            body: &Bytes::from(body.to_string()),
        };
        let answer = post.send(self.credentials, self.connector, (self.now)());
        let answer = answer.await.map_err(Cause::Post)?;
        value(arn.store(), &answer.body).ok_or(Cause::NoValue)
    }
}

/// A store's public endpoint, as botocore's rules name it: for the most part by the partition's, but
/// some of its ordinary ones are both already.
fn public(arn: &SecretArn, mut variant: EndpointVariant) -> Endpoint {
    match (arn.store(), arn.partition().name) {
        (SecretStore::SecretsManager, "aws" | "aws-us-gov") => variant.dual_stack = false,
        (SecretStore::SecretsManager, "aws-cn") if !variant.fips => variant.dual_stack = false,
        (SecretStore::Ssm, "aws-us-gov") if !variant.dual_stack => variant.fips = false,
        _ => {}
    }
    variant.of_service(arn.store().service(), arn.region(), arn.partition())
}

/// The secret in an answer.
fn value(store: SecretStore, body: &[u8]) -> Option<Secret> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Stored {
        secret_string: Option<Zeroizing<String>>,
        /// In Base64.
        secret_binary: Option<Zeroizing<String>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Parameter {
        value: Zeroizing<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        parameter: Parameter,
    }
    match store {
        SecretStore::SecretsManager => {
            let stored: Stored = serde_json::from_slice(body).ok()?;
            if let Some(text) = stored.secret_string {
                return Some(Secret::new(text.as_bytes()));
            }
            let binary = STANDARD.decode(stored.secret_binary?.as_bytes());
            Some(Secret::new(binary.ok()?))
        }
        SecretStore::Ssm => {
            let found: Found = serde_json::from_slice(body).ok()?;
            Some(Secret::new(found.parameter.value.as_bytes()))
        }
    }
}

impl Cause {
    /// Whether the same request may succeed in a moment.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Post(error) if error.may_pass())
    }
}

impl fmt::Display for ReadSecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Post(error) => error.fmt(f),
            Cause::NoValue => f.write_str("the answer holds none"),
            Cause::TimedOut => write!(f, "it took longer than {} s", TIME.as_secs()),
        }
    }
}

impl std::error::Error for ReadSecretError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Cause::Post(error) => error.source(),
            Cause::NoValue | Cause::TimedOut => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As botocore 1.44 resolves them: plain, FIPS, dual-stack, both.
    #[test]
    fn public_hosts_are_those_of_botocores_rules() {
        for (service, partition, region, hosts) in [
            (
                "secretsmanager",
                "aws",
                "eu-west-1",
                [
                    "secretsmanager.eu-west-1.amazonaws.com",
                    "secretsmanager-fips.eu-west-1.amazonaws.com",
                    "secretsmanager.eu-west-1.amazonaws.com",
                    "secretsmanager-fips.eu-west-1.amazonaws.com",
                ],
            ),
            (
                "secretsmanager",
                "aws-cn",
                "cn-north-1",
                [
                    "secretsmanager.cn-north-1.amazonaws.com.cn",
                    "secretsmanager-fips.cn-north-1.amazonaws.com.cn",
                    "secretsmanager.cn-north-1.amazonaws.com.cn",
                    "secretsmanager-fips.cn-north-1.api.amazonwebservices.com.cn",
                ],
            ),
            (
                "secretsmanager",
                "aws-eusc",
                "eusc-de-east-1",
                [
                    "secretsmanager.eusc-de-east-1.amazonaws.eu",
                    "secretsmanager-fips.eusc-de-east-1.amazonaws.eu",
                    "secretsmanager.eusc-de-east-1.api.amazonwebservices.eu",
                    "secretsmanager-fips.eusc-de-east-1.api.amazonwebservices.eu",
                ],
            ),
            (
                "ssm",
                "aws",
                "us-east-1",
                [
                    "ssm.us-east-1.amazonaws.com",
                    "ssm-fips.us-east-1.amazonaws.com",
                    "ssm.us-east-1.api.aws",
                    "ssm-fips.us-east-1.api.aws",
                ],
            ),
            (
                "ssm",
                "aws-us-gov",
                "us-gov-west-1",
                [
                    "ssm.us-gov-west-1.amazonaws.com",
                    "ssm.us-gov-west-1.amazonaws.com",
                    "ssm.us-gov-west-1.api.aws",
                    "ssm-fips.us-gov-west-1.api.aws",
                ],
            ),
        ] {
            let kept = if service == "ssm" {
                "parameter/x"
            } else {
                "secret:x"
            };
            let arn = format!("arn:{partition}:{service}:{region}:123456789012:{kept}");
            let arn = SecretArn::parse(&arn).unwrap();
            let variants = [(false, false), (true, false), (false, true), (true, true)];
            for ((fips, dual_stack), host) in variants.into_iter().zip(hosts) {
                let variant = EndpointVariant { fips, dual_stack };
                assert_eq!(public(&arn, variant).host(), host);
            }
        }
    }
}
