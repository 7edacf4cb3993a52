//! Each failure, made to happen: against the emulator, and servers that are wrong in other ways.

use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime};

use agentcore_emulator::{Agent, Builder, Connection, Emulator, Ended, Handshake, Step};
use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, rustls};

use super::report::Outcome;
use super::*;

const ARN: &str = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/Test_Agent-k3Jx9QpL2a";

type Variables = BTreeMap<String, String>;

/// What is found with these variables beside those of an agent `test` and the emulator's credentials.
async fn findings(more: &[(&str, &str)], ask: Option<&str>) -> Vec<Finding> {
    let keys = agentcore_emulator::Credentials::example();
    let mut variables: Variables = [
        ("TEST_AGENT_ARN", ARN),
        ("AWS_ACCESS_KEY_ID", &keys.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key),
        (
            "AWS_SESSION_TOKEN",
            keys.session_token.as_deref().unwrap_or_default(),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (name, value) in more {
        variables.insert((*name).to_owned(), (*value).to_owned());
    }
    let checkup = Checkup {
        ask: ask.map(str::to_owned),
        ..Checkup::default()
    };
    let mut report = Report::new(true, true);
    examine_all(&checkup, variables, &mut report).await;
    report.findings
}

/// The same, of an emulator with one agent.
async fn of(
    builder: Builder,
    agent: Agent,
    ask: Option<&str>,
    more: &[(&str, &str)],
) -> Vec<Finding> {
    let emulator = builder.agent(ARN, agent).start().await.unwrap();
    // Boxed, since it is large, and so would be every test that asks.
    Box::pin(at(&emulator, ask, more)).await
}

async fn at(emulator: &Emulator, ask: Option<&str>, more: &[(&str, &str)]) -> Vec<Finding> {
    let endpoint = emulator.endpoint();
    let mut all = vec![
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", endpoint.as_str()),
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL", &endpoint),
    ];
    all.extend(more);
    // The bridge and its settings are in this future.
    Box::pin(findings(&all, ask)).await
}

/// The one finding of a check.
#[track_caller]
fn one<'a>(findings: &'a [Finding], check: &str) -> &'a Finding {
    let mut found = findings.iter().filter(|finding| finding.check == check);
    let one = found
        .next()
        .unwrap_or_else(|| panic!("no {check} in {findings:#?}"));
    assert!(found.next().is_none(), "{check} twice in {findings:#?}");
    one
}

#[track_caller]
fn assert_finding(findings: &[Finding], check: &str, outcome: Outcome, what: &str, mend: &str) {
    let found = one(findings, check);
    assert_eq!(found.outcome, outcome, "{found:#?}");
    assert!(found.what.contains(what), "{found:#?} says not {what}");
    let line = found.mend.as_deref().unwrap_or_default();
    assert!(line.contains(mend), "{found:#?} is not mended by {mend}");
}

#[tokio::test]
async fn an_agent_that_is_well_leaves_nothing_to_mend_and_no_session() {
    let emulator = Emulator::builder()
        .agent(ARN, Agent::cold())
        .start()
        .await
        .unwrap();
    let found = at(&emulator, Some("Hello"), &[]).await;
    for finding in &found {
        assert!(
            matches!(finding.outcome, Outcome::Fine | Outcome::Skipped),
            "{finding:#?}"
        );
    }
    assert_eq!(one(&found, "status").what, "READY");
    assert!(one(&found, "prompt").what.contains("3 pieces"));
    assert!(emulator.sessions().is_empty());
    let are_over = |all: &[Connection]| all.iter().all(|one| one.ended != Ended::Open);
    emulator.wait_until(are_over).await;
}

#[tokio::test]
async fn without_a_prompt_the_agent_is_not_asked() {
    let emulator = Emulator::builder()
        .agent(ARN, Agent::echo())
        .start()
        .await
        .unwrap();
    let found = at(&emulator, None, &[]).await;
    assert!(!found.iter().any(|finding| finding.check == "prompt"));
    assert!(
        emulator
            .connections()
            .iter()
            .all(|connection| connection.messages.is_empty())
    );
}

