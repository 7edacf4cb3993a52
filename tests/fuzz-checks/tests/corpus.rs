//! What the fuzzer found worth keeping, again: all that is in `fuzz/corpus` and `fuzz/regressions`,
//! and the other tests' data.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use agentcore_fuzz_checks::{ALL, Check};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The inputs in a folder, by their files' names.
fn inputs(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder)
        .map(Iterator::collect)
        .unwrap_or_else(|_| Vec::new());
    let files = files.into_iter().map(|file| file.unwrap().path());
    let mut inputs: Vec<_> = files
        .map(|file| (file.display().to_string(), fs::read(&file).unwrap()))
        .collect();
    inputs.sort();
    inputs
}

/// The inputs of a corpus, an input a line (`fuzz/corpus.py`).
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let path = root().join(format!("fuzz/corpus/{target}.txt"));
    let lines = fs::read_to_string(path).unwrap();
    let inputs = lines.lines().enumerate();
    inputs
        .map(|(n, line)| (format!("line {}", n + 1), STANDARD.decode(line).unwrap()))
        .collect()
}

/// Messages as one input: the byte 0xff between them, 0xfe before a binary one.
fn joined(messages: &Value) -> Vec<u8> {
    let messages = messages.as_array().into_iter().flatten();
    let messages = messages.filter_map(Value::as_str).map(str::as_bytes);
    messages.collect::<Vec<_>>().join(&0xff)
}

/// Replies of real frameworks, and the vectors.
fn replies() -> Vec<(String, Vec<u8>)> {
    let data = root().join("tests/data");
    let lines = fs::read_to_string(data.join("agent-replies.jsonl")).unwrap();
    let captured = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let vectors = fs::read(data.join("reply-vectors.json")).unwrap();
    let vectors: Vec<Value> = serde_json::from_slice(&vectors).unwrap();
    let named = |reply: Value| (reply["name"].to_string(), joined(&reply["messages"]));
    captured.chain(vectors).map(named).collect()
}

fn check(name: &str, check: Check, inputs: &[(String, Vec<u8>)]) {
    for (input, bytes) in inputs {
        let checked = catch_unwind(AssertUnwindSafe(|| check(bytes)));
        assert!(checked.is_ok(), "{name}: {input}");
    }
}

#[test]
fn what_the_fuzzer_found_holds() {
    for (name, target) in ALL {
        let found = corpus(name);
        assert!(found.len() > 10, "{name}: {} inputs", found.len());
        check(name, *target, &found);
        check(
            name,
            *target,
            &inputs(&root().join("fuzz/regressions").join(name)),
        );
    }
}

#[test]
fn replies_of_real_frameworks_hold() {
    check("reply", agentcore_fuzz_checks::reply, &replies());
}

#[test]
fn captured_events_hold() {
    let events = inputs(&root().join("tests/events"));
    check("event", agentcore_fuzz_checks::event, &events);
}

/// A target without its check, or a check without its target, would fuzz nothing.
#[test]
fn each_check_has_its_target() {
    let targets = inputs(&root().join("fuzz/fuzz_targets"));
    assert_eq!(targets.len(), ALL.len());
    for (name, _) in ALL {
        let path = root().join(format!("fuzz/fuzz_targets/{name}.rs"));
        let target = fs::read_to_string(path).unwrap();
        assert!(
            target.contains(&format!("agentcore_fuzz_checks::{name}(")),
            "{name}"
        );
    }
}
