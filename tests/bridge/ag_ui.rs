//! The AG-UI endpoint and format: for agents that speak AG-UI themselves, and for all others.

use agentcore_bridge::api::RequestContext;
use agentcore_emulator::{Agent, Handshake, Step};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Bridge, context, known_caller};

fn data(event: &Value) -> Step {
    Step::text(format!("data: {event}\n\n"))
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<Step> {
    let pieces = texts.map(|text| data(&json!({ "chunk": text })));
    pieces
        .into_iter()
        .chain([Step::text("data: [DONE]\n\n")])
        .collect()
}

fn input(messages: &Value) -> Value {
    json!({ "threadId": "thread-1", "runId": "run-1", "messages": messages })
}

fn user(content: &Value) -> Value {
    json!({ "id": "m1", "role": "user", "content": content })
}

async fn run_as(bridge: &Bridge, context: RequestContext, input: &Value) -> Answer {
    let request = Request::post("/api/agents/test/ag-ui")
        .header("accept", "application/json")
        .body(input.to_string().into())
        .unwrap();
    bridge.send_from(request, context).await
}

async fn run(bridge: &Bridge, input: &Value) -> Answer {
    run_as(bridge, context(), input).await
}

/// The events of an answer, of which each is one `data:` line.
fn events(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        "text/event-stream; charset=utf-8"
    );
    assert!(!answer.text.contains('\r'));
    let blocks = answer.text.strip_suffix("\n\n").unwrap().split("\n\n");
    let event = |block: &str| {
        let json = block.strip_prefix("data: ").expect(block);
        let event: Value = serde_json::from_str(json).expect(json);
        assert!(event.as_object().unwrap().values().all(|v| !v.is_null()));
        event
    };
    blocks.map(event).collect()
}

/// The types of events, with what is in them beside ids of ours.
fn shape(events: &[Value]) -> Vec<String> {
    let line = |event: &Value| {
        let field = |name: &str| event[name].as_str().map(|text| format!(" {text}"));
        let known = ["delta", "content", "toolCallName", "toolCallId"].map(field);
        let rest: String = known.into_iter().flatten().collect();
        format!("{}{rest}", event["type"].as_str().unwrap())
    };
    events.iter().map(line).collect()
}

/// The last message that the agent got.
fn sent(bridge: &Bridge) -> Value {
    let connection = bridge.emulator.connections().pop().unwrap();
    serde_json::from_str(&connection.messages[0]).unwrap()
}

#[tokio::test]
async fn a_reply_is_told_in_events_with_the_ids_that_came() {
    let bridge = Bridge::to(Agent::scripted(texts(["one ", "two\u{2028}"]))).await;
    let parts = json!([{"type":"text","text":"Hello"},{"type":"text","text":"there"}]);
    let all = json!([{"role":"assistant","content":"earlier"}, user(&parts)]);
    let answer = run(&bridge, &input(&all)).await;
    assert!(!answer.text.contains('\u{2028}'));
    let events = events(&answer);
    assert_eq!(
        shape(&events),
        [
            "RUN_STARTED",
            "TEXT_MESSAGE_START",
            "TEXT_MESSAGE_CONTENT one ",
            "TEXT_MESSAGE_CONTENT two\u{2028}",
            "TEXT_MESSAGE_END",
            "RUN_FINISHED",
        ]
    );
    for event in [&events[0], &events[5]] {
        assert_eq!(
            (&event["threadId"], &event["runId"]),
            (&"thread-1".into(), &"run-1".into())
        );
        assert_eq!(event.as_object().unwrap().len(), 3, "{event}");
    }
    assert_eq!(events[1]["role"], "assistant");
    let ids: Vec<_> = events[1..5].iter().map(|e| &e["messageId"]).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(
        sent(&bridge),
        json!({ "prompt": "Hello\nthere", "sessionId": "thread-1" })
    );

    let again = run(&bridge, &input(&all)).await;
    assert_ne!(
        self::events(&again)[1]["messageId"],
        *ids[0],
        "ids are new in every run"
    );
}

