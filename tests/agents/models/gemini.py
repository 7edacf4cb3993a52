"""Gemini's generateContent: https://ai.google.dev/api/generate-content"""

from __future__ import annotations

import json

from starlette.responses import JSONResponse, StreamingResponse

from .common import FAIL, SECRET, fails_at_once, refusal, turn_of

FAILURE = {"error": {"code": 400, "message": SECRET, "status": "INVALID_ARGUMENT"}}


async def endpoint(request):
    """`POST /v1beta/models/{model}:streamGenerateContent` and `:generateContent`."""
    body = await request.json()
    parts = [part for content in body["contents"] for part in content["parts"]]
    results = sum("functionResponse" in part for part in parts)
    turn = turn_of(request.path_params["model"], results)
    if fails_at_once(turn):
        return refusal(FAILURE)
    chunks = [response([piece]) for piece in turn]
    chunks[-1]["candidates"][0]["finishReason"] = "STOP"
    if request.path_params["method"] == "generateContent":
        if FAIL in turn:
            return refusal(FAILURE)
        return JSONResponse(whole(turn))
    if FAIL in turn:
        chunks = [*chunks[:-1], FAILURE]
    lines = [f"data: {json.dumps(chunk, ensure_ascii=False)}\r\n\r\n" for chunk in chunks]
    return StreamingResponse(iter(lines), media_type="text/event-stream")


def response(pieces):
    """A GenerateContentResponse with these pieces."""
    content = {"parts": [part(piece) for piece in pieces if piece != FAIL], "role": "model"}
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 12}
    candidate = {"content": content, "index": 0}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "fake"}


def whole(turn):
    """A turn as one response: what is of one kind is one part."""
    pieces = []
    for piece in turn:
        if pieces and piece["kind"] == pieces[-1]["kind"] != "call":
            pieces[-1] = {**piece, "text": pieces[-1]["text"] + piece["text"]}
        else:
            pieces.append(piece)
    answer = response(pieces)
    answer["candidates"][0]["finishReason"] = "STOP"
    return answer


def part(piece):
    """A part of a content."""
    if piece["kind"] == "call":
        return {"functionCall": {"name": piece["name"], "args": piece["input"]}}
    thought = {"thought": True} if piece["kind"] == "think" else {}
    return {"text": piece["text"], **thought}
