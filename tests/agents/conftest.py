"""Fixtures. The binary to test is named by BRIDGE_BINARY, the environments' place by AGENTS."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections import defaultdict

import pytest
from servers import everything
from stack import Stack

# Agents that one process of the bridge is in front of: each is some variables, and what a process
# may be started with has an end.
AT_ONCE = 500
SERVED = []
_STACK = contextlib.ExitStack()


def pytest_addoption(parser):
    """`--framework NAME` starts that one alone."""
    parser.addoption("--framework", default=None, help="the name of a file of frameworks")


def pytest_configure(config):
    """Starts the agents: what they are is known from them alone, before there are tests."""
    binary = os.environ.get("BRIDGE_BINARY", "")
    if not os.access(binary, os.X_OK) or os.path.isdir(binary):
        raise pytest.UsageError(f"BRIDGE_BINARY: {binary!r} is no program: run `cargo build` first")
    agents = everything(pathlib.Path(os.environ["AGENTS"]), config.getoption("framework"))
    SERVED.extend(_STACK.enter_context(agents))


def pytest_unconfigure():
    """Stops them."""
    _STACK.close()


def pytest_generate_tests(metafunc):
    """A test for each agent."""
    cases = [case for agents in SERVED for case in agents.cases]
    metafunc.parametrize("case", cases, ids=[case.id for case in cases])


@pytest.fixture(scope="session")
def ask():
    """Asks an agent through the bridge; gives the answer."""
    binary = pathlib.Path(os.environ["BRIDGE_BINARY"]).resolve()
    with contextlib.ExitStack() as stacks:
        stack_of = {}

        def ask_case(case, prompt):
            key = (case.endpoint, case.number // AT_ONCE)
            if key not in stack_of:
                names = range(AT_ONCE * key[1], AT_ONCE * (key[1] + 1))
                made = Stack(binary, case, [f"case{number}" for number in names])
                stack_of[key] = stacks.enter_context(made)
            answer, _ = stack_of[key].try_to_ask(f"case{case.number}", prompt)
            return answer

        yield ask_case


def pytest_terminal_summary(terminalreporter):
    """How many answers were right, by framework, and what each environment's start took."""
    tally = defaultdict(lambda: [0, 0])
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            if report.when == "call":
                framework = report.nodeid.partition("[")[2].partition(":")[0]
                tally[framework][0] += outcome == "passed"
                tally[framework][1] += 1
    terminalreporter.section("read right")
    for framework, (right, asked) in sorted(tally.items()):
        terminalreporter.write_line(f"{framework}: {right} of {asked}")
    for agents in SERVED:
        terminalreporter.write_line(f"{agents.name}: started in {agents.seconds:.1f} s")
