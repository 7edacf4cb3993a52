//! Environment variables, and typed readers for them. Each concern reads its own variables with
//! these.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// Every variable that is read, in the order of `.env.example`. `<NAME>` is an agent's. What Lambda
/// tells the process of itself (`AWS_LAMBDA_…`) is none, but for the level of the log.
pub const VARIABLES: [&str; 51] = [
    "<NAME>_AGENT_ARN",
    "<NAME>_AGENT_QUALIFIER",
    "<NAME>_AGENT_DISPLAY_NAME",
    "<NAME>_AGENT_DESCRIPTION",
    "<NAME>_AGENT_MESSAGE",
    "<NAME>_AGENT_FIELDS",
    "<NAME>_AGENT_REPLY_END",
    "<NAME>_AGENT_AUTH",
    "<NAME>_AGENT_USER_ID",
    "<NAME>_AGENT_CONNECTIONS",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE",
    "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "AWS_ENDPOINT_URL_SSM",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "AWS_CA_BUNDLE",
    "HTTPS_PROXY",
    "NO_PROXY",
    "INVOKE_MODE",
    "BASE_PATH",
    "CORS_ALLOWED_ORIGINS",
    "EXPOSE_STEPS",
    "TRACE_AGENTS",
    "CONNECT_TIMEOUT_MS",
    "HANDSHAKE_TIMEOUT_MS",
    "INVOKE_TIMEOUT_MS",
    "CHUNK_TIMEOUT_MS",
    "PING_INTERVAL_MS",
    "REUSE_CONNECTIONS",
    "REUSE_IDLE_MS",
    "RETRY_MAX_RETRIES",
    "RETRY_INITIAL_DELAY_MS",
    "RETRY_MULTIPLIER",
    "RETRY_MAX_DELAY_MS",
    "RETRY_AFTER_SEND",
    "MAX_PROMPT_BYTES",
    "MAX_RESPONSE_BYTES",
    "RESPONSE_CACHE_TTL_MS",
    "RATE_LIMIT_PER_MINUTE",
    "MAX_CONCURRENT_PER_CALLER",
    "SESSION_BINDING",
    "SESSION_BINDING_KEY",
    "METRICS_NAMESPACE",
    "LOG_LEVEL",
    "AWS_LAMBDA_LOG_LEVEL",
];

/// What the hook of a deployment reads beside what the program does.
pub const HOOK_VARIABLES: [&str; 3] = [
    "NEW_VERSIONS",
    "AWS_ENDPOINT_URL_LAMBDA",
    "AWS_ENDPOINT_URL_CODEDEPLOY",
];

/// Whether a variable is listed in [`VARIABLES`] or [`HOOK_VARIABLES`], or set by Lambda itself.
fn is_declared(name: &str) -> bool {
    let is_named = |declared: &&str| match declared.strip_prefix("<NAME>") {
        Some(suffix) => name.ends_with(suffix),
        None => *declared == name,
    };
    let mut declared = VARIABLES.iter().chain(&HOOK_VARIABLES);
    name.starts_with("AWS_LAMBDA_") || declared.any(is_named)
}

/// An invalid or missing variable. The value itself may be a secret, so no field repeats it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}; accepted is {accepted}")]
pub struct ConfigError {
    /// The variable's name.
    pub variable: String,
    /// What is wrong with the value.
    pub problem: String,
    /// Which values are accepted.
    pub accepted: String,
}

impl ConfigError {
    /// An error about a variable.
    pub(crate) fn new(variable: &str, problem: impl Display, accepted: impl Display) -> Self {
        Self {
            variable: variable.to_owned(),
            problem: problem.to_string(),
            accepted: accepted.to_string(),
        }
    }
}

/// A set of environment variables. An empty variable counts as unset.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process. Bytes that are not Unicode are replaced.
    pub fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        std::env::vars_os()
            .map(|(name, value)| (text(name), text(value)))
            .collect()
    }

    /// A variable's value; `None` if unset or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        // Tests hold VARIABLES against the documentation, so this finds variables that are read but
        // not documented.
        debug_assert!(is_declared(name), "{name} is missing in VARIABLES");
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The same for one that other programs know in lower case too, which wins, as it does there: the
    /// name that is set, and its value.
    pub(crate) fn get_in_either_case(&self, name: &str) -> Option<(String, &str)> {
        let lower = name.to_ascii_lowercase();
        let value = self.0.get(&lower).filter(|value| !value.is_empty());
        match value {
            Some(value) => Some((lower, value)),
            None => self.get(name).map(|value| (name.to_owned(), value)),
        }
    }

    /// All that are set and not empty, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(_, value)| !value.is_empty())
    }

    /// Parses a variable. Returns `default` if it is unset.
    pub(crate) fn parse<T>(
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

    /// Reads a whole number within a range.
    pub(crate) fn number<T>(
        &self,
        name: &str,
        default: T,
        range: RangeInclusive<T>,
    ) -> Result<T, ConfigError>
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

    /// Reads a duration in milliseconds, from 1 ms to 15 minutes.
    pub(crate) fn milliseconds(
        &self,
        name: &str,
        default: Duration,
    ) -> Result<Duration, ConfigError> {
        self.number(name, as_milliseconds(default), 1..=900_000)
            .map(Duration::from_millis)
    }

    /// A time in milliseconds, or `None` where it is 0, which is off.
    pub(crate) fn milliseconds_or_off(
        &self,
        name: &str,
        default: Option<Duration>,
    ) -> Result<Option<Duration>, ConfigError> {
        let default = default.map_or(0, as_milliseconds);
        let time = self.number(name, default, 0..=900_000)?;
        Ok((time > 0).then(|| Duration::from_millis(time)))
    }

    /// `true` or `false`, in any case.
    pub(crate) fn flag(&self, name: &str, default: bool) -> Result<bool, ConfigError> {
        let parse = |text: &str| text.to_ascii_lowercase().parse().ok();
        self.parse(name, default, "true or false", parse)
    }
}

fn as_milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
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
