//! Configuration from the environment, of which this is the only reader.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::agent::{Agent, AgentId, AgentRegistry, RuntimeArn};
use crate::agentcore::Timeouts;
use crate::agentcore::invoke::reply_end::ReplyEnd;
use crate::agentcore::invoke::retry::RetryPolicy;
use crate::agentcore::wire::endpoint::Endpoint;
use crate::agentcore::wire::tls::RootCertificates;
use crate::secret::Secret;

/// Every variable that is read, in the order of `.env.example`. `<NAME>` is an agent's. What Lambda
/// tells the process of itself (`AWS_LAMBDA_…`) is none, but for the level of the log.
pub const VARIABLES: [&str; 32] = [
    "<NAME>_AGENT_ARN",
    "<NAME>_AGENT_QUALIFIER",
    "<NAME>_AGENT_DISPLAY_NAME",
    "<NAME>_AGENT_DESCRIPTION",
    "<NAME>_AGENT_REPLY_END",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE",
    "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "INVOKE_MODE",
    "BASE_PATH",
    "CORS_ALLOWED_ORIGINS",
    "CONNECT_TIMEOUT_MS",
    "INVOKE_TIMEOUT_MS",
    "CHUNK_TIMEOUT_MS",
    "RETRY_MAX_RETRIES",
    "RETRY_INITIAL_DELAY_MS",
    "RETRY_MULTIPLIER",
    "RETRY_MAX_DELAY_MS",
    "RETRY_AFTER_SEND",
    "MAX_PROMPT_BYTES",
    "MAX_RESPONSE_BYTES",
    "RATE_LIMIT_PER_MINUTE",
    "MAX_CONCURRENT_PER_CALLER",
    "SESSION_BINDING",
    "SESSION_BINDING_KEY",
    "METRICS_NAMESPACE",
    "LOG_LEVEL",
    "AWS_LAMBDA_LOG_LEVEL",
];

/// Whether a variable is one of [`VARIABLES`], or Lambda's own.
fn is_declared(name: &str) -> bool {
    let is_named = |declared: &&str| match declared.strip_prefix("<NAME>") {
        Some(suffix) => name.ends_with(suffix),
        None => *declared == name,
    };
    name.starts_with("AWS_LAMBDA_") || VARIABLES.iter().any(is_named)
}

/// The largest prompt that can be configured, in bytes.
const LARGEST_PROMPT_BYTES: usize = 524_288;

/// A variable's value is not accepted. The value itself, which may be a secret, is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}; accepted is {accepted}")]
pub struct ConfigError {
    /// The variable.
    pub variable: String,
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub accepted: String,
}

impl ConfigError {
    fn new(variable: &str, problem: impl Display, accepted: impl Display) -> Self {
        Self {
            variable: variable.to_owned(),
            problem: problem.to_string(),
            accepted: accepted.to_string(),
        }
    }
}

/// Environment variables. One that is empty counts as unset.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process. One that is not Unicode is taken as far as it is.
    pub fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        std::env::vars_os()
            .map(|(name, value)| (text(name), text(value)))
            .collect()
    }

    /// A variable's value, where it is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        // So that no variable is read which is documented nowhere: VARIABLES is what that is held to.
        debug_assert!(is_declared(name), "{name} is missing in VARIABLES");
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(_, value)| !value.is_empty())
    }

    /// Parses a variable, or takes the default.
    fn parse<T>(
        &self,
        name: &str,
        default: T,
        accepted: impl Display,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        match self.get(name) {
            None => Ok(default),
            Some(value) => parse(value.trim())
                .ok_or_else(|| ConfigError::new(name, "the value is not accepted", accepted)),
        }
    }

    fn number<T>(&self, name: &str, default: T, range: RangeInclusive<T>) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd + Display,
    {
        let accepted = format!("a whole number from {} to {}", range.start(), range.end());
        self.parse(name, default, accepted, |text| {
            let is_plain = text.bytes().all(|b| b.is_ascii_digit());
            let number = text.parse().ok().filter(|_| is_plain);
            number.filter(|number| range.contains(number))
        })
    }

    fn milliseconds(&self, name: &str, default: Duration) -> Result<Duration, ConfigError> {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        self.number(name, default, 1..=900_000)
            .map(Duration::from_millis)
    }

    fn endpoint(&self, name: &str) -> Result<Option<Endpoint>, ConfigError> {
        let parse = |value| {
            Endpoint::parse(value).map_err(|error| {
                let accepted = "a URL such as https://host, or http://localhost:8081 for one on \
                                this machine";
                ConfigError::new(name, error, accepted)
            })
        };
        self.get(name).map(parse).transpose()
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl IntoIterator for Environment {
    type Item = (String, String);
    type IntoIter = std::collections::btree_map::IntoIter<String, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How the binary answers Lambda.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InvokeMode {
    /// Each answer whole.
    #[default]
    Buffered,
    /// Each answer as a stream.
    ResponseStream,
}

/// Which origins a browser may call from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// None.
    #[default]
    None,
    /// Every one.
    Any,
    /// These.
    Listed(Vec<String>),
}

/// Whether the runtime's session id depends on who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionBinding {
    /// A known caller's sessions are its own; with a key, none can compute their ids without it.
    Caller(Option<Secret>),
    /// Who knows a session's id can use the session.
    Off,
}

