//! The cases: form of the response, transport to the agent, size of the reply.

use std::fmt;
use std::str::FromStr;

use agentcore_emulator::{Agent, Step};
use serde_json::{Value, json};

use crate::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// Whether the response is streamed.
    pub(crate) streamed: bool,
    pub(crate) tls: bool,
    pub(crate) chunks: usize,
    /// The number of concurrent invocations.
    pub(crate) at_once: usize,
}

impl Case {
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for at_once in [1, 16, 64] {
            for chunks in [20, 400] {
                for tls in [false, true] {
                    for streamed in [false, true] {
                        all.push(Self {
                            streamed,
                            tls,
                            chunks,
                            at_once,
                        });
                    }
                }
            }
        }
        all
    }

    /// All cases without concurrency, and some with it.
    pub(crate) fn usual() -> Vec<Self> {
        let several = |case: &Self| case.chunks == 20 && case.streamed == case.tls;
        let mut all = Self::all();
        all.retain(|case| case.at_once == 1 || several(case));
        all
    }

    pub(crate) fn invoke_mode(self) -> &'static str {
        if self.streamed {
            "response_stream"
        } else {
            "buffered"
        }
    }

    /// An agent that sends this many chunks, with a pause before each.
    pub(crate) fn agent(self, delay_ms: u64) -> Agent {
        let pause = (delay_ms > 0).then(|| Step::pause_ms(delay_ms));
        let chunks = (0..self.chunks).flat_map(|number| {
            let event = format!("data: {}\n\n", json!({ "chunk": chunk(number) }));
            pause.clone().into_iter().chain([Step::text(event)])
        });
        let done = Step::text("data: [DONE]\n\n");
        Agent::scripted(chunks.chain([done]).collect())
    }

    /// The event of a function URL.
    pub(crate) fn event(self) -> String {
        let mut event: Value =
            serde_json::from_str(include_str!("../../../tests/events/function-url.json"))
                .expect("a file of this repository is JSON");
        let path = if self.streamed {
            "/api/agents/invoke/stream"
        } else {
            "/api/agents/invoke"
        };
        let prompt = "What became of the order that I placed on Tuesday, and when will it be here?";
        let body = json!({ "agentId": "bench", "prompt": prompt }).to_string();
        event["rawPath"] = path.into();
        event["requestContext"]["http"]["path"] = path.into();
        event["rawQueryString"] = "".into();
        event["headers"]["content-length"] = body.len().to_string().into();
        event["body"] = body.into();
        if let Some(event) = event.as_object_mut() {
            event.remove("queryStringParameters");
        }
        event.to_string()
    }

    /// Fails if a response does not contain the complete reply.
    pub(crate) fn check(self, answer: &[u8]) -> Result<(), Error> {
        let answer = std::str::from_utf8(answer)?;
        let said = if self.streamed {
            streamed(answer)
        } else {
            buffered(answer)
        };
        let expected: String = (0..self.chunks).map(chunk).collect();
        match said {
            Some(said) if said == expected => Ok(()),
            _ => Err(format!("not the answer to {self}: {answer}").into()),
        }
    }
}

/// The text of the n-th chunk.
fn chunk(number: usize) -> String {
    format!("the words no. {number:03} ")
}

fn buffered(answer: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let body: Value = serde_json::from_str(answer["body"].as_str()?).ok()?;
    let said = body["response"]
        .as_str()
        .filter(|_| answer["statusCode"] == 200);
    said.map(str::to_owned)
}

fn streamed(answer: &str) -> Option<String> {
    let (prelude, events) = answer.split_once("\0\0\0\0\0\0\0\0")?;
    let prelude: Value = serde_json::from_str(prelude).ok()?;
    let events = events.strip_suffix("data: [DONE]\n\n")?;
    let mut said = String::new();
    for event in events.split_terminator("\n\n") {
        let data = event.lines().find_map(|line| line.strip_prefix("data:"))?;
        let data: Value = serde_json::from_str(data).ok()?;
        said.push_str(data["chunk"].as_str().unwrap_or_default());
    }
    (prelude["statusCode"] == 200).then_some(said)
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = if self.streamed {
            "streamed"
        } else {
            "buffered"
        };
        let way = if self.tls { "tls" } else { "plain" };
        write!(f, "{form}-{way}-{}", self.chunks)?;
        match self.at_once {
            1 => Ok(()),
            several => write!(f, "-x{several}"),
        }
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem =
            || format!("{text:?} is no case, as buffered-plain-20 or streamed-tls-400-x16 is");
        let parts: Vec<_> = text.split('-').collect();
        let (form, way, chunks, at_once) = match parts[..] {
            [form, way, chunks] => (form, way, chunks, "x1"),
            [form, way, chunks, at_once] => (form, way, chunks, at_once),
            _ => return Err(problem()),
        };
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
        let case = Self {
            streamed: form == "streamed",
            tls: way == "tls",
            chunks: number(chunks).ok_or_else(problem)?,
            at_once: at_once
                .strip_prefix('x')
                .and_then(number)
                .ok_or_else(problem)?,
        };
        let known = matches!(form, "streamed" | "buffered") && matches!(way, "tls" | "plain");
        known.then_some(case).ok_or_else(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_what_its_name_says() {
        for case in Case::all() {
            assert_eq!(case.to_string().parse(), Ok(case));
        }
        for name in [
            "",
            "buffered",
            "whole-plain-20",
            "buffered-plain-0",
            "buffered-plain-20-16",
        ] {
            assert!(Case::from_str(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_answer_is_the_whole_reply_or_none() {
        let [case, stream] =
            ["buffered-plain-2", "streamed-plain-2"].map(|name| Case::from_str(name).unwrap());
        let answer = |response: &str| {
            let body = json!({ "response": response }).to_string();
            json!({ "statusCode": 200, "body": body }).to_string()
        };
        assert!(
            case.check(answer("the words no. 000 the words no. 001 ").as_bytes())
                .is_ok()
        );
        assert!(case.check(answer("the words no. 000 ").as_bytes()).is_err());
        let events = "{\"statusCode\":200}\0\0\0\0\0\0\0\0event: session\ndata: {\"sessionId\":\"s\"}\n\n\
            data: {\"chunk\":\"the words no. 000 \"}\n\ndata: {\"chunk\":\"the words no. 001 \"}\n\n";
        assert!(
            stream
                .check(format!("{events}data: [DONE]\n\n").as_bytes())
                .is_ok()
        );
        assert!(stream.check(events.as_bytes()).is_err());
    }
}
