//! The agents that the program serves.

use super::Agent;

/// All ready-made agents, each with a name and an ARN.
#[must_use]
pub fn stock() -> Vec<(&'static str, String, Agent)> {
    [
        ("echo", "Echo_Agent-k3Jx9QpL2a", Agent::echo()),
        ("story", "Story_Agent-Zt7mW4cB1e", Agent::story()),
        ("strands", "Strands_Agent-p8Hs2RvK6d", Agent::strands()),
        ("converse", "Converse_Agent-Lq5nX9tY3f", Agent::converse()),
        ("ag-ui", "AgUi_Agent-b2Gd7JwM8h", Agent::ag_ui()),
        (
            "openai-chat",
            "OpenAiChat_Agent-Vc4kS1zN6j",
            Agent::openai_chat(),
        ),
        (
            "sdk-strings",
            "SdkStrings_Agent-x9Fr3TbQ5k",
            Agent::sdk_strings(),
        ),
        ("bare-json", "BareJson_Agent-Hy6pD8gC2m", Agent::bare_json()),
        ("sdk-error", "SdkError_Agent-w1Ln5ZsJ7n", Agent::sdk_error()),
        (
            "error-first",
            "ErrorFirst_Agent-Rk8vB3xT4p",
            Agent::error_first(),
        ),
        ("silent", "Silent_Agent-e7Mq2HfW9r", Agent::silent()),
        ("cold", "Cold_Agent-Jd5tY6nG1s", Agent::cold()),
        ("weather", "Weather_Agent-u4Kc8PzE7x", Agent::weather()),
        (
            "assistant",
            "Assistant_Agent-Qa6uF4zD8v",
            Agent::assistant(),
        ),
    ]
    .map(|(name, id, agent)| (name, arn(id), agent))
    .into()
}

fn arn(runtime_id: &str) -> String {
    format!("arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/{runtime_id}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{Step, Turn};

    fn turn() -> Turn {
        Turn {
            prompt: "Hello".into(),
            session_id: "s".into(),
            message: String::new(),
            runtime_session_id: "r".into(),
            turn_number: 2,
            history: vec!["Hi".into()],
        }
    }

    #[test]
    fn arns_are_distinct_and_of_the_form_of_the_service() {
        let stock = stock();
        let ids: HashSet<_> = stock.iter().map(|(_, arn, _)| arn).collect();
        assert_eq!(ids.len(), stock.len());
        for arn in ids {
            let (name, suffix) = arn.rsplit_once('/').unwrap().1.rsplit_once('-').unwrap();
            assert!(name.ends_with("_Agent"), "{arn}");
            assert!(
                name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
                "{arn}"
            );
            assert!(suffix.len() == 10 && suffix.chars().all(|c| c.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn agents_that_reply_repeat_the_prompt() {
        let quiet = [
            "story",
            "sdk-error",
            "error-first",
            "silent",
            "weather",
            "assistant",
        ];
        for (name, _, agent) in stock() {
            let said = agent.reply(&turn()).iter().any(|step| match step {
                Step::Text(text) => text.contains("Hello"),
                _ => false,
            });
            assert_eq!(said, !quiet.contains(&name), "{name}");
        }
    }

    #[test]
    fn the_echo_agent_counts_turns() {
        let steps = Agent::echo().reply(&turn());
        let expected = [
            "data: {\"chunk\":\"You said: \"}\n\n",
            "data: {\"chunk\":\"Hello\"}\n\n",
            "data: {\"chunk\":\" (turn 2 of this session)\"}\n\n",
            "data: [DONE]\n\n",
        ];
        assert_eq!(steps, expected.map(Step::text));
    }
}
