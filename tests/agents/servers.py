"""The processes of this room: the models, and the agents of each environment."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time

import script as scripts
from service import Service

HERE = pathlib.Path(__file__).resolve().parent

# What each environment holds; a framework is a file of that name in `python/frameworks`, or, for the
# one of Node, in `node/frameworks`.
ENVIRONMENTS = {
    "newest": (
        "openai_events",
        "anthropic_events",
        "openai_agents",
        "langgraph",
        "pydantic_ai",
        "ag_ui",
        "autogen",
        "claude",
        "smolagents_",
        "agent_framework_",
        "agno_",
        "haystack_",
    ),
    "capped": ("strands", "strands_teams", "adk", "llama_index"),
    "node": ("ai_sdk", "strands_ts"),
}


@dataclasses.dataclass
class Case:
    """An agent, and what a caller should read of it."""

    framework: str
    way: str
    script: str
    reads: str
    failure: str
    # Where it is served, under which number.
    endpoint: str
    number: int

    @property
    def id(self):
        """A name for people."""
        return f"{self.framework}: {self.way}: {self.script}"

    @property
    def outcome(self):
        """`complete`, `incomplete`, `error` or `observe`, as in the captures."""
        if self.reads in ("observe", "printed"):
            return "observe"
        if not scripts.fails(self.script):
            return "complete"
        return self.failure if any(scripts.words(self.script)) else "error"

    @property
    def text(self):
        """The whole reply, where there is one."""
        if self.outcome in ("observe", "error"):
            return None
        words = scripts.words(self.script)
        return {"all": "".join(words), "last": words[-1]}.get(self.reads, self.reads)


class Agents:
    """A process that serves agents, from its start to its end."""

    def __init__(self, name, command, environment):
        self.name = name
        self._began = time.monotonic()
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
        )

    def wait_until_ready(self):
        """Waits for the cases, of which there are none before."""
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name}: the agents' process ended with {self._child.wait()}")
        described = json.loads(line)
        self.endpoint = described["endpoint"]
        self.cases = [
            Case(**case, endpoint=self.endpoint, number=number)
            for number, case in enumerate(described["cases"])
        ]
        self.seconds = time.monotonic() - self._began

    def stop(self):
        """Its standard input ends, and so does it."""
        self._child.stdin.close()
        self._child.wait()


@contextlib.contextmanager
def everything(target, only=None):
    """Serves the models and all agents, or those of the framework `only`."""
    from models import app

    with Service(app) as models, contextlib.ExitStack() as stack:
        # No key is asked for, but clients want one, and none may go out or be read from this machine.
        environment = {
            "MODELS_URL": models.endpoint,
            "SYSTEM": scripts.SYSTEM,
            "OPENAI_API_KEY": "key",
            "ANTHROPIC_API_KEY": "key",
            "NO_PROXY": "127.0.0.1",
            "OTEL_SDK_DISABLED": "true",
        }
        served = []
        for name, frameworks in ENVIRONMENTS.items():
            chosen = [each for each in frameworks if only in (None, each)]
            if chosen:
                if name == "node":
                    command = ["node", HERE / "node" / "server.js", *chosen]
                else:
                    python = target / f"venv-{name}" / "bin" / "python"
                    command = [python, HERE / "python" / "server.py", *chosen]
                served.append(Agents(name, command, environment))
                stack.callback(served[-1].stop)
        for agents in served:
            agents.wait_until_ready()
        yield served


def main():
    """Nothing but a check that all of it starts."""
    with everything(pathlib.Path(sys.argv[1])) as served:
        for agents in served:
            print(f"{agents.name}: {len(agents.cases)} agents, {agents.seconds:.1f} s")


if __name__ == "__main__":
    main()
