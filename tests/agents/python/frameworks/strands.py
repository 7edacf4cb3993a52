"""Strands Agents: https://strandsagents.com/latest/documentation/docs/user-guide/concepts/streaming/"""

from __future__ import annotations

import boto3
import room
import script as scripts
from strands import Agent, tool
from strands.models import BedrockModel

framework = room.Framework(
    "strands",
    "text",
    "tools",
    "silent_tools",
    "tool_fails",
    "thinking",
    "writes_json",
    "fails",
    "fails_at_once",
)


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return scripts.get_weather(city)


def agent(script, **options):
    """An agent whose model is Bedrock's ConverseStream, on loopback."""
    session = boto3.Session(aws_access_key_id="id", aws_secret_access_key="key", region_name="us-east-1")
    model = BedrockModel(boto_session=session, endpoint_url=room.MODELS, model_id=script)
    options = {"tools": [get_weather], "callback_handler": None, **options}
    return Agent(model=model, system_prompt=scripts.SYSTEM, **options)


def stream(script):
    """All that the agent yields."""
    return agent(script).stream_async(scripts.PROMPT)


def printable(event):
    """What of an event JSON takes, as users filter it."""
    return {
        key: value
        for key, value in event.items()
        if isinstance(value, (str, int, float, bool, list, dict, type(None)))
    }


framework.ways(
    stream,
    {
        "all events: send_text(json.dumps(default=str))": room.text(room.default_str),
        "all events: SSE, json.dumps(default=str), [DONE]": room.sse(room.default_str, done=True),
        "SDK yield of all events": room.sdk,
        "SDK yield of events with `event`": room.only(
            lambda event: event if "event" in event else None, room.sdk
        ),
        "SDK yield of events with `data`": room.only(lambda event: event.get("data"), room.sdk),
        "send_json({data})": room.only(
            lambda event: {"data": event["data"]} if "data" in event else None, room.objects()
        ),
        "send_json(event['event'])": room.only(lambda event: event.get("event"), room.objects()),
    },
)