/// Steps are shown where the operator says so, and each is ended before the run is.
#[tokio::test]
async fn reasoning_and_tools_are_told_where_they_are_exposed() {
    let script = vec![
        data(&json!({"type":"reasoning-delta","id":"r","delta":"Hm."})),
        data(&json!({"type":"text-delta","id":"t","delta":"Let me look."})),
        data(&json!({"type":"tool-input-start","toolCallId":"c1","toolName":"weather"})),
        data(&json!({"type":"tool-input-delta","toolCallId":"c1","inputTextDelta":"{\"city\":"})),
        data(&json!({"type":"tool-input-delta","toolCallId":"c1","inputTextDelta":"\"Paris\"}"})),
        data(
            &json!({"type":"tool-input-available","toolCallId":"c1","toolName":"weather","input":{"city":"Paris"}}),
        ),
        data(&json!({"type":"tool-output-available","toolCallId":"c1","output":{"sky":"blue"}})),
        data(&json!({"type":"finish-step"})),
        data(&json!({"type":"text-delta","id":"t2","delta":"Sunny."})),
        data(&json!({"type":"finish"})),
    ];
    let message = input(&json!([user(&"Hi".into())]));
    for (exposed, expected) in [
        (
            "tools,reasoning",
            &[
                "RUN_STARTED",
                "REASONING_START",
                "REASONING_MESSAGE_START",
                "REASONING_MESSAGE_CONTENT Hm.",
                "REASONING_MESSAGE_END",
                "REASONING_END",
                "TEXT_MESSAGE_START",
                "TEXT_MESSAGE_CONTENT Let me look.",
                "TEXT_MESSAGE_END",
                "TOOL_CALL_START weather c1",
                "TOOL_CALL_ARGS {\"city\": c1",
                "TOOL_CALL_ARGS \"Paris\"} c1",
                "TOOL_CALL_END c1",
                "TOOL_CALL_RESULT {\"sky\":\"blue\"} c1",
                "TEXT_MESSAGE_START",
                "TEXT_MESSAGE_CONTENT Sunny.",
                "TEXT_MESSAGE_END",
                "RUN_FINISHED",
            ][..],
        ),
        (
            "",
            &[
                "RUN_STARTED",
                "TEXT_MESSAGE_START",
                "TEXT_MESSAGE_CONTENT Let me look.",
                "TEXT_MESSAGE_END",
                "TEXT_MESSAGE_START",
                "TEXT_MESSAGE_CONTENT Sunny.",
                "TEXT_MESSAGE_END",
                "RUN_FINISHED",
            ],
        ),
    ] {
        let agent = Agent::scripted(script.clone());
        let bridge = Bridge::configured(agent, &[("EXPOSE_STEPS", exposed)]).await;
        let answer = run(&bridge, &message).await;
        assert_eq!(shape(&events(&answer)), expected, "{exposed}");
    }
}

#[tokio::test]
async fn an_empty_reply_is_a_run_and_a_cut_one_says_so() {
    let message = input(&json!([user(&"Hi".into())]));
    let bridge = Bridge::to(Agent::scripted(texts([]))).await;
    let answer = run(&bridge, &message).await;
    assert_eq!(shape(&events(&answer)), ["RUN_STARTED", "RUN_FINISHED"]);

    let agent = Agent::scripted(texts(["12345", "67890"]));
    let bridge = Bridge::configured(agent, &[("MAX_RESPONSE_BYTES", "7")]).await;
    let events = events(&run(&bridge, &message).await);
    let end = events.last().unwrap();
    assert_eq!(end["type"], "RUN_FINISHED");
    assert_eq!(end["result"], json!({ "incomplete": true }));
    assert_eq!(events[events.len() - 2]["type"], "TEXT_MESSAGE_END");
}

