"""An agent on the official SDK, in the ways in which such agents are written.

The runtime's name in the ARN picks the way: the runtime `sse-Abcdef1234` does what `sse` does.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import logging
import re

from bedrock_agentcore import BedrockAgentCoreApp
from pydantic import BaseModel
from starlette.routing import WebSocketRoute

# The SDK gives its logger a handler, to standard error, unless there is one. With one that does
# nothing its lines go to pytest alone, which shows them where a test fails.
logging.getLogger("bedrock_agentcore.app").addHandler(logging.NullHandler())

app = BedrockAgentCoreApp()
# The SDK serves its handler at /ws, where the service's proxy would ask for it. There is no proxy
# here, so the handler is at the path of the service too.
app.routes.append(WebSocketRoute("/runtimes/{arn:path}/ws", app._handle_websocket))

WAYS = {}


def way(function):
    """Makes a function a way of this agent, under its name."""
    WAYS[function.__name__] = function
    return function


@app.websocket
async def handler(websocket, context):
    """One connection. A runtime without a way is a KeyError before the handshake is accepted."""
    name = re.fullmatch(r"arn:.*:runtime/(\w+)-\w{10}", websocket.path_params["arn"])[1]
    behave = WAYS[name]
    await websocket.accept()
    await behave(websocket, context, await websocket.receive_json())


# What the agent says.


@way
async def sse(websocket, context, message):
    """Server-sent events as text, the end marked."""
    for word in ("Hello ", "from ", "SSE"):
        await websocket.send_text(f"data: {json.dumps({'chunk': word})}\n\n")
    await websocket.send_text("data: [DONE]\n\n")
    await websocket.close()


@way
async def sent_json(websocket, context, message):
    """Bare JSON, as `send_json` makes it."""
    for word in ("Hello ", "from ", "JSON é☃"):
        await websocket.send_json({"type": "text", "text": word})
    await websocket.send_json({"type": "done"})
    await websocket.close()


@way
async def sent_bytes(websocket, context, message):
    """Binary messages of one byte, so that each character of more than one is cut."""
    for byte in 'data: {"chunk": "é☃ in bytes"}\n\n'.encode():
        await websocket.send_bytes(bytes([byte]))
    await websocket.close()


@dataclasses.dataclass
class Result:
    """A reply as agent frameworks have them: a dataclass."""

    text: str


class Message(BaseModel):
    """The same as a Pydantic model."""

    content: str


class Opaque:
    """What no serialiser knows; the SDK takes its text."""

    def __str__(self):
        return "opaque"


SDK_VALUES = (
    'a string, "quoted"\n',
    {"data": "a dict é☃, "},
    Result("a dataclass, "),
    Message(content="a model, "),
    {"output": (Message(content="a tuple "), Message(content="of two, "))},
    {"text": {"a set, "}},
    Opaque(),
    3,
    None,
    {"usage": {"tokens": 7}},
)


@way
async def sdk_stream(websocket, context, message):
    """What the SDK makes of the values that an agent yields."""

    async def agent():
        for value in SDK_VALUES:
            yield value

    await send_stream(websocket, agent())
    await websocket.close()


@way
async def sdk_stream_fails(websocket, context, message):
    """What the SDK makes of an agent that fails while it streams."""

    async def agent():
        yield "Hello"
        raise ValueError("SECRET-OF-THE-AGENT")

    await send_stream(websocket, agent())
    await websocket.close()


@way
async def sdk_stream_fails_at_once(websocket, context, message):
    """The same before the first word."""

    async def agent():
        raise ValueError("SECRET-OF-THE-AGENT")
        yield

    await send_stream(websocket, agent())
    await websocket.close()


async def send_stream(websocket, values):
    """Sends what the SDK's own `/invocations` would stream: it has no public name for that."""
    async for event in app._stream_with_error_handling(values):
        await websocket.send_bytes(event)


# How a connection ends.


@way
async def loops(websocket, context, message):
    """Says what the prompt lists and waits for the next turn: never closes, never returns."""
    while True:
        for text in json.loads(message["prompt"]):
            await websocket.send_text(text)
        message = await websocket.receive_json()


@way
async def closes(websocket, context, message):
    """Says the prompt and closes; nothing else marks the end."""
    if message["prompt"] != "nothing":
        await websocket.send_text(message["prompt"])
    await websocket.close()


@way
async def returns(websocket, context, message):
    """Says the prompt and returns. Neither the SDK nor uvicorn sends a close frame then."""
    if message["prompt"] != "nothing":
        await websocket.send_text(message["prompt"])


@way
async def raises_before_text(websocket, context, message):
    """The SDK closes with 1011."""
    raise RuntimeError("SECRET-OF-THE-AGENT")


@way
async def raises_after_text(websocket, context, message):
    """The same after a word."""
    await websocket.send_text("Hello")
    raise RuntimeError("SECRET-OF-THE-AGENT")


@way
async def is_silent(websocket, context, message):
    """Says nothing and waits until the other side hangs up."""
    await websocket.receive_json()


# What the agent knows.

memory = collections.defaultdict(list)


@way
async def remembers(websocket, context, message):
    """Says all that was said in the session, which is the one that the SDK knows."""
    memory[context.session_id].append(message["prompt"])
    await websocket.send_json({"result": ", ".join(memory[context.session_id])})
    await websocket.close()


@way
async def tells(websocket, context, message):
    """Says what the SDK tells an agent of its caller, and what it was sent."""
    told = {"session": context.session_id, "headers": context.request_headers, "message": message}
    await websocket.send_json({"result": json.dumps(told)})
    await websocket.close()
