"""LlamaIndex: https://docs.llamaindex.ai/en/stable/understanding/agent/streaming/"""

from __future__ import annotations

import json

import room
import script as scripts
from llama_index.core.agent.workflow import AgentOutput, AgentStream, FunctionAgent
from llama_index.llms.openai import OpenAI

framework = room.Framework(
    "llama-index",
    "text",
    "tools",
    "silent_tools",
    "tool_fails",
    "writes_json",
    "fails",
    "fails_at_once",
)


def get_weather(city: str) -> str:
    """The weather in a city."""
    return scripts.get_weather(city)


class Model(OpenAI):
    """The client of OpenAI's, which looks up what it knows of a model by a name of OpenAI's."""

    def _get_model_name(self):
        return "gpt-4o"


def run(script):
    """A run of an agent."""
    model = Model(model=script, api_base=f"{room.MODELS}/v1", max_retries=0)
    agent = FunctionAgent(tools=[get_weather], llm=model, system_prompt=scripts.SYSTEM)
    return agent.run(scripts.PROMPT)


async def stream(script):
    """All events, then what the run raises if it fails."""
    handler = run(script)
    async for event in handler.stream_events():
        yield event
    await handler


def named(event):
    """The event and its class's name, as a user tells events apart."""
    return {"type": type(event).__name__, "data": room.jsonable(event.model_dump(mode="json"))}


def kind(cls, send, select=lambda event: event):
    """Only events of a class."""
    return room.only(lambda event: select(event) if type(event) is cls else None, send)


framework.ways(
    stream,
    {
        "send_json(event.model_dump(mode='json'))": room.objects(lambda event: event.model_dump(mode="json")),
        "send_text(event.model_dump_json())": room.text(lambda event: event.model_dump_json()),
        "SDK yield": room.sdk,
        "{type: class name, data: dump}": room.objects(named),
        "SSE, event: class name": room.sse(
            lambda event: event.model_dump_json(), name=lambda event: type(event).__name__
        ),
        "SSE of {type, data}, [DONE]": room.sse(
            lambda event: json.dumps(named(event)), done=True
        ),
        "only AgentStream": kind(AgentStream, room.objects(lambda event: event.model_dump(mode="json"))),
        "only AgentStream's deltas, send_text": kind(
            AgentStream, room.text(lambda event: event.delta)
        ),
    },
)
framework.ways(
    stream,
    {"only AgentOutput": kind(AgentOutput, room.objects(lambda event: event.model_dump(mode="json")))},
    failure="error",
)


@framework.way("final: {response: str(response)}", reads="last", failure="error")
async def final(socket, script):
    """The last message alone."""
    await socket.send_json({"response": str(await run(script))})
