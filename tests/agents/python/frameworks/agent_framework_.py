"""Microsoft's Agent Framework: https://learn.microsoft.com/en-us/agent-framework/"""

from __future__ import annotations

import room
import script as scripts
from agent_framework import Agent
from agent_framework.openai import OpenAIChatClient, OpenAIChatCompletionClient

framework = room.Framework(
    "agent-framework",
    "text",
    "tools",
    "silent_tools",
    "tool_fails",
    "thinking",
    "writes_json",
    "fails",
    "fails_at_once",
)


def get_weather(city: str) -> str:
    """The weather in a city."""
    return scripts.get_weather(city)


def agent(script, client=OpenAIChatClient):
    """An agent on OpenAI's Responses, or its Chat Completions."""
    made = client(model=script, api_key="key", base_url=f"{room.MODELS}/v1")
    return Agent(client=made, instructions=scripts.SYSTEM, tools=[get_weather])


def streamed(client):
    """The updates of a run."""
    return lambda script: agent(script, client).run(scripts.PROMPT, stream=True)


DUMPS = {
    "send_json(update.to_dict())": room.objects(lambda update: room.jsonable(update.to_dict())),
    "send_text(update.to_json())": room.text(lambda update: update.to_json()),
    "SSE, [DONE]": room.sse(lambda update: update.to_json(), done=True),
}
# Without the update's `merge_mode`.
TEXTS = {
    "send_json({text: update.text})": room.objects(lambda update: {"text": update.text}),
    "SDK yield": room.sdk,
}
# On Responses the framework follows the pieces of a text with the whole, `merge_mode` `replace`:
# without that, nobody can tell it from what the model said twice. Of a `response.failed` it says
# nothing: to it, the run just ends.
RESPONSES = {"failure": "complete"}
for kind, client, both, alone in (
    ("responses", OpenAIChatClient, RESPONSES, {**RESPONSES, "reads": "observe"}),
    ("chat", OpenAIChatCompletionClient, {}, {}),
):
    framework.ways(streamed(client), {f"{kind}: {way}": send for way, send in DUMPS.items()}, **both)
    framework.ways(streamed(client), {f"{kind}: {way}": send for way, send in TEXTS.items()}, **alone)


@framework.way("one AgentResponse.to_dict()", failure="error")
async def final(socket, script):
    """The whole run."""
    response = await agent(script).run(scripts.PROMPT)
    await socket.send_json(room.jsonable(response.to_dict()))
