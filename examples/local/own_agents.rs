//! Agents of the user's own, which need no AWS: `--agent support=ws://localhost:8080/ws`.

use std::collections::BTreeMap;

use url::Url;

/// An agent that serves a WebSocket somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnAgent {
    /// Its id, in lower case.
    pub(crate) id: String,
    /// Where its WebSocket is, with the scheme `http` or `https`.
    pub(crate) url: Url,
}

const FORM: &str = "--agent takes NAME=URL, such as support=ws://localhost:8080/ws";

impl OwnAgent {
    /// Parses `NAME=URL`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, url) = text.split_once('=').ok_or(FORM)?;
        let is_in_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_alphabetic())
            || !name.chars().all(is_in_name)
            || name.len() > 64
        {
            let rule = "a name has letters, digits, - and _, and begins with a letter";
            return Err(format!("{FORM}; {rule}"));
        }
        // `http` and `https` are what the handshake is spoken in.
        let url = match url.split_once("://") {
            Some(("ws" | "http", rest)) => Url::parse(&format!("http://{rest}")),
            Some(("wss" | "https", rest)) => Url::parse(&format!("https://{rest}")),
            _ => return Err(format!("{FORM}; the scheme is ws, wss, http or https")),
        };
        let mut url = url.map_err(|error| format!("{FORM}; the URL is none: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("{FORM}; the URL has no user name or password"));
        }
        url.set_fragment(None);
        if url.path() == "/" {
            url.set_path("/ws");
        }
        Ok(Self {
            id: name.to_ascii_lowercase().replace('_', "-"),
            url,
        })
    }

    /// What the names of its variables begin with: `SUPPORT_DESK`.
    pub(crate) fn variable(&self) -> String {
        self.id.to_ascii_uppercase().replace('-', "_")
    }

    /// The ARN that it has here.
    pub(crate) fn arn(&self) -> String {
        let runtime = self.runtime_id();
        format!("arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/{runtime}")
    }

    pub(crate) fn runtime_id(&self) -> String {
        // The service's form: a name, a hyphen, and ten letters or digits.
        format!("{}-LocalAgent", self.id.replace('-', "_"))
    }

    /// Its address as people write it.
    pub(crate) fn address(&self) -> String {
        self.url.as_str().replacen("http", "ws", 1)
    }
}

/// Puts these agents in place of all that are configured; what else is configured of them holds.
/// Returns the agents that are left out.
pub(crate) fn configure(
    agents: &[OwnAgent],
    endpoint: &str,
    variables: &mut BTreeMap<String, String>,
) -> Vec<String> {
    let is_arn =
        |(name, value): &(&String, &String)| name.ends_with("_AGENT_ARN") && !value.is_empty();
    let left_out: Vec<_> = variables
        .iter()
        .filter(is_arn)
        .map(|(name, _)| name.clone())
        .collect();
    for name in &left_out {
        variables.remove(name);
    }
    for agent in agents {
        variables.insert(format!("{}_AGENT_ARN", agent.variable()), agent.arn());
    }
    for (name, value) in [
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", endpoint),
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL", endpoint),
        // Nobody checks the signature, but one is made.
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    // They would contradict the endpoints.
    for name in [
        "AWS_SESSION_TOKEN",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_USE_DUALSTACK_ENDPOINT",
    ] {
        variables.remove(name);
    }
    // Nor is a key that AWS keeps fetched.
    if variables
        .get("SESSION_BINDING_KEY")
        .is_some_and(|key| key.starts_with("arn:"))
    {
        variables.remove("SESSION_BINDING_KEY");
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_be_of_four_schemes_and_its_path_be_left_out() {
        for (text, id, address) in [
            (
                "support=ws://localhost:8080/ws",
                "support",
                "ws://localhost:8080/ws",
            ),
            (
                "Support_Desk=http://localhost:8080",
                "support-desk",
                "ws://localhost:8080/ws",
            ),
            (
                "a=wss://agent.example/x/ws?y=z",
                "a",
                "wss://agent.example/x/ws?y=z",
            ),
            ("a=https://agent.example/", "a", "wss://agent.example/ws"),
            ("a=ws://[::1]:8080", "a", "ws://[::1]:8080/ws"),
        ] {
            let agent = OwnAgent::parse(text).unwrap();
            assert_eq!((agent.id.as_str(), agent.address().as_str()), (id, address));
        }
    }

    #[test]
    fn what_is_no_agent_is_refused() {
        for text in [
            "",
            "support",
            "=ws://localhost",
            "1a=ws://localhost",
            "a b=ws://localhost",
            "a=localhost:8080",
            "a=ftp://localhost",
            "a=ws://",
            "a=ws://user:secret@localhost",
        ] {
            let error = OwnAgent::parse(text).unwrap_err();
            assert!(
                error.starts_with(FORM) && !error.contains("secret"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn own_agents_are_the_only_ones_and_keep_their_settings() {
        let mut variables: BTreeMap<_, _> = [
            ("OTHER_AGENT_ARN", "arn:x"),
            ("A_B_AGENT_REPLY_END", "message"),
            ("AWS_USE_FIPS_ENDPOINT", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let agents = [OwnAgent::parse("a-b=ws://localhost").unwrap()];
        let left_out = configure(&agents, "http://127.0.0.1:1", &mut variables);
        assert_eq!(left_out, ["OTHER_AGENT_ARN"]);
        let env: agentcore_bridge::env::Environment = variables.into_iter().collect();
        let config = agentcore_bridge::config::Config::from_env(&env).unwrap();
        let agents: Vec<_> = config.agents.iter().collect();
        assert_eq!(agents.len(), 1);
        assert_eq!(agents[0].id.as_str(), "a-b");
        assert!(agents[0].runtime.is_ok(), "its ARN is one");
        assert_eq!(
            agents[0].reply_end,
            agentcore_bridge::agent::ReplyEnd::Message
        );
    }
}
