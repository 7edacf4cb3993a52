//! What the log says of a refusal, and what is done about one that can be mended: the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use agentcore_emulator::{Agent, Builder, Connection, Emulator, Handshake};
use serde_json::{Value, json};

use crate::support::{ARN, Function, answered, function, lines, rest_event, said, variables};

/// A refusal with these headers and this body.
fn refusal(status: u16, headers: &[(&str, &str)], body: &str) -> Handshake {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Handshake::Status {
        status,
        error_type: None,
        headers: headers.collect(),
        body: body.as_bytes().to_vec(),
    }
}

async fn say(function: &Function) -> (u64, Value) {
    let event = rest_event("POST", "/api/agents/invoke", Some(&said("x")));
    answered(function.invoke(&event).await)
}

/// The lines of an event, in their order.
fn of_event(stdout: &str, message: &str) -> Vec<Value> {
    let lines = lines(stdout);
    lines
        .into_iter()
        .filter(|line| line["message"] == message)
        .collect()
}

/// An invocation that is refused once: the answer, and the line that says so.
async fn refused(handshake: Handshake) -> (u64, Value, Value) {
    let agent = Agent::refusing(handshake);
    let (_emulator, function) = function(agent, &[("RETRY_MAX_RETRIES", "0")]).await;
    let (status, answer) = say(&function).await;
    let stdout = function.stop().await.stdout;
    assert!(!stdout.contains("MARKER"), "{stdout}");
    let failed = of_event(&stdout, "agent invocation failed");
    let [failed] = failed.as_slice() else {
        panic!("{stdout}")
    };
    (status, answer, failed.clone())
}

#[tokio::test]
async fn a_refusal_is_named_in_the_log_and_its_text_is_not() {
    const ID: &str = "5d4f6b0e-1c7e-4c0a-9d37-0f5e9a0f8a11";
    const TYPE: &str = "x-amzn-ErrorType";
    const REQUEST: &str = "x-amzn-RequestId";
    for (status, headers, body, error_type, request_id) in [
        (
            403,
            &[
                (TYPE, "AccessDeniedException:http://MARKER/"),
                (REQUEST, ID),
            ][..],
            r#"{"message":"MARKER is not authorized"}"#,
            Some("AccessDeniedException"),
            Some(ID),
        ),
        (
            402,
            &[(REQUEST, "5d4f6b0e MARKER")],
            r#"{"__type":"com.MARKER#ServiceQuotaExceededException","message":"MARKER"}"#,
            Some("ServiceQuotaExceededException"),
            Some("5d4f6b0e"),
        ),
        (
            424,
            &[],
            r#"{"code":"RuntimeClientError","message":"MARKER"}"#,
            Some("RuntimeClientError"),
            None,
        ),
        (404, &[], "MARKER", None, None),
    ] {
        let (_, answer, failed) = refused(refusal(status, headers, body)).await;
        let field = |name: &str| failed.get(name).and_then(Value::as_str);
        assert_eq!(field("awsErrorType"), error_type, "{failed}");
        assert_eq!(field("awsRequestId"), request_id, "{failed}");
        let answer = answer.to_string();
        for name in error_type.iter().chain(&request_id) {
            assert!(!answer.contains(name), "{answer}");
        }
    }
}

#[tokio::test]
async fn what_is_no_refusal_has_no_such_name() {
    let (_, _, failed) = refused(Handshake::Reset).await;
    for name in ["awsErrorType", "awsRequestId"] {
        assert_eq!(failed.get(name), None, "{failed}");
    }
}

#[tokio::test]
async fn what_has_our_words_is_said_in_them() {
    let validation = [("x-amzn-ErrorType", "ValidationException")];
    let denied = [("x-amzn-ErrorType", "AccessDeniedException")];
    for (handshake, status, code, words) in [
        (
            refusal(400, &validation, r#"{"message":"MARKER MMDSv2 MARKER"}"#),
            400,
            "ValidationError",
            "requireMMDSV2",
        ),
        (
            refusal(
                403,
                &denied,
                r#"{"message":"MARKER Authorization method mismatch."}"#,
            ),
            403,
            "AuthorizationError",
            "JWT",
        ),
    ] {
        let (answered, answer, failed) = refused(handshake).await;
        assert_eq!((answered, &answer["error"]), (status, &json!(code)));
        let answer = answer.to_string();
        assert!(
            !answer.contains("MARKER") && !answer.contains(words),
            "{answer}"
        );
        let causes = failed["causes"].as_str().unwrap();
        assert!(causes.contains(words), "{causes}");
    }
}

/// An emulator whose clock is so many seconds ahead of this machine's, or behind it.
struct Elsewhen {
    emulator: Emulator,
    function: Function,
    ahead: Arc<AtomicI64>,
}

impl Elsewhen {
    async fn start(ahead: i64, agent: Agent) -> Self {
        let ahead = Arc::new(AtomicI64::new(ahead));
        let emulator = clocked(Arc::clone(&ahead)).agent(ARN, agent);
        let emulator = emulator.start().await.unwrap();
        // No retry is left: what is tried again is so for the clock's sake.
        let variables = variables(&emulator, &[("RETRY_MAX_RETRIES", "0")]);
        Self {
            function: Function::start(variables).await,
            emulator,
            ahead,
        }
    }

    fn connections(&self) -> Vec<Connection> {
        self.emulator.connections()
    }
}

fn clocked(ahead: Arc<AtomicI64>) -> Builder {
    Emulator::builder().now(move || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap().as_secs();
        now.saturating_add_signed(ahead.load(Ordering::SeqCst))
    })
}

