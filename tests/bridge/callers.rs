//! Sessions bound to callers, from the events of each gateway to what the agent receives.

use std::collections::HashSet;

use agentcore_bridge::api::RequestContext;
use agentcore_bridge::caller::{Caller, Origin};
use agentcore_emulator::{Agent, Connection, Emulator, Operation};
use http::Request;
use serde_json::{Value, json};

use crate::support::{
    ARN, Bridge, Function, Outcome, answered, at, context, event, function, saying,
};

/// A kind of caller behind a kind of gateway: the captured event, the request context of one
/// caller, and that of another.
struct Kind {
    name: &'static str,
    event: &'static str,
    one: Value,
    other: Value,
}

fn kind(name: &'static str, event: &'static str, one: Value, other: Value) -> Kind {
    Kind {
        name,
        event,
        one,
        other,
    }
}

const ISSUER: &str = "https://issuer.example.com/";
const ROLE: &str = "arn:aws:sts::111122223333:assumed-role/reader";
const POOL: &str = "eu-west-1:pool";

/// Every kind of caller behind every gateway that identifies callers. All callers differ.
fn kinds() -> Vec<Kind> {
    let claims =
        |sub: Value| json!({ "iss": ISSUER, "sub": sub, "aud": "client", "exp": "1700003600" });
    let rest_claims = |sub: &str| json!({ "authorizer": { "claims": claims(sub.into()) } });
    let native = |sub: &str| json!({ "authorizer": { "jwt": { "claims": claims(sub.into()) } } });
    let http_claims = |sub: Value| json!({ "authorizer": { "jwt": { "claims": claims(sub), "scopes": ["invoke"] } } });
    let identity = |identity: Value| json!({ "identity": identity });
    let iam = |iam: Value| json!({ "authorizer": { "iam": iam } });
    let rest_identity = |id: &str| {
        identity(json!({
            "cognitoIdentityId": id,
            "cognitoIdentityPoolId": POOL,
            // Both have the role of the same identity pool.
            "userArn": format!("{ROLE}/CognitoIdentityCredentials"),
            "sourceIp": "192.0.2.1",
        }))
    };
    let http_identity = |id: &str| {
        iam(json!({
            "userArn": format!("{ROLE}/CognitoIdentityCredentials"),
            "cognitoIdentity": { "amr": null, "identityId": id, "identityPoolId": POOL },
        }))
    };
    let arn = |session: &str| json!({ "userArn": format!("{ROLE}/{session}") });
    let key = |id: &str| identity(json!({ "apiKeyId": id, "apiKey": "the same" }));
    vec![
        kind(
            "REST, Cognito authorizer",
            "rest-api",
            rest_claims("a"),
            rest_claims("b"),
        ),
        kind("REST, JWT authorizer", "rest-api", native("c"), native("d")),
        kind(
            "HTTP, JWT",
            "http-api-jwt",
            http_claims("e".into()),
            http_claims("f".into()),
        ),
        kind(
            "HTTP, JWT of an issuer with numbers",
            "http-api-jwt",
            http_claims(json!(9_007_199_254_740_993_u64)),
            http_claims(json!(9_007_199_254_740_992_u64)),
        ),
        kind(
            "HTTP 1.0, JWT",
            "http-api-payload-1",
            rest_claims("g"),
            rest_claims("h"),
        ),
        kind(
            "REST, Cognito identity",
            "rest-api",
            rest_identity("i"),
            rest_identity("j"),
        ),
        kind(
            "HTTP, Cognito identity",
            "http-api",
            http_identity("k"),
            http_identity("l"),
        ),
        kind(
            "REST, IAM",
            "rest-api",
            identity(arn("m")),
            identity(arn("n")),
        ),
        kind("HTTP, IAM", "http-api", iam(arn("o")), iam(arn("p"))),
        kind(
            "function URL, IAM",
            "function-url-iam",
            iam(arn("q")),
            iam(arn("r")),
        ),
        kind("REST, API key", "rest-api", key("s"), key("t")),
    ]
}

/// A bridge to an echo agent with the name that is used in the captured events.
async fn echo(more: &[(&str, &str)]) -> (Emulator, Function) {
    let mut variables = vec![("ECHO_AGENT_ARN", ARN)];
    variables.extend(more);
    function(Agent::echo(), &variables).await
}

fn last(emulator: &Emulator) -> Connection {
    emulator.connections().pop().unwrap()
}

/// The session ids that the service and the agent received in the last invocation.
fn told(emulator: &Emulator) -> (String, String) {
    let connection = last(emulator);
    let message: Value = serde_json::from_str(&connection.messages[0]).unwrap();
    let told = message["sessionId"].as_str().unwrap().to_owned();
    (connection.runtime_session_id.unwrap(), told)
}

