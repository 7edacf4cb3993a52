"""The OpenAI Agents SDK: https://openai.github.io/openai-agents-python/streaming/"""

from __future__ import annotations

import room
import script as scripts
from agents import Agent, ItemHelpers, Runner, function_tool, set_tracing_disabled
from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
from agents.models.openai_responses import OpenAIResponsesModel

from .openai_events import client

set_tracing_disabled(True)
framework = room.Framework(
    "openai-agents",
    "text",
    "tools",
    "silent_tools",
    "tool_fails",
    "thinking",
    "writes_json",
    "fails",
    "fails_at_once",
)


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return scripts.get_weather(city)


def agent(model, script):
    """An agent on one of the two interfaces."""
    return Agent(
        name="weather",
        instructions=scripts.SYSTEM,
        model=model(model=script, openai_client=client()),
        tools=[get_weather],
    )


def streamed(model):
    """All events of a run."""

    def stream(script):
        return Runner.run_streamed(agent(model, script), scripts.PROMPT).stream_events()

    return stream


def raw(event):
    """The model's own event."""
    return event.data if event.type == "raw_response_event" else None


def delta(event):
    """The text of a model's event, as the documentation picks it."""
    data = raw(event)
    return data.delta if data is not None and data.type == "response.output_text.delta" else None


def item(event):
    """The steps of the run, as the documentation tells them apart."""
    if event.type != "run_item_stream_event":
        return None
    if event.item.type == "tool_call_item":
        return {"type": "tool_called", "name": event.name}
    if event.item.type == "tool_call_output_item":
        return {"type": "tool_output", "output": event.item.output}
    if event.item.type == "message_output_item":
        return {"type": "message_output", "text": ItemHelpers.text_message_output(event.item)}
    return None


def as_dict(event):
    """An event as people make a dictionary of it."""
    if event.type == "raw_response_event":
        return {"type": event.type, "data": event.data.model_dump(mode="json")}
    if event.type == "run_item_stream_event":
        raw_item = room.jsonable(event.item.raw_item)
        return {"type": event.type, "name": event.name, "item": {"type": event.item.type, "raw_item": raw_item}}
    return {"type": event.type, "new_agent": event.new_agent.name}


dump = room.objects(lambda event: event.model_dump(mode="json"))
DUMPS = {
    "raw_response_event: data.model_dump(mode='json')": room.only(raw, dump),
    "raw_response_event: SSE, event: type": room.only(
        raw, room.sse(lambda event: event.model_dump_json(), name=lambda event: event.type)
    ),
    "all events as dictionaries": room.objects(as_dict),
    "{type: token, content: delta}": room.only(
        lambda event: {"type": "token", "content": delta(event)} if delta(event) else None,
        room.objects(),
    ),
}
WHOLE = {"run items: tool_called, tool_output, message_output": room.only(item, room.objects())}
for kind, model in (("responses", OpenAIResponsesModel), ("chat", OpenAIChatCompletionsModel)):
    framework.ways(streamed(model), {f"{kind}: {name}": send for name, send in DUMPS.items()})
    # JSON knows none of these events, so the SDK sends what Python prints of them. Nobody reads that.
    framework.ways(
        streamed(model), {f"{kind}: SDK yield of all events": room.sdk}, reads="observe"
    )
    framework.ways(
        streamed(model),
        {f"{kind}: {name}": send for name, send in WHOLE.items()},
        failure="error",
    )


@framework.way("final: {result: final_output}", reads="last", failure="error")
async def final(socket, script):
    """The last message alone."""
    result = await Runner.run(agent(OpenAIResponsesModel, script), scripts.PROMPT)
    await socket.send_json({"result": result.final_output})
