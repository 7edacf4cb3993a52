"""Haystack: https://docs.haystack.deepset.ai/docs/agent"""

from __future__ import annotations

import asyncio

import room
import script as scripts
from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import tool
from haystack.utils import Secret

framework = room.Framework(
    "haystack",
    "text",
    "tools",
    "silent_tools",
    "writes_json",
    "fails",
    "fails_at_once",
)


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return scripts.get_weather(city)


async def stream(script):
    """The chunks of a run, which its callback hands over."""
    chunks = asyncio.Queue()

    async def callback(chunk):
        await chunks.put(chunk)

    generator = OpenAIChatGenerator(
        model=script,
        api_key=Secret.from_token("key"),
        api_base_url=f"{room.MODELS}/v1",
        max_retries=0,
    )
    agent = Agent(
        chat_generator=generator, tools=[get_weather], system_prompt=scripts.SYSTEM
    )
    question = [ChatMessage.from_user(scripts.PROMPT)]
    run = asyncio.ensure_future(agent.run_async(question, streaming_callback=callback))
    run.add_done_callback(lambda _: chunks.put_nowait(None))
    while (chunk := await chunks.get()) is not None:
        yield chunk
    await run


framework.ways(
    stream,
    {
        "send_json(chunk.to_dict())": room.objects(lambda chunk: room.jsonable(chunk.to_dict())),
        "send_text(chunk.content)": room.text(lambda chunk: chunk.content),
        "send_json({content})": room.only(
            lambda chunk: {"content": chunk.content} if chunk.content else None, room.objects()
        ),
        "SDK yield": room.sdk,
    },
)
