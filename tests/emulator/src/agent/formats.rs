//! Ready-made agents, in the formats of real ones.

use serde_json::{Value, json};

use super::{Agent, Turn};
use crate::{Handshake, Step};

/// The pause between the chunks of a story, in milliseconds.
const STORY_PACE_MS: u64 = 80;

const STORY: [&str; 12] = [
    "Every evening ",
    "the keeper of the lighthouse ",
    "wrote down the ships that passed. ",
    "One night there were none, ",
    "so she wrote down the stars instead: ",
    "the low red one, ",
    "the pair above the harbour, ",
    "the one that only shows in frost. ",
    "In the morning a captain knocked. ",
    "He had been lost in the dark without a chart, ",
    "and he asked to copy ",
    "what she had seen.",
];

impl Agent {
    /// Repeats the prompt and the number of the turn, as `data: {"chunk": …}` events and `data:
    /// [DONE]`.
    #[must_use]
    pub fn echo() -> Self {
        Self::replying(|turn| chunks(&words(turn)))
    }

    /// Tells a story in twelve chunks at a reading pace, and then `data: [DONE]`.
    #[must_use]
    pub fn story() -> Self {
        let pieces = STORY.map(|piece| event(&json!({ "chunk": piece })));
        let mut steps = Vec::new();
        for piece in pieces {
            steps.extend([Step::text(piece), Step::pause_ms(STORY_PACE_MS)]);
        }
        steps.push(done());
        Self::scripted(steps)
    }

    /// Streams as Strands does: each token as `event` and again as `data`, the complete text as
    /// `message` and `result`, and a close with 1000.
    #[must_use]
    pub fn strands() -> Self {
        Self::replying(|turn| {
            let words = words(turn);
            let mut steps = vec![Step::text(event(&json!({ "init_event_loop": true })))];
            for word in &words {
                steps.push(Step::text(event(&content_block_delta(word))));
                steps.push(Step::text(event(
                    &json!({ "data": word, "delta": { "text": word } }),
                )));
            }
            let whole = json!({ "role": "assistant", "content": [{ "text": words.concat() }] });
            steps.push(Step::text(event(&json!({ "message": whole }))));
            steps.push(Step::text(event(&json!({ "result": words.concat() }))));
            steps.push(Step::Close(Some(1000)));
            steps
        })
    }

    /// Sends the events of Bedrock's Converse API, and closes with 1000.
    #[must_use]
    pub fn converse() -> Self {
        Self::replying(|turn| {
            let mut events = vec![json!({ "event": { "messageStart": { "role": "assistant" } } })];
            events.extend(words(turn).iter().map(|word| content_block_delta(word)));
            events.push(json!({ "event": { "contentBlockStop": { "contentBlockIndex": 0 } } }));
            events.push(json!({ "event": { "messageStop": { "stopReason": "end_turn" } } }));
            sent(events.iter().map(event), Some(Step::Close(Some(1000))))
        })
    }

    /// Speaks AG-UI: `RUN_STARTED`, `TEXT_MESSAGE_CONTENT` events, `RUN_FINISHED`; never closes.
    #[must_use]
    pub fn ag_ui() -> Self {
        Self::replying(|turn| {
            let thread = &turn.runtime_session_id;
            let start = json!({ "type": "RUN_STARTED", "threadId": thread, "runId": "run-1" });
            let opened =
                json!({ "type": "TEXT_MESSAGE_START", "messageId": "m-1", "role": "assistant" });
            let mut events = vec![start, opened];
            events.extend(words(turn).iter().map(
                |word| json!({ "type": "TEXT_MESSAGE_CONTENT", "messageId": "m-1", "delta": word }),
            ));
            events.push(json!({ "type": "TEXT_MESSAGE_END", "messageId": "m-1" }));
            events.push(json!({ "type": "RUN_FINISHED", "threadId": thread, "runId": "run-1" }));
            sent(events.iter().map(event), None)
        })
    }

    /// Sends chat completion chunks as `OpenAI` does, and ends with `data: [DONE]`.
    #[must_use]
    pub fn openai_chat() -> Self {
        Self::replying(|turn| {
            let chunk = |delta: Value, finish: Value| {
                event(&json!({
                    "id": "chatcmpl-1",
                    "object": "chat.completion.chunk",
                    "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
                }))
            };
            let mut events = vec![chunk(
                json!({ "role": "assistant", "content": "" }),
                Value::Null,
            )];
            let words = words(turn);
            events.extend(
                words
                    .iter()
                    .map(|word| chunk(json!({ "content": word }), Value::Null)),
            );
            events.push(chunk(json!({}), json!("stop")));
            sent(events, Some(done()))
        })
    }

    /// Streams as AWS's SDK for agents does for a generator of strings, `data: "…"`, and closes
    /// with 1000.
    #[must_use]
    pub fn sdk_strings() -> Self {
        Self::replying(|turn| {
            let events = words(turn)
                .into_iter()
                .map(|word| event(&Value::from(word)));
            sent(events, Some(Step::Close(Some(1000))))
        })
    }

    /// Sends one bare JSON message for each piece, then `{"type": "done"}`; never closes.
    #[must_use]
    pub fn bare_json() -> Self {
        Self::replying(|turn| {
            let pieces = words(turn)
                .into_iter()
                .map(|word| json!({ "text": word }).to_string());
            sent(
                pieces,
                Some(Step::text(json!({ "type": "done" }).to_string())),
            )
        })
    }

    /// Sends some text, then an error as AWS's SDK reports it in mid-stream.
    #[must_use]
    pub fn sdk_error() -> Self {
        Self::scripted(vec![
            Step::text(event(&Value::from("Let me look that up. "))),
            Step::text(event(&sdk_failure())),
            Step::Close(Some(1000)),
        ])
    }

    /// Sends the same error before any text.
    #[must_use]
    pub fn error_first() -> Self {
        Self::scripted(vec![
            Step::text(event(&sdk_failure())),
            Step::Close(Some(1000)),
        ])
    }

    /// Accepts the connection and never sends anything.
    #[must_use]
    pub fn silent() -> Self {
        Self::scripted(vec![Step::Silence])
    }

    /// Refuses the first handshake with 424, as for a container that is still starting, then
    /// echoes.
    #[must_use]
    pub fn cold() -> Self {
        let not_up = Handshake::status(424, "RuntimeClientError");
        Self::echo().handshake(Handshake::Sequence(vec![not_up, Handshake::Accept]))
    }
}

/// The reply of most ready-made agents, in the pieces in which they send it.
fn words(turn: &Turn) -> Vec<String> {
    let number = turn.turn_number;
    vec![
        "You said: ".to_owned(),
        turn.prompt.clone(),
        format!(" (turn {number} of this session)"),
    ]
}

fn chunks(pieces: &[String]) -> Vec<Step> {
    sent(
        pieces.iter().map(|piece| event(&json!({ "chunk": piece }))),
        Some(done()),
    )
}

fn sent(messages: impl IntoIterator<Item = String>, last: Option<Step>) -> Vec<Step> {
    messages.into_iter().map(Step::Text).chain(last).collect()
}

pub(super) fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

fn done() -> Step {
    Step::text("data: [DONE]\n\n")
}

fn content_block_delta(text: &str) -> Value {
    let delta = json!({ "delta": { "text": text }, "contentBlockIndex": 0 });
    json!({ "event": { "contentBlockDelta": delta } })
}

pub(super) fn sdk_failure() -> Value {
    json!({
        "error": "the tool did not answer",
        "error_type": "RuntimeError",
        "message": "An error occurred during streaming",
    })
}
