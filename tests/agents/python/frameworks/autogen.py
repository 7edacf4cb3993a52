"""AutoGen's AgentChat: https://microsoft.github.io/autogen/stable/user-guide/agentchat-user-guide/"""

from __future__ import annotations

import room
import script as scripts
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.base import TaskResult
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.messages import ModelClientStreamingChunkEvent
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core.models import ModelInfo
from autogen_ext.models.openai import OpenAIChatCompletionClient

framework = room.Framework(
    "autogen",
    "text",
    "tools",
    "silent_tools",
    "tool_fails",
    "writes_json",
    "fails",
    "fails_at_once",
)


async def get_weather(city: str) -> str:
    """The weather in a city."""
    return scripts.get_weather(city)


def agent(script, stream, name="weather", tools=(get_weather,)):
    """An assistant that goes on after a tool's result."""
    info = ModelInfo(
        vision=False,
        function_calling=True,
        json_output=False,
        family="unknown",
        structured_output=False,
    )
    client = OpenAIChatCompletionClient(
        model=script, api_key="key", base_url=f"{room.MODELS}/v1", model_info=info, max_retries=0
    )
    return AssistantAgent(
        name,
        client,
        tools=list(tools),
        system_message=scripts.SYSTEM,
        model_client_stream=stream,
        max_tool_iterations=3,
    )


def run(stream):
    """All that `run_stream` yields, the result at its end included."""
    return lambda script: agent(script, stream).run_stream(task=scripts.PROMPT)


def team(script):
    """A researcher and a writer, in turn."""
    members = [
        agent("researcher", True, "researcher", ()),
        agent(script, True, "writer", ()),
    ]
    made = RoundRobinGroupChat(members, termination_condition=MaxMessageTermination(3))
    return made.run_stream(task=scripts.PROMPT)


def message(event):
    """A message, but no result of the task: that is what the documentation filters."""
    return None if isinstance(event, TaskResult) else event.model_dump(mode="json")


def piece(event):
    """A piece of text."""
    return event.content if isinstance(event, ModelClientStreamingChunkEvent) else None


DUMPS = {
    "send_json(message.model_dump(mode='json'))": room.only(message, room.objects()),
    "the same and the TaskResult": room.objects(),
    "SSE, event: type": room.sse(
        lambda event: room.default_str(room.jsonable(event)),
        name=lambda event: getattr(event, "type", "TaskResult"),
    ),
}
# Where the model does not stream, a turn's words beside a call are in a ThoughtEvent: they are
# thoughts to AutoGen, and a reply to nobody.
for name, send in DUMPS.items():
    framework.ways(run(False), {f"whole: {name}": send}, failure="error", tools="last", tool_fails="last")
    framework.ways(run(True), {f"streaming: {name}": send})
# The SDK knows no JSON of a model with a time in it, and sends what Python prints of it.
for name, stream in (("whole", run(False)), ("streaming", run(True))):
    framework.ways(stream, {f"{name}: SDK yield": room.sdk}, reads="printed")
framework.ways(
    run(True),
    {
        "streaming: only ModelClientStreamingChunkEvent": room.only(
            lambda event: event if piece(event) is not None else None, room.objects(message)
        ),
        "streaming: pieces, send_text": room.only(piece, room.text(str)),
    },
)
BOTH = "".join(scripts.words("researcher") + scripts.words("writer"))
framework.ways(
    team,
    {f"team: {name}": send for name, send in DUMPS.items()},
    scripts=("writer",),
    reads=BOTH,
)
framework.ways(team, {"team: SDK yield": room.sdk}, scripts=("writer",), reads="printed")


@framework.way("final: {result: messages[-1].content}", reads="last", failure="error")
async def final(socket, script):
    """The last message alone."""
    result = await agent(script, False).run(task=scripts.PROMPT)
    await socket.send_json({"result": result.messages[-1].content})
