"""The Claude Agent SDK: https://docs.claude.com/en/api/agent-sdk/python

The SDK reads the lines of a program of Anthropic's. They are written here, in its form, by a
transport of the SDK's own interface; what the agent sends are the SDK's own messages.
"""

from __future__ import annotations

import dataclasses
import itertools
import json

import anyio
import room
import script as scripts
from claude_agent_sdk import (
    AssistantMessage,
    ClaudeAgentOptions,
    ResultMessage,
    StreamEvent,
    TextBlock,
    ToolUseBlock,
    Transport,
    query,
)
from models.anthropic import stream as model_events

SCRIPTS = ("text", "tools", "silent_tools", "thinking", "writes_json", "fails", "fails_at_once")
framework = room.Framework("claude-agent-sdk", *SCRIPTS)
SESSION = {"session_id": "session", "uuid": "00000000-0000-4000-8000-000000000000"}


def lines(script, partial):
    """What the program prints with `--output-format stream-json`, partial messages or not."""
    yield {"type": "system", "subtype": "init", "cwd": "/", "tools": [], "model": script, **SESSION}
    turns = scripts.SCRIPTS[script]
    for number, turn in enumerate(turns):
        if partial and turn[0] != scripts.FAIL:
            for event in model_events(script, turn, number):
                if event["type"] not in ("ping", "error"):
                    yield {"type": "stream_event", "event": event, "parent_tool_use_id": None, **SESSION}
        if scripts.FAIL in turn:
            yield result("error_during_execution", len(turns), errors=[scripts.SECRET])
            return
        yield from messages(script, turn, number)
    yield result("success", len(turns), result=scripts.words(script)[-1])


def result(subtype, turns, **fields):
    """The line that ends a reply."""
    return {
        "type": "result",
        "subtype": subtype,
        "is_error": subtype != "success",
        "duration_ms": 9,
        "duration_api_ms": 8,
        "num_turns": turns,
        "total_cost_usd": 0.01,
        "usage": {"input_tokens": 5, "output_tokens": 7},
        **SESSION,
        **fields,
    }


def messages(script, turn, number):
    """A message for each block, which is how the program tells them, and a tool's result."""
    for kind, pieces in itertools.groupby(turn, key=lambda piece: piece["kind"]):
        pieces = list(pieces)
        message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": script}
        content = [BLOCKS[kind](pieces, number)]
        yield {
            "type": "assistant",
            "message": {**message, "content": content, "stop_reason": None},
            "parent_tool_use_id": None,
            **SESSION,
        }
        if kind == "call":
            block = {"type": "tool_result", "tool_use_id": f"toolu_{number}"}
            block["content"] = scripts.get_weather(**pieces[0]["input"])
            yield {
                "type": "user",
                "message": {"role": "user", "content": [block]},
                "parent_tool_use_id": None,
                **SESSION,
            }


def joined(pieces):
    """The words of some pieces."""
    return "".join(piece["text"] for piece in pieces)


BLOCKS = {
    "text": lambda pieces, _: {"type": "text", "text": joined(pieces)},
    "think": lambda pieces, _: {"type": "thinking", "thinking": joined(pieces), "signature": "c2ln"},
    "call": lambda pieces, number: {
        "type": "tool_use",
        "id": f"toolu_{number}",
        "name": pieces[0]["name"],
        "input": pieces[0]["input"],
    },
}


class Program(Transport):
    """Stands for the program: answers what the SDK asks it, then says its lines."""

    def __init__(self, script, partial):
        self._lines = lines(script, partial)
        self._send, self._receive = anyio.create_memory_object_stream(99)

    async def connect(self):
        """There is nothing to start."""

    async def write(self, data):
        """A request of the SDK's is answered; the prompt begins the reply."""
        message = json.loads(data)
        if message["type"] == "control_request":
            response = {"subtype": "success", "request_id": message["request_id"], "response": {}}
            await self._send.send([{"type": "control_response", "response": response}])
        else:
            await self._send.send(self._lines)
            self._send.close()

    async def read_messages(self):
        """All lines."""
        async for some in self._receive:
            for line in some:
                yield line

    async def close(self):
        """There is nothing to stop."""

    async def end_input(self):
        """The prompt is there already."""

    def is_ready(self):
        """From the start."""
        return True


def stream(partial):
    """The SDK's messages."""

    def messages_of(script):
        options = ClaudeAgentOptions(system_prompt=scripts.SYSTEM, include_partial_messages=partial)
        return query(prompt=scripts.PROMPT, options=options, transport=Program(script, partial))

    return messages_of


async def printed(script):
    """The program's lines as they are, as an agent without the SDK passes them on."""
    for line in lines(script, partial=True):
        yield line


def named(message):
    """A message under its class's name, as users tell them apart."""
    return {"type": type(message).__name__, **dataclasses.asdict(message)}


def typed(message):
    """The home-made form of many agents on this SDK."""
    if isinstance(message, AssistantMessage):
        for block in message.content:
            if isinstance(block, TextBlock):
                return {"type": "text", "content": block.text}
            if isinstance(block, ToolUseBlock):
                return {"type": "tool_use", "name": block.name, "input": block.input}
    if isinstance(message, ResultMessage):
        if message.is_error:
            return {"type": "error", "message": str(message.errors)}
        return {"type": "result", "result": message.result}
    return None


DUMPS = {
    "send_json(asdict(message))": room.objects(dataclasses.asdict),
    "{type: class name, ...asdict}": room.objects(named),
    "SDK yield": room.sdk,
    "SSE, event: class name": room.sse(
        lambda message: json.dumps(dataclasses.asdict(message)),
        name=lambda message: type(message).__name__,
    ),
}
framework.ways(
    stream(False), {f"messages: {name}": send for name, send in DUMPS.items()}, failure="error"
)
framework.ways(
    stream(False),
    {"messages: {type: text}, {type: tool_use}, {type: result}": room.only(typed, room.objects())},
    failure="error",
)
framework.ways(stream(True), {f"partial: {name}": send for name, send in DUMPS.items()})
framework.ways(
    stream(True),
    {
        "partial: only the model's events": room.only(
            lambda message: message.event if isinstance(message, StreamEvent) else None,
            room.objects(),
        )
    },
    scripts=[script for script in SCRIPTS if not scripts.fails(script)],
)
framework.ways(
    printed,
    {
        "the program's lines: send_json": room.objects(),
        "the program's lines: send_text with newline": room.text(
            lambda line: json.dumps(line) + "\n"
        ),
    },
)
