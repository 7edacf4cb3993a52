"""moto as an account of AWS: STS, and a control plane that knows one runtime. Prints its address and
the runtime's ARN as a line of JSON, and serves until its standard input ends."""

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


def main():
    """Serves."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    print(json.dumps({"endpoint": endpoint, "arn": create_runtime(endpoint)}), flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
