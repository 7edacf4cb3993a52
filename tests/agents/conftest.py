"""Serves all agents, with a function in front of each process of them.

The binary to test is named by BRIDGE_BINARY, and where the frameworks are installed by AGENTS_TARGET;
`run` sets both.
"""

from __future__ import annotations

import contextlib
import os
import pathlib

import pytest
from servers import everything
from stack import Stack

room = pytest.StashKey()


class Room:
    """The agents, from the start of the tests to their end."""

    def __init__(self):
        self._open = contextlib.ExitStack()
        target = pathlib.Path(os.environ["AGENTS_TARGET"])
        self._served = self._open.enter_context(everything(target))
        self._functions = {}

    @property
    def cases(self):
        """All of them, whichever process serves them."""
        return [case for agents in self._served for case in agents.cases]

    def start_functions(self, binary):
        """Starts a function for each process."""
        for agents in self._served:
            names = [f"case{case.number}" for case in agents.cases]
            stack = self._open.enter_context(Stack(binary, agents, names))
            self._functions[agents.endpoint] = stack

    def answer(self, case, path):
        """What a caller gets of the agent."""
        prompt = "What is the weather in Paris?"
        return self._functions[case.endpoint].answer(f"case{case.number}", prompt, path=path)

    def close(self):
        """Ends what was started."""
        self._open.close()


def pytest_configure(config):
    """The cases must be known before there can be tests of them."""
    config.stash[room] = Room()
    config.add_cleanup(config.stash[room].close)


def pytest_generate_tests(metafunc):
    """A test for each case, of its name."""
    if "case" in metafunc.fixturenames:
        cases = metafunc.config.stash[room].cases
        metafunc.parametrize("case", cases, ids=[case.id for case in cases])


@pytest.fixture(scope="session")
def answer(pytestconfig):
    """Asks the agent of a case, on a path."""
    pytestconfig.stash[room].start_functions(pathlib.Path(os.environ["BRIDGE_BINARY"]).resolve())
    return pytestconfig.stash[room].answer