/// Sends an event, whose response must be a success. Returns the turn in its session.
async fn turn(function: &Function, event: &Value) -> (u32, Value) {
    let (status, answer) = answered(function.invoke(event).await);
    assert_eq!(status, 200, "{answer} {event}");
    let said = answer["response"].as_str().unwrap();
    let (_, turn) = said.rsplit_once("(turn ").unwrap();
    let turn = turn.split(' ').next().unwrap().parse().unwrap();
    (turn, answer)
}

#[tokio::test]
async fn two_callers_with_one_session_id_get_two_sessions() {
    let (emulator, function) = echo(&[]).await;
    let mut seen = HashSet::new();
    for Kind {
        name,
        event: base,
        one,
        other,
    } in kinds()
    {
        for caller in [&one, &other] {
            let event = event(base, caller);
            let (number, answer) = turn(&function, &event).await;
            assert_eq!(number, 1, "{name}: a session of its own");
            assert_eq!(answer["sessionId"], "smoke-test", "{name}");
            let (runtime_session, told) = told(&emulator);
            assert_eq!(runtime_session, told, "{name}: agents keep memory by it");
            assert!((33..=100).contains(&told.len()), "{name}: {told}");
            assert!(!answer.to_string().contains(&told), "{name}: {answer}");
            seen.insert(told);

            let (number, _) = turn(&function, &event).await;
            assert_eq!(number, 2, "{name}: the same caller comes back to it");
        }
    }
    assert_eq!(seen.len(), 2 * kinds().len(), "no two callers share one");
}

