//! What callers may see of how an agent came to its words.

use crate::env::{ConfigError, Environment};

/// The steps that callers may see. `EXPOSE_STEPS`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExposedSteps {
    /// The agent's reasoning.
    pub reasoning: bool,
    /// Calls of tools with their input, and what the tools answered.
    pub tools: bool,
}

impl ExposedSteps {
    /// Reads `EXPOSE_STEPS`.
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is unknown.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        let accepted = "tools, reasoning, or both separated by a comma";
        env.parse("EXPOSE_STEPS", Self::default(), accepted, Self::parse)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut exposed = Self::default();
        let names = text.split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            match name {
                "reasoning" => exposed.reasoning = true,
                "tools" => exposed.tools = true,
                _ => return None,
            }
        }
        Some(exposed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_exposed_by_name() {
        let exposed = |reasoning, tools| Some(ExposedSteps { reasoning, tools });
        for (text, expected) in [
            ("tools", exposed(false, true)),
            (" reasoning ", exposed(true, false)),
            ("reasoning,tools,", exposed(true, true)),
            (",", exposed(false, false)),
            ("all", None),
            ("tools reasoning", None),
        ] {
            assert_eq!(ExposedSteps::parse(text), expected, "{text}");
        }
    }
}
