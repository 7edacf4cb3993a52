#!/usr/bin/env python3
"""Prints cases.rs, which lies beside this file: requests that botocore has signed.

    pip install botocore==1.44.8
    python cases.py | rustfmt --edition 2024 > cases.rs

Time and tokens are fixed: the same version of botocore prints the same text.
"""

import datetime
import json
from unittest import mock
from urllib.parse import urlsplit

import botocore
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

assert botocore.__version__ == "1.44.8", botocore.__version__

NOW = datetime.datetime(2024, 2, 29, 12, 0, 0, tzinfo=datetime.timezone.utc)
KEYS = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
TOKEN = "EXAMPLETOKEN/+Ac5K=="
RUNTIME = "Test_Agent-abcdefghij"
SESSION = "session-0123456789-0123456789-0123456789"
CLIENT_TOKEN = "6c0c2a6e-5f0b-4b0e-9a3c-2f1f0a7d9b11"


def arn(region, partition="aws"):
    return f"arn:{partition}:bedrock-agentcore:{region}:123456789012:runtime/{RUNTIME}"


class Captured(Exception):
    """Carries the request out of a client, which has signed it and is about to send it."""


def from_client(service, region, endpoint, token, operation, **arguments):
    """What a client of botocore sends, by the service's model."""
    client = botocore.session.Session().create_client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=KEYS[0],
        aws_secret_access_key=KEYS[1],
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )

    def capture(request, **_):
        raise Captured(request)

    client.meta.events.register("before-send", capture)
    try:
        getattr(client, operation)(**arguments)
    except Captured as captured:
        return captured.args[0]


def from_signer(method, region, url, token, headers, body):
    """What the signer makes of a request that no client would send."""
    request = AWSRequest(method, url, headers=headers, data=body)
    SigV4Auth(Credentials(*KEYS, token), "bedrock-agentcore", region).add_auth(request)
    return request.prepare()


def case(name, region, token, request):
    def text(value):
        return value.decode() if isinstance(value, bytes) else value or ""

    url = urlsplit(request.url)
    headers = {key.lower(): text(value) for key, value in request.headers.items()}
    signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    kept = {"host": url.netloc, **{k: headers[k] for k in headers if k in signed}}
    kept["authorization"] = headers["authorization"]
    target = url.path + (f"?{url.query}" if url.query else "")
    literal = lambda value: json.dumps(value, ensure_ascii=False)
    pairs = ", ".join(f"({literal(k)}, {literal(v)})" for k, v in kept.items())
    return f"""Case {{
        name: {literal(name)},
        region: {literal(region)},
        session_token: {f"Some({literal(token)})" if token else "None"},
        method: {literal(request.method)},
        target: {literal(target)},
        headers: &[{pairs}],
        body: {literal(text(request.body))},
    }},"""


def cases():
    stop = ("stop_runtime_session",)
    gov, loopback = "us-gov-west-1", "http://127.0.0.1:8080"
    yield "stop", "us-east-1", None, from_client(
        "bedrock-agentcore", "us-east-1", None, None, *stop,
        agentRuntimeArn=arn("us-east-1"), runtimeSessionId=SESSION, clientToken=CLIENT_TOKEN)
    yield "stop, by temporary credentials, under a prefix", gov, TOKEN, from_client(
        "bedrock-agentcore", gov, f"{loopback}/a/prefix", TOKEN, *stop,
        agentRuntimeArn=arn(gov, "aws-us-gov"), runtimeSessionId=SESSION, qualifier="a b/é+",
        clientToken=CLIENT_TOKEN)
    yield "endpoint", "eu-west-1", None, from_client(
        "bedrock-agentcore-control", "eu-west-1", None, None, "get_agent_runtime_endpoint",
        agentRuntimeId=RUNTIME, endpointName="DEFAULT")
    yield "endpoint, by temporary credentials", "us-east-1", TOKEN, from_client(
        "bedrock-agentcore-control", "us-east-1", loopback, TOKEN, "get_agent_runtime_endpoint",
        agentRuntimeId=RUNTIME, endpointName="prod_1")
    yield "spaces in headers, a body of several bytes a character", "us-east-1", None, from_signer(
        "POST", "us-east-1", f"{loopback}/a%20b/~c?b=2&a=%2F&a=1", None,
        {"X-Spaces": "  a \t b  ", "Content-Type": "text/plain"}, "é\n".encode())


with mock.patch("botocore.auth.get_current_datetime", lambda *_, **__: NOW):
    print("//! Requests that botocore 1.44.8 has signed at `NOW`, as they would be on the wire.")
    print("//!")
    print("//! Printed by `cases.py`, which lies beside this file.")
    print("\nuse crate::case::Case;\n")
    print(f"pub(crate) const NOW: u64 = {int(NOW.timestamp()):_};\n")
    print("pub(crate) const CASES: &[Case] = &[")
    for arguments in cases():
        print(case(*arguments))
    print("];")
