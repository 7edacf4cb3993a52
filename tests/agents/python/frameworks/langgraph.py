"""LangGraph and LangChain: https://docs.langchain.com/oss/python/langgraph/streaming"""

from __future__ import annotations

import json

import room
import script as scripts
from langchain.agents import create_agent
from langchain_core.load import dumps
from langchain_core.messages import messages_to_dict
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.config import get_stream_writer
from langgraph.graph import START, MessagesState, StateGraph

framework = room.Framework(
    "langgraph",
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
    get_stream_writer()({"progress": "STATUS: asking"})
    return scripts.get_weather(city)


def model(script, responses=False):
    """LangChain's client of OpenAI's interfaces, on loopback. A summary of reasoning is there by Responses."""
    return ChatOpenAI(
        model=script,
        api_key="key",
        base_url=f"{room.MODELS}/v1",
        max_retries=0,
        use_responses_api=responses,
        streaming=True,
    )


def agent(script, responses=False):
    """LangChain's agent, which is a graph."""
    return create_agent(model(script, responses), [get_weather], system_prompt=scripts.SYSTEM)


INPUT = {"messages": [{"role": "user", "content": scripts.PROMPT}]}


def nested(script):
    """A graph with the agent as its one node, a subgraph."""
    graph = StateGraph(MessagesState)
    graph.add_node("weather", agent(script))
    graph.add_edge(START, "weather")
    return graph.compile()


def mode(stream_mode, graph=agent, **options):
    """What `astream` yields."""
    return lambda script: graph(script).astream(INPUT, stream_mode=stream_mode, **options)


def events(script):
    """What `astream_events` yields."""
    return agent(script).astream_events(INPUT, version="v2")


def reasoning(stream_mode):
    """The same with a model that tells its reasoning."""
    return lambda script: agent(script, responses=True).astream(INPUT, stream_mode=stream_mode)


jsonable = room.objects()
framework.ways(
    mode("messages"),
    {
        "messages: send_json([chunk, metadata])": jsonable,
        "messages: SDK yield": room.sdk,
        "messages: send_text(dumps(chunk))": room.only(lambda pair: pair[0], room.text(dumps)),
        "messages: chunk.model_dump()": room.only(
            lambda pair: pair[0], room.objects(lambda chunk: chunk.model_dump(mode="json"))
        ),
        "messages: chunk.to_json()": room.only(
            lambda pair: room.jsonable(pair[0].to_json()), room.objects()
        ),
        "messages: messages_to_dict": room.only(
            lambda pair: messages_to_dict([pair[0]])[0], jsonable
        ),
        "messages: SSE, event: messages": room.sse(
            lambda pair: json.dumps(room.jsonable(pair)), name=lambda _: "messages"
        ),
        "messages: {type: token, content} of the model's": room.only(
            lambda pair: {"type": "token", "content": pair[0].content}
            if pair[1]["langgraph_node"] == "model" and pair[0].content
            else None,
            jsonable,
        ),
    },
)
framework.ways(
    mode("messages", version="v2"), {"messages, version v2: send_json": jsonable, "messages, version v2: SDK yield": room.sdk}
)
framework.ways(
    reasoning("messages"),
    {"messages with reasoning: send_json": jsonable, "messages with reasoning: SDK yield": room.sdk},
    scripts=("text", "tools", "thinking"),
)
for name in ("updates", "values"):
    framework.ways(
        mode(name),
        {
            f"{name}: send_json": jsonable,
            f"{name}: SDK yield": room.sdk,
            f"{name}: SSE, event: {name}": room.sse(
                lambda chunk: json.dumps(room.jsonable(chunk)), name=lambda _, name=name: name
            ),
            f"{name}: SSE, [DONE]": room.sse(
                lambda chunk: json.dumps(room.jsonable(chunk)), done=True
            ),
        },
        failure="error",
    )
    framework.ways(
        mode(name),
        {f"{name}: json.dumps(default=str)": room.text(room.default_str)},
        reads="observe",
    )
framework.ways(
    reasoning("updates"), {"updates with reasoning: send_json": jsonable}, scripts=("thinking",)
)
framework.ways(
    reasoning("values"), {"values with reasoning: send_json": jsonable}, scripts=("thinking",)
)
# None of these holds an answer that is not in `messages` too, and they are for a developer's eyes.
for name in ("debug", "tasks", "checkpoints"):
    framework.ways(
        mode([name, "messages"]),
        {
            f"[{name}, messages]: send_json([mode, data])": jsonable,
            f"[{name}, messages]: {{type, data}}": room.objects(
                lambda pair: {"type": pair[0], "data": room.jsonable(pair[1])}
            ),
        },
        scripts=("text", "tools", "fails"),
    )
framework.ways(
    mode(["messages", "custom", "updates", "values"]),
    {
        "[messages, custom, updates, values]: send_json([mode, data])": jsonable,
        "[messages, custom, updates, values]: SDK yield": room.sdk,
        "[messages, custom, updates, values]: {type, data}": room.objects(
            lambda pair: {"type": pair[0], "data": room.jsonable(pair[1])}
        ),
        "[messages, custom, updates, values]: {mode, data}": room.objects(
            lambda pair: {"mode": pair[0], "data": room.jsonable(pair[1])}
        ),
        "[messages, custom, updates, values]: SSE, event: mode": room.sse(
            lambda pair: json.dumps(room.jsonable(pair[1])), name=lambda pair: pair[0]
        ),
    },
)
framework.ways(
    mode(["messages", "updates"], version="v2"),
    {"[messages, updates], version v2: send_json": jsonable},
)
framework.ways(
    mode("messages", nested, subgraphs=True),
    {"subgraph's messages: send_json([namespace, pair])": jsonable, "subgraph's messages: SDK yield": room.sdk},
)
framework.ways(
    mode("updates", nested, subgraphs=True),
    {"subgraph's updates: send_json([namespace, update])": jsonable},
    failure="error",
)
framework.ways(
    mode(["updates", "messages"], nested, subgraphs=True),
    {"subgraph's [updates, messages]: send_json([namespace, mode, data])": jsonable},
)
framework.ways(
    events,
    {
        "astream_events: send_json": jsonable,
        "astream_events: SDK yield": room.sdk,
        "astream_events: SSE, event: event": room.sse(
            lambda event: json.dumps(room.jsonable(event)), name=lambda event: event["event"]
        ),
        "astream_events: only on_chat_model_stream": room.only(
            lambda event: event if event["event"] == "on_chat_model_stream" else None, jsonable
        ),
    },
)


@framework.way("ainvoke: send_json(state)", failure="error")
async def state(socket, script):
    """The whole conversation, after its end."""
    await socket.send_json(room.jsonable(await agent(script).ainvoke(INPUT)))


@framework.way("ainvoke: {result: last.content}", reads="last", failure="error")
async def last(socket, script):
    """The last message alone."""
    result = await agent(script).ainvoke(INPUT)
    await socket.send_json({"result": result["messages"][-1].content})


@framework.way("LangChain model.astream: chunk.model_dump()", scripts=("text", "writes_json", "fails"))
async def chunks(socket, script):
    """A model without a graph."""
    async for chunk in model(script).astream(scripts.PROMPT):
        await socket.send_json(chunk.model_dump(mode="json"))
