"""An agent that speaks AG-UI itself, as the official SDK's `build_ag_ui_app` makes one of a function.

As a program: says where it listens, and ends when its standard input does.
"""

from __future__ import annotations

import json
import logging
import sys

from ag_ui.core import (
    CustomEvent,
    RunFinishedEvent,
    RunStartedEvent,
    StateSnapshotEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
    ToolCallArgsEvent,
    ToolCallEndEvent,
    ToolCallStartEvent,
)
from bedrock_agentcore.runtime.ag_ui import build_ag_ui_app
from service import Service
from starlette.routing import WebSocketRoute


async def answer(run):
    """Calls the frontend's first tool, where it has one; then says what that answered."""
    yield RunStartedEvent(thread_id=run.thread_id, run_id=run.run_id)
    yield StateSnapshotEvent(snapshot={**(run.state or {}), "thread": run.thread_id})
    last = run.messages[-1]
    if last.role == "user" and run.tools:
        yield ToolCallStartEvent(tool_call_id=f"call-{run.run_id}", tool_call_name=run.tools[0].name)
        yield ToolCallArgsEvent(tool_call_id=f"call-{run.run_id}", delta=json.dumps({"said": last.content}))
        yield ToolCallEndEvent(tool_call_id=f"call-{run.run_id}")
    else:
        identity = f"message-{run.run_id}"
        yield TextMessageStartEvent(message_id=identity, role="assistant")
        yield TextMessageContentEvent(message_id=identity, delta=f"{last.role}: ")
        yield TextMessageContentEvent(message_id=identity, delta=last.content)
        if last.content == "fail":
            raise RuntimeError("SECRET-OF-THE-AGENT")
        yield TextMessageEndEvent(message_id=identity)
    yield CustomEvent(name="usage", value={"tokens": 7})
    yield RunFinishedEvent(thread_id=run.thread_id, run_id=run.run_id)


app = build_ag_ui_app(answer)
# The SDK serves its handler at /ws, where the service's proxy would ask for it. There is no proxy
# here, so the handler is at the path of the service too.
app.routes.append(WebSocketRoute("/runtimes/{arn:path}/ws", app._handle_websocket))

if __name__ == "__main__":
    # The SDK would write down how the agent failed, which it is asked to do.
    logging.disable(logging.ERROR)
    with Service(app) as service:
        print(service.endpoint, flush=True)
        sys.stdin.read()
