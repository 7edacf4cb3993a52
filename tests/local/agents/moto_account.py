"""moto as an account of AWS: STS, a control plane that knows one runtime, and one secret. Prints its
address and their ARNs as a line of JSON, and serves until its standard input ends."""

import json
import sys

import boto3
from moto.server import ThreadedMotoServer

REGION = "us-east-1"


def create_runtime(endpoint):
    """A runtime, whose id as the service would make it begins with a letter."""
    client = boto3.client(
        "bedrock-agentcore-control",
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="secret",
    )
    for number in range(20):
        runtime = client.create_agent_runtime(
            agentRuntimeName=f"echo{number}",
            agentRuntimeArtifact={"containerConfiguration": {"containerUri": "x:1"}},
            roleArn="arn:aws:iam::123456789012:role/x",
            networkConfiguration={"networkMode": "PUBLIC"},
        )
        runtime_id = runtime["agentRuntimeId"]
        if runtime_id[0].isalpha():
            client.create_agent_runtime_endpoint(agentRuntimeId=runtime_id, name="prod")
            return f"arn:aws:bedrock-agentcore:{REGION}:123456789012:runtime/{runtime_id}"
    raise AssertionError("no runtime's id begins with a letter")


def create_key(endpoint):
    """A secret that a deployment could keep its key in; its ARN."""
    client = boto3.client(
        "secretsmanager",
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="secret",
    )
    return client.create_secret(Name="key", SecretString="k" * 32)["ARN"]


def main():
    """Serves."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    account = {"endpoint": endpoint, "arn": create_runtime(endpoint), "key": create_key(endpoint)}
    print(json.dumps(account), flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
