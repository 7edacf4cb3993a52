//! Whether callers may have an address of their own to an agent.

/// Whether callers may have a signed address of their own to an agent, past this API.
/// `<NAME>_AGENT_CONNECTIONS`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connections {
    /// They may not.
    #[default]
    Off,
    /// Each address is signed with our own credentials, for one session.
    Presigned,
}

impl Connections {
    /// What [`Self::parse`] takes.
    pub const ACCEPTED: &str = "presigned or off";

    /// Parses `presigned` or `off`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "presigned" => Some(Self::Presigned),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}
