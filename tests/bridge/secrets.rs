//! Secrets appear nowhere: not in `Debug` output, log lines or responses.

use std::time::SystemTime;

use agentcore_bridge::agentcore::credentials::CredentialsCache;
use agentcore_bridge::bridge;
use agentcore_bridge::config::Config;
use agentcore_bridge::env::Environment;
use agentcore_bridge::secret::Secret;
use agentcore_emulator::{Agent, Credentials, Emulator, Handshake};
use aws_credential_types::provider::SharedCredentialsProvider;
use serde_json::json;

use crate::support::{ARN, Function, Outcome, at, event, saying};

const KEY: &str = "MARKER-SECRET-KEY";
const TOKEN: &str = "MARKER/TOKEN+=";
const BINDING: &str = "MARKER-BINDING-KEY";

fn variables(endpoint: &str) -> Vec<(String, String)> {
    [
        ("ECHO_AGENT_ARN", ARN),
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", endpoint),
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL", endpoint),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", KEY),
        ("AWS_SESSION_TOKEN", TOKEN),
        ("SESSION_BINDING_KEY", BINDING),
        ("RETRY_MAX_RETRIES", "0"),
        ("LOG_LEVEL", "trace"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let env: Environment = variables("http://127.0.0.1:9").into_iter().collect();
    let config = Config::from_env(&env).unwrap();
    let api = bridge::api(&config, &env, None, SystemTime::now)
        .await
        .unwrap();
    let token = Some(TOKEN.to_owned());
    let credentials =
        aws_credential_types::Credentials::new("AKIDEXAMPLE", KEY, token, None, "test");
    let provider = SharedCredentialsProvider::new(credentials.clone());
    let cache = CredentialsCache::new(provider, SystemTime::now);
    assert_eq!(cache.get().await.unwrap(), credentials);
    for shown in [
        format!("{env:?} {env:#?}"),
        format!("{config:?} {config:#?}"),
        format!("{api:?} {api:#?}"),
        format!("{credentials:?} {credentials:#?}"),
        format!("{cache:?} {cache:#?}"),
        format!("{:?}", Secret::new(BINDING)),
    ] {
        assert!(!shown.is_empty() && !shown.contains("MARKER"), "{shown}");
        assert!(!shown.contains("123456789012"), "{shown}");
    }
}

/// At the most verbose level, through everything that is signed, both successes and failures.
#[tokio::test]
async fn neither_logs_nor_responses_contain_a_secret() {
    let refused = || Handshake::status(403, "InvalidSignatureException");
    let agent = Agent::echo()
        .handshake(Handshake::Sequence(vec![
            Handshake::Accept,
            Handshake::Accept,
            refused(),
            Handshake::Reset,
        ]))
        .stopping(Handshake::Sequence(vec![
            Handshake::Accept,
            refused(),
            Handshake::Reset,
        ]));
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: KEY.to_owned(),
        session_token: Some(TOKEN.to_owned()),
    };
    let emulator = Emulator::builder()
        .agent(ARN, agent)
        .credentials(credentials);
    let emulator = emulator.start().await.unwrap();
    let function = Function::start(variables(&emulator.endpoint())).await;
    let token = "MARKER-BEARER";
    let claims =
        json!({ "authorizer": { "jwt": { "claims": { "iss": "i", "sub": "MARKER-SUB" } } } });
    let body = json!({ "agentId": "echo", "prompt": "MARKER-PROMPT", "sessionId": "mine" });
    let mut event = saying(event("http-api-jwt", &claims), &body);
    event["headers"]["authorization"] = format!("Bearer {token}").into();
    event["headers"]["x-api-key"] = token.into();
    let mut answers = String::new();
    for _ in 0..4 {
        for (method, path) in [
            ("POST", "/api/agents/invoke"),
            ("DELETE", "/api/agents/echo/sessions/mine"),
            ("GET", "/api/agents/echo/status"),
        ] {
            let Outcome::Response(answer) = function.invoke(&at(event.clone(), method, path)).await
            else {
                panic!("{method} {path}")
            };
            answers.push_str(&answer.to_string());
        }
    }
    let signed: Vec<_> = emulator.connections();
    assert_eq!(signed.len(), 9, "each went out, and the status once");
    let signatures = signed.iter().filter_map(|one| {
        let of_header = one.header("authorization").map(str::to_owned);
        let signature = one
            .parameter("X-Amz-Signature")
            .map(str::to_owned)
            .or(of_header)?;
        signature.rsplit('=').next().map(str::to_owned)
    });
    let signatures: Vec<_> = signatures.collect();
    assert_eq!(signatures.len(), 9);

    let stdout = function.stop().await.stdout;
    assert!(stdout.contains("agent invocation failed"), "{stdout}");
    // The echo agent repeats the prompt, and nothing else.
    let answers = answers.replace("You said: MARKER-PROMPT", "");
    for (what, text) in [("log", &stdout), ("answers", &answers)] {
        assert!(!text.contains("MARKER"), "{what}: {text}");
        assert!(!text.contains("AKIDEXAMPLE"), "{what}: {text}");
        assert!(!text.contains("123456789012"), "{what}: {text}");
        assert!(!text.contains("X-Amz-"), "{what}: {text}");
        for signature in &signatures {
            assert!(!text.contains(signature), "{what}: {text}");
        }
    }
}
