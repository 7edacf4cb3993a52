"""The events of the `anthropic` package itself, forwarded by an agent's own loop.

https://docs.anthropic.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

import room
import script as scripts
from anthropic import AsyncAnthropic

framework = room.Framework(
    "anthropic",
    "text",
    "tools",
    "silent_tools",
    "thinking",
    "writes_json",
    "fails",
    "fails_at_once",
)
TOOL = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


async def turns(script, stream_of):
    """What `stream_of` yields of each turn. The helper gathers what the loop needs of it."""
    client = AsyncAnthropic(api_key="key", base_url=room.MODELS, max_retries=0)
    messages = [{"role": "user", "content": scripts.PROMPT}]
    while True:
        async with client.messages.stream(
            model=script, max_tokens=99, system=scripts.SYSTEM, messages=messages, tools=[TOOL]
        ) as stream:
            async for event in stream_of(stream):
                yield event
            message = await stream.get_final_message()
        if message.stop_reason != "tool_use":
            return
        results = [
            {
                "type": "tool_result",
                "tool_use_id": block.id,
                "content": scripts.get_weather(**block.input),
            }
            for block in message.content
            if block.type == "tool_use"
        ]
        messages += [
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": results},
        ]


def helper(script):
    """The helper's events: the API's, and its own with a snapshot."""

    async def events(stream):
        async for event in stream:
            yield event

    return turns(script, events)


RAW = (
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
)


def raw(script):
    """The API's events alone."""

    async def events(stream):
        async for event in stream:
            if event.type in RAW:
                yield event

    return turns(script, events)


def finals(script):
    """Each turn's message as a whole."""

    async def events(stream):
        yield await stream.get_final_message()

    return turns(script, events)


def texts(script):
    """The text alone."""
    return turns(script, lambda stream: stream.text_stream)


def dump(event):
    """A model as JSON, as its users write it."""
    return event.model_dump(mode="json")


DUMPS = {
    "send_json(event.model_dump(mode='json'))": room.objects(dump),
    "send_text(event.to_json())": room.text(lambda event: event.to_json()),
    "SDK yield": room.sdk,
    "SSE, event: type": room.sse(
        lambda event: event.model_dump_json(), name=lambda event: event.type
    ),
}
framework.ways(helper, {f"helper: {name}": send for name, send in DUMPS.items()})
framework.ways(raw, {f"raw: {name}": send for name, send in DUMPS.items()})
framework.ways(
    helper,
    {
        "helper: only `text` events": room.only(
            lambda event: event if event.type == "text" else None, room.objects(dump)
        )
    },
)
framework.ways(finals, {"each final message": room.objects(dump)}, failure="error")
framework.ways(
    texts,
    {"text_stream: send_text": room.text(str), "text_stream: SDK yield": room.sdk},
)
