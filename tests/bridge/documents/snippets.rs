//! Snippets of JSON and shell are valid.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Block, blocks, documents};

/// The languages that are checked here, in `tests/node`, `tests/clients` or `tests/local`, and those
/// that need no check.
const LANGUAGES: [&str; 10] = [
    "json", "yaml", "sh", "console", "js", "python", "tsx", "tf", "mermaid", "text",
];

fn of_language(language: &str) -> Vec<Block> {
    let all = documents();
    let blocks = all.iter().flat_map(|path| blocks(path));
    let found: Vec<_> = blocks.filter(|block| block.language == language).collect();
    assert!(!found.is_empty(), "no {language}");
    found
}

#[test]
fn code_blocks_declare_a_language() {
    for document in documents() {
        for Block {
            place, language, ..
        } in blocks(&document)
        {
            assert!(LANGUAGES.contains(&&*language), "{place}: {language:?}");
        }
    }
}

#[test]
fn json_blocks_parse() {
    for block in of_language("json") {
        let parsed = serde_json::from_str::<Value>(&block.text);
        assert!(parsed.is_ok(), "{}: {parsed:?}", block.place);
    }
}

#[test]
fn console_blocks_contain_commands_and_json() {
    for block in of_language("console") {
        let mut is_command = false;
        let mut commands = String::new();
        for line in block.text.lines() {
            if is_command || line.starts_with("$ ") {
                commands.push_str(line.strip_prefix("$ ").unwrap_or(line));
                commands.push('\n');
                is_command = line.ends_with('\\');
                continue;
            }
            let shown = line.strip_prefix("data: ").unwrap_or(line);
            if shown.starts_with('{') {
                let parsed = serde_json::from_str::<Value>(shown);
                assert!(parsed.is_ok(), "{}: {line}: {parsed:?}", block.place);
            }
        }
        assert!(!commands.is_empty(), "{}: no command", block.place);
        check_shell(&block.place, &commands);
    }
}

#[test]
fn shell_blocks_parse() {
    for block in of_language("sh") {
        check_shell(&block.place, &block.text);
    }
}

/// Lets bash parse a script without running it.
fn check_shell(place: &str, text: &str) {
    let mut bash = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = bash.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    let output = bash.wait_with_output().unwrap();
    // Bash exits successfully after some mistakes, such as an unclosed quote.
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.is_empty(),
        "{place}: {said}"
    );
}
