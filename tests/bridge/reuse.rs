//! Sockets that are kept for their session's next turn.

use agentcore_bridge::caller::{Caller, Origin};
use agentcore_emulator::{Agent, Step};
use http::Request;
use serde_json::json;

use crate::support::{Bridge, context, function, lines, rest_event};

const ON: (&str, &str) = ("REUSE_CONNECTIONS", "true");

/// An agent that tells its turn, and then these.
fn telling(then: &[Step]) -> Agent {
    let then = then.to_vec();
    Agent::replying(move |turn| {
        let chunk = json!({ "chunk": format!("turn {}", turn.turn_number) });
        let mut steps = vec![Step::text(format!("data: {chunk}\n\ndata: [DONE]\n\n"))];
        steps.extend(then.clone());
        steps
    })
}

async fn say(bridge: &Bridge, session: &str, caller: Option<&str>) -> String {
    let body = json!({ "agentId": "test", "prompt": "hi", "sessionId": session });
    let request = Request::post("/api/agents/invoke").body(body.to_string().into());
    let mut context = context();
    context.origin = Origin {
        caller: caller.map(|id| Caller::api_key(id.to_owned())),
        address: None,
    };
    let answer = bridge.send_from(request.unwrap(), context).await.json();
    answer["response"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_sessions_turns_share_a_socket_where_that_is_on() {
    for (variables, connections) in [(&[ON][..], 1), (&[][..], 3)] {
        let bridge = Bridge::configured(telling(&[]), variables).await;
        for turn in 1..=3 {
            assert_eq!(say(&bridge, "mine", None).await, format!("turn {turn}"));
        }
        assert_eq!(bridge.emulator.connections().len(), connections);
    }
}

#[tokio::test]
async fn sessions_and_callers_have_sockets_of_their_own() {
    let bridge = Bridge::configured(telling(&[]), &[ON, ("SESSION_BINDING", "off")]).await;
    for (session, caller) in [
        ("one", None),
        ("two", None),
        ("one", Some("a")),
        ("one", Some("b")),
        ("one", None),
        ("one", Some("a")),
    ] {
        say(&bridge, session, caller).await;
    }
    assert_eq!(bridge.emulator.connections().len(), 4);
}

/// What an agent still says, or that it says nothing any more, costs a new connection and no word.
#[tokio::test]
async fn a_socket_that_has_more_to_say_or_nothing_is_not_used() {
    let late = Step::text("data: {\"chunk\":\"too late\"}\n\n");
    for then in [late, Step::Close(Some(1000)), Step::Reset, Step::Silence] {
        let bridge = Bridge::configured(telling(std::slice::from_ref(&then)), &[ON]).await;
        for turn in 1..=2 {
            assert_eq!(
                say(&bridge, "mine", None).await,
                format!("turn {turn}"),
                "{then:?}"
            );
        }
        assert_eq!(bridge.emulator.connections().len(), 2, "{then:?}");
    }
}

#[tokio::test]
async fn a_socket_that_was_idle_for_too_long_is_not_used() {
    let bridge = Bridge::configured(telling(&[]), &[ON, ("REUSE_IDLE_MS", "1")]).await;
    say(&bridge, "mine", None).await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    say(&bridge, "mine", None).await;
    assert_eq!(bridge.emulator.connections().len(), 2);
}

#[tokio::test]
async fn a_turn_on_a_kept_socket_has_no_attempt_to_connect() {
    let (_emulator, function) = function(telling(&[]), &[ON]).await;
    let body = json!({ "agentId": "test", "prompt": "hi", "sessionId": "mine" }).to_string();
    for _ in 0..2 {
        let event = rest_event("POST", "/api/agents/invoke", Some(&body));
        function.invoke(&event).await;
    }
    let lines = lines(&function.stop().await.stdout);
    let said = |message: &str| {
        lines
            .iter()
            .filter(|line| line["message"] == message)
            .count()
    };
    assert_eq!(said("websocket connected"), 1);
    assert_eq!(said("websocket closed"), 0);
    let metrics = lines.iter().filter(|line| line.get("_aws").is_some());
    let attempts: Vec<_> = metrics
        .map(|line| &line["WebSocketConnectionAttempts"])
        .collect();
    assert_eq!(attempts, [1, 0]);
}

/// The service may take its time to end a session, and answer pings until then.
#[tokio::test]
async fn the_socket_of_a_session_that_has_ended_is_closed() {
    let bridge = Bridge::configured(telling(&[]), &[ON]).await;
    say(&bridge, "mine", None).await;
    say(&bridge, "other", None).await;
    let request = Request::delete("/api/agents/test/sessions/mine").body(bytes::Bytes::new());
    let ended = bridge.send_from(request.unwrap(), context()).await;
    assert_eq!(ended.status, http::StatusCode::NO_CONTENT);
    say(&bridge, "mine", None).await;
    say(&bridge, "other", None).await;
    // The request that ends a session has a connection without messages.
    let connections = bridge.emulator.connections();
    let turns = connections.iter().map(|one| one.messages.len());
    assert_eq!(
        turns.filter(|turns| *turns > 0).collect::<Vec<_>>(),
        [1, 2, 1]
    );
}
