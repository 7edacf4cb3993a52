"""What the program has: read from its source, so that the template is held to the code and to no copy."""

import re

import botocore.loaders

from cloudformation import ROOT

SRC = ROOT / "src"


def read(path):
    """A file's code, without the tests at its end."""
    return (SRC / path).read_text().split("#[cfg(test)]")[0]


def everything():
    return "\n".join(read(path) for path in sorted(SRC.rglob("*.rs")) if path.name != "tests.rs")


CONFIG = read("config.rs")
METRICS = read("telemetry/metrics.rs")


def is_variable(name):
    """Whether the configuration reads this environment variable."""
    if f'"{name}"' in CONFIG:
        return True
    agent = re.fullmatch(r"[A-Z][A-Z0-9_]*(_AGENT_([A-Z_]+))", name)
    return bool(agent) and any(f'"{part}"' in CONFIG for part in agent.groups())


def metrics():
    """Names of metrics, dimensions and units: the capitalized words among the strings."""
    return set(re.findall(r'"([A-Z][A-Za-z]+)"', METRICS))


def routes():
    """The paths that the program answers on, a parameter written as `{}`."""
    return {re.sub(r"\{\w+\}", "{}", path) for path in re.findall(r'"(/(?:api|health)[^"]*)"', read("api.rs"))}


def actions():
    """The IAM actions that the program needs: of the services' operations, those whose address it makes."""
    literals = set()
    methods = {}
    for path in sorted((SRC / "agentcore").rglob("*.rs")):
        code = read(path.relative_to(SRC))
        found = re.findall(r'"(?:\{\})?(/runtimes/[^"]*)"', code)
        literals.update(found)
        methods.update({literal: set(re.findall(r"Method::([A-Z]+)", code)) for literal in found})
    actions = set()
    for literal in literals:
        path = re.sub(r"\{\w*\}", "{}", literal.split("?")[0]).rstrip("/")
        if path.endswith("/ws"):
            # No operation of the model: its name is the action's alone.
            actions.add("InvokeAgentRuntimeWithWebSocketStream")
            continue
        named = {
            name
            for name, (method, address) in operations().items()
            if address == path and method in methods[literal]
        }
        assert len(named) == 1, f"{literal}: {named}"
        actions |= named
    return {f"bedrock-agentcore:{name}" for name in actions}


def operations():
    """AWS's operations by name: method and path, a parameter written as `{}`."""
    loader = botocore.loaders.Loader()
    found = {}
    for service in ("bedrock-agentcore", "bedrock-agentcore-control"):
        for name, operation in loader.load_service_model(service, "service-2")["operations"].items():
            address = re.sub(r"\{[^}]+\}", "{}", operation["http"]["requestUri"])
            found[name] = operation["http"]["method"], address.rstrip("/")
    return found
