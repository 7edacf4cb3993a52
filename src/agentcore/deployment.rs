//! What the hook of a deployment asks of AWS, by signed requests:
//! [`Invoke`](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html) of Lambda, and
//! [`PutLifecycleEventHookExecutionStatus`](https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_PutLifecycleEventHookExecutionStatus.html)
//! of CodeDeploy.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::credentials::CredentialsCache;
use super::sign::encode;
use super::signed_post::{Patience, PostError, SignedPost};
use super::wire::Connector;
use super::wire::endpoint::{Endpoint, EndpointVariant};
use super::wire::rest::Answer;
use crate::agent::{Partition, is_region};
use crate::env::{ConfigError, Environment};

const LAMBDA: &str = "AWS_ENDPOINT_URL_LAMBDA";
const CODE_DEPLOY: &str = "AWS_ENDPOINT_URL_CODEDEPLOY";

const LAMBDA_SERVICE: &str = "lambda";
const CODE_DEPLOY_SERVICE: &str = "codedeploy";

/// A version may still be starting, and both services may be throttled.
const ATTEMPTS: u32 = 6;
const FIRST_DELAY: Duration = Duration::from_millis(500);

/// How long one attempt may take: a cold start with a status of the control plane's is seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// A published version of a function:
/// `arn:<partition>:lambda:<region>:<account>:function:<name>:<version>`.
#[derive(Clone, PartialEq, Eq)]
pub struct FunctionVersion {
    /// All before the version.
    function: String,
    version: String,
    region: String,
    partition: &'static Partition,
}

impl FunctionVersion {
    /// Reads an ARN; `None` where it names no version of a function.
    pub fn parse(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.split(':').collect();
        let [
            "arn",
            partition,
            "lambda",
            region,
            account,
            "function",
            name,
            version,
        ] = parts[..]
        else {
            return None;
        };
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_version =
            is_region(region) && is_number(account) && !name.is_empty() && is_number(version);
        is_version.then_some(Self {
            function: arn.strip_suffix(version)?.trim_end_matches(':').to_owned(),
            version: version.to_owned(),
            region: region.to_owned(),
            partition: Partition::named(partition)?,
        })
    }

    /// The version's number.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The function's name.
    pub fn name(&self) -> &str {
        self.function.rsplit(':').next().unwrap_or_default()
    }
}

/// An ARN holds an account id.
impl fmt::Debug for FunctionVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FunctionVersion({})", self.version)
    }
}

/// A hook's execution, as CodeDeploy names it to the hook.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HookExecution {
    /// The deployment.
    pub deployment_id: String,
    /// What CodeDeploy waits for.
    pub lifecycle_event_hook_execution_id: String,
}

/// Why a request to Lambda or CodeDeploy failed.
#[derive(Debug)]
pub struct DeploymentError(Cause);

#[derive(Debug)]
enum Cause {
    Post(PostError),
    TimedOut,
    /// The function did not answer, and this is what Lambda calls that.
    FunctionError(String),
}

/// Asks Lambda and CodeDeploy.
#[derive(Debug)]
pub struct DeploymentClient {
    credentials: CredentialsCache,
    connector: Connector,
    variant: EndpointVariant,
    lambda: Option<Endpoint>,
    code_deploy: Option<Endpoint>,
    now: fn() -> SystemTime,
}

