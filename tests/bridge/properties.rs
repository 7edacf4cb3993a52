//! The ten correctness properties of the design, each as a property-based test of a hundred cases
//! at least.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use agentcore_bridge::agent::{Runtime, RuntimeArn};
use agentcore_bridge::agentcore::sign::presign::{PresignedUrl, presign};
use agentcore_bridge::session::{RuntimeSessionId, SessionId};
use agentcore_emulator::{Agent, Ended, Handshake, Step};
use agentcore_reply::{ReplyReader, Step as Read};
use aws_credential_types::Credentials;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{ARN, Bridge, answer_to};

const CASES: u32 = 100;

/// Runs a test for each of a hundred values, all on one runtime.
fn check<S: Strategy>(strategy: &S, test: impl AsyncFn(S::Value) -> Result<(), TestCaseError>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(CASES)
    };
    let run = TestRunner::new(config).run(strategy, |value| runtime.block_on(test(value)));
    run.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Like [`check`], with one bridge and agent for all cases.
fn check_bridge<S: Strategy>(
    agent: Agent,
    variables: &[(&str, &str)],
    strategy: &S,
    test: impl AsyncFn(&Bridge, S::Value) -> Result<(), TestCaseError>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let bridge = runtime.block_on(Bridge::configured(agent, variables));
    let (runtime, bridge) = (&runtime, &bridge);
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(CASES)
    };
    let run =
        TestRunner::new(config).run(strategy, move |value| runtime.block_on(test(bridge, value)));
    run.unwrap_or_else(|failure| panic!("{failure}"));
}

fn arn() -> impl Strategy<Value = String> {
    let partition = select(vec![
        ("aws", "eu-west-1"),
        ("aws", "us-east-1"),
        ("aws-cn", "cn-north-1"),
        ("aws-us-gov", "us-gov-west-1"),
    ]);
    let id = "[a-zA-Z][a-zA-Z0-9_]{0,30}-[a-zA-Z0-9]{10}";
    (partition, "[0-9]{12}", id).prop_map(|((partition, region), account, id)| {
        format!("arn:{partition}:bedrock-agentcore:{region}:{account}:runtime/{id}")
    })
}

fn session_id() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9][A-Za-z0-9_-]{0,40}",
        "[A-Za-z0-9][A-Za-z0-9_-]{32,255}"
    ]
}

/// A prompt that is sent unchanged: not blank, without control characters.
fn prompt() -> impl Strategy<Value = String> {
    r#"[\P{Cc}]{0,40}[a-zA-Z0-9"\\é€😀]"#
}

fn signed(arn: &str, session: &str, secret: &str, seconds: u64) -> PresignedUrl {
    let session = RuntimeSessionId::of(&SessionId::parse(session).unwrap());
    let credentials = Credentials::new(
        "AKIDEXAMPLE",
        secret,
        Some("token/+=".to_owned()),
        None,
        "test",
    );
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    presign(
        &Runtime::of(RuntimeArn::parse(arn).unwrap()),
        &session,
        None,
        &credentials,
        time,
    )
}

// Feature: backend-agentcore-integration, Property 1: For any valid AgentCore runtime ARN and
// session ID, generating a signed WebSocket URL twice with the same credentials and timestamp
// should produce identical URLs.
#[test]
fn property_1_websocket_url_generation_consistency() {
    let values = (
        arn(),
        session_id(),
        "[a-zA-Z0-9/+]{40}",
        0u64..4_000_000_000,
    );
    check(&values, async |(arn, session, secret, seconds)| {
        let url = signed(&arn, &session, &secret, seconds).to_url();
        prop_assert_eq!(&url, &signed(&arn, &session, &secret, seconds).to_url());
        prop_assert_ne!(&url, &signed(&arn, &session, &secret, seconds + 1).to_url());
        Ok(())
    });
}

