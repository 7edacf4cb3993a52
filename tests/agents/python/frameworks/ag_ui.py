"""AG-UI, by an agent that writes its events itself: https://docs.ag-ui.com/concepts/events"""

from __future__ import annotations

import json

import room
import script as scripts
from ag_ui import core
from ag_ui.encoder import EventEncoder

framework = room.Framework(
    "ag-ui",
    "text",
    "tools",
    "silent_tools",
    "thinking",
    "writes_json",
    "fails",
    "fails_at_once",
)
RUN = {"thread_id": "thread", "run_id": "run"}


async def stream(script):
    """A run, with a step and a message for each turn, and snapshots at its end."""
    yield core.RunStartedEvent(**RUN)
    history = [core.UserMessage(id="user", content=scripts.PROMPT)]
    for number, turn in enumerate(scripts.SCRIPTS[script]):
        yield core.StepStartedEvent(step_name=f"turn{number}")
        for event in turn_events(turn, f"message{number}", history):
            yield event
            if isinstance(event, core.RunErrorEvent):
                return
        yield core.StepFinishedEvent(step_name=f"turn{number}")
    yield core.StateSnapshotEvent(snapshot={"text": "STATUS: a state"})
    yield core.MessagesSnapshotEvent(messages=history)
    yield core.RunFinishedEvent(**RUN)


def turn_events(turn, identity, history):
    """The events of a turn."""
    for kind in ("think", "text", "call", "fail"):
        pieces = [piece for piece in turn if piece["kind"] == kind]
        if pieces:
            yield from EVENTS[kind](pieces, identity, history)


def thought(pieces, identity, _):
    """Reasoning."""
    yield core.ReasoningStartEvent(message_id=f"{identity}r")
    yield core.ReasoningMessageStartEvent(message_id=f"{identity}r", role="reasoning")
    for piece in pieces:
        yield core.ReasoningMessageContentEvent(message_id=f"{identity}r", delta=piece["text"])
    yield core.ReasoningMessageEndEvent(message_id=f"{identity}r")
    yield core.ReasoningEndEvent(message_id=f"{identity}r")


def message(pieces, identity, history):
    """A message of the assistant's."""
    yield core.TextMessageStartEvent(message_id=identity, role="assistant")
    for piece in pieces:
        yield core.TextMessageContentEvent(message_id=identity, delta=piece["text"])
    yield core.TextMessageEndEvent(message_id=identity)
    words = "".join(piece["text"] for piece in pieces)
    history.append(core.AssistantMessage(id=identity, content=words))


def tool_call(pieces, identity, history):
    """A call, and its result."""
    [piece] = pieces
    call = {"tool_call_id": f"{identity}c"}
    yield core.ToolCallStartEvent(tool_call_name=piece["name"], parent_message_id=identity, **call)
    yield core.ToolCallArgsEvent(delta=json.dumps(piece["input"]), **call)
    yield core.ToolCallEndEvent(**call)
    result = {"content": scripts.get_weather(**piece["input"]), **call}
    yield core.ToolCallResultEvent(message_id=f"{identity}t", role="tool", **result)
    history.append(core.ToolMessage(id=f"{identity}t", **result))


def failure(*_):
    """The end of a run that failed."""
    yield core.RunErrorEvent(message=scripts.SECRET, code="failed")


EVENTS = {"think": thought, "text": message, "call": tool_call, "fail": failure}
framework.ways(
    stream,
    {
        "EventEncoder": room.text(EventEncoder().encode),
        "send_json(event.model_dump(by_alias, exclude_none))": room.objects(
            lambda event: event.model_dump(mode="json", by_alias=True, exclude_none=True)
        ),
        "send_json(event.model_dump())": room.objects(lambda event: event.model_dump(mode="json")),
        "SDK yield": room.sdk,
        "SSE, event: type": room.sse(
            lambda event: event.model_dump_json(by_alias=True), name=lambda event: event.type.value
        ),
    },
)
