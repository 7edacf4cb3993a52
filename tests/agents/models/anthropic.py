"""Anthropic's Messages: https://docs.anthropic.com/en/docs/build-with-claude/streaming"""

from __future__ import annotations

import itertools
import json

from .common import SECRET, event_stream, fails_at_once, halves, refusal, turn_of

FAILURE = {"type": "error", "error": {"type": "api_error", "message": SECRET}}


async def endpoint(request):
    """`POST /v1/messages`, as a stream, which all agents here ask for."""
    body = await request.json()
    blocks = [
        block
        for message in body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
    ]
    results = sum(block["type"] == "tool_result" for block in blocks)
    turn = turn_of(body["model"], results)
    if fails_at_once(turn):
        return refusal(FAILURE)
    return event_stream((data["type"], data) for data in stream(body["model"], turn, results))


def stream(model, turn, results):
    """The events of a turn."""
    yield {
        "type": "message_start",
        "message": {
            "id": f"msg_{results + 1}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 5, "output_tokens": 1},
        },
    }
    yield {"type": "ping"}
    blocks = itertools.groupby(turn, key=lambda piece: piece["kind"])
    for index, (kind, pieces) in enumerate(blocks):
        if kind == "fail":
            yield FAILURE
            return
        start, deltas = block(kind, list(pieces), results)
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    reason = "tool_use" if turn[-1]["kind"] == "call" else "end_turn"
    delta = {"stop_reason": reason, "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}}
    yield {"type": "message_stop"}


def block(kind, pieces, results):
    """How a block begins, and the pieces of it."""
    if kind == "text":
        deltas = [{"type": "text_delta", "text": piece["text"]} for piece in pieces]
        return {"type": "text", "text": ""}, deltas
    if kind == "think":
        deltas = [{"type": "thinking_delta", "thinking": piece["text"]} for piece in pieces]
        deltas.append({"type": "signature_delta", "signature": "c2ln"})
        return {"type": "thinking", "thinking": "", "signature": ""}, deltas
    [piece] = pieces
    parts = halves(json.dumps(piece["input"]))
    deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
    start = {"type": "tool_use", "id": f"toolu_{results + 1}", "name": piece["name"], "input": {}}
    return start, deltas
