"""Fixtures. The binary to test is named by the environment variable BRIDGE_BINARY."""

from __future__ import annotations

import functools
import os
import pathlib

import agent
import pytest
from service import Service
from stack import Stack, arn


def pytest_configure():
    """Stops at once where there is nothing to test."""
    binary = os.environ.get("BRIDGE_BINARY")
    if not binary:
        raise pytest.UsageError(
            "BRIDGE_BINARY is not set: run `cargo build`, then name target/debug/agentcore-bridge"
        )
    if not os.access(binary, os.X_OK) or os.path.isdir(binary):
        raise pytest.UsageError(f"BRIDGE_BINARY: {binary} is no program: run `cargo build` first")


@pytest.fixture(scope="session")
def binary():
    """The binary to test."""
    return pathlib.Path(os.environ["BRIDGE_BINARY"]).resolve()


@pytest.fixture(scope="session")
def start(binary):
    """Starts a stack with further variables, for a `with`. All stacks share one agent."""
    with Service(agent.app) as service:
        yield functools.partial(Stack, binary, service, agent.WAYS)


@pytest.fixture(scope="session")
def stack(start):
    """The stack that most tests use; `absent` is a runtime that the agent has no way for."""
    with start(ABSENT_AGENT_ARN=arn("absent")) as stack:
        yield stack


@pytest.fixture(scope="session")
def impatient(start):
    """A stack that waits a second for an agent's next message."""
    with start(CHUNK_TIMEOUT_MS="1000") as stack:
        yield stack
