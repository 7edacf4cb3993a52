"""What the program shows of itself, from the file that a test of the program's keeps true (tests/bridge/surface.rs)."""

import json
import re

import botocore.loaders

from cloudformation import ROOT

SURFACE = json.loads((ROOT / "tests/data/surface.json").read_text())

ROUTES = {route["path"]: [method.lower() for method in route["methods"]] for route in SURFACE["routes"]}
VARIABLES = {variable["name"]: variable.get("accepted") for variable in SURFACE["variables"]}
METRICS = {metric["name"]: {tuple(names) for names in metric["dimensions"]} for metric in SURFACE["metrics"]}
EVENTS = {event["message"]: {field.rstrip("?") for field in event["fields"]} for event in SURFACE["events"]}
ERRORS = {error["code"]: error["status"] for error in SURFACE["errors"]}
OPERATIONS = set(SURFACE["operations"])
# No operation but an action: what AWS looks at, beside that of the WebSocket, where a user id goes along.
FOR_USER = "bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStreamForUser"

# What any line of the log may have.
EVERYWHERE = {"timestamp", "level", "message", "requestId", "traceId"}


def is_variable(name):
    """Whether the program reads this environment variable."""
    agents = re.sub(r"^[A-Z][A-Z0-9_]*(?=_AGENT_)", "<NAME>", name)
    return name in VARIABLES or agents in VARIABLES


def is_operation(action):
    """Whether AWS has an operation of this name: IAM takes any, and grants nothing for one that is not there."""
    service, operation = action.split(":")
    # No operation of the model, which has no WebSockets; the action is documented.
    if operation in ("InvokeAgentRuntimeWithWebSocketStream", FOR_USER.split(":")[1]):
        return True
    loader = botocore.loaders.Loader()
    models = (loader.load_service_model(name, "service-2") for name in (service, f"{service}-control"))
    return any(operation in model["operations"] for model in models)
