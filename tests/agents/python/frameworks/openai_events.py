"""The events of the `openai` package itself, of both its interfaces, forwarded by an agent's own loop.

https://platform.openai.com/docs/api-reference/chat-streaming
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

import json

import room
import script as scripts
from openai import AsyncOpenAI

SCRIPTS = ("text", "tools", "silent_tools", "thinking", "writes_json", "fails", "fails_at_once")
framework = room.Framework("openai", *SCRIPTS)
TOOL = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def client():
    """A client of the models on loopback."""
    return AsyncOpenAI(api_key="key", base_url=f"{room.MODELS}/v1", max_retries=0)


def answer(tool_call_id, arguments):
    """A tool's result, as Chat Completions takes it."""
    content = scripts.get_weather(**json.loads(arguments))
    return {"role": "tool", "tool_call_id": tool_call_id, "content": content}


async def chat(script):
    """Chunks of Chat Completions, of one turn after the other."""
    messages = [
        {"role": "system", "content": scripts.SYSTEM},
        {"role": "user", "content": scripts.PROMPT},
    ]
    while True:
        call = None
        chunks = await client().chat.completions.create(
            model=script,
            messages=messages,
            stream=True,
            stream_options={"include_usage": True},
            tools=[{"type": "function", "function": TOOL}],
        )
        async for chunk in chunks:
            yield chunk
            for piece in chunk.choices and chunk.choices[0].delta.tool_calls or ():
                call = call or {"id": piece.id, "name": piece.function.name, "arguments": ""}
                call["arguments"] += piece.function.arguments
        if call is None:
            return
        function = {"name": call["name"], "arguments": call["arguments"]}
        asked = {"id": call["id"], "type": "function", "function": function}
        messages += [
            {"role": "assistant", "tool_calls": [asked]},
            answer(call["id"], call["arguments"]),
        ]


async def chat_helper(script):
    """The events of the helper `chat.completions.stream`, of one turn."""
    messages = [{"role": "user", "content": scripts.PROMPT}]
    async with client().chat.completions.stream(model=script, messages=messages) as events:
        async for event in events:
            yield event


async def responses(script):
    """Events of Responses, of one turn after the other."""
    items = [{"role": "user", "content": scripts.PROMPT}]
    while True:
        events = await client().responses.create(
            model=script,
            instructions=scripts.SYSTEM,
            input=items,
            stream=True,
            tools=[{"type": "function", **TOOL}],
        )
        calls = []
        async for event in events:
            yield event
            if event.type == "response.output_item.done" and event.item.type == "function_call":
                calls.append(event.item)
        if not calls:
            return
        for call in calls:
            output = scripts.get_weather(**json.loads(call.arguments))
            items += [
                call.model_dump(exclude_none=True),
                {"type": "function_call_output", "call_id": call.call_id, "output": output},
            ]


def delta(chunk):
    """The text of a chunk."""
    return chunk.choices[0].delta.content if chunk.choices else None


DUMPS = {
    "send_json(event.model_dump(mode='json'))": room.objects(lambda event: event.model_dump(mode="json")),
    "send_text(event.model_dump_json(exclude_none))": room.text(
        lambda event: event.model_dump_json(exclude_none=True)
    ),
    "send_text(event.to_json())": room.text(lambda event: event.to_json()),
    "SDK yield": room.sdk,
}
framework.ways(chat, {f"chat: {name}": send for name, send in DUMPS.items()})
framework.ways(
    chat,
    {
        "chat: SSE, [DONE]": room.sse(lambda chunk: chunk.model_dump_json(), done=True),
        "chat: send_text(delta.content)": room.only(delta, room.text(str)),
        "chat: send_json({content: delta.content})": room.only(
            lambda chunk: {"content": delta(chunk)} if delta(chunk) else None, room.objects()
        ),
    },
)
framework.ways(
    chat_helper,
    {f"chat helper: {name}": send for name, send in DUMPS.items()},
    scripts=("text", "writes_json", "fails"),
)
framework.ways(responses, {f"responses: {name}": send for name, send in DUMPS.items()})
framework.ways(
    responses,
    {
        "responses: SSE, event: type": room.sse(
            lambda event: event.model_dump_json(), name=lambda event: event.type
        ),
    },
)
# Whoever forwards the deltas alone forwards no `response.failed`, after which the stream just ends.
framework.ways(
    responses,
    {
        "responses: only output_text.delta": room.only(
            lambda event: event if event.type == "response.output_text.delta" else None,
            DUMPS["send_json(event.model_dump(mode='json'))"],
        ),
    },
    fails="observe",
)


@framework.way("chat: one ChatCompletion", scripts=("text", "writes_json"))
async def one_completion(socket, script):
    """A whole answer."""
    messages = [{"role": "user", "content": scripts.PROMPT}]
    whole = await client().chat.completions.create(model=script, messages=messages)
    await socket.send_text(whole.model_dump_json())


@framework.way("responses: one Response", scripts=("text", "thinking", "writes_json"))
async def one_response(socket, script):
    """A whole answer, with what the system was told in it."""
    whole = await client().responses.create(
        model=script, instructions=scripts.SYSTEM, input=scripts.PROMPT
    )
    await socket.send_text(whole.model_dump_json())
