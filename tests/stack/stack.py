"""All parts in a row: gateway event → Runtime API → the binary → the service → the agent."""

from __future__ import annotations

import json

import gateway
from botocore.credentials import Credentials
from runtime_api import Function

# The key pair of the AWS documentation.
CREDENTIALS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def arn(name, region="us-east-1", partition="aws"):
    """The ARN of the runtime of that name."""
    return f"arn:{partition}:bedrock-agentcore:{region}:123456789012:runtime/{name}-Abcdef1234"


class Stack:
    """The binary in front of a service, with an agent for each name."""

    def __init__(self, binary, service, names, credentials=CREDENTIALS, **variables):
        own = {
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": service.endpoint,
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            # Were anything sent twice, it would be soon.
            "RETRY_INITIAL_DELAY_MS": "1",
            "RETRY_MAX_DELAY_MS": "1",
        }
        if credentials.token:
            own["AWS_SESSION_TOKEN"] = credentials.token
        agents = {f"{name.upper()}_AGENT_ARN": arn(name) for name in names}
        self.credentials = credentials
        self._service = service
        self.function = Function(binary, {**own, **agents, **variables})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.function.stop()

    def ask(self, agent, prompt="Hello", session=None, **headers):
        """Sends a prompt; gives the answer, and the one visit that the agent had for it."""
        answer, visits = self.try_to_ask(agent, prompt, session, **headers)
        assert len(visits) == 1, f"the agent ran {len(visits)} times: {answer}"
        assert visits[0].ended.wait(10), "the agent is still at it"
        return answer, visits[0]

    def try_to_ask(self, agent, prompt, session=None, **headers):
        """The same where no visit may come of it."""
        before = len(self._service.visits)
        answer = self.answer(agent, prompt, session, **headers)
        return answer, self._service.visits[before:]

    def answer(self, agent, prompt, session=None, path="/api/agents/invoke", **headers):
        """Sends a prompt; gives the answer alone."""
        body = {"agentId": agent, "prompt": prompt, "sessionId": session}
        event = gateway.event("POST", path, json.dumps(body, ensure_ascii=False), **headers)
        return gateway.Answer(self.function.invoke(event))
