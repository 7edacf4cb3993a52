"""Pydantic AI, with its adapters for AG-UI and the AI SDK: https://ai.pydantic.dev/agents/"""

from __future__ import annotations

import json

import room
import script as scripts
from ag_ui.core import RunAgentInput, UserMessage
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.ui.ag_ui import AGUIAdapter
from pydantic_ai.ui.vercel_ai import VercelAIAdapter
from pydantic_ai.ui.vercel_ai.request_types import SubmitMessage, TextUIPart, UIMessage

from .openai_events import client

framework = room.Framework(
    "pydantic-ai",
    "text",
    "tools",
    "silent_tools",
    "thinking",
    "writes_json",
    "fails",
    "fails_at_once",
)


def agent(script, model=OpenAIResponsesModel):
    """An agent on OpenAI's interfaces."""
    provider = OpenAIProvider(openai_client=client())
    made = Agent(model(script, provider=provider), system_prompt=scripts.SYSTEM)

    @made.tool_plain
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return scripts.get_weather(city)

    return made


def streamed(model):
    """All events of a run."""

    async def stream(script):
        async with agent(script, model).run_stream_events(scripts.PROMPT) as events:
            async for event in events:
                yield event

    return stream


DUMPS = {
    "send_json(to_jsonable)": room.objects(),
    "SDK yield": room.sdk,
    "SSE, event: kind": room.sse(
        lambda event: json.dumps(room.jsonable(event)), name=lambda event: event.event_kind
    ),
    "SSE, [DONE]": room.sse(lambda event: json.dumps(room.jsonable(event)), done=True),
}
for kind, model in (("responses", OpenAIResponsesModel), ("chat", OpenAIChatModel)):
    framework.ways(
        streamed(model),
        {f"run_stream_events, {kind}: {name}": send for name, send in DUMPS.items()},
    )


async def deltas(script):
    """What `stream_text(delta=True)` yields: it ends with the first text that ends a run."""
    async with agent(script).run_stream(scripts.PROMPT) as result:
        async for text in result.stream_text(delta=True, debounce_by=None):
            yield text


async def snapshots(script):
    """The same, each time the whole so far."""
    async with agent(script).run_stream(scripts.PROMPT) as result:
        async for text in result.stream_text(debounce_by=None):
            yield text


PLAIN = ("text", "writes_json", "fails")
framework.ways(
    deltas,
    {
        "stream_text(delta=True): send_text": room.text(str),
        "stream_text(delta=True): {text}": room.objects(lambda text: {"text": text}),
        "stream_text(delta=True): SDK yield": room.sdk,
    },
    scripts=(*PLAIN, "thinking", "silent_tools"),
)
framework.ways(
    snapshots,
    {"stream_text(), the whole so far: {text}": room.objects(lambda text: {"text": text})},
    scripts=PLAIN,
    reads="observe",
)


def ag_ui(script):
    """AG-UI's events."""
    run_input = RunAgentInput(
        thread_id="thread",
        run_id="run",
        state={},
        messages=[UserMessage(id="1", content=scripts.PROMPT)],
        tools=[],
        context=[],
        forwarded_props={},
    )
    return AGUIAdapter(agent=agent(script), run_input=run_input)


def vercel(script):
    """The AI SDK's chunks."""
    message = UIMessage(id="1", role="user", parts=[TextUIPart(text=scripts.PROMPT)])
    run_input = SubmitMessage(id="chat", messages=[message])
    return VercelAIAdapter(agent=agent(script), run_input=run_input)


def encoded(adapter):
    """What the adapter writes, framed as it frames it."""

    def stream(script):
        made = adapter(script)
        return made.encode_stream(made.run_stream())

    return stream


framework.ways(encoded(ag_ui), {"AG-UI adapter: encode_stream": room.text(str)})
framework.ways(
    lambda script: ag_ui(script).run_stream(),
    {
        "AG-UI adapter: send_json(event.model_dump(by_alias))": room.objects(
            lambda event: event.model_dump(mode="json", by_alias=True, exclude_none=True)
        ),
        "AG-UI adapter: send_json(event.model_dump())": room.objects(
            lambda event: event.model_dump(mode="json")
        ),
        "AG-UI adapter: SDK yield": room.sdk,
    },
)
framework.ways(encoded(vercel), {"AI SDK adapter: encode_stream": room.text(str)})
framework.ways(
    lambda script: vercel(script).run_stream(),
    {
        "AI SDK adapter: send_json(chunk.model_dump(by_alias))": room.objects(
            lambda chunk: chunk.model_dump(mode="json", by_alias=True, exclude_none=True)
        )
    },
)


@framework.way("run(): {result: output}", reads="last", failure="error")
async def final(socket, script):
    """The last message alone."""
    result = await agent(script).run(scripts.PROMPT)
    await socket.send_json({"result": result.output})


@framework.way("run(): new_messages_json()", failure="error", reads="observe")
async def messages(socket, script):
    """The conversation, with what the system and the user said."""
    result = await agent(script).run(scripts.PROMPT)
    await socket.send_text(result.new_messages_json().decode())
