"""The template, deployed to moto's CloudFormation as far as that goes. What moto's CloudFormation does not know is left out of the stack, and where
moto knows the service itself, is made by that: so names, forms and references are looked at by somebody else than us."""

import json
import re

import boto3
import pytest
from moto import mock_aws
from moto.cloudformation.parsing import resource_class_from_type

from cloudformation import NO_VALUE, PSEUDO_PARAMETERS, Stack
from conftest import AGENT, MODES, OTHER, stack

REGION = PSEUDO_PARAMETERS["AWS::Region"]
TOPIC = f"arn:aws:sns:{REGION}:123456789012:alarms"
KEY = f"arn:aws:kms:{REGION}:123456789012:key/0e6f0a1c-1111-2222-3333-444455556666"
# Moto's CloudFormation makes an API without its body, of which there is then no deployment, and no aliases, which permissions are of.
BY_ITS_SERVICE = {
    "AWS::ApiGateway::Deployment", "AWS::ApiGateway::Stage", "AWS::ApiGateway::UsagePlan", "AWS::ApiGateway::UsagePlanKey", "AWS::Lambda::Permission"
}
COMPANY = {
    "MwcAgentArn": OTHER, "AlarmTopicArn": TOPIC, "KmsKeyArn": KEY, "RolePath": "/agents/", "PermissionsBoundary": "arn:aws:iam::123456789012:policy/b",
    "ReservedConcurrency": "5", "StreamReservedConcurrency": "5",
}


@pytest.fixture
def account(monkeypatch):
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)
    with mock_aws(config={"lambda": {"use_docker": False}}):
        client("s3").create_bucket(Bucket="bucket")
        client("s3").put_object(Bucket="bucket", Key="key", Body=b"PK\x05\x06" + bytes(18))
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        client("iam").create_policy(PolicyName="b", PolicyDocument=json.dumps(document))
        yield


def client(service):
    return boto3.client(service, REGION)


class Emulated:
    """A stack in moto, and what was left out of it."""

    def __init__(self, mode, **parameters):
        given = {"AuthMode": mode, "ReleaseId": "1700000000", "OnboardingAgentArn": AGENT} | MODES[mode] | parameters
        self.made = Stack(**given)
        resources = {name: item for name, item in self.made.transformed["Resources"].items() if self.made.has(item)}
        known = lambda kind: kind not in BY_ITS_SERVICE and resource_class_from_type(kind) is not None
        self.left_out = {name for name, item in resources.items() if not known(item["Type"])}
        template = json.loads(json.dumps(self.made.transformed))
        template["Resources"] = {
            name: self.settled(item) for name, item in resources.items() if name not in self.left_out
        }
        template["Outputs"] = {name: self.settled(item) for name, item in template["Outputs"].items() if self.made.has(item)}
        client("cloudformation").create_stack(
            StackName="bridge",
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in self.made.parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        found = client("cloudformation").describe_stack_resources(StackName="bridge")["StackResources"]
        self.resources = {resource["LogicalResourceId"]: resource.get("PhysicalResourceId") for resource in found}

    def settled(self, value):
        """A value with its conditions decided, which moto leaves as holes in lists, and without references to what is left out."""
        if isinstance(value, list):
            return [item for item in map(self.settled, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if value == {"Ref": "AWS::NoValue"}:
            return NO_VALUE
        if value.keys() == {"Fn::If"}:
            condition, yes, no = value["Fn::If"]
            return self.settled(yes if self.made.condition(condition) else no)
        if value.get("Ref") in self.left_out or "Fn::GetAtt" in value and value["Fn::GetAtt"][0] in self.left_out:
            return self.made.resolve(value)
        if "Fn::Sub" in value:
            names = re.findall(r"\$\{(\w+)[.}]", json.dumps(value["Fn::Sub"]))
            return self.made.resolve(value) if self.left_out & {*names} else value
        items = {key: self.settled(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not NO_VALUE}


@pytest.mark.parametrize("parameters", [{}, COMPANY], ids=["plain", "company"])
def test_the_stack_is_made(account, parameters):
    emulated = Emulated("IAM", **parameters)
    assert emulated.resources.keys() | emulated.left_out == emulated.made.resources.keys()
    functions = {function["FunctionName"]: function for function in client("lambda").list_functions()["Functions"]}
    for name in ("BridgeFunction", "StreamFunction", "HookFunction"):
        function = functions[emulated.resources[name]]
        assert (function["Runtime"], function["Handler"]) == ("provided.al2023", "bootstrap")
        assert "Ref" not in json.dumps(function["Environment"])
    roles = {role["RoleName"]: role for role in client("iam").list_roles()["Roles"]}
    for name in ("BridgeRole", "HookRole", "CodeDeployRole"):
        role = roles[emulated.resources[name]]
        assert role["Path"] == parameters.get("RolePath", "/")
        for policy in client("iam").list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            document = client("iam").get_role_policy(RoleName=role["RoleName"], PolicyName=policy)["PolicyDocument"]
            text = json.dumps(document)
            # Everything is filled in: what the stack made is named as it was made.
            assert "${" not in text and "Fn::" not in text and "Ref" not in text
    groups = {group["logGroupName"]: group for group in client("logs").describe_log_groups()["logGroups"]}
    for name in ("BridgeLogs", "AccessLogs"):
        group = groups[emulated.resources[name]]
        assert group["retentionInDays"] == 30


def test_api_gateway_takes_the_definition(account, mode):
    """Moto holds it against OpenAPI's own schema."""
    body = json.loads(json.dumps(stack(mode).body))
    # A path of several segments is API Gateway's own, which OpenAPI does not know.
    body["paths"]["/{proxy}"] = body["paths"].pop("/{proxy+}")
    api = client("apigateway").import_rest_api(body=json.dumps(body).encode(), failOnWarnings=True)
    assert api["name"] == "bridge"
    paths = {resource["path"] for resource in client("apigateway").get_resources(restApiId=api["id"], limit=500)["items"]}
    assert body["paths"].keys() <= paths


@pytest.mark.parametrize("parameters", [{}, COMPANY], ids=["plain", "company"])
def test_cloudwatch_takes_the_alarms_and_the_dashboard(account, parameters):
    made = stack(**parameters)
    for alarm in made.of_type("AWS::CloudWatch::Alarm").values():
        numbers = {name: float(alarm[name]) if name == "Threshold" else int(alarm[name])
                   for name in ("Threshold", "EvaluationPeriods", "DatapointsToAlarm", "Period") if name in alarm}
        client("cloudwatch").put_metric_alarm(**alarm | numbers)
    names = {alarm["AlarmName"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]}
    assert len(names) == len(made.of_type("AWS::CloudWatch::Alarm"))
    client("cloudwatch").put_dashboard(**made.properties("Dashboard"))


def test_the_stack_is_removed(account):
    Emulated("IAM")
    client("cloudformation").delete_stack(StackName="bridge")
    assert client("lambda").list_functions()["Functions"] == []