#[tokio::test]
async fn a_failure_is_an_answer_before_the_first_event_and_an_event_after() {
    let message = input(&json!([user(&"Hi".into())]));
    let failing = Handshake::status(403, "AccessDeniedException");
    let bridge = Bridge::to(Agent::refusing(failing)).await;
    let answer = run(&bridge, &message).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.json()["error"], "AuthorizationError");
    assert_eq!(answer.json()["details"]["sessionId"], "thread-1");

    let script = vec![
        data(&json!({"chunk":"a"})),
        data(&json!({"error":"SECRET"})),
    ];
    let bridge = Bridge::to(Agent::scripted(script)).await;
    let events = events(&run(&bridge, &message).await);
    let [.., last] = &*events else { panic!() };
    let expected = json!({
        "type": "RUN_ERROR", "message": "the agent reported an error", "code": "InternalError"
    });
    assert_eq!(*last, expected);
}

#[tokio::test]
async fn mistakes_are_told() {
    let bridge = Bridge::to(Agent::echo()).await;
    let image =
        json!([{"type":"text","text":"x"},{"type":"binary","mimeType":"image/png","data":"AA=="}]);
    for body in [
        json!([]),
        json!({ "threadId": "", "runId": "r", "messages": [] }),
        json!({ "threadId": " ", "runId": "r", "messages": [] }),
        json!({ "threadId": 1, "runId": "r", "messages": [] }),
        json!({ "threadId": "t", "runId": null, "messages": [] }),
        json!({ "threadId": "t", "runId": "r" }),
        json!({ "threadId": "t", "runId": "r", "messages": {} }),
        json!({ "threadId": "t", "runId": "r", "messages": ["x"] }),
        json!({ "threadId": "t", "runId": "r", "messages": [{"content":"x"}] }),
        json!({ "threadId": "t", "runId": "r", "messages": [{"role":1,"content":"x"}] }),
        // No user's text in the end.
        input(&json!([])),
        input(&json!([{"role":"assistant","content":"x"}])),
        input(&json!([{"role":"user"}])),
        input(&json!([user(&" ".into())])),
        input(&json!([user(&1.into())])),
        input(&json!([user(&image)])),
    ] {
        let answer = run(&bridge, &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(answer.json()["error"], "ValidationError", "{body}");
    }
    let request = Request::post("/api/agents/nobody/ag-ui");
    let body = input(&json!([user(&"Hi".into())])).to_string();
    let answer = bridge.send(request.body(body.into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(bridge.emulator.connections().is_empty());

    let nulls = json!({ "threadId": "t", "runId": "r", "messages": [user(&"Hi".into())],
        "tools": null, "state": null, "context": null, "forwardedProps": null });
    assert_eq!(run(&bridge, &nulls).await.status, StatusCode::OK);
}

/// A thread is a session: one that has not the form of an id is made one, and comes back as it was.
#[tokio::test]
async fn a_thread_of_any_form_is_a_session() {
    let bridge = Bridge::to(Agent::scripted(texts(["ok"]))).await;
    let body =
        json!({ "threadId": "Thread / é", "runId": "r 1", "messages": [user(&"Hi".into())] });
    let events = events(&run(&bridge, &body).await);
    assert_eq!(events[0]["threadId"], "Thread / é");
    assert_eq!(events[0]["runId"], "r 1");
    run(&bridge, &body).await;
    let sessions = bridge.emulator.sessions();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0].turns, 2);
}

fn speaker() -> Vec<Step> {
    let events = [
        json!({"type":"RUN_STARTED","threadId":"inner","runId":"inner-run",
            "input":{"threadId":"inner","runId":"inner-run","messages":[],"tools":[]}}),
        json!({"type":"STATE_SNAPSHOT","snapshot":{"a":1.50,"none":null}}),
        json!({"type":"TEXT_MESSAGE_START","messageId":"m","role":"assistant"}),
        json!({"type":"TEXT_MESSAGE_CONTENT","messageId":"m","delta":"Hello"}),
        json!({"type":"TEXT_MESSAGE_END","messageId":"m"}),
        json!({"type":"SOMETHING_NEW","x":[1]}),
        json!({"type":"CUSTOM","name":"n","value":null}),
        json!({"type":"RUN_FINISHED","threadId":"inner","runId":"inner-run","result":{"kept":true}}),
    ];
    events.iter().map(data).collect()
}

/// The events of an agent that speaks AG-UI come back as they are, but for the ids of the run; and
/// so whatever is exposed.
#[tokio::test]
async fn an_agent_that_speaks_ag_ui_gets_the_whole_input_and_its_events_come_back() {
    let agent = Agent::scripted(speaker());
    let bridge = Bridge::configured(agent, &[("TEST_AGENT_MESSAGE", "ag-ui")]).await;
    let body = json!({
        "threadId": "thread-1", "runId": "run-1", "parentRunId": "p",
        "state": {"n": 1}, "tools": [{"name":"f"}], "context": [{"description":"d","value":"v"}],
        "messages": [{"role":"user","content":"x"},{"id":"t","role":"tool","toolCallId":"c","content":"42"}],
        "forwardedProps": {"p": null}, "resume": [{"interruptId":"i"}], "unknown": [1, 2],
    });
    let known = known_caller("user-1");
    let answer = run_as(&bridge, known, &body).await;
    let raw = answer.text.clone();
    let events: Vec<Value> = raw
        .trim_end()
        .split("\n\n")
        .map(|block| serde_json::from_str(block.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    let types: Vec<_> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(types[0], "RUN_STARTED");
    assert_eq!(types[5..], ["SOMETHING_NEW", "CUSTOM", "RUN_FINISHED"]);
    assert_eq!(events[0]["threadId"], "thread-1");
    assert_eq!(events[0]["input"]["threadId"], "thread-1");
    assert_eq!(events[0]["input"]["runId"], "run-1");
    assert_eq!(events[7]["threadId"], "thread-1");
    assert_eq!(events[7]["runId"], "run-1");
    assert_eq!(events[7]["result"], json!({ "kept": true }));
    assert!(raw.contains(r#"{"a":1.5,"none":null}"#));

    let mut arrived = sent(&bridge);
    let session = arrived["threadId"].take();
    assert!(session.as_str().unwrap().starts_with("bound-"), "{session}");
    arrived["threadId"] = "thread-1".into();
    assert_eq!(arrived, body);
}

/// What its error says is its own; what it leaves open when it says `[DONE]` is ended.
#[tokio::test]
async fn a_run_of_such_an_agent_ends_as_clients_want() {
    let message = input(&json!([]));
    for (tail, expected) in [
        (
            data(&json!({"type":"RUN_ERROR","message":"SECRET","code":"X"})),
            &["RUN_ERROR"][..],
        ),
        (
            Step::text("data: [DONE]\n\n"),
            &[
                "TOOL_CALL_END c",
                "STEP_FINISHED",
                "TEXT_MESSAGE_END",
                "RUN_FINISHED",
            ],
        ),
        (Step::Close(Some(1000)), &["RUN_ERROR"]),
    ] {
        let script = vec![
            data(&json!({"type":"RUN_STARTED","threadId":"i","runId":"i"})),
            data(&json!({"type":"TEXT_MESSAGE_START","messageId":"m","role":"assistant"})),
            data(&json!({"type":"TEXT_MESSAGE_CONTENT","messageId":"m","delta":"a"})),
            data(&json!({"type":"STEP_STARTED","stepName":"s"})),
            data(&json!({"type":"TOOL_CALL_START","toolCallId":"c","toolCallName":"f"})),
            tail,
        ];
        let agent = Agent::scripted(script);
        let bridge = Bridge::configured(agent, &[("TEST_AGENT_MESSAGE", "ag-ui")]).await;
        let answer = run(&bridge, &message).await;
        assert!(!answer.text.contains("SECRET"));
        let events = events(&answer);
        assert_eq!(shape(&events[5..]), expected);
    }
}

/// What such an agent says in another language is told in events of ours.
#[tokio::test]
async fn an_agent_that_was_said_to_speak_ag_ui_and_does_not_is_told_all_the_same() {
    let agent = Agent::scripted(texts(["Hello"]));
    let bridge = Bridge::configured(agent, &[("TEST_AGENT_MESSAGE", "ag-ui")]).await;
    let answer = run(&bridge, &input(&json!([user(&"Hi".into())]))).await;
    assert_eq!(shape(&events(&answer)).len(), 5);
}

#[tokio::test]
async fn the_format_is_had_on_the_invoke_routes() {
    for (message, script) in [("", texts(["Hello"])), ("ag-ui", speaker())] {
        let agent = Agent::scripted(script);
        let bridge = Bridge::configured(agent, &[("TEST_AGENT_MESSAGE", message)]).await;
        for path in ["/api/agents/invoke", "/api/agents/invoke/stream"] {
            let body = json!({ "agentId": "test", "prompt": "x", "sessionId": "mine" });
            let request = Request::post(format!("{path}?format=ag-ui"));
            let request = request.body(body.to_string().into()).unwrap();
            let answer = bridge.send(request).await;
            assert_eq!(answer.status, StatusCode::OK);
            let first: Value = answer.text.lines().next().unwrap()[6..].parse().unwrap();
            assert_eq!(first["threadId"], "mine");
            let run = first["runId"].as_str().unwrap();
            assert!(run.len() == 36 && run != "inner-run", "{run}");
            let last = answer.text.trim_end().rsplit("\n\n").next().unwrap();
            let last: Value = last[6..].parse().unwrap();
            assert_eq!(
                (&last["type"], &last["runId"]),
                (&"RUN_FINISHED".into(), &run.into())
            );
            assert!(answer.text.contains(r#""delta":"Hello""#));
        }
    }
}

fn ag_ui_agent(script: Vec<Step>) -> (Agent, (&'static str, &'static str)) {
    (Agent::scripted(script), ("TEST_AGENT_MESSAGE", "ag-ui"))
}

/// However its events come: in an array, behind words of another form, twice begun, or with something
/// open when the run is over. Nothing that it says is lost, and clients take the run.
#[tokio::test]
async fn nothing_that_such_an_agent_says_is_lost() {
    let started = json!({"type":"RUN_STARTED","threadId":"i","runId":"i"});
    let finished = json!({"type":"RUN_FINISHED","threadId":"i","runId":"i"});
    let start = json!({"type":"TEXT_MESSAGE_START","messageId":"m","role":"assistant"});
    let content = json!({"type":"TEXT_MESSAGE_CONTENT","messageId":"m","delta":"x"});
    let end = json!({"type":"TEXT_MESSAGE_END","messageId":"m"});
    let state = json!({"type":"STATE_SNAPSHOT","snapshot":{}});
    let chunk = json!({"chunk":"ours"});
    let cases: [(Vec<Value>, &[&str]); 6] = [
        (
            vec![
                started.clone(),
                json!([state, start, content, end]),
                finished.clone(),
            ],
            &[
                "RUN_STARTED",
                "STATE_SNAPSHOT",
                "TEXT_MESSAGE_START",
                "TEXT_MESSAGE_CONTENT x",
                "TEXT_MESSAGE_END",
                "RUN_FINISHED",
            ],
        ),
        (
            vec![json!([started, start, content, chunk, end, finished])],
            &[
                "RUN_STARTED",
                "TEXT_MESSAGE_START",
                "TEXT_MESSAGE_CONTENT x",
                "TEXT_MESSAGE_START",
                "TEXT_MESSAGE_CONTENT ours",
                "TEXT_MESSAGE_END",
                "TEXT_MESSAGE_END",
                "RUN_FINISHED",
            ],
        ),
        (
            vec![started.clone(), chunk.clone(), finished.clone()],
            &[
                "RUN_STARTED",
                "TEXT_MESSAGE_START",
                "TEXT_MESSAGE_CONTENT ours",
                "TEXT_MESSAGE_END",
                "RUN_FINISHED",
            ],
        ),
        (
            vec![chunk, started.clone(), state.clone(), finished.clone()],
            &[
                "RUN_STARTED",
                "TEXT_MESSAGE_START",
                "TEXT_MESSAGE_CONTENT ours",
                "TEXT_MESSAGE_END",
                "STATE_SNAPSHOT",
                "RUN_FINISHED",
            ],
        ),
        (
            vec![state, started.clone(), finished.clone()],
            &["RUN_STARTED", "STATE_SNAPSHOT", "RUN_FINISHED"],
        ),
        (
            vec![started, start, content, finished],
            &[
                "RUN_STARTED",
                "TEXT_MESSAGE_START",
                "TEXT_MESSAGE_CONTENT x",
                "TEXT_MESSAGE_END",
                "RUN_FINISHED",
            ],
        ),
    ];
    for (events_said, expected) in cases {
        let (agent, speaks) = ag_ui_agent(events_said.iter().map(data).collect());
        let bridge = Bridge::configured(agent, &[speaks]).await;
        let answer = run(&bridge, &input(&json!([]))).await;
        assert_eq!(shape(&events(&answer)), expected, "{events_said:?}");
    }
}

/// The limit holds for text within an agent's own events too.
#[tokio::test]
async fn the_text_of_passed_events_is_cut_at_the_limit() {
    let script = vec![
        data(&json!({"type":"RUN_STARTED","threadId":"i","runId":"i"})),
        data(&json!({"type":"TEXT_MESSAGE_START","messageId":"m","role":"assistant"})),
        data(&json!({"type":"TEXT_MESSAGE_CONTENT","messageId":"m","delta":"hello","extra":1})),
        data(&json!({"type":"TEXT_MESSAGE_CONTENT","messageId":"m","delta":" wörld","extra":2})),
        data(&json!({"type":"TEXT_MESSAGE_END","messageId":"m"})),
        data(&json!({"type":"RUN_FINISHED","threadId":"i","runId":"i"})),
    ];
    let (agent, speaks) = ag_ui_agent(script);
    let bridge = Bridge::configured(agent, &[speaks, ("MAX_RESPONSE_BYTES", "8")]).await;
    let request = Request::post("/api/agents/test/ag-ui");
    let request = request.body(input(&json!([])).to_string().into()).unwrap();
    let mut buffered = context();
    buffered.can_stream = false;
    let events = events(&bridge.send_from(request, buffered).await);
    assert_eq!(
        shape(&events[1..]),
        [
            "TEXT_MESSAGE_START",
            "TEXT_MESSAGE_CONTENT hello",
            "TEXT_MESSAGE_CONTENT  w",
            "TEXT_MESSAGE_END",
            "RUN_FINISHED",
        ]
    );
    assert_eq!(events[3]["extra"], 2);
    assert_eq!(events[5]["result"], json!({ "incomplete": true }));
}

/// Clients keep the calls of earlier runs, and know them by their ids.
#[tokio::test]
async fn ids_that_are_made_for_calls_are_new_in_every_run() {
    let script = vec![
        data(&json!({"type":"tool_call","name":"f","input":{"a":1}})),
        data(&json!({"type":"tool_result","output":"42"})),
        Step::text("data: [DONE]\n\n"),
    ];
    let bridge = Bridge::configured(Agent::scripted(script), &[("EXPOSE_STEPS", "tools")]).await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..2 {
        let events = events(&run(&bridge, &input(&json!([user(&"Hi".into())]))).await);
        let ids: Vec<_> = events
            .iter()
            .filter_map(|e| e["toolCallId"].as_str())
            .collect();
        assert_eq!(ids.len(), 4, "{events:?}");
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert!(seen.insert(ids[0].to_owned()));
    }
}
