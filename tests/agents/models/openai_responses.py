"""OpenAI's Responses: https://platform.openai.com/docs/api-reference/responses-streaming"""

from __future__ import annotations

import itertools
import json

from starlette.responses import JSONResponse

from .common import FAIL, SECRET, event_stream, fails_at_once, halves, refusal, turn_of

USAGE = {
    "input_tokens": 5,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 12,
}

FAILURE = {"error": {"message": SECRET, "type": "invalid_request_error"}}


async def endpoint(request):
    """`POST /v1/responses`."""
    body = await request.json()
    items = body["input"] if isinstance(body["input"], list) else []
    results = sum(item.get("type") == "function_call_output" for item in items)
    turn = turn_of(body["model"], results)
    if fails_at_once(turn):
        return refusal(FAILURE)
    events = list(stream(body["model"], body.get("instructions"), turn, results))
    if body.get("stream"):
        return event_stream(events)
    if FAIL in turn:
        return refusal(FAILURE)
    return JSONResponse(events[-1][1]["response"])


def stream(model, instructions, turn, results):
    """The events of a turn."""
    numbers = itertools.count()
    output = []

    def event(kind, **fields):
        return kind, {"type": kind, "sequence_number": next(numbers), **fields}

    def response(status, **fields):
        return {
            "id": f"resp_{results + 1}",
            "object": "response",
            "created_at": 1,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": instructions,
            "model": model,
            "output": list(output),
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "temperature": 1.0,
            "top_p": 1.0,
            "metadata": {},
            **fields,
        }

    yield event("response.created", response=response("in_progress"))
    yield event("response.in_progress", response=response("in_progress"))
    for kind, pieces in itertools.groupby(turn, key=lambda piece: piece["kind"]):
        if kind == "fail":
            error = {"code": "server_error", "message": SECRET}
            yield event("response.failed", response=response("failed", error=error))
            return
        position = {"output_index": len(output)}
        item = yield from ITEMS[kind](event, list(pieces), results, position)
        yield event("response.output_item.done", item=item, **position)
        output.append(item)
    yield event("response.completed", response=response("completed", usage=USAGE))


def message(event, pieces, results, position):
    """A message of the assistant's."""
    item = {"id": f"msg_{results + 1}", "type": "message", "role": "assistant"}
    yield event(
        "response.output_item.added", item={**item, "status": "in_progress", "content": []}, **position
    )
    at = {"item_id": item["id"], "content_index": 0, **position}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    yield event("response.content_part.added", part=part, **at)
    for piece in pieces:
        yield event("response.output_text.delta", delta=piece["text"], logprobs=[], **at)
    part = {**part, "text": "".join(piece["text"] for piece in pieces)}
    yield event("response.output_text.done", text=part["text"], logprobs=[], **at)
    yield event("response.content_part.done", part=part, **at)
    return {**item, "status": "completed", "content": [part]}


def reasoning(event, pieces, results, position):
    """A summary of reasoning."""
    item = {"id": f"rs_{results + 1}", "type": "reasoning", "summary": []}
    yield event("response.output_item.added", item=item, **position)
    at = {"item_id": item["id"], "summary_index": 0, **position}
    part = {"type": "summary_text", "text": ""}
    yield event("response.reasoning_summary_part.added", part=part, **at)
    for piece in pieces:
        yield event("response.reasoning_summary_text.delta", delta=piece["text"], **at)
    part = {**part, "text": "".join(piece["text"] for piece in pieces)}
    yield event("response.reasoning_summary_text.done", text=part["text"], **at)
    yield event("response.reasoning_summary_part.done", part=part, **at)
    return {**item, "summary": [part]}


def function_call(event, pieces, results, position):
    """A call of a tool."""
    [piece] = pieces
    item = {
        "id": f"fc_{results + 1}",
        "type": "function_call",
        "call_id": f"call_{results + 1}",
        "name": piece["name"],
    }
    added = {**item, "status": "in_progress", "arguments": ""}
    yield event("response.output_item.added", item=added, **position)
    at = {"item_id": item["id"], **position}
    arguments = json.dumps(piece["input"])
    for part in halves(arguments):
        yield event("response.function_call_arguments.delta", delta=part, **at)
    yield event(
        "response.function_call_arguments.done", arguments=arguments, name=item["name"], **at
    )
    return {**item, "status": "completed", "arguments": arguments}


ITEMS = {"text": message, "think": reasoning, "call": function_call}
