"""smolagents: https://huggingface.co/docs/smolagents/reference/agents"""

from __future__ import annotations

import dataclasses

import room
import script as scripts
from smolagents import FinalAnswerStep, OpenAIServerModel, ToolCallingAgent, tool
from smolagents.monitoring import LogLevel
from starlette.concurrency import iterate_in_threadpool

# Its agent ends by calling the tool `final_answer`.
framework = room.Framework("smolagents", "final_answer", "fails_at_once")
ANSWER = "It is 21°C in Paris."


@tool
def get_weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: its name
    """
    return scripts.get_weather(city)


def agent(script, stream=False):
    """An agent that calls tools."""
    model = OpenAIServerModel(
        script, api_base=f"{room.MODELS}/v1", api_key="key", client_kwargs={"max_retries": 0}
    )
    return ToolCallingAgent(
        [get_weather], model, stream_outputs=stream, verbosity_level=LogLevel.OFF, max_steps=3
    )


def stream(script):
    """The steps of a run, which come from a plain generator."""
    return iterate_in_threadpool(agent(script).run(scripts.PROMPT, stream=True))


def named(step):
    """A step under its class's name."""
    return {"type": type(step).__name__, **room.jsonable(dataclasses.asdict(step))}


framework.ways(stream, {"{type: class name, ...asdict}": room.objects(named)}, reads=ANSWER)
framework.ways(
    stream,
    {
        "only FinalAnswerStep": room.only(
            lambda step: step if isinstance(step, FinalAnswerStep) else None, room.objects()
        )
    },
    reads=ANSWER,
)
# Without a name, a step's `output` and the answer's are told apart by nothing.
framework.ways(stream, {"SDK yield": room.sdk}, reads="observe")


@framework.way("final: {result: agent.run()}", reads=ANSWER)
async def final(socket, script):
    """The answer alone."""
    await socket.send_json({"result": agent(script).run(scripts.PROMPT)})
