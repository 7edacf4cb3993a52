"""An agent that speaks AG-UI, on the official SDK's own application for that."""

from __future__ import annotations

from ag_ui.core import (
    RunFinishedEvent,
    RunStartedEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
)
from bedrock_agentcore.runtime.ag_ui import AGUIApp
from starlette.routing import WebSocketRoute

app = AGUIApp()
# As in agent.py: there is no proxy of the service's here that would ask for /ws.
app.routes.append(WebSocketRoute("/runtimes/{arn:path}/ws", app._handle_websocket))


@app.entrypoint
async def handler(run):
    """Says which thread it is, and what was said; the SDK has refused what is no RunAgentInput."""
    [message] = run.messages
    ids = {"thread_id": run.thread_id, "run_id": run.run_id}
    yield RunStartedEvent(**ids)
    yield TextMessageStartEvent(message_id="1", role="assistant")
    yield TextMessageContentEvent(message_id="1", delta=f"{run.thread_id} {message.role}: ")
    yield TextMessageContentEvent(message_id="1", delta=message.content)
    yield TextMessageEndEvent(message_id="1")
    yield RunFinishedEvent(**ids)
