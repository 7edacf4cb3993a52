//! How the binary answers Lambda.

use crate::env::{ConfigError, Environment};

/// How the binary answers Lambda. `INVOKE_MODE`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InvokeMode {
    /// Each answer whole.
    #[default]
    Buffered,
    /// Each answer as a stream.
    ResponseStream,
}

impl InvokeMode {
    /// Reads the setting.
    ///
    /// # Errors
    /// [`ConfigError`] where it is none.
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