impl DeploymentClient {
    /// A client with these credentials; `now` is the clock by which requests are signed.
    ///
    /// # Errors
    /// [`ConfigError`] where an endpoint of the environment is none.
    pub fn from_env(
        env: &Environment,
        credentials: CredentialsCache,
        connector: Connector,
        now: fn() -> SystemTime,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            credentials,
            connector,
            variant: EndpointVariant::from_env(env, [LAMBDA, CODE_DEPLOY])?,
            lambda: Endpoint::from_env(env, LAMBDA)?,
            code_deploy: Endpoint::from_env(env, CODE_DEPLOY)?,
            now,
        })
    }

    /// Invokes a function by the version, or by another name of it, such as an alias. Gives what it
    /// answers.
    ///
    /// # Errors
    /// [`DeploymentError`] where it does not answer.
    pub async fn invoke(
        &self,
        version: &FunctionVersion,
        qualifier: &str,
        event: &Value,
    ) -> Result<Bytes, DeploymentError> {
        let function = encode(&version.function);
        let path = format!(
            "/2015-03-31/functions/{function}/invocations?Qualifier={}",
            encode(qualifier)
        );
        let public = self.public(version, LAMBDA_SERVICE);
        let post = SignedPost {
            service: LAMBDA_SERVICE,
            region: &version.region,
            endpoint: self.lambda.as_ref().unwrap_or(&public),
            path: &path,
            operation: None,
            body: &Bytes::from(event.to_string()),
        };
        let answer = self.ask(post).await?;
        if !answer.headers.contains_key("x-amz-function-error") {
            return Ok(answer.body);
        }
        let error: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let kind = error["errorType"].as_str().unwrap_or("unknown").to_owned();
        Err(DeploymentError(Cause::FunctionError(kind)))
    }

    /// Tells CodeDeploy whether the deployment may go on. `version` says in which region.
    ///
    /// # Errors
    /// [`DeploymentError`] where it was not told.
    pub async fn report(
        &self,
        version: &FunctionVersion,
        execution: &HookExecution,
        succeeded: bool,
    ) -> Result<(), DeploymentError> {
        let body = json!({
            "deploymentId": execution.deployment_id,
            "lifecycleEventHookExecutionId": execution.lifecycle_event_hook_execution_id,
            "status": if succeeded { "Succeeded" } else { "Failed" },
        });
        let public = self.public(version, CODE_DEPLOY_SERVICE);
        let post = SignedPost {
            service: CODE_DEPLOY_SERVICE,
            region: &version.region,
            endpoint: self.code_deploy.as_ref().unwrap_or(&public),
            path: "/",
            operation: Some("CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus"),
            body: &Bytes::from(body.to_string()),
        };
        self.ask(post).await.map(drop)
    }

    fn public(&self, version: &FunctionVersion, service: &str) -> Endpoint {
        self.variant
            .of_service(service, &version.region, version.partition)
    }

    async fn ask(&self, post: SignedPost<'_>) -> Result<Answer, DeploymentError> {
        let mut patience = Patience::new(ATTEMPTS, FIRST_DELAY);
        loop {
            match self.ask_once(post).await {
                Err(cause) if cause.may_pass() && patience.wait().await => {}
                settled => return settled.map_err(DeploymentError),
            }
        }
    }

    async fn ask_once(&self, post: SignedPost<'_>) -> Result<Answer, Cause> {
        let sending = post.send(&self.credentials, &self.connector, (self.now)());
        let answer = timeout(ATTEMPT_TIMEOUT, sending).await;
        answer.map_err(|_| Cause::TimedOut)?.map_err(Cause::Post)
    }
}

impl Cause {
    /// Whether the same request may succeed in a moment.
    fn may_pass(&self) -> bool {
        match self {
            Self::Post(error) => error.may_pass(),
            Self::TimedOut => true,
            Self::FunctionError(_) => false,
        }
    }
}

impl fmt::Display for DeploymentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Post(error) => error.fmt(f),
            Cause::TimedOut => write!(f, "no answer within {} s", ATTEMPT_TIMEOUT.as_secs()),
            Cause::FunctionError(kind) => write!(f, "it does not start, or died: {kind}"),
        }
    }
}

impl std::error::Error for DeploymentError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Cause::Post(error) => error.source(),
            Cause::TimedOut | Cause::FunctionError(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_from_other_arns() {
        let arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:bridge-A1:42";
        let version = FunctionVersion::parse(arn).unwrap();
        assert_eq!((version.name(), version.version()), ("bridge-A1", "42"));
        assert_eq!(version.function, arn.strip_suffix(":42").unwrap());
        for other in [
            "",
            "arn:aws:lambda:us-east-1:123456789012:function:bridge",
            "arn:aws:lambda:us-east-1:123456789012:function:bridge:live",
            "arn:aws:lambda:us-east-1:123456789012:function:bridge:$LATEST",
            "arn:aws:s3:us-east-1:123456789012:function:bridge:1",
            "arn:nowhere:lambda:us-east-1:123456789012:function:bridge:1",
        ] {
            assert_eq!(FunctionVersion::parse(other), None, "{other}");
        }
    }
}
