"""What the interfaces share."""

from __future__ import annotations

import json

from starlette.responses import JSONResponse, StreamingResponse

from script import FAIL, SCRIPTS, SECRET


def turn_of(model, results):
    """The pieces of the turn that follows so many results of tools."""
    turns = SCRIPTS[model]
    return turns[min(results, len(turns) - 1)]


def fails_at_once(turn):
    """Whether the failure comes before the first word: an HTTP error, then."""
    return turn[0] == FAIL


def refusal(body):
    """An HTTP error that no client asks again after."""
    return JSONResponse(body, 400)


def event_stream(events):
    """Server-sent events: pairs of a name, or None, and data."""

    async def chunks():
        for name, data in events:
            text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
            yield (f"event: {name}\n" if name else "") + f"data: {text}\n\n"

    return StreamingResponse(chunks(), media_type="text/event-stream")


def halves(text):
    """The input of a tool comes in pieces."""
    middle = len(text) // 2
    return [text[:middle], text[middle:]]


__all__ = ["FAIL", "SECRET", "event_stream", "fails_at_once", "halves", "refusal", "turn_of"]
