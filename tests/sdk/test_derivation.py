"""The function derives callers and sessions as SECURITY.md says, whoever calls: random events against
a model that was written from those words alone."""

from __future__ import annotations

import collections
import copy
import json
import random
import re
from urllib.parse import parse_qs, urlsplit

import derivation
import gateway
import pytest
from derivation import Written
from service import SESSION_ID

# As many as a few seconds allow.
EVENTS = 6_000
# Every so many events the agent is asked too, and tells what it was told.
ASKED_EVERY = 15

TEMPLATE = '{"prompt":"{prompt}","sessionId":"{sessionId}","callerId":"{callerId}"}'

# Few, so that events often differ in one place alone.
VALUES = [
    "a", "b", "ab", "A", "user-1", " user-1", "user-1 ", "é", "e\u0301", "😀", "\x1c", "\u2003", " ", "",
    "\ud800", "1", "true", "null", "[]", '"a"', "https://issuer.example.com/", "arn:aws:iam::123456789012:user/x",
    Written("1"), Written("1.0"), Written("10000000000000000000000001"), Written("1e400"), Written("-0"),
    True, False, None, [], ["a"], {}, {"a": "b"}, [None, Written("1.50")], {"a": ["é", "\ud800"]},
]  # fmt: skip
SESSIONS = ["mine", "m", "Mine", "s" * 32, "s" * 33, "s" * 100, "s" * 101, "s" * 256, "bound-" + "a" * 64,
            "BOUND-" + "F" * 64, "bound-" + "a" * 63 + "g", "derived-" + "a" * 64]  # fmt: skip
FIELDS = {
    ("authorizer", "claims"): ["iss", "sub"],
    ("authorizer", "jwt", "claims"): ["iss", "sub"],
    ("authorizer",): ["claims", "jwt", "iam", "principalId", "sub"],
    ("authorizer", "iam"): ["userArn", "cognitoIdentity", "caller"],
    ("authorizer", "iam", "cognitoIdentity"): ["identityPoolId", "identityId"],
    ("identity",): ["userArn", "apiKeyId", "cognitoIdentityId", "cognitoIdentityPoolId", "caller"],
    (): ["elb", "identity", "authorizer"],
}


def context_of(chance):
    """A request context in which any of the places that matter hold anything."""
    context = {}
    # From the inside out, so that a part is sometimes something else altogether.
    for names, fields in FIELDS.items():
        density = chance.choice([0, 0, 0.5, 0.9])
        for field in fields:
            is_part = (*names, field) in FIELDS or field in ("jwt", "elb")
            if chance.random() >= (0.02 if is_part else density):
                continue
            place = context
            for name in names:
                place = place.setdefault(name, {}) if isinstance(place, dict) else None
            if isinstance(place, dict):
                place[field] = copy.deepcopy(chance.choice(VALUES))
    return context


def request_of(context, path, body):
    """The bytes of an event with this request context."""
    event = gateway.event("POST", path, json.dumps(body))
    own = {"httpMethod": "POST", "path": path, "stage": "prod", "requestId": "id", **context}
    return derivation.write({**event, "requestContext": own}).encode()


@pytest.mark.parametrize(
    "variables",
    [{}, {"SESSION_BINDING_KEY": "a key"}, {"SESSION_BINDING": "off"}],
    ids=["no key", "key", "off"],
)
def test_sessions_and_callers_are_those_of_the_model(start, variables):
    key, binding = variables.get("SESSION_BINDING_KEY"), variables.get("SESSION_BINDING", "caller")
    # The same in each run, and others for each setting.
    chance = random.Random(f"{key} {binding}")
    kinds = collections.Counter()
    own = {"TELLS_AGENT_MESSAGE": TEMPLATE, "TELLS_AGENT_CONNECTIONS": "presigned"}
    with start(**own, **variables) as stack:
        for n in range(EVENTS // 3):
            context, session = context_of(chance), chance.choice(SESSIONS)
            path, body = "/api/agents/tells/connections", {"sessionId": session}
            event = request_of(context, path, body)
            who = derivation.caller(derivation.read(event)["requestContext"])
            kinds[who and who[0]] += 1
            expected = derivation.runtime_session(who, "tells", session, key, binding)

            answer = gateway.Answer(stack.function.invoke(event))
            assert answer.status == 201, (answer, event)
            url = json.loads(answer.text)["url"]
            assert parse_qs(urlsplit(url).query)[SESSION_ID] == [expected], event

            if n % ASKED_EVERY == 0:
                body = {"agentId": "tells", "prompt": "x", "sessionId": session}
                event = request_of(context, "/api/agents/invoke", body)
                answer = gateway.Answer(stack.function.invoke(event))
                told = json.loads(answer.json["response"])
                assert answer.json["sessionId"] == session
                assert told["session"] == expected
                assert told["message"] == {
                    "prompt": "x",
                    "sessionId": derivation.agent_session(who, "tells", session, key, binding),
                    "callerId": derivation.caller_id(who) if who else "",
                }
    # All kinds of callers came, and often.
    assert len(kinds) == 6 and min(kinds.values()) > 3, kinds


def test_no_two_callers_are_one():
    """Of the callers that random events tell of, each is its own: by its id, and by its session."""
    chance = random.Random("callers")
    callers = {derivation.caller(derivation.read(derivation.write(context_of(chance)))) for _ in range(3_000)}
    callers.discard(None)
    assert len(callers) > 300
    for derived in (derivation.caller_id, lambda who: derivation.runtime_session(who, "a", "s")):
        ids = {derived(who) for who in callers}
        assert len(ids) == len(callers)
        assert all(re.fullmatch(r"(caller|bound)-[0-9a-f]{64}", id) for id in ids)