#[tokio::test]
async fn what_is_configured_wrongly_is_named_and_ends_it() {
    let found = findings(&[("INVOKE_TIMEOUT_MS", "soon")], None).await;
    assert_eq!(found.len(), 1);
    assert_finding(
        &found,
        "configuration",
        Outcome::Failure,
        "INVOKE_TIMEOUT_MS",
        "from 1 to 900000",
    );
    let found = findings(&[("TEST_AGENT_ARN", "")], None).await;
    assert_finding(
        &found,
        "configuration",
        Outcome::Failure,
        "no agent",
        "ONBOARDING_AGENT_ARN=arn:",
    );
    let found = findings(&[("AWS_CA_BUNDLE", "/nonexistent.pem")], None).await;
    assert_finding(
        &found,
        "configuration",
        Outcome::Failure,
        "AWS_CA_BUNDLE",
        "PEM",
    );
}

#[tokio::test]
async fn a_malformed_arn_and_a_variable_with_a_slip_are_named() {
    let found = of(
        Emulator::builder(),
        Agent::echo(),
        None,
        &[
            ("OTHER_AGENT_ARN", "arn:aws:lambda:x"),
            ("TEST_AGENT_QUALIFER", "prod"),
        ],
    )
    .await;
    assert_finding(
        &found,
        "arn",
        Outcome::Failure,
        "runtime/<id>",
        "OTHER_AGENT_ARN=arn:",
    );
    let slip = found
        .iter()
        .find(|finding| finding.outcome == Outcome::Warning)
        .unwrap();
    assert!(
        slip.what.contains("TEST_AGENT_QUALIFER")
            && slip.mend.as_ref().unwrap().contains("QUALIFIER")
    );
}

#[tokio::test]
async fn refusals_of_the_handshake_are_told_apart() {
    let of_type = |status, error_type| Agent::refusing(Handshake::status(status, error_type));
    let mmds = Handshake::Status {
        status: 400,
        error_type: Some("ValidationException".to_owned()),
        headers: Vec::new(),
        body: b"{\"message\":\"the runtime must require MMDSv2\"}".to_vec(),
    };
    for (agent, what, mend) in [
        (
            of_type(403, "AccessDeniedException"),
            "status 403",
            "\"Action\":[\"bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStream\"]",
        ),
        (
            of_type(403, "AccessDeniedException"),
            "",
            "Test_Agent-k3Jx9QpL2a/runtime-endpoint/*",
        ),
        (
            of_type(404, "ResourceNotFoundException"),
            "status 404",
            "list-agent-runtimes --region us-east-1",
        ),
        (
            of_type(424, "RuntimeClientError"),
            "status 424",
            "aws logs tail /aws/bedrock-agentcore/runtimes/Test_Agent-k3Jx9QpL2a-DEFAULT",
        ),
        (
            of_type(429, "ThrottlingException"),
            "status 429",
            "Service Quotas",
        ),
        (
            of_type(402, "ServiceQuotaExceededException"),
            "status 402",
            "active sessions",
        ),
        (
            of_type(403, "ExpiredTokenException"),
            "have expired",
            "aws sso login",
        ),
        (
            of_type(403, "UnrecognizedClientException"),
            "are invalid",
            "AWS_ACCESS_KEY_ID",
        ),
        (Agent::refusing(mmds), "MMDSv2", "requireMMDSV2"),
        (
            Agent::refusing(Handshake::Reset),
            "the connection was lost",
            "aws logs tail",
        ),
    ] {
        let found = of(Emulator::builder(), agent, None, &[]).await;
        assert_finding(&found, "handshake", Outcome::Failure, what, mend);
        assert_eq!(one(&found, "status").outcome, Outcome::Fine);
    }
}

#[tokio::test]
async fn an_agent_that_is_told_its_user_needs_two_actions() {
    let denied = Agent::refusing(Handshake::status(403, "AccessDeniedException"));
    let user = [("TEST_AGENT_USER_ID", "caller")];
    let found = of(Emulator::builder(), denied, None, &user).await;
    assert_finding(
        &found,
        "handshake",
        Outcome::Failure,
        "status 403",
        "bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStreamForUser\"]",
    );
}