// Feature: backend-agentcore-integration, Property 2: For any valid AgentCore runtime ARN, parsing
// the ARN to extract components and then reconstructing the URL path should preserve the original
// ARN structure.
#[test]
fn property_2_arn_parsing_round_trip() {
    check(&arn(), async |text| {
        let arn = RuntimeArn::parse(&text).unwrap();
        let end = format!(":runtime/{}", arn.runtime_id());
        let region = format!(":{}:", arn.region());
        prop_assert!(text.ends_with(&end) && text.contains(&region));

        let url = signed(&text, "session", "secret", 0);
        let (path, _) = url.target().split_once('?').unwrap();
        let segments: Vec<_> = path.split('/').collect();
        prop_assert_eq!(segments.len(), 4, "the ARN is one segment: {}", path);
        prop_assert_eq!((segments[1], segments[3]), ("runtimes", "ws"));
        prop_assert_eq!(percent_decode_str(segments[2]).decode_utf8().unwrap(), text);
        Ok(())
    });
}

// Feature: backend-agentcore-integration, Property 3: For any two consecutive calls to generate a
// session ID, the generated IDs should be distinct.
#[test]
fn property_3_session_id_uniqueness() {
    check(&(2usize..1000), async |count| {
        let ids: HashSet<_> = (0..count).map(|_| SessionId::generate()).collect();
        prop_assert_eq!(ids.len(), count);
        Ok(())
    });
}

// Feature: backend-agentcore-integration, Property 4: For any agent invocation with a provided
// session ID, the response should contain the same session ID that was sent in the request.
#[test]
fn property_4_session_id_preservation() {
    check_bridge(
        Agent::echo(),
        &[],
        &session_id(),
        async |bridge, session| {
            let said = json!({ "agentId": "test", "prompt": "x", "sessionId": session });
            let answer = bridge.invoke(&said).await;
            prop_assert_eq!(answer.status.as_u16(), 200);
            prop_assert_eq!(&answer.json()["sessionId"], &session);
            Ok(())
        },
    );
}

// Feature: backend-agentcore-integration, Property 5: For any error condition (invalid ARN,
// connection failure, timeout), the error response should contain an error code, message, and
// appropriate HTTP status code.
#[test]
fn property_5_error_response_structure() {
    #[derive(Clone, Debug)]
    enum Condition {
        InvalidArn,
        UnknownAgent,
        Body(String),
        Refused(u16),
        Broken(Handshake),
        Lost(Step),
        Silent,
    }
    let condition = prop_oneof![
        Just(Condition::InvalidArn),
        Just(Condition::UnknownAgent),
        "[^{]{0,10}".prop_map(Condition::Body),
        (300u16..600).prop_map(Condition::Refused),
        select(vec![
            Handshake::Reset,
            Handshake::CloseSilently,
            Handshake::Stall
        ])
        .prop_map(Condition::Broken),
        select(vec![
            Step::Fin,
            Step::Reset,
            Step::Close(Some(1011)),
            Step::text("data: {\"error\":1}\n\n")
        ])
        .prop_map(Condition::Lost),
        Just(Condition::Silent),
    ];
    let variables = [
        ("BROKEN_AGENT_ARN", "arn:aws:bedrock-agentcore:x"),
        ("CONNECT_TIMEOUT_MS", "50"),
        ("HANDSHAKE_TIMEOUT_MS", "50"),
        ("CHUNK_TIMEOUT_MS", "50"),
        ("RETRY_MAX_RETRIES", "0"),
    ];
    check_bridge(
        Agent::echo(),
        &variables,
        &condition,
        async |bridge, condition| {
            let (agent, agent_id, statuses) = match &condition {
                Condition::InvalidArn => (Agent::echo(), "broken", vec![400]),
                Condition::UnknownAgent => (Agent::echo(), "nobody", vec![404]),
                Condition::Body(_) => (Agent::echo(), "test", vec![400]),
                Condition::Refused(status) => {
                    let refusing = Agent::refusing(Handshake::status(*status, "SomeException"));
                    (refusing, "test", vec![answer_to(*status)])
                }
                Condition::Broken(handshake) => {
                    (Agent::refusing(handshake.clone()), "test", vec![503, 504])
                }
                Condition::Lost(step) => {
                    (Agent::scripted(vec![step.clone()]), "test", vec![500, 503])
                }
                Condition::Silent => (Agent::silent(), "test", vec![504]),
            };
            bridge.emulator.register(ARN, agent);
            let answer = match &condition {
                Condition::Body(body) => bridge.post(body.clone()).await,
                _ => {
                    bridge
                        .invoke(&json!({ "agentId": agent_id, "prompt": "x" }))
                        .await
                }
            };
            prop_assert!(statuses.contains(&answer.status.as_u16()), "{:?}", answer);
            let body = answer.json();
            let code = match answer.status.as_u16() {
                400 => "ValidationError",
                401 => "AuthenticationError",
                403 => "AuthorizationError",
                404 => "NotFoundError",
                503 => "ServiceUnavailableError",
                504 => "TimeoutError",
                _ => "InternalError",
            };
            prop_assert_eq!(&body["error"], code);
            prop_assert!(
                body["message"]
                    .as_str()
                    .is_some_and(|message| !message.is_empty())
            );
            prop_assert!(body["details"]["retryable"].is_boolean());
            Ok(())
        },
    );
}

