"""Strands graphs and swarms: several agents, one after the other, in one stream."""

from __future__ import annotations

import room
import script as scripts
from strands.multiagent import GraphBuilder, Swarm

from .strands import agent

framework = room.Framework("strands teams", "writer")
BOTH = "".join(scripts.words("researcher") + scripts.words("writer"))


def graph(script):
    """A researcher, then a writer."""
    builder = GraphBuilder()
    for name in ("researcher", script):
        builder.add_node(agent(name, name=name, tools=[]), name)
    builder.add_edge("researcher", script)
    builder.set_entry_point("researcher")
    return builder.build().stream_async(scripts.PROMPT)


def swarm(script):
    """An agent that hands over to the writer."""
    agents = [agent(name, name=name, tools=[]) for name in ("hands_over", script)]
    return Swarm(agents).stream_async(scripts.PROMPT)


def inner(event):
    """A node's own event, as a user forwards it."""
    return event["event"] if event.get("type") == "multiagent_node_stream" else None


DUMPS = {
    "json.dumps(default=str)": room.text(room.default_str),
    "SDK yield": room.sdk,
    "nodes' own events": room.only(inner, room.text(room.default_str)),
    "nodes' `data`": room.only(lambda event: (inner(event) or {}).get("data"), room.sdk),
    "SSE, event: type": room.sse(room.default_str, name=lambda event: event.get("type", "message")),
}
framework.ways(graph, {f"graph: {name}": send for name, send in DUMPS.items()}, reads=BOTH)
HANDED = "".join(scripts.words("hands_over") + scripts.words("writer"))
framework.ways(swarm, {f"swarm: {name}": send for name, send in DUMPS.items()}, reads=HANDED)


# Strands ends a result's lines, the last one too.
LINE = "".join(scripts.words("writer")) + "\n"


@framework.way("graph: final: {result: str(node's result)}", reads=LINE)
async def final(socket, script):
    """What the last node says, alone."""
    async for event in graph(script):
        if "result" in event and event.get("type") == "multiagent_result":
            await socket.send_json({"result": str(event["result"].results[script].result)})
