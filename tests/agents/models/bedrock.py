"""Amazon Bedrock's ConverseStream, which answers in AWS's binary event stream.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
"""

from __future__ import annotations

import itertools
import json
import struct
import zlib

from starlette.responses import JSONResponse, StreamingResponse

from .common import SECRET, fails_at_once, halves, turn_of


async def stream(request):
    """`POST /model/{model}/converse-stream`."""
    body = await request.json()
    blocks = [block for message in body["messages"] for block in message["content"]]
    results = sum("toolResult" in block for block in blocks)
    turn = turn_of(request.path_params["model"], results)
    if fails_at_once(turn):
        kind = {"x-amzn-ErrorType": "ValidationException"}
        return JSONResponse({"message": SECRET}, 400, kind)
    messages = [message(kind, event, data) for kind, event, data in events(turn, results)]
    return StreamingResponse(iter(messages), media_type="application/vnd.amazon.eventstream")


def events(turn, results):
    """The events of a turn: the kind of message, its name, its payload."""
    yield "event", "messageStart", {"role": "assistant"}
    blocks = itertools.groupby(turn, key=lambda piece: piece["kind"])
    for index, (kind, pieces) in enumerate(blocks):
        at = {"contentBlockIndex": index}
        if kind == "fail":
            yield "exception", "modelStreamErrorException", {"message": SECRET}
            return
        deltas = DELTAS[kind](list(pieces))
        if kind == "call":
            tool_use = {"toolUseId": f"tooluse_{results + 1}", "name": turn[-1]["name"]}
            yield "event", "contentBlockStart", {"start": {"toolUse": tool_use}, **at}
        for delta in deltas:
            yield "event", "contentBlockDelta", {"delta": delta, **at}
        yield "event", "contentBlockStop", at
    reason = "tool_use" if turn[-1]["kind"] == "call" else "end_turn"
    yield "event", "messageStop", {"stopReason": reason}
    usage = {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}
    yield "event", "metadata", {"usage": usage, "metrics": {"latencyMs": 10}}


def reasoning(pieces):
    """Reasoning, with the signature that ends it."""
    texts = [{"reasoningContent": {"text": piece["text"]}} for piece in pieces]
    return [*texts, {"reasoningContent": {"signature": "c2ln"}}]


DELTAS = {
    "text": lambda pieces: [{"text": piece["text"]} for piece in pieces],
    "think": reasoning,
    "call": lambda pieces: [
        {"toolUse": {"input": part}} for part in halves(json.dumps(pieces[0]["input"]))
    ],
}


def message(kind, name, data):
    """A message of the event stream: lengths, headers, payload, and the checksums of both."""
    pairs = {
        ":message-type": kind,
        f":{kind}-type": name,
        ":content-type": "application/json",
    }
    headers = b"".join(header(name, value) for name, value in pairs.items())
    payload = json.dumps(data, ensure_ascii=False).encode()
    prelude = struct.pack("!II", len(headers) + len(payload) + 16, len(headers))
    prelude += struct.pack("!I", zlib.crc32(prelude))
    whole = prelude + headers + payload
    return whole + struct.pack("!I", zlib.crc32(whole))


def header(name, value):
    """A header whose value is a string, which is type 7."""
    return struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
