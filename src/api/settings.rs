//! How the API behaves.

use std::time::Duration;

use super::cors::AllowedOrigins;
use crate::env::{ConfigError, Environment};
use crate::limits::RateLimits;

/// The largest prompt that can be configured, in bytes.
const LARGEST_PROMPT_BYTES: usize = 524_288;

/// What operators can choose of the API.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// The longest prompt, in bytes of UTF-8. `MAX_PROMPT_BYTES`
    pub max_prompt_bytes: usize,
    /// The longest reply kept in an answer that is not streamed, in bytes of UTF-8.
    /// `MAX_RESPONSE_BYTES`
    pub max_response_bytes: usize,
    /// Which origins a browser may call from.
    pub allowed_origins: AllowedOrigins,
    /// A path prefix to strip, with a leading slash and no trailing one. `BASE_PATH`
    pub base_path: Option<String>,
    /// How much each caller may ask for.
    pub rate_limits: RateLimits,
    /// How long a whole reply may answer the same caller's same prompt; zero is never.
    /// `RESPONSE_CACHE_TTL_MS`
    pub response_cache_ttl: Duration,
}

impl ApiSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] where the value of one is not accepted.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            max_prompt_bytes: env.number("MAX_PROMPT_BYTES", 102_400, 1..=LARGEST_PROMPT_BYTES)?,
            max_response_bytes: env.number("MAX_RESPONSE_BYTES", 4 << 20, 1..=1 << 30)?,
            allowed_origins: AllowedOrigins::from_env(env)?,
            base_path: base_path(env)?,
            rate_limits: RateLimits::from_env(env)?,
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
