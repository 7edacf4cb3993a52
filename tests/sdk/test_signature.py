"""botocore signs again what the binary sent: both signatures are the same, bit for bit."""

from __future__ import annotations

import datetime
from unittest import mock
from urllib.parse import quote, urlsplit, urlunsplit

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from stack import CREDENTIALS, arn

WITH_TOKEN = Credentials(
    "ASIAIOSFODNN7EXAMPLE", CREDENTIALS.secret_key, "EXAMPLETOKEN/+" + "Ab3/+" * 80 + "=="
)
PARAMETERS_OF_SIGV4 = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
)


def signed_by_botocore(url, credentials, region):
    """What botocore makes of the URL without its signature, at the time that the URL names."""
    parts = urlsplit(url)
    pairs = dict(pair.split("=", 1) for pair in parts.query.split("&"))
    date = datetime.datetime.strptime(pairs["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
    unsigned = "&".join(
        f"{name}={value}" for name, value in pairs.items() if name not in PARAMETERS_OF_SIGV4
    )
    request = AWSRequest(method="GET", url=urlunsplit(parts._replace(query=unsigned)))
    signer = botocore.auth.SigV4QueryAuth(credentials, "bedrock-agentcore", region, expires=300)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: date):
        signer.add_auth(request)
    return request.url


def in_order(url):
    """The parts of a URL, without the order of its parameters: no signature depends on it."""
    parts = urlsplit(url)
    return parts._replace(query=sorted(parts.query.split("&")))


@pytest.mark.parametrize("credentials", [CREDENTIALS, WITH_TOKEN], ids=["key", "key and token"])
@pytest.mark.parametrize("qualifier", ["", "prod_2"], ids=["no qualifier", "qualifier"])
@pytest.mark.parametrize("partition, region", [("aws", "eu-west-3"), ("aws-cn", "cn-north-1")])
def test_botocore_signs_the_same(start, credentials, qualifier, partition, region):
    runtime = arn("sse", region, partition)
    agent = {"SSE_AGENT_ARN": runtime, "SSE_AGENT_QUALIFIER": qualifier}
    with start(credentials=credentials, **agent) as stack:
        for session in [None, "short", "A-session_of-more-than-33-characters", "s" * 256]:
            answer, visit = stack.ask("sse", session=session)
            assert answer.status == 200, answer
            sent = f"http://{visit.host}{visit.target}"
            assert urlsplit(sent).path == f"/runtimes/{quote(runtime, safe='')}/ws"
            assert in_order(sent) == in_order(signed_by_botocore(sent, credentials, region))
            assert ("&qualifier=prod_2&" in sent.replace("?", "&")) == bool(qualifier)
            assert ("X-Amz-Security-Token" in sent) == bool(credentials.token)


def test_what_was_not_signed_so_is_noticed(stack):
    _, visit = stack.ask("sse", session="A-session_of-more-than-33-characters")
    sent = f"http://{visit.host}{visit.target}"
    again = signed_by_botocore(sent, stack.credentials, "us-east-1")
    signature = again.rpartition("X-Amz-Signature=")[2]
    assert signature in sent
    for altered in [
        sent.replace("A-session", "B-session"),
        sent.replace("sse-Abcdef1234", "sse-Abcdef1235"),
        sent.replace("http://127", "http://128"),
        sent.replace("%3A", ":"),
    ]:
        assert altered != sent
        assert signature not in signed_by_botocore(altered, stack.credentials, "us-east-1")
    other = Credentials(stack.credentials.access_key, "another-secret")
    assert signature not in signed_by_botocore(sent, other, "us-east-1")
    assert signature not in signed_by_botocore(sent, stack.credentials, "us-east-2")
