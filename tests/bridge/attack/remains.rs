//! What stays in the memory of the process when a secret has been used: as many copies after many
//! invocations as after a few.

use std::io::{Read, Seek, SeekFrom};

use agentcore_emulator::{Agent, Credentials, Emulator};
use futures_util::{StreamExt, stream};
use memchr::memmem;
use serde_json::json;

use crate::support::{ARN, Function, answered, rest_event, variables};

/// Letters and digits alone, so that it stands the same in a header and in an address.
const TOKEN: &str = "RemainsOfTheTokenRemainsOfTheTokenRemainsOfTheToken";
const SECRET: &str = "RemainsOfTheKeyRemainsOfTheKeyRemainsOfTheKey";

/// How often a text stands in the memory that a process can write to.
fn copies(process: u32, text: &str) -> usize {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut memory = std::fs::File::open(format!("/proc/{process}/mem")).unwrap();
    let mut count = 0;
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
        if !rights.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let at = |text| u64::from_str_radix(text, 16).unwrap();
        let (from, to) = (at(from), at(to));
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        memory.seek(SeekFrom::Start(from)).unwrap();
        // Some regions are the kernel's, and a region may have gone meanwhile.
        if memory.read_exact(&mut bytes).is_ok() {
            count += memmem::find_iter(&bytes, text).count();
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invocations_leave_no_copies_of_the_session_token_behind() {
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: SECRET.to_owned(),
        session_token: Some(TOKEN.to_owned()),
    };
    let emulator = Emulator::builder()
        .agent(ARN, Agent::echo())
        .credentials(credentials);
    let emulator = emulator.start().await.unwrap();
    let endpoint = emulator.endpoint();
    let more = [
        (
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
            endpoint.as_str(),
        ),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", TOKEN),
        ("AWS_LAMBDA_MAX_CONCURRENCY", "8"),
    ];
    let function = Function::start(variables(&emulator, &more)).await;
    let one = async |n: usize| {
        // Of different sizes, so that the memory of one is not always the next one's.
        let body = json!({
            "agentId": "test",
            "prompt": "x".repeat(n * 37 % 4_000 + 1),
            "sessionId": format!("session-{}", "s".repeat(n % 200)),
        });
        let session = format!("/api/agents/test/sessions/s{n}");
        for (method, path, body) in [
            ("POST", "/api/agents/invoke", Some(body.to_string())),
            ("POST", "/api/agents/test/sessions", None),
            ("DELETE", session.as_str(), None),
            ("GET", "/api/agents/test/status", None),
        ] {
            let event = rest_event(method, path, body.as_deref());
            let (status, _) = answered(function.invoke(&event).await);
            assert!(status < 300, "{method} {path}: {status}");
        }
    };
    let invoke = async |count| {
        let all = (0..count).map(one);
        let all: Vec<_> = stream::iter(all).buffer_unordered(8).collect().await;
        assert_eq!(all.len(), count);
    };
    let counted = || [TOKEN, SECRET].map(|secret| copies(function.id(), secret));
    invoke(10).await;
    let few = counted();
    invoke(200).await;
    let many = counted();
    assert!(few.iter().all(|&count| count > 0), "they are found at all");
    assert_eq!(few, many);
}