#[tokio::test]
async fn a_wrong_clock_is_put_right_once_by_the_services() {
    for ahead in [3_600, -3_600] {
        let setup = Elsewhen::start(ahead, Agent::echo()).await;
        for attempts in [2, 3, 4] {
            let (status, answer) = say(&setup.function).await;
            assert_eq!(status, 200, "{ahead}: {answer}");
            assert_eq!(setup.connections().len(), attempts, "{ahead}");
        }
        // The right time is kept for all that is signed.
        let end = rest_event("DELETE", "/api/agents/test/sessions/mine", None);
        assert_eq!(answered(setup.function.invoke(&end).await).0, 204);
        // A clock that is set right is another correction.
        setup.ahead.store(0, Ordering::SeqCst);
        assert_eq!(say(&setup.function).await.0, 200);
        assert_eq!(setup.connections().len(), 7, "{ahead}");

        let stdout = setup.function.stop().await.stdout;
        let retrying = of_event(&stdout, "retrying");
        assert_eq!(retrying.len(), 2, "{stdout}");
        for line in &retrying {
            let reason = line["reason"].as_str().unwrap();
            assert!(
                reason.contains("clock") && !reason.contains("credentials"),
                "{reason}"
            );
            assert_eq!(line["delayMs"], 0);
        }
        let way = if ahead > 0 { "behind" } else { "ahead of" };
        let first = retrying[0]["reason"].as_str().unwrap();
        assert!(first.contains(way), "{first}");
    }
}

/// The end of a session is asked for once, and whoever asks next has the right time.
#[tokio::test]
async fn the_end_of_a_session_corrects_the_clock_for_the_next() {
    let setup = Elsewhen::start(3_600, Agent::echo()).await;
    let end = rest_event("DELETE", "/api/agents/test/sessions/mine", None);
    assert_eq!(answered(setup.function.invoke(&end).await).0, 401);
    assert_eq!(answered(setup.function.invoke(&end).await).0, 204);
    assert_eq!(setup.connections().len(), 2);
}

fn http_date(offset: i64) -> String {
    let by = Duration::from_secs(offset.unsigned_abs());
    let now = SystemTime::now();
    httpdate::fmt_http_date(if offset < 0 { now - by } else { now + by })
}

/// How often an agent is asked that always refuses in this way, and whether the log speaks of the
/// clock.
async fn asked(handshake: Handshake) -> (usize, bool) {
    let setup = Elsewhen::start(0, Agent::refusing(handshake)).await;
    let (status, answer) = say(&setup.function).await;
    assert_eq!(status, 401, "{answer}");
    let asked = setup.connections().len();
    let stdout = setup.function.stop().await.stdout;
    let failed = &of_event(&stdout, "agent invocation failed")[0];
    (asked, failed["causes"].as_str().unwrap().contains("clock"))
}

#[tokio::test]
async fn there_is_one_extra_attempt_and_none_without_a_date() {
    const TYPE: (&str, &str) = ("x-amzn-ErrorType", "InvalidSignatureException");
    let expired = r#"{"message":"Signature expired: 20260101T000000Z is now earlier than x"}"#;
    let early = r#"{"message":"Signature not yet current: 20260101T000000Z is still later"}"#;
    let far = http_date(7_200);
    let past = http_date(-7_200);
    let near = http_date(5);
    for (headers, body, expected) in [
        (vec![TYPE, ("date", &far)], expired, (2, true)),
        (vec![TYPE, ("date", &past)], early, (2, true)),
        (vec![TYPE, ("date", &far)], "", (2, true)),
        (vec![TYPE], expired, (1, true)),
        (vec![TYPE, ("date", "soon")], early, (1, true)),
        (vec![TYPE, ("date", &near)], "", (1, false)),
        (vec![TYPE], "", (1, false)),
    ] {
        let handshake = refusal(403, &headers, body);
        assert_eq!(asked(handshake).await, expected, "{headers:?} {body}");
    }
}

#[tokio::test]
async fn the_extra_attempt_is_signed_by_the_services_time() {
    let past = http_date(-86_400);
    let headers = [
        ("x-amzn-ErrorType", "InvalidSignatureException"),
        ("date", &*past),
    ];
    let refusing = Agent::refusing(refusal(403, &headers, ""));
    let setup = Elsewhen::start(0, refusing).await;
    assert_eq!(say(&setup.function).await.0, 401);
    let connections = setup.connections();
    // The second is signed by a time that is not the emulator's, and so is refused by itself.
    let signed = connections[1].parameter("X-Amz-Date").unwrap();
    let date = httpdate::parse_http_date(&past).unwrap();
    let expected: Vec<_> = [0, 1]
        .map(|later| aws_smithy_types::DateTime::from(date + Duration::from_secs(later)))
        .iter()
        .map(|time| {
            let text = time.fmt(aws_smithy_types::date_time::Format::DateTime);
            text.unwrap().replace(['-', ':'], "")
        })
        .collect();
    assert!(
        expected.iter().any(|one| one == signed),
        "{signed} {expected:?}"
    );
}

/// Both are mended in one invocation, each once.
#[tokio::test]
async fn a_wrong_clock_does_not_use_up_the_attempt_with_other_credentials() {
    let agent = Agent::refusing(Handshake::status(403, "ExpiredTokenException"));
    let setup = Elsewhen::start(3_600, agent).await;
    let (status, _) = say(&setup.function).await;
    assert_eq!((status, setup.connections().len()), (401, 2));
    let stdout = setup.function.stop().await.stdout;
    let failed = &of_event(&stdout, "agent invocation failed")[0];
    assert_eq!(failed["awsErrorType"], "ExpiredTokenException");
    let causes = failed["causes"].as_str().unwrap();
    assert!(causes.contains("credentials have expired"), "{causes}");
}