/// Messages as agents send them, some of them truncated.
fn messages() -> impl Strategy<Value = Vec<String>> {
    let text = r#"[a-z "\\é]{0,6}"#;
    let message = prop_oneof![
        text.prop_map(|text| format!("data: {}\n\n", json!({ "chunk": text }))),
        text.prop_map(|text| format!("data: {}", Value::from(text))),
        text.prop_map(|text| json!({ "text": text }).to_string()),
        text,
        select(vec![
            "da",
            "ta: ",
            "{\"a\":",
            "\n",
            ": hi\n",
            "event: done\n",
            "data: [DONE]"
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(message, 0..8)
}

fn read(messages: &[String]) -> Vec<Read> {
    let mut reader = ReplyReader::default();
    let mut steps = Vec::new();
    for message in messages {
        reader.push_text(message);
        steps.extend(reader.by_ref());
    }
    reader.finish();
    steps.extend(reader);
    steps
}

// Feature: backend-agentcore-integration, Property 6: For any valid SSE-formatted message, parsing
// it multiple times should yield the same extracted content.
#[test]
fn property_6_sse_message_parsing_idempotence() {
    check(&(messages(), r"[a-z]{1,8}"), async |(messages, text)| {
        prop_assert_eq!(read(&messages), read(&messages));
        // Text that was read gives the same text when it is sent as an event.
        let event = |text: &str| format!("data: {}\n\n", json!({ "chunk": text }));
        let once = read(&[event(&text)]);
        let Some(Read::Text(piece)) = once.first() else {
            return Err(TestCaseError::fail("no text"));
        };
        prop_assert_eq!(piece, &text);
        prop_assert_eq!(read(&[event(piece)]), once);
        Ok(())
    });
}

// Feature: backend-agentcore-integration, Property 7: For any sequence of streaming chunks,
// concatenating them in the order received should produce a coherent response that preserves the
// original message structure.
#[test]
fn property_7_response_concatenation_order() {
    let chunks = prop::collection::vec(prompt(), 0..30);
    check_bridge(Agent::echo(), &[], &chunks, async |bridge, chunks| {
        let event = |chunk: &String| Step::text(format!("data: {}\n\n", json!({ "chunk": chunk })));
        let mut steps: Vec<_> = chunks.iter().map(event).collect();
        steps.push(Step::text("data: [DONE]\n\n"));
        bridge.emulator.register(ARN, Agent::scripted(steps));
        let answer = bridge.say("x").await.json();
        prop_assert_eq!(&answer["response"], &chunks.concat());
        prop_assert_eq!(&answer["metadata"]["chunks"], chunks.len());
        Ok(())
    });
}

// Feature: backend-agentcore-integration, Property 8: For any agent invocation (successful or
// failed), the WebSocket connection should be closed after the operation completes.
#[test]
fn property_8_websocket_connection_cleanup() {
    let text = || Step::text("data: {\"chunk\":\"a\"}\n\n");
    let end = select(vec![
        Step::text("data: [DONE]\n\n"),
        Step::text("data: {\"error\":\"x\"}\n\n"),
        Step::Close(Some(1000)),
        Step::Close(Some(1011)),
        Step::Close(None),
        Step::Binary(vec![0xff]),
        Step::Fin,
        Step::AwaitClose,
    ]);
    let steps = (0usize..3, end, any::<bool>());
    let variables = [("CHUNK_TIMEOUT_MS", "30"), ("RETRY_MAX_RETRIES", "0")];
    check_bridge(
        Agent::echo(),
        &variables,
        &steps,
        async |bridge, (count, end, cancel)| {
            // A peer that has ended TCP cannot get a close frame.
            let is_told = end != Step::Fin;
            let mut steps = vec![text(); count];
            steps.push(end);
            bridge.emulator.register(ARN, Agent::scripted(steps));
            let before = bridge.emulator.connections().len();
            if cancel {
                let _ = tokio::time::timeout(Duration::from_millis(3), bridge.say("x")).await;
            } else {
                bridge.say("x").await;
            }
            let all_closed = bridge
                .emulator
                .wait_until(|all| all.iter().all(|c| c.ended != Ended::Open));
            let Ok(connections) = tokio::time::timeout(Duration::from_secs(5), all_closed).await
            else {
                return Err(TestCaseError::fail("a connection is still open"));
            };
            // A connection cancelled by the previous case may be accepted only now.
            let spoken = connections[before..].iter().any(|c| !c.messages.is_empty());
            prop_assert!(cancel || spoken);
            for connection in &connections[before..] {
                // A connection that was cancelled early need not be a WebSocket yet.
                let has_spoken = !connection.messages.is_empty();
                if is_told && has_spoken {
                    prop_assert!(connection.close_code.is_some(), "{:?}", connection);
                }
            }
            Ok(())
        },
    );
}

// Feature: backend-agentcore-integration, Property 9: For any valid request to the
// `/api/agents/invoke` endpoint, the response structure should match the existing API contract
// (containing `response` and `sessionId` fields).
#[test]
fn property_9_backward_compatibility() {
    let request = (
        prompt(),
        prop::option::of(session_id()),
        "[a-z]{1,8}",
        any::<i32>(),
    );
    check_bridge(
        Agent::echo(),
        &[],
        &request,
        async |bridge, (prompt, session, extra, value)| {
            let mut said = json!({ "agentId": "test", "prompt": prompt });
            said[format!("x-{extra}")] = value.into();
            if let Some(session) = &session {
                said["sessionId"] = session.as_str().into();
            }
            let answer = bridge.invoke(&said).await;
            prop_assert_eq!(answer.status.as_u16(), 200, "{:?}", answer);
            prop_assert_eq!(answer.header("content-type"), "application/json");
            let body = answer.json();
            let reply = body["response"].as_str().unwrap_or_default();
            prop_assert!(
                reply.starts_with(&format!("You said: {prompt} (turn ")),
                "{}",
                reply
            );
            let got = body["sessionId"].as_str();
            prop_assert!(got.is_some_and(|id| SessionId::parse(id).is_ok()));
            prop_assert!(session.is_none() || got == session.as_deref());
            Ok(())
        },
    );
}

// Feature: backend-agentcore-integration, Property 10: For any two concurrent agent invocations
// with different session IDs, the responses should not interfere with each other and should be
// correctly associated with their respective sessions.
#[test]
fn property_10_concurrent_invocation_independence() {
    let invocations = prop::collection::hash_map("[A-Za-z0-9_-]{1,200}", prompt(), 2..6);
    check_bridge(
        Agent::echo(),
        &[],
        &invocations,
        async |bridge, invocations| {
            // Fresh sessions, so that each is in its first turn.
            let case = Uuid::new_v4();
            let all = invocations.iter().map(async |(session, prompt)| {
                let session = format!("{case}-{session}");
                let said = json!({ "agentId": "test", "prompt": prompt, "sessionId": session });
                (session, prompt, bridge.invoke(&said).await.json())
            });
            for (session, prompt, body) in futures_util::future::join_all(all).await {
                prop_assert_eq!(&body["sessionId"], &session);
                let expected = format!("You said: {prompt} (turn 1 of this session)");
                prop_assert_eq!(&body["response"], &expected);
            }
            Ok(())
        },
    );
}
