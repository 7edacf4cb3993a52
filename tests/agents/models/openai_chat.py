"""OpenAI's Chat Completions: https://platform.openai.com/docs/api-reference/chat-streaming

Reasoning is in `reasoning_content`, as DeepSeek, vLLM and others with this interface have it.
"""

from __future__ import annotations

import json

from starlette.responses import JSONResponse

from .common import FAIL, SECRET, event_stream, fails_at_once, halves, refusal, turn_of

USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
FAILURE = {"error": {"message": SECRET, "type": "server_error", "param": None, "code": None}}


async def endpoint(request):
    """`POST /v1/chat/completions`."""
    body = await request.json()
    results = sum(is_result(message) for message in body["messages"])
    turn = turn_of(body["model"], results)
    if fails_at_once(turn):
        return refusal(FAILURE)
    if body.get("stream"):
        usage = (body.get("stream_options") or {}).get("include_usage")
        return event_stream(stream(body["model"], turn, results, usage))
    if FAIL in turn:
        return refusal(FAILURE)
    return JSONResponse(completion(body["model"], turn, results))


def is_result(message):
    """Whether a message is a tool's result; smolagents sends those as the user's."""
    told = message["role"] == "user" and "Observation:" in json.dumps(message["content"])
    return message["role"] == "tool" or told


def finish_reason(turn):
    """Why the turn ended."""
    return "tool_calls" if turn[-1]["kind"] == "call" else "stop"


def stream(model, turn, results, usage):
    """The chunks of a turn."""

    def chunk(delta, finish=None):
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return None, {**head(model, results, "chat.completion.chunk"), "choices": [choice]}

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    for piece in turn:
        if piece == FAIL:
            yield None, FAILURE
            return
        if piece["kind"] == "call":
            function = {"name": piece["name"], "arguments": ""}
            yield chunk({"tool_calls": [{"index": 0, **tool_call(function, results)}]})
            for part in halves(json.dumps(piece["input"])):
                yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})
        else:
            yield chunk({KEYS[piece["kind"]]: piece["text"]})
    yield chunk({}, finish_reason(turn))
    if usage:
        yield None, {**head(model, results, "chat.completion.chunk"), "choices": [], "usage": USAGE}
    yield None, "[DONE]"


KEYS = {"text": "content", "think": "reasoning_content"}


def completion(model, turn, results):
    """A turn as a whole."""
    message = {"role": "assistant", "content": None, "refusal": None}
    for piece in turn:
        if piece["kind"] == "call":
            function = {"name": piece["name"], "arguments": json.dumps(piece["input"])}
            message["tool_calls"] = [tool_call(function, results)]
        else:
            key = KEYS[piece["kind"]]
            message[key] = (message.get(key) or "") + piece["text"]
    choice = {"index": 0, "message": message, "finish_reason": finish_reason(turn)}
    return {**head(model, results, "chat.completion"), "choices": [choice], "usage": USAGE}


def tool_call(function, results):
    """A call, whose id is another in each turn."""
    return {"id": f"call_{results + 1}", "type": "function", "function": function}


def head(model, results, kind):
    """What every object of this interface has."""
    return {"id": f"chatcmpl-{results + 1}", "object": kind, "created": 1, "model": model}