#[tokio::test]
async fn a_runtime_that_takes_tokens_wants_the_callers() {
    let jwt = || Agent::echo().bearer("token");
    let found = of(Emulator::builder(), jwt(), None, &[]).await;
    assert_finding(
        &found,
        "handshake",
        Outcome::Failure,
        "",
        "TEST_AGENT_AUTH=caller",
    );
    let found = of(
        Emulator::builder(),
        jwt(),
        None,
        &[("TEST_AGENT_AUTH", "caller")],
    )
    .await;
    assert_finding(&found, "handshake", Outcome::Skipped, "tokens", "");
}

#[tokio::test]
async fn credentials_that_are_wrong_or_expired_are_told_apart_from_a_clock_that_is() {
    let secret = [("AWS_SECRET_ACCESS_KEY", "wrong")];
    let found = of(Emulator::builder(), Agent::echo(), None, &secret).await;
    assert_finding(
        &found,
        "handshake",
        Outcome::Failure,
        "invalid",
        "AWS_SECRET_ACCESS_KEY",
    );

    let emulator = Emulator::builder()
        .agent(ARN, Agent::echo())
        .start()
        .await
        .unwrap();
    emulator.expire(agentcore_emulator::Credentials::example().access_key_id);
    let found = at(&emulator, None, &[]).await;
    assert_finding(
        &found,
        "handshake",
        Outcome::Failure,
        "expired",
        "aws sso login",
    );

    let later = now() + Duration::from_hours(1);
    let later = later
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let found = of(
        Emulator::builder().now(move || later),
        Agent::echo(),
        None,
        &[],
    )
    .await;
    assert_finding(
        &found,
        "handshake",
        Outcome::Failure,
        "s behind the service's",
        "timedatectl",
    );
}

#[tokio::test]
async fn the_control_planes_word_is_told() {
    let failed = Agent::echo().endpoint_status("CREATE_FAILED");
    let found = of(Emulator::builder(), failed, None, &[]).await;
    assert_finding(
        &found,
        "status",
        Outcome::Failure,
        "CREATE_FAILED",
        "get-agent-runtime",
    );

    let emulator = Emulator::builder()
        .agent(ARN, Agent::echo().endpoints(["prod"]))
        .start()
        .await
        .unwrap();
    let found = at(&emulator, None, &[("TEST_AGENT_QUALIFIER", "prd")]).await;
    assert_finding(
        &found,
        "status",
        Outcome::Failure,
        "no such",
        "list-agent-runtime-endpoints",
    );
    assert_finding(
        &found,
        "handshake",
        Outcome::Failure,
        "status 404",
        "TEST_AGENT_QUALIFIER=",
    );

    let denies = answering("HTTP/1.1 403 Forbidden\r\nx-amzn-errortype: AccessDeniedException\r\ncontent-length: 2\r\n\r\n{}").await;
    let more = [(
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
        denies.as_str(),
    )];
    let found = at(&emulator, None, &more).await;
    assert_finding(
        &found,
        "status",
        Outcome::Warning,
        "status 403",
        "bedrock-agentcore:GetAgentRuntimeEndpoint",
    );
    assert_eq!(one(&found, "handshake").outcome, Outcome::Fine);
}

#[tokio::test]
async fn a_session_that_may_not_be_ended_is_a_warning() {
    let agent = Agent::echo().stopping(Handshake::status(403, "AccessDeniedException"));
    let found = of(Emulator::builder(), agent, None, &[]).await;
    assert_finding(
        &found,
        "session",
        Outcome::Warning,
        "could not be ended",
        "bedrock-agentcore:StopRuntimeSession",
    );
}

#[tokio::test]
async fn a_prompt_that_fails_says_why() {
    let short = [("CHUNK_TIMEOUT_MS", "200"), ("RETRY_MAX_RETRIES", "0")];
    let endless = Agent::scripted(vec![
        Step::text("data: {\"chunk\":\"word\"}\n\n"),
        Step::Silence,
    ]);
    let empty = Agent::scripted(vec![
        Step::text("{\"colour\":1}"),
        Step::text("{\"x\":2}"),
        Step::Close(Some(1000)),
    ]);
    for (agent, what, mend) in [
        (Agent::silent(), "silent for too long", "TEST_AGENT_MESSAGE"),
        (Agent::error_first(), "reported an error", "aws logs tail"),
        (Agent::sdk_error(), "reported an error", "aws logs tail"),
        (endless, "silent for too long", "CHUNK_TIMEOUT_MS"),
        (empty, "2 of them unread", "TEST_AGENT_MESSAGE"),
    ] {
        let found = of(Emulator::builder(), agent, Some("Hello"), &short).await;
        assert_finding(&found, "prompt", Outcome::Failure, what, mend);
    }
}

