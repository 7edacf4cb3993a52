"""SESSION_BINDING_KEY where AWS keeps it: moto's Secrets Manager and SSM, behind a door that knows
how botocore would have signed what comes in."""

from __future__ import annotations

import datetime
import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock

import agent
import boto3
import botocore.auth
import gateway
import pytest
from botocore.awsrequest import AWSRequest
from moto.server import ThreadedMotoServer
from service import Service
from stack import CREDENTIALS, Stack

REGION = "eu-west-1"
KEY = '{"key": "a key of JSON"}'


def signed_by_botocore(headers, body, url):
    """The header with which botocore would have signed this request, at the time that it names."""
    authorization = headers["authorization"]
    service = authorization.split("/")[3]
    names = authorization.split("SignedHeaders=")[1].split(",")[0].split(";")
    kept = {name: headers[name] for name in names if name not in ("host", "x-amz-date")}
    request = AWSRequest(method="POST", url=url, headers=kept, data=body)
    date = datetime.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
    signer = botocore.auth.SigV4Auth(CREDENTIALS, service, REGION)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: date):
        signer.add_auth(request)
    return request.headers["Authorization"]


class Door(BaseHTTPRequestHandler):
    """Passes requests on to moto, and keeps what was asked for and whether botocore signs alike."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        """One request."""
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        expected = signed_by_botocore(headers, body, f"http://{headers['host']}{self.path}")
        self.server.came.append((headers["x-amz-target"], headers["authorization"], expected))
        moto = http.client.HTTPConnection(*self.server.moto)
        moto.request("POST", self.path, body, headers)
        answer = moto.getresponse()
        text = answer.read()
        moto.close()
        self.send_response(answer.status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Says nothing of requests that went well."""


@pytest.fixture(scope="module")
def moto():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()
    server.stop()


@pytest.fixture
def door(moto):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.moto, server.came = moto, []
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def service():
    with Service(agent.app) as service:
        yield service


def client(name, moto):
    return boto3.client(
        name,
        region_name=REGION,
        endpoint_url=f"http://{moto[0]}:{moto[1]}",
        aws_access_key_id=CREDENTIALS.access_key,
        aws_secret_access_key=CREDENTIALS.secret_key,
    )


def text_secret(moto):
    made = client("secretsmanager", moto).create_secret(Name="bridge/text", SecretString=KEY)
    return made["ARN"]


def binary_secret(moto):
    made = client("secretsmanager", moto).create_secret(Name="binary", SecretBinary=KEY.encode())
    return made["ARN"]


def secure_parameter(name):
    """A parameter whose value SSM decrypts for us, at a path or not."""

    def make(moto):
        ssm = client("ssm", moto)
        ssm.put_parameter(Name=name, Value=KEY, Type="SecureString")
        assert ssm.get_parameter(Name=name)["Parameter"]["Value"] != KEY
        return ssm.get_parameter(Name=name)["Parameter"]["ARN"]

    return make


def bound_session(binary, service, key, endpoint=""):
    """The runtime's session of one and the same caller."""
    variables = {
        "SESSION_BINDING_KEY": key,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": endpoint,
        "AWS_ENDPOINT_URL_SSM": endpoint,
    }
    with Stack(binary, service, ["sse"], **variables) as stack:
        body = json.dumps({"agentId": "sse", "prompt": "x", "sessionId": "mine"})
        event = gateway.event("POST", "/api/agents/invoke", body)
        event["requestContext"]["authorizer"] = {"claims": {"iss": "issuer", "sub": "me"}}
        before = len(service.visits)
        answer = gateway.Answer(stack.function.invoke(event))
        assert answer.status == 200, answer
    [visit] = service.visits[before:]
    return visit.target.split("Session-Id=")[1].split("&")[0]


@pytest.mark.parametrize(
    "make, target",
    [
        (text_secret, "secretsmanager.GetSecretValue"),
        (binary_secret, "secretsmanager.GetSecretValue"),
        (secure_parameter("/bridge/key"), "AmazonSSM.GetParameter"),
        (secure_parameter("key"), "AmazonSSM.GetParameter"),
    ],
    ids=["secret", "binary secret", "parameter at a path", "parameter"],
)
def test_a_stored_key_is_read_as_it_stands(binary, service, moto, door, make, target):
    given = bound_session(binary, service, KEY)
    assert given != bound_session(binary, service, "")
    endpoint = f"http://127.0.0.1:{door.server_address[1]}"
    assert bound_session(binary, service, make(moto), endpoint) == given
    [(asked, signed, expected)] = door.came
    assert (asked, signed) == (target, expected)


@pytest.mark.parametrize(
    "arn, named",
    [
        ("secretsmanager:{}:123456789012:secret:gone-AbCdEf", "ResourceNotFoundException"),
        ("ssm:{}:123456789012:parameter/gone", "ParameterNotFound"),
    ],
)
def test_one_that_is_not_there_stops_the_start(binary, service, door, arn, named):
    key = f"arn:aws:{arn.format(REGION)}"
    endpoint = f"http://127.0.0.1:{door.server_address[1]}"
    with pytest.raises(AssertionError, match=f"SESSION_BINDING_KEY: .*{named}"):
        bound_session(binary, service, key, endpoint)
