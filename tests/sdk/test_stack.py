"""The whole stack in front of an agent on the official SDK: what HTTP callers get."""

from __future__ import annotations

import json
import re

import pytest
from service import SESSION_ID


def is_whole(answer, response, chunks):
    """The answer is a reply that lacks nothing."""
    assert answer.status == 200, answer
    assert answer.json["response"] == response
    assert answer.json["metadata"].keys() == {"chunks", "duration"}
    assert answer.json["metadata"]["chunks"] == chunks
    assert "incomplete" not in answer.json, answer


def is_incomplete(answer, response):
    """The answer is the beginning of a reply."""
    assert answer.status == 200, answer
    assert (answer.json["response"], answer.json["incomplete"]) == (response, True)


def is_error(answer, status, code, agent, phase):
    """The answer is an error after which a caller should not just ask again."""
    assert (answer.status, answer.json["error"]) == (status, code), answer
    assert answer.json["details"] == {"agentId": agent, "retryable": False, "phase": phase}
    assert "SECRET" not in answer.text


# What the agent says.


def test_sse_text(stack):
    answer, visit = stack.ask("sse", "Hi")
    is_whole(answer, "Hello from SSE", chunks=3)
    assert [json.loads(message) for message in visit.messages] == [
        {"prompt": "Hi", "sessionId": answer.json["sessionId"]}
    ]
    assert answer.headers["content-type"] == "application/json"


def test_what_the_sdk_serialises(stack):
    answer, _ = stack.ask("sdk-stream")
    text = 'a string, "quoted"\na dict é☃, a dataclass, a model, a tuple of two, a set, opaque3'
    is_whole(answer, text, chunks=8)


def test_send_json(stack):
    is_whole(stack.ask("sent-json")[0], "Hello from JSON é☃", chunks=3)


def test_send_bytes(stack):
    is_whole(stack.ask("sent-bytes")[0], "é☃ in bytes", chunks=1)


# How a connection ends.


@pytest.mark.parametrize(
    "messages",
    [
        ['data: {"chunk": "Hello"}\n\n', "data: [DONE]\n\n"],
        ['data: {"chunk": "Hello"}\n\n', "event: done\n\n"],
        ['{"text": "Hello"}', '{"type": "done"}'],
        ["Hello", "[DONE]"],
    ],
)
def test_a_handler_that_loops_is_done_at_its_terminal_event(stack, messages):
    answer, visit = stack.ask("loops", json.dumps(messages))
    is_whole(answer, "Hello", chunks=1)
    # Far below the 20 s that the bridge waits for an agent's next message.
    assert answer.json["metadata"]["duration"] < 5000
    assert visit.closed_with == 1000


def test_a_handler_that_loops_without_a_terminal_event_is_left_when_it_falls_silent(impatient):
    answer, visit = impatient.ask("loops", json.dumps(["Hello"]))
    is_incomplete(answer, "Hello")
    assert visit.closed_with == 1000


def test_a_handler_that_says_nothing_is_a_timeout(impatient):
    answer, visit = impatient.ask("is-silent")
    is_error(answer, 504, "TimeoutError", "is-silent", "first_chunk")
    assert visit.closed_with == 1000


def test_a_handler_that_closes_has_said_all(stack):
    is_whole(stack.ask("closes", "Hello")[0], "Hello", chunks=1)
    is_whole(stack.ask("closes", "nothing")[0], "", chunks=0)


def test_a_handler_that_returns_without_closing_is_a_lost_socket(stack):
    is_incomplete(stack.ask("returns", "Hello")[0], "Hello")
    answer, _ = stack.ask("returns", "nothing")
    is_error(answer, 503, "ServiceUnavailableError", "returns", "first_chunk")


def test_a_handler_that_returns_after_its_terminal_event_has_said_all(stack):
    is_whole(stack.ask("returns", 'data: "Hello"\n\ndata: [DONE]\n\n')[0], "Hello", chunks=1)


def test_a_handler_that_raises_before_text(stack):
    answer, _ = stack.ask("raises-before-text")
    is_error(answer, 503, "ServiceUnavailableError", "raises-before-text", "first_chunk")


def test_a_handler_that_raises_after_text(stack):
    is_incomplete(stack.ask("raises-after-text")[0], "Hello")


def test_a_handler_that_raises_before_it_accepts_is_a_refusal(stack):
    answer, _ = stack.ask("absent")
    is_error(answer, 403, "AuthorizationError", "absent", "handshake")


def test_an_error_of_the_sdk_in_mid_stream(stack):
    answer, _ = stack.ask("sdk-stream-fails")
    is_incomplete(answer, "Hello")
    assert "SECRET" not in answer.text


def test_an_error_of_the_sdk_before_the_first_word(stack):
    answer, _ = stack.ask("sdk-stream-fails-at-once")
    is_error(answer, 500, "InternalError", "sdk-stream-fails-at-once", "first_chunk")


# Sessions, as the SDK tells its agent of them.


@pytest.mark.parametrize("session", ["short", "s" * 33, "s" * 256], ids=len)
def test_three_turns_of_one_session(stack, session):
    for turn, remembered in enumerate(["1", "1, 2", "1, 2, 3"], start=1):
        answer, visit = stack.ask("remembers", str(turn), session)
        is_whole(answer, remembered, chunks=1)
        assert answer.json["sessionId"] == session
        assert json.loads(visit.messages[0])["sessionId"] == session
        # The service takes 33 characters and more, AgentCore Memory 100 and fewer.
        assert re.search(rf"{SESSION_ID}=[\w-]{{33,100}}&", visit.target)
    answer, _ = stack.ask("remembers", "other", session[:-1])
    is_whole(answer, "other", chunks=1)


def test_a_session_that_the_bridge_began_goes_on(stack):
    first, _ = stack.ask("remembers", "1")
    other, _ = stack.ask("remembers", "1")
    session = first.json["sessionId"]
    assert re.fullmatch(r"session-[0-9a-f-]{36}", session)
    assert other.json["sessionId"] != session
    second, visit = stack.ask("remembers", "2", session)
    is_whole(second, "1, 2", chunks=1)
    assert f"{SESSION_ID}={session}&" in visit.target


# Prompts of 100 kB.


@pytest.mark.parametrize("pattern", ["p", "é", "☃\n", '"\\\t'])
def test_a_prompt_of_100_kb_arrives_whole(stack, pattern):
    prompt = pattern * (102400 // len(pattern.encode()))
    prompt += "p" * (102400 - len(prompt.encode()))
    answer, visit = stack.ask("remembers", prompt)
    is_whole(answer, prompt, chunks=1)
    assert [json.loads(message)["prompt"] for message in visit.messages] == [prompt]


def test_a_longer_prompt_never_reaches_the_agent(stack):
    answer, visits = stack.try_to_ask("remembers", "p" * 102401)
    assert (answer.status, answer.json["error"], visits) == (400, "ValidationError", [])
