"""Agno: https://docs.agno.com/basics/agents/running-agents"""

from __future__ import annotations

import json

import room
import script as scripts
from agno.agent import Agent
from agno.models.openai import OpenAIChat

framework = room.Framework(
    "agno",
    "text",
    "tools",
    "silent_tools",
    "thinking",
    "writes_json",
    "fails",
    "fails_at_once",
)


def get_weather(city: str) -> str:
    """The weather in a city."""
    return scripts.get_weather(city)


def agent(script):
    """An agent on OpenAI's Chat Completions."""
    model = OpenAIChat(id=script, api_key="key", base_url=f"{room.MODELS}/v1", max_retries=0)
    return Agent(
        model=model, tools=[get_weather], system_message=scripts.SYSTEM, telemetry=False, retries=0
    )


def stream(events):
    """The contents of a run, or all its events."""
    return lambda script: agent(script).arun(scripts.PROMPT, stream=True, stream_events=events)


DUMPS = {
    "send_text(event.to_json())": room.text(lambda event: event.to_json(indent=None)),
    "send_json(event.to_dict())": room.objects(lambda event: room.jsonable(event.to_dict())),
    "SSE, event: event": room.sse(
        lambda event: json.dumps(room.jsonable(event.to_dict())), name=lambda event: event.event
    ),
}
for name, events in (("contents", False), ("all events", True)):
    framework.ways(stream(events), {f"{name}: {way}": send for way, send in DUMPS.items()})
framework.ways(stream(True), {"all events: SDK yield": room.sdk}, reads="observe")
framework.ways(
    stream(False),
    {
        "send_text(event.content)": room.only(
            lambda event: getattr(event, "content", None) if event.event == "RunContent" else None,
            room.text(str),
        )
    },
    scripts=("text", "tools", "silent_tools", "thinking", "writes_json"),
)


@framework.way("one RunOutput.to_dict()", failure="error", tools="observe")
async def final(socket, script):
    """The whole run."""
    output = await agent(script).arun(scripts.PROMPT)
    await socket.send_json(room.jsonable(output.to_dict()))
