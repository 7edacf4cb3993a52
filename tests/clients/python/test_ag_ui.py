"""AG-UI's Python package is the second judge of every event that the clients in Node were sent."""

from __future__ import annotations

import json
import os

import pytest
from ag_ui.core import Event
from pydantic import TypeAdapter

SEEN = os.environ.get("AG_UI_EVENTS", "")

# Were they not among them, the clients would have seen something else than they should.
TYPES = {
    "RUN_STARTED",
    "TEXT_MESSAGE_START",
    "TEXT_MESSAGE_CONTENT",
    "TEXT_MESSAGE_END",
    "REASONING_START",
    "REASONING_MESSAGE_START",
    "REASONING_MESSAGE_CONTENT",
    "REASONING_MESSAGE_END",
    "REASONING_END",
    "TOOL_CALL_START",
    "TOOL_CALL_ARGS",
    "TOOL_CALL_END",
    "TOOL_CALL_RESULT",
    "STATE_SNAPSHOT",
    "CUSTOM",
    "RUN_FINISHED",
    "RUN_ERROR",
}


@pytest.mark.skipif(not SEEN, reason="AG_UI_EVENTS names no file of events: tests/clients/run does")
def test_every_event_is_one_of_the_protocols_with_its_fields_alone():
    with open(SEEN, encoding="utf-8", newline="\n") as seen:
        events = [json.loads(line) for line in seen]
    assert {event["type"] for event in events} == TYPES
    judge = TypeAdapter(Event)
    for event in events:
        judged = judge.validate_python(event)
        assert not judged.model_extra, event
        # Nothing is read as something else, and nothing is null.
        assert judged.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True) == event
