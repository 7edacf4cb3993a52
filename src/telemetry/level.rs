//! The log level.

use tracing::level_filters::LevelFilter;

use crate::env::{ConfigError, Environment};

/// The log level of our own code. `LOG_LEVEL`, else `AWS_LAMBDA_LOG_LEVEL`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Errors that the operator has to fix, and fatal ones.
    Error,
    /// Also failures of agents and of AWS.
    Warn,
    /// Also each invocation.
    #[default]
    Info,
    /// Also each step of an invocation.
    Debug,
    /// Also each message of an agent.
    Trace,
}

impl LogLevel {
    /// Reads `LOG_LEVEL`, else `AWS_LAMBDA_LOG_LEVEL`.
    ///
    /// # Errors
    /// [`ConfigError`] if the value is not a level.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        let name = ["LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL"]
            .into_iter()
            .find(|name| env.get(name).is_some())
            .unwrap_or("LOG_LEVEL");
        let accepted = "trace, debug, info, warn, error or fatal";
        env.parse(name, Self::default(), accepted, |text| {
            Some(match text.to_ascii_lowercase().as_str() {
                "trace" => Self::Trace,
                "debug" => Self::Debug,
                "info" => Self::Info,
                "warn" => Self::Warn,
                "error" | "fatal" => Self::Error,
                _ => return None,
            })
        })
    }
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}
