"""Fixtures. The programs to test are named by LOCAL_BINARY and BRIDGE_BINARY; `run` sets both."""

from __future__ import annotations

import contextlib
import os

import agent
import pytest
from bridges import ALSO, GATEWAY, Gateway, Local, app
from openai import DefaultHttpxClient, OpenAI
from service import Service
from stack import CREDENTIALS, Stack, arn

NAMES = (*agent.WAYS, *ALSO)


def pytest_configure():
    """Stops at once where there is nothing to test."""
    for name in ("LOCAL_BINARY", "BRIDGE_BINARY"):
        if not os.access(os.environ.get(name, ""), os.X_OK):
            raise pytest.UsageError(f"{name} names no program: tests/clients/run sets it")


@pytest.fixture(scope="session")
def service():
    """Where the agents are, and who came to them."""
    with Service(app) as service:
        yield service


@pytest.fixture(scope="session")
def start(service):
    """Starts a bridge in the way of that name, with further variables; gives how to make clients
    of it."""
    with contextlib.ExitStack() as stopping:

        def started(way, **variables):
            # What is refused stays so: the bridge asks once.
            variables = {"RETRY_MAX_RETRIES": "0", **variables}
            if way == "local":
                bridge = Local(os.environ["LOCAL_BINARY"], {**own(service), **variables})
                stopping.callback(bridge.stop)
                options = {"base_url": f"{bridge.url}/v1"}
            else:
                binary = os.environ["BRIDGE_BINARY"]
                stack = stopping.enter_context(Stack(binary, service, NAMES, **variables))
                transport = Gateway(stack.function)
                http_client = DefaultHttpxClient(transport=transport)
                options = {"base_url": f"{GATEWAY}/v1", "http_client": http_client}
            return {"api_key": "any", "max_retries": 0, **options}

        yield started


def own(service):
    """What a bridge needs to know."""
    return {
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": service.endpoint,
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_key,
        **{f"{name.upper()}_AGENT_ARN": arn(name) for name in NAMES},
    }


@pytest.fixture(scope="session", params=["local", "gateway"])
def way(request):
    """The local run, and the function behind a gateway."""
    return request.param


@pytest.fixture(scope="session")
def client(start, way):
    """A client that most tests use."""
    exposed = {"EXPOSE_STEPS": "tools,reasoning"}
    return OpenAI(**start(way, **exposed))
