"""Frameworks, the ways in which their users put a stream on a socket, and the cases of both."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Callable

from bedrock_agentcore import BedrockAgentCoreApp
from pydantic_core import to_jsonable_python

MODELS = os.environ.get("MODELS_URL", "")


@dataclasses.dataclass
class Case:
    """One agent: a framework, a way, and the script that its model follows."""

    framework: str
    way: str
    script: str
    # What of the script's words a caller should read: `all`, `last` (those of the last turn alone),
    # `observe` (reasonable people differ), `printed` (the agent sends what Python prints of its own
    # objects, which hides what is whose), or the text itself.
    reads: str
    # How a failure shows: `incomplete` after words, `error` where no words came before it.
    failure: str
    run: Callable = dataclasses.field(repr=False)

    def described(self):
        """What the tests need to know of it."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "run"
        }


class Framework:
    """A framework, with the scripts that its agents can follow."""

    def __init__(self, name, *scripts):
        self.name = name
        self.scripts = scripts
        self.cases = []

    def way(self, name, reads="all", failure="incomplete", scripts=None, **others):
        """Makes `run(socket, script)` a way. `others` names scripts that are read otherwise."""

        def add(run):
            for script in scripts or self.scripts:
                expected = others.get(script, reads)
                self.cases.append(Case(self.name, name, script, expected, failure, run))
            return run

        return add

    def ways(self, events, dumps, **options):
        """A way for each of `dumps`, which put what `events(script)` yields on the socket."""
        for name, send in dumps.items():

            async def run(socket, script, send=send):
                await send(socket, events(script))

            self.way(name, **options)(run)


# The serialisers that agents are written with.


def jsonable(value):
    """What pydantic makes of dataclasses, models and the rest, as FastAPI users have it."""
    return to_jsonable_python(value, fallback=str)


def default_str(value):
    """The serialiser of AWS's own templates."""
    return json.dumps(value, default=str)


# How what an agent yields gets to the socket: each takes the socket and an iterator.


def text(dump):
    """A text message for each event."""

    async def send(socket, events):
        async for event in events:
            await socket.send_text(dump(event))

    return send


def objects(dump=jsonable):
    """`send_json` of each event."""

    async def send(socket, events):
        async for event in events:
            await socket.send_json(dump(event))

    return send


def sse(dump, name=None, done=False):
    """A server-sent event for each event, as text, with a name where `name` gives one."""

    async def send(socket, events):
        async for event in events:
            line = f"event: {name(event)}\n" if name else ""
            await socket.send_text(f"{line}data: {dump(event)}\n\n")
        if done:
            await socket.send_text("data: [DONE]\n\n")

    return send


async def sdk(socket, events):
    """What AgentCore's SDK makes of what an entrypoint yields: it has no public name for that."""
    async for event in BedrockAgentCoreApp()._stream_with_error_handling(events):
        await socket.send_bytes(event)


def only(select, send):
    """The same for what `select` makes of each event, where that is not None."""

    async def sent(socket, events):
        async def selected():
            async for event in events:
                value = select(event)
                if value is not None:
                    yield value

        await send(socket, selected())

    return sent
