//! What a `ReActAgent`'s model writes: `Thought: …`, then either an action or `Answer: …`.
//!
//! `llama-index-core/llama_index/core/agent/react/output_parser.py` defines it. The agent streams
//! all of it, and gives as its whole answer only what follows `Answer:`.

use crate::dialects::Reading;
use crate::json::Str;

const THOUGHT: &str = "Thought:";
const ANSWER: &str = "\nAnswer:";

/// Says a piece of such text, of which `response` is all so far; false where it is other text.
pub(super) fn piece(delta: Str<'_>, response: Str<'_>, reading: &mut Reading<'_>) -> bool {
    // For most models the word is one token, and the colon the next.
    if !response.starts_with(THOUGHT) && !response.is("Thought") {
        return false;
    }
    let (delta, response) = (delta.decode(), response.decode());
    let Some(before) = response.strip_suffix(&*delta) else {
        return false;
    };
    let new = answer_start(&response).max(before.len());
    let (thought, answer) = response.split_at(new);
    let thought = thought.get(before.len()..).unwrap_or_default();
    reading.reasoning("llama-index thinking_delta", Str::plain(thought));
    reading.text("llama-index delta", Str::plain(answer));
    true
}

/// Says such text as a whole; false where it is other text.
pub(super) fn whole(text: Str<'_>, reading: &mut Reading<'_>) -> bool {
    if !text.starts_with(THOUGHT) {
        return false;
    }
    let text = text.decode();
    let (thought, answer) = text.split_at(answer_start(&text));
    reading.reasoning("thinking", Str::plain(thought));
    reading.text("text", Str::plain(answer));
    true
}

/// Where the answer begins, or the text's end where it has not begun.
fn answer_start(text: &str) -> usize {
    let answer = text.split_once(ANSWER).map(|(_, answer)| answer);
    text.len() - answer.map_or(0, |answer| answer.trim_start().len())
}

#[cfg(test)]
mod tests {
    use crate::dialects::testing::said;

    #[test]
    fn thoughts_are_reasoning_and_the_answer_is_text() {
        let mut response = String::new();
        let pieces = [
            "Thought",
            ": I",
            " know.",
            "\nAns",
            "wer: It",
            " is",
            "\nAnswer: so.",
        ];
        let events = pieces.map(|piece| {
            response.push_str(piece);
            let (piece, response) = (piece.replace('\n', "\\n"), response.replace('\n', "\\n"));
            format!(r#"{{"delta":"{piece}","response":"{response}","current_agent_name":"A"}}"#)
        });
        let lines = said(&events.each_ref().map(String::as_str));
        assert_eq!(
            lines,
            [
                "reasoning Thought",
                "reasoning : I",
                "reasoning  know.",
                "reasoning \nAns",
                "reasoning wer: ",
                "text It",
                "text  is",
                "text \nAnswer: so.",
            ]
        );
    }

    #[test]
    fn a_whole_step_is_reasoning_but_for_its_answer() {
        let output = |text: &str| {
            format!(
                r#"{{"response":{{"role":"assistant","additional_kwargs":{{}},"blocks":[
                {{"block_type":"text","text":"{text}"}}]}},"current_agent_name":"A","tool_calls":[]}}"#
            )
        };
        let step = output(r"Thought: a\nAction: f");
        let answer = output(r"Thought: b\nAnswer: A");
        assert_eq!(
            said(&[&step, &answer]),
            [
                "reasoning Thought: a\nAction: f",
                "reasoning Thought: b\nAnswer: ",
                "text A"
            ]
        );
    }
}
