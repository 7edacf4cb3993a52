"""Serves the agents of the frameworks that it is given, as a container of AgentCore Runtime does.

    server.py FRAMEWORK…

Prints a line of JSON, its port and its cases, and serves until its standard input ends. The name in
the ARN is the number of the case: the runtime `case7-Abcdef1234` is the eighth.
"""

from __future__ import annotations

import importlib
import json
import logging
import pathlib
import re
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent.parent / "stack")]

from bedrock_agentcore import BedrockAgentCoreApp
from service import Service
from starlette.routing import WebSocketRoute

app = BedrockAgentCoreApp()
app.routes.append(WebSocketRoute("/runtimes/{arn:path}/ws", app._handle_websocket))
cases = []


@app.websocket
async def handler(websocket, context):
    """One connection. What an agent raises closes it with 1011, as the SDK has it."""
    number = re.fullmatch(r"arn:.*:runtime/[a-z]+(\d+)-\w{10}", websocket.path_params["arn"])[1]
    case = cases[int(number)]
    await websocket.accept()
    await websocket.receive_json()
    await case.run(websocket, case.script)
    await websocket.close()


def main():
    """Serves."""
    # Agents fail here on purpose; what they log of it would hide what the tests say.
    logging.disable(logging.CRITICAL)
    seconds = {}
    for name in sys.argv[1:]:
        began = time.monotonic()
        cases.extend(importlib.import_module(f"frameworks.{name}").framework.cases)
        seconds[name] = round(time.monotonic() - began, 1)
    with Service(app) as service:
        described = [case.described() for case in cases]
        print(json.dumps({"endpoint": service.endpoint, "cases": described, "imports": seconds}))
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