#[tokio::test]
async fn both_routes_and_ending_use_the_same_session() {
    let (emulator, function) = echo(&[]).await;
    for Kind {
        name,
        event: base,
        one,
        other,
    } in kinds()
    {
        let [one, other] = [&one, &other].map(|caller| event(base, caller));
        turn(&function, &one).await;
        turn(&function, &other).await;
        let streamed = at(one.clone(), "POST", "/api/agents/invoke/stream");
        let Outcome::Response(answer) = function.invoke(&streamed).await else {
            panic!("{name}")
        };
        let document = answer["body"].as_str().unwrap();
        assert!(
            document.contains("(turn 2 of this session)"),
            "{name}: {document}"
        );

        let end = "/api/agents/echo/sessions/smoke-test";
        let end = |event: &Value| at(event.clone(), "DELETE", end);
        assert_eq!(emulator.sessions().len(), 2);
        let (status, body) = answered(function.invoke(&end(&one)).await);
        assert_eq!((status, body), (204, Value::Null), "{name}");
        assert_eq!(emulator.sessions().len(), 1, "{name}: its own and no other");
        assert_eq!(turn(&function, &one).await.0, 1, "{name}: it begins anew");
        assert_eq!(
            turn(&function, &other).await.0,
            2,
            "{name}: the other goes on"
        );
        for caller in [&one, &other] {
            answered(function.invoke(&end(caller)).await);
        }
        assert!(emulator.sessions().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_generated_session_is_bound_too() {
    let (emulator, function) = echo(&[]).await;
    let claims =
        |sub: &str| json!({ "authorizer": { "jwt": { "claims": { "iss": ISSUER, "sub": sub } } } });
    let [one, other] = ["a", "b"].map(|sub| event("http-api-jwt", &claims(sub)));
    let fresh = json!({ "agentId": "echo", "prompt": "x" });
    let (_, answer) = turn(&function, &saying(one.clone(), &fresh)).await;
    let session = answer["sessionId"].clone();
    assert!(session.as_str().unwrap().starts_with("session-"));
    assert_ne!(told(&emulator).0, session);

    let again = json!({ "agentId": "Echo-AGENT", "prompt": "x", "sessionId": session });
    assert_eq!(
        turn(&function, &saying(one, &again)).await.0,
        2,
        "by another name of the agent"
    );
    assert_eq!(
        turn(&function, &saying(other, &again)).await.0,
        1,
        "knowing its id is not enough"
    );
}

/// Clients control headers and bodies, and what a load balancer adds to headers.
#[tokio::test]
async fn client_input_cannot_set_the_caller() {
    let (emulator, function) = echo(&[]).await;
    let id = "i".repeat(40);
    let body = json!({
        "agentId": "echo",
        "prompt": "x",
        "sessionId": id,
        "requestContext": { "authorizer": { "claims": { "iss": ISSUER, "sub": "a" } } },
    });
    let headers = [
        ("x-amzn-oidc-identity", "a"),
        ("x-amzn-oidc-data", "e30.eyJpc3MiOiJpIiwic3ViIjoicyJ9.x"),
        ("x-amzn-oidc-accesstoken", "a"),
        ("authorization", "Bearer e30.eyJpc3MiOiJpIiwic3ViIjoicyJ9.x"),
        ("x-api-key", "a"),
        ("x-amz-security-token", "a"),
    ];
    for base in [
        "rest-api",
        "http-api",
        "function-url",
        "http-api-payload-1",
        "alb",
    ] {
        let mut event = saying(event(base, &json!({})), &body);
        for (name, value) in headers {
            event["headers"][name] = value.into();
        }
        turn(&function, &event).await;
        assert_eq!(told(&emulator), (id.clone(), id.clone()), "{base}");
    }
    // What a Lambda authorizer returns is not vouched for by the gateway.
    for context in [
        json!({ "authorizer": { "principalId": "a", "iss": ISSUER, "sub": "a" } }),
        json!({ "authorizer": { "lambda": { "iss": ISSUER, "sub": "a" } } }),
        json!({ "authorizer": { "claims": null, "jwt": { "claims": { "iss": ISSUER } } } }),
    ] {
        for base in ["rest-api", "http-api"] {
            turn(&function, &saying(event(base, &context), &body)).await;
            assert_eq!(told(&emulator), (id.clone(), id.clone()), "{context}");
        }
    }
}

#[tokio::test]
async fn claims_that_are_not_strings_are_accepted() {
    let (emulator, function) = echo(&[]).await;
    let mut seen = HashSet::new();
    for sub in [json!("7"), json!(8), json!(-1.5), json!(true)] {
        let claims = json!({ "iss": ISSUER, "sub": sub, "groups": ["a"], "address": { "b": [1] } });
        for (base, context) in [
            (
                "http-api-jwt",
                json!({ "authorizer": { "jwt": { "claims": claims } } }),
            ),
            ("rest-api", json!({ "authorizer": { "claims": claims } })),
        ] {
            turn(&function, &event(base, &context)).await;
            seen.insert(told(&emulator).0);
        }
    }
    assert_eq!(seen.len(), 4, "one for each subject, whatever the gateway");
    // The same for all other fields that identify callers.
    for identity in [
        json!({ "apiKeyId": 7 }),
        json!({ "userArn": ["a"], "apiKeyId": 8 }),
    ] {
        turn(
            &function,
            &event("rest-api", &json!({ "identity": identity })),
        )
        .await;
        seen.insert(told(&emulator).0);
    }
    assert_eq!(seen.len(), 6);
}

#[tokio::test]
async fn the_binding_key_changes_sessions_and_binding_can_be_disabled() {
    let claims = json!({ "authorizer": { "jwt": { "claims": { "iss": ISSUER, "sub": "a" } } } });
    let event = event("http-api-jwt", &claims);
    let mut seen = HashSet::new();
    for variables in [
        &[][..],
        &[("SESSION_BINDING_KEY", "")],
        &[("SESSION_BINDING_KEY", "one")],
        &[
            ("SESSION_BINDING_KEY", "other"),
            ("SESSION_BINDING", "caller"),
        ],
    ] {
        let (emulator, function) = echo(variables).await;
        turn(&function, &event).await;
        seen.insert(told(&emulator).0);
    }
    assert_eq!(seen.len(), 3, "an empty key is none");

    let off = [("SESSION_BINDING", "off"), ("SESSION_BINDING_KEY", "one")];
    let (emulator, function) = echo(&off).await;
    let id = "i".repeat(40);
    let body = json!({ "agentId": "echo", "prompt": "x", "sessionId": id });
    turn(&function, &saying(event, &body)).await;
    assert_eq!(told(&emulator), (id.clone(), id));
}

/// Whoever learns or computes the runtime's id of a session cannot use it.
#[tokio::test]
async fn sending_a_bound_id_does_not_open_that_session() {
    let bridge = Bridge::to(Agent::echo()).await;
    let caller = |id: Option<&str>| {
        let caller = id.map(|id| Caller::api_key(id.to_owned()));
        let origin = Origin {
            caller,
            address: None,
        };
        RequestContext {
            origin,
            ..context()
        }
    };
    let say = async |id: Option<&str>, session: &str| {
        let body = json!({ "agentId": "test", "prompt": "x", "sessionId": session });
        let request = Request::post("/api/agents/invoke").body(body.to_string().into());
        bridge.send_from(request.unwrap(), caller(id)).await;
        told(&bridge.emulator).0
    };
    let bound = say(Some("owner"), "mine").await;
    for (thief, session) in [
        (None, bound.clone()),
        (None, bound.to_ascii_uppercase()),
        (Some("thief"), bound.clone()),
        (None, "mine".to_owned()),
    ] {
        let reached = say(thief, &session).await;
        assert_ne!(reached.to_ascii_lowercase(), bound, "{thief:?} {session}");
        let end = Request::delete(format!("/api/agents/test/sessions/{session}"));
        let end = end.body(bytes::Bytes::new()).unwrap();
        bridge.send_from(end, caller(thief)).await;
        let ended = last(&bridge.emulator);
        assert_eq!(ended.operation, Some(Operation::StopRuntimeSession));
        assert_eq!(ended.runtime_session_id, Some(reached));
    }
    let is_owners = |session: &agentcore_emulator::Session| session.runtime_session_id == bound;
    assert!(bridge.emulator.sessions().iter().any(is_owners));
}
