//! The settings of the API.

use std::time::Duration;

use super::cors::AllowedOrigins;
use super::exposed_steps::ExposedSteps;
use crate::env::{ConfigError, Environment};
use crate::limits::RateLimits;
use crate::trace::TraceAgents;

/// The largest value of `MAX_PROMPT_BYTES`.
const LARGEST_PROMPT_BYTES: usize = 524_288;

/// The settings of the API.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// The largest prompt, in bytes of UTF-8. `MAX_PROMPT_BYTES`
    pub max_prompt_bytes: usize,
    /// How much of a reply a response that is not streamed holds, in bytes of UTF-8.
    /// `MAX_RESPONSE_BYTES`
    pub max_response_bytes: usize,
    /// The origins whose pages may call the API.
    pub allowed_origins: AllowedOrigins,
    /// A path prefix that is stripped, with a leading and without a trailing slash. `BASE_PATH`
    pub base_path: Option<String>,
    /// How much each caller may ask for.
    pub rate_limits: RateLimits,
    /// What callers may see of how an agent came to its words.
    pub exposed_steps: ExposedSteps,
    /// Which invocations agents are told to trace.
    pub trace_agents: TraceAgents,
    /// How long a complete reply is cached for the same caller's same prompt; zero disables the
    /// cache. `RESPONSE_CACHE_TTL_MS`
    pub response_cache_ttl: Duration,
}

impl ApiSettings {
    /// Reads the settings from environment variables.
    ///
    /// # Errors
    /// [`ConfigError`] if a value is invalid.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            max_prompt_bytes: env.number("MAX_PROMPT_BYTES", 102_400, 1..=LARGEST_PROMPT_BYTES)?,
            max_response_bytes: env.number("MAX_RESPONSE_BYTES", 4 << 20, 1..=1 << 30)?,
            allowed_origins: AllowedOrigins::from_env(env)?,
            base_path: base_path(env)?,
            rate_limits: RateLimits::from_env(env)?,
            exposed_steps: ExposedSteps::from_env(env)?,
            trace_agents: TraceAgents::from_env(env)?,
            response_cache_ttl: Duration::from_millis(env.number(
                "RESPONSE_CACHE_TTL_MS",
                0,
                0..=900_000,
            )?),
        })
    }
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
