"""An agent's status, asked of moto's control plane: paths, signatures and states as others see them."""

import boto3
import gateway
import pytest
from moto.server import ThreadedMotoServer
from runtime_api import Function

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
REGION = "us-east-1"


@pytest.fixture
def control_plane():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(control_plane):
    return boto3.client(
        "bedrock-agentcore-control",
        region_name=REGION,
        endpoint_url=control_plane,
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )


def create_runtime(client):
    """A runtime with an endpoint `prod`; its id as the service would make it begins with a letter."""
    for number in range(20):
        runtime_id = client.create_agent_runtime(
            agentRuntimeName=f"echo{number}",
            agentRuntimeArtifact={"containerConfiguration": {"containerUri": "x:1"}},
            roleArn="arn:aws:iam::123456789012:role/x",
            networkConfiguration={"networkMode": "PUBLIC"},
        )["agentRuntimeId"]
        if runtime_id[0].isalpha():
            client.create_agent_runtime_endpoint(agentRuntimeId=runtime_id, name="prod")
            return runtime_id
    raise AssertionError("no runtime's id begins with a letter")


def test_states_are_what_the_control_plane_says(client, control_plane, binary):
    runtime_id = create_runtime(client)
    known = client.get_agent_runtime_endpoint(agentRuntimeId=runtime_id, endpointName="prod")
    assert known["status"] == "READY"
    arn = f"arn:aws:bedrock-agentcore:{REGION}:123456789012:runtime/"
    variables = {
        **KEYS,
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL": control_plane,
        "READY_AGENT_ARN": arn + runtime_id,
        "READY_AGENT_QUALIFIER": "prod",
        "NO_ENDPOINT_AGENT_ARN": arn + runtime_id,
        "GONE_AGENT_ARN": arn + "Gone-0123456789",
        "BROKEN_AGENT_ARN": "arn:aws:bedrock-agentcore:nowhere",
    }
    function = Function(binary, variables)
    try:
        for agent, status in [
            ("ready", "available"),
            ("no-endpoint", "unavailable"),
            ("gone", "unavailable"),
            ("broken", "not_configured"),
        ]:
            event = gateway.event("GET", f"/api/agents/{agent}/status", None)
            answer = gateway.Answer(function.invoke(event))
            assert answer.status == 200, answer
            assert (answer.json["agentId"], answer.json["status"]) == (agent, status)
    finally:
        function.stop()
