//! How the function sends its responses to Lambda.

use crate::env::{ConfigError, Environment};

/// How the function sends its responses to Lambda. `INVOKE_MODE`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InvokeMode {
    /// Each response as one document.
    #[default]
    Buffered,
    /// Each response as a stream.
    ResponseStream,
}

impl InvokeMode {
    /// Reads `INVOKE_MODE`.
    ///
    /// # Errors
    /// [`ConfigError`] if the value names no mode.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        let accepted = "buffered or response_stream";
        env.parse("INVOKE_MODE", Self::default(), accepted, |text| {
            Some(match text.to_ascii_lowercase().as_str() {
                "buffered" => Self::Buffered,
                "response_stream" => Self::ResponseStream,
                _ => return None,
            })
        })
    }
}
