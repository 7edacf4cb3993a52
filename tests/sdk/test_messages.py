"""What agents on the official SDK are sent, and by whose leave: the SDK's own client is the judge."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import ag_ui_agent
import pytest
from bedrock_agentcore.runtime import AgentCoreRuntimeClient
from service import SESSION_ID, Service
from stack import Stack, arn

TOKEN = "eyJhbGciOiJub25lIn0.e30.sig-_~+/=="
SESSION = "A-session_of-more-than-33-characters"


@pytest.mark.parametrize("qualifier", ["", "prod_2"], ids=["no qualifier", "qualifier"])
def test_a_bearer_handshake_is_the_one_of_the_sdks_client(start, qualifier):
    agent = {"TELLS_AGENT_AUTH": "caller", "TELLS_AGENT_QUALIFIER": qualifier}
    with start(**agent) as stack:
        answer, visit = stack.ask("tells", "Hi", SESSION, Authorization=f"Bearer {TOKEN}")
    assert answer.status == 200, answer
    client = AgentCoreRuntimeClient("us-east-1")
    url, headers = client.generate_ws_connection_oauth(
        arn("tells"), TOKEN, session_id=SESSION, endpoint_name=qualifier or None
    )
    parts = urlsplit(url)
    assert visit.target == parts.path + (f"?{parts.query}" if parts.query else "")
    for name in ("Authorization", SESSION_ID):
        assert visit.headers[name.lower()] == headers[name]
    # What the SDK's client sends, the bridge sends, and nothing of a signature beside it.
    assert {name.lower() for name in headers} <= visit.headers.keys()
    assert not [name for name in visit.headers if name.startswith("x-amz-")]

    told = json.loads(answer.json["response"])
    assert told["session"] == SESSION
    assert told["headers"]["Authorization"] == f"Bearer {TOKEN}"
    assert told["message"] == {"prompt": "Hi", "sessionId": SESSION}


def test_without_a_token_the_agent_is_not_asked(start):
    with start(TELLS_AGENT_AUTH="caller") as stack:
        answer, visits = stack.try_to_ask("tells", "Hi", SESSION)
    assert (answer.status, answer.json["error"]) == (401, "AuthenticationError")
    assert answer.json["details"]["phase"] == "credentials"
    assert visits == []


def test_an_agent_gets_a_message_of_its_own_form(start):
    template = '{"inputText":"{prompt}","session_id":"{sessionId}","by":["{callerId}"]}'
    with start(TELLS_AGENT_MESSAGE=template) as stack:
        answer, _ = stack.ask("tells", 'é "{sessionId}"', SESSION)
    told = json.loads(answer.json["response"])
    expected = {"inputText": 'é "{sessionId}"', "session_id": SESSION, "by": [""]}
    assert told["message"] == expected


@pytest.mark.parametrize("session", [SESSION, "short"])
def test_the_sdks_ag_ui_application_takes_the_run(binary, session):
    with Service(ag_ui_agent.app) as service:
        with Stack(binary, service, ["AGUI"], AGUI_AGENT_MESSAGE="ag-ui") as stack:
            answer, _ = stack.ask("agui", "Hi \u2603", session)
        assert answer.status == 200, answer
        assert answer.json["response"] == f"{session} user: Hi \u2603"
        assert "incomplete" not in answer.json
        # An agent that takes nothing else closes with 1003 on the usual message.
        with Stack(binary, service, ["AGUI"]) as stack:
            answer, visit = stack.ask("agui", "Hi", session)
        assert answer.status == 503, answer