#[tokio::test]
async fn a_handshake_that_is_not_answered_says_which_time_to_raise() {
    let short = [("HANDSHAKE_TIMEOUT_MS", "200")];
    let found = of(
        Emulator::builder(),
        Agent::refusing(Handshake::Stall),
        None,
        &short,
    )
    .await;
    assert_finding(
        &found,
        "handshake",
        Outcome::Failure,
        "the handshake ran out",
        "HANDSHAKE_TIMEOUT_MS=",
    );
}

#[tokio::test]
async fn an_endpoint_where_nothing_listens_is_named() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let both = [
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", address.as_str()),
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL", &address),
    ];
    let found = findings(&both, None).await;
    assert_finding(
        &found,
        "tcp",
        Outcome::Failure,
        "refused",
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE",
    );
    assert_finding(
        &found,
        "handshake",
        Outcome::Failure,
        "could not be reached",
        "AWS_ENDPOINT_URL",
    );
}

#[tokio::test]
async fn names_that_lead_nowhere_and_missing_credentials_are_found_without_aws() {
    // RFC 6761 keeps this name from leading anywhere.
    let nowhere = "https://agents.invalid";
    let variables = [
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", nowhere),
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL", nowhere),
        ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1"),
    ];
    let found = findings(&variables, None).await;
    assert_finding(&found, "dns", Outcome::Failure, "", "HTTPS_PROXY");
    assert_eq!(one(&found, "identity").outcome, Outcome::Warning);
    assert_eq!(one(&found, "credentials").outcome, Outcome::Fine);
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let variables = [
        (
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE",
            "https://agents.invalid",
        ),
        (
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
            "https://agents.invalid",
        ),
        ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1"),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
    ];
    let found = findings(&variables, None).await;
    assert!(
        !found.iter().any(|finding| finding.check == "dns"),
        "the proxy looks names up"
    );
    assert_finding(&found, "tls", Outcome::Failure, "proxy", "HTTPS_PROXY");
}

#[tokio::test]
async fn certificates_that_are_not_trusted_are_told_apart() {
    let noon = rcgen::date_time_ymd(2020, 1, 1);
    for (name, until, is_trusted, mend) in [
        ("localhost", None, true, ""),
        ("localhost", None, false, "AWS_CA_BUNDLE="),
        ("localhost", Some(noon), true, "timedatectl"),
        ("agents.example", None, true, "another host answers"),
    ] {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = until.unwrap_or(params.not_after);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let file = std::env::temp_dir().join(format!("doctor-{}.pem", uuid::Uuid::new_v4()));
        std::fs::write(&file, certificate.pem()).unwrap();
        let endpoint = serving_tls(certificate.der().clone(), key.serialize_der()).await;
        let mut variables = vec![
            ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", endpoint.as_str()),
            ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL", &endpoint),
            ("CONNECT_TIMEOUT_MS", "2000"),
            ("HANDSHAKE_TIMEOUT_MS", "200"),
        ];
        if is_trusted {
            variables.push(("AWS_CA_BUNDLE", file.to_str().unwrap()));
        }
        let found = findings(&variables, None).await;
        std::fs::remove_file(&file).unwrap();
        let outcome = if mend.is_empty() {
            Outcome::Fine
        } else {
            Outcome::Failure
        };
        assert_finding(&found, "tls", outcome, "", mend);
    }
}

/// A server that gives every connection this answer.
async fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

/// A server that shakes hands, as far as its certificate is taken, and says no more.
async fn serving_tls(
    certificate: rustls::pki_types::CertificateDer<'static>,
    key: Vec<u8>,
) -> String {
    let provider = rustls::crypto::ring::default_provider().into();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key).into();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.shutdown().await;
            }
        }
    });
    format!("https://localhost:{port}")
}
