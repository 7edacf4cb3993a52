//! A ready-made agent that thinks and uses a tool, as a page wants to show it.

use serde_json::{Value, json};

use super::Agent;
use crate::Step;

/// The pause between two events, in milliseconds.
const PACE_MS: u64 = 40;

impl Agent {
    /// Streams as Strands does with a model that thinks: reasoning, a call of a tool, the tool's answer,
    /// and then text, of which the complete message and the result are repeats. Closes with 1000.
    #[must_use]
    pub fn weather() -> Self {
        let call = json!({ "toolUse": { "toolUseId": "tool-1", "name": "get_weather" } });
        let input = json!({ "toolUse": { "input": "{\"city\": \"Lisbon\"}" } });
        let called = json!({ "toolUse": {
            "toolUseId": "tool-1", "name": "get_weather", "input": { "city": "Lisbon" },
        } });
        let answered = json!({ "toolResult": {
            "toolUseId": "tool-1", "status": "success",
            "content": [{ "json": { "sky": "clear", "celsius": 24 } }],
        } });
        let mut events = vec![json!({ "init_event_loop": true })];
        for thought in [
            "They ask for the weather. ",
            "I should look it up ",
            "rather than guess.",
        ] {
            let delta = json!({ "reasoningContent": { "text": thought } });
            events.push(delta_of(0, &delta));
            events.push(json!({ "reasoningText": thought, "delta": delta, "reasoning": true }));
        }
        let start = json!({ "contentBlockIndex": 1, "start": call });
        events.extend([
            json!({ "event": { "contentBlockStart": start } }),
            delta_of(1, &input),
            json!({ "event": { "contentBlockStop": { "contentBlockIndex": 1 } } }),
            json!({ "event": { "messageStop": { "stopReason": "tool_use" } } }),
            json!({ "message": { "role": "assistant", "content": [called] } }),
            json!({ "message": { "role": "user", "content": [answered] } }),
            json!({ "event": { "messageStart": { "role": "assistant" } } }),
        ]);
        let words = [
            "Lisbon has ",
            "a clear sky ",
            "and 24 °C. ",
            "You will not need an umbrella.",
        ];
        for word in words {
            let delta = json!({ "text": word });
            events.push(delta_of(0, &delta));
            events.push(json!({ "data": word, "delta": delta }));
        }
        let whole = json!([{ "text": words.concat() }]);
        events.extend([
            json!({ "event": { "messageStop": { "stopReason": "end_turn" } } }),
            json!({ "message": { "role": "assistant", "content": whole } }),
            json!({ "result": words.concat() }),
        ]);
        let paced = events.iter().flat_map(|event| {
            let message = Step::text(format!("data: {event}\n\n"));
            [message, Step::pause_ms(PACE_MS)]
        });
        Self::scripted(paced.chain([Step::Close(Some(1000))]).collect())
    }
}

fn delta_of(index: u32, delta: &Value) -> Value {
    json!({ "event": { "contentBlockDelta": { "contentBlockIndex": index, "delta": delta } } })
}