/// Limits on each caller, in one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Invocations per minute; 0 is no limit. `RATE_LIMIT_PER_MINUTE`
    pub per_minute: u32,
    /// Invocations at the same time; 0 is no limit. `MAX_CONCURRENT_PER_CALLER`
    pub concurrent: u32,
}

/// What is logged of our own code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Errors, and what is fatal.
    Error,
    /// And upstream failures.
    Warn,
    /// And each invocation.
    #[default]
    Info,
    /// And each step.
    Debug,
    /// And each message.
    Trace,
}

/// Everything that can be configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// The agents. `<NAME>_AGENT_ARN`, `<NAME>_AGENT_QUALIFIER`, `<NAME>_AGENT_DISPLAY_NAME`,
    /// `<NAME>_AGENT_DESCRIPTION`, `<NAME>_AGENT_REPLY_END`
    pub agents: AgentRegistry,
    /// In place of the data plane's public endpoints. `AWS_ENDPOINT_URL_BEDROCK_AGENTCORE`
    pub endpoint: Option<Endpoint>,
    /// In place of the control plane's. `AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL`
    pub control_endpoint: Option<Endpoint>,
    /// How the binary answers Lambda. `INVOKE_MODE`
    pub invoke_mode: InvokeMode,
    /// A path prefix to strip, with a leading slash and no trailing one. `BASE_PATH`
    pub base_path: Option<String>,
    /// `CONNECT_TIMEOUT_MS`, `INVOKE_TIMEOUT_MS`, `CHUNK_TIMEOUT_MS`
    pub timeouts: Timeouts,
    /// `RETRY_MAX_RETRIES`, `RETRY_INITIAL_DELAY_MS`, `RETRY_MULTIPLIER`, `RETRY_MAX_DELAY_MS`,
    /// `RETRY_AFTER_SEND`
    pub retry: RetryPolicy,
    /// The longest prompt, in bytes of UTF-8. `MAX_PROMPT_BYTES`
    pub max_prompt_bytes: usize,
    /// The longest reply kept in an answer that is not streamed, in bytes of UTF-8.
    /// `MAX_RESPONSE_BYTES`
    pub max_response_bytes: usize,
    /// `CORS_ALLOWED_ORIGINS`
    pub allowed_origins: AllowedOrigins,
    /// `SESSION_BINDING`, `SESSION_BINDING_KEY`
    pub session_binding: SessionBinding,
    /// `RATE_LIMIT_PER_MINUTE`, `MAX_CONCURRENT_PER_CALLER`
    pub rate_limits: RateLimits,
    /// The CloudWatch namespace of the metrics. `METRICS_NAMESPACE`
    pub metrics_namespace: String,
    /// `LOG_LEVEL`, else `AWS_LAMBDA_LOG_LEVEL`
    pub log_level: LogLevel,
    /// `SSL_CERT_FILE`, `SSL_CERT_DIR`
    pub roots: RootCertificates,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`] names the first variable whose value is not accepted, or `<NAME>_AGENT_ARN`
    /// where there is no agent at all. A malformed ARN is no error: it hurts its own agent alone.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            agents: agents(env)?,
            endpoint: env.endpoint("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE")?,
            control_endpoint: env.endpoint("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL")?,
            invoke_mode: invoke_mode(env)?,
            base_path: base_path(env)?,
            timeouts: timeouts(env)?,
            retry: retry(env)?,
            max_prompt_bytes: env.number("MAX_PROMPT_BYTES", 102_400, 1..=LARGEST_PROMPT_BYTES)?,
            max_response_bytes: env.number("MAX_RESPONSE_BYTES", 4 << 20, 1..=1 << 30)?,
            allowed_origins: allowed_origins(env)?,
            session_binding: session_binding(env)?,
            rate_limits: RateLimits {
                per_minute: env.number("RATE_LIMIT_PER_MINUTE", 0, 0..=1_000_000)?,
                concurrent: env.number("MAX_CONCURRENT_PER_CALLER", 0, 0..=1_000_000)?,
            },
            metrics_namespace: metrics_namespace(env)?,
            log_level: log_level(env)?,
            roots: RootCertificates {
                file: env.get("SSL_CERT_FILE").map(PathBuf::from),
                directories: env.get("SSL_CERT_DIR").map(PathBuf::from),
            },
        })
    }
}

/// What is logged, which must be known before anything else can be read.
///
/// # Errors
/// [`ConfigError`] where the level is none.
pub fn log_level(env: &Environment) -> Result<LogLevel, ConfigError> {
    let name = ["LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL"]
        .into_iter()
        .find(|name| env.get(name).is_some())
        .unwrap_or("LOG_LEVEL");
    let accepted = "trace, debug, info, warn, error or fatal";
    env.parse(name, LogLevel::default(), accepted, |text| {
        Some(match text.to_ascii_lowercase().as_str() {
            "trace" => LogLevel::Trace,
            "debug" => LogLevel::Debug,
            "info" => LogLevel::Info,
            "warn" => LogLevel::Warn,
            "error" | "fatal" => LogLevel::Error,
            _ => return None,
        })
    })
}

fn agents(env: &Environment) -> Result<AgentRegistry, ConfigError> {
    let mut agents = AgentRegistry::default();
    for (variable, arn) in env.iter() {
        let name = variable.strip_suffix("_AGENT_ARN");
        let Some((name, id)) = name.and_then(|n| Some((n, AgentId::from_variable_name(n)?))) else {
            continue;
        };
        let detail = |suffix| {
            env.get(&format!("{name}_AGENT_{suffix}"))
                .map(str::to_owned)
        };
        let mut agent = Agent::new(id, RuntimeArn::parse(arn));
        agent.qualifier = detail("QUALIFIER");
        agent.description = detail("DESCRIPTION");
        agent.reply_end = env.parse(
            &format!("{name}_AGENT_REPLY_END"),
            ReplyEnd::default(),
            ReplyEnd::ACCEPTED,
            ReplyEnd::parse,
        )?;
        agent.display_name = detail("DISPLAY_NAME").unwrap_or(agent.display_name);
        agents.add(agent).map_err(|id| {
            let problem = format!("another variable configures the agent {id} too");
            ConfigError::new(
                variable,
                problem,
                "one variable for each agent, in any one case",
            )
        })?;
    }
    if agents.is_empty() {
        let accepted = "the ARN of a Bedrock AgentCore runtime in at least one such variable, \
                        ONBOARDING_AGENT_ARN for an agent `onboarding`";
        return Err(ConfigError::new(
            "<NAME>_AGENT_ARN",
            "no agent is configured",
            accepted,
        ));
    }
    Ok(agents)
}

fn invoke_mode(env: &Environment) -> Result<InvokeMode, ConfigError> {
    let accepted = "buffered or response_stream";
    env.parse("INVOKE_MODE", InvokeMode::default(), accepted, |text| {
        Some(match text.to_ascii_lowercase().as_str() {
            "buffered" => InvokeMode::Buffered,
            "response_stream" => InvokeMode::ResponseStream,
            _ => return None,
        })
    })
}

fn base_path(env: &Environment) -> Result<Option<String>, ConfigError> {
    let accepted = "path segments such as /v1/bridge, without `.` and `..`";
    env.parse("BASE_PATH", None, accepted, |text| {
        let path = text.trim_matches('/');
        let is_plain = |segment: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~%+@$!".contains(c);
            !segment.is_empty() && !matches!(segment, "." | "..") && segment.chars().all(is_plain)
        };
        match path {
            "" => Some(None),
            _ if path.split('/').all(is_plain) => Some(Some(format!("/{path}"))),
            _ => None,
        }
    })
}

fn timeouts(env: &Environment) -> Result<Timeouts, ConfigError> {
    let default = Timeouts::default();
    Ok(Timeouts {
        connect: env.milliseconds("CONNECT_TIMEOUT_MS", default.connect)?,
        invoke: env.milliseconds("INVOKE_TIMEOUT_MS", default.invoke)?,
        chunk: env.milliseconds("CHUNK_TIMEOUT_MS", default.chunk)?,
    })
}

fn retry(env: &Environment) -> Result<RetryPolicy, ConfigError> {
    let default = RetryPolicy::default();
    let policy = RetryPolicy {
        max_retries: env.number("RETRY_MAX_RETRIES", default.max_retries, 0..=10)?,
        initial_delay: env.milliseconds("RETRY_INITIAL_DELAY_MS", default.initial_delay)?,
        multiplier: env.parse(
            "RETRY_MULTIPLIER",
            default.multiplier,
            "a decimal number from 1 to 10",
            |text| {
                let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                let number = text.parse().ok().filter(|_| is_plain);
                number.filter(|number| (1.0..=10.0).contains(number))
            },
        )?,
        max_delay: env.milliseconds("RETRY_MAX_DELAY_MS", default.max_delay)?,
        after_send: env.parse(
            "RETRY_AFTER_SEND",
            default.after_send,
            "true or false",
            |text| text.to_ascii_lowercase().parse().ok(),
        )?,
    };
    if policy.initial_delay > policy.max_delay {
        let (name, other) = if env.get("RETRY_INITIAL_DELAY_MS").is_some() {
            ("RETRY_INITIAL_DELAY_MS", "RETRY_MAX_DELAY_MS")
        } else {
            ("RETRY_MAX_DELAY_MS", "RETRY_INITIAL_DELAY_MS")
        };
        let problem = format!("the initial delay is longer than the maximum (see {other})");
        let accepted = "an initial delay of at most the maximum";
        return Err(ConfigError::new(name, problem, accepted));
    }
    Ok(policy)
}

fn allowed_origins(env: &Environment) -> Result<AllowedOrigins, ConfigError> {
    let accepted = "*, or origins such as https://app.example.com separated by commas";
    env.parse(
        "CORS_ALLOWED_ORIGINS",
        AllowedOrigins::None,
        accepted,
        |text| {
            let listed: Vec<_> = text
                .split(',')
                .map(str::trim)
                .filter(|origin| !origin.is_empty())
                .collect();
            match listed.as_slice() {
                [] => Some(AllowedOrigins::None),
                ["*"] => Some(AllowedOrigins::Any),
                origins => {
                    let origins = origins
                        .iter()
                        .map(|origin| is_origin(origin).then_some(*origin));
                    let origins: Option<Vec<_>> = origins.map(|o| o.map(str::to_owned)).collect();
                    origins.map(AllowedOrigins::Listed)
                }
            }
        },
    )
}

/// A scheme and a host, as a browser sends it: no path, no trailing slash.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    let is_scheme = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-.:[]_".contains(c);
    is_scheme && !host.is_empty() && host.chars().all(is_host)
}

fn session_binding(env: &Environment) -> Result<SessionBinding, ConfigError> {
    let key = env
        .get("SESSION_BINDING_KEY")
        .map(|key| Secret::new(key.to_owned()));
    let by_caller = SessionBinding::Caller(key);
    env.parse(
        "SESSION_BINDING",
        by_caller.clone(),
        "caller or off",
        |text| match text.to_ascii_lowercase().as_str() {
            "caller" => Some(by_caller),
            "off" => Some(SessionBinding::Off),
            _ => None,
        },
    )
}

/// CloudWatch's rules for a namespace: 1 to 255 characters, none of AWS's own.
fn metrics_namespace(env: &Environment) -> Result<String, ConfigError> {
    let accepted =
        "1 to 255 characters of A-Z, a-z, 0-9 and .-_/#: or space, not beginning with AWS/";
    env.parse(
        "METRICS_NAMESPACE",
        "AgentCoreBridge".to_owned(),
        accepted,
        |text| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_/#: ".contains(c);
            let fits = (1..=255).contains(&text.len()) && text.chars().all(is_plain);
            (fits && !text.starts_with("AWS/") && !text.starts_with(':')).then(|| text.to_owned())
        },
    )
}

#[cfg(test)]
mod tests;
