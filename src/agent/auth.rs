//! Who is let in at an agent's runtime, and whether it is told who calls.

/// By whose leave a runtime is asked. A runtime takes one kind or the other, never both.
/// `<NAME>_AGENT_AUTH`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RuntimeAuth {
    /// Requests are signed with our own credentials.
    #[default]
    SigV4,
    /// The caller's own bearer token goes on to the runtime, which has a JWT authorizer.
    Caller,
}

impl RuntimeAuth {
    /// What [`Self::parse`] takes.
    pub const ACCEPTED: &str = "sigv4 or caller";

    /// Parses `sigv4` or `caller`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "sigv4" => Some(Self::SigV4),
            "caller" => Some(Self::Caller),
            _ => None,
        }
    }
}

/// Which user a runtime is told. `<NAME>_AGENT_USER_ID`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RuntimeUser {
    /// None.
    #[default]
    Untold,
    /// The caller's id, where there is a caller.
    Caller,
}

impl RuntimeUser {
    /// What [`Self::parse`] takes.
    pub const ACCEPTED: &str = "caller";

    /// Parses `caller`.
    pub fn parse(text: &str) -> Option<Self> {
        text.eq_ignore_ascii_case("caller").then_some(Self::Caller)
    }
}
