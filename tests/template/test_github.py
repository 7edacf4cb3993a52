"""The roles by which GitHub deploys may do what a deployment needs, by what CloudFormation's types of resources say that they need, and no more."""

import json

import pytest
import yaml

import regions
from cloudformation import ROOT, Refused, Stack, parse

TEXT = (ROOT / "deploy/github.yaml").read_text()
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())
GIVEN = {"Repository": "owner/name", "Environment": "prod", "StackName": "bridge", "ArtefactBucket": "bucket"}
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"

# What types of resources say that they need, for what the template does not use of them.
UNUSED = {
    "other kinds of things than an API behind a web ACL": (
        "amplify:", "apprunner:", "appsync:", "bedrock-agentcore:", "cognito-idp:", "ec2:AssociateVerified", "ec2:DescribeVerified",
        "ec2:DisassociateVerified", "ec2:GetVerified", "elasticloadbalancing:", "wafv2:GetPermissionPolicy", "wafv2:PutPermissionPolicy",
    ),
    "file systems": ("elasticfilesystem:", "s3files:"),
    "machines": ("codedeploy:RegisterOnPremisesInstance",),
    "log streams to elsewhere": ("firehose:", "s3:REST.PUT.OBJECT"),
    "a boundary must not be taken away": ("iam:DeleteRolePermissionsBoundary",),
    "stack policies, protection": ("cloudformation:SetStackPolicy", "cloudformation:UpdateTerminationProtection"),
    "features of Lambda": (
        "lambda:AssociateRuntimeAlias", "lambda:DeleteFunctionCodeSigningConfig", "lambda:DeleteProvisionedConcurrencyConfig",
        "lambda:GetCodeSigningConfig", "lambda:GetLayerVersion", "lambda:PassCapacityProvider", "lambda:PutFunctionCodeSigningConfig",
        "lambda:PutFunctionRecursionConfig", "lambda:PutFunctionScalingConfig", "lambda:PutProvisionedConcurrencyConfig",
        "lambda:PutRuntimeManagementConfig",
    ),
    "features of logs": (
        "logs:DeleteDataProtectionPolicy", "logs:DeleteIndexPolicy", "logs:DeleteResourcePolicy", "logs:DeleteRetentionPolicy",
        "logs:PutBearerTokenAuthentication", "logs:PutDataProtectionPolicy", "logs:PutIndexPolicy", "logs:PutLogGroupDeletionProtection",
    ),
}
# The one type that says nothing of that.
RECORDS = {"route53:ChangeResourceRecordSets", "route53:GetChange", "route53:GetHostedZone", "route53:ListResourceRecordSets"}


def listed(value):
    return value if isinstance(value, list) else [value]


def statements(role, **parameters):
    for policy in Stack(TEXT, **GIVEN | parameters).properties(role)["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def actions(role):
    return {action for statement in statements(role) for action in listed(statement["Action"])}


def needed():
    """What the types of resources that are used need, to be made, read, changed and deleted."""
    found, silent = set(), set()
    for kind in regions.used(("template.yaml", "deploy/function-url.yaml")):
        schema = regions.PROVIDERS.parent / f"resources/{regions.REGIONS['us-east-1'][kind]}.json"
        handlers = json.loads(schema.read_text()).get("handlers")
        if not handlers:
            silent.add(kind)
            continue
        for operation in ("create", "read", "update", "delete"):
            found.update(handlers.get(operation, {}).get("permissions", []))
    assert silent == {"AWS::Route53::RecordSetGroup"}
    return found


def test_cloudformation_may_do_what_the_resources_need_and_no_more():
    # IAM compares names without case.
    lower = lambda names: {name.lower(): name for name in names}
    need, may = lower(needed()), lower(actions("ExecutionRole"))
    unused = tuple(name.lower() for names in UNUSED.values() for name in names)
    missing = {need[name] for name in need.keys() - may.keys() if not name.startswith(unused)}
    assert missing == set()
    assert {may[name] for name in may.keys() - need.keys()} == RECORDS
    assert not [name for name in may if name.startswith(unused)]
    for entry in unused:
        assert any(name.startswith(entry) for name in need), f"nothing needs {entry}"


def test_neither_role_may_do_all_of_anything():
    for role in ("DeployRole", "ExecutionRole"):
        assert not [action for action in actions(role) if action.split(":")[1] in ("*", "Put*", "Create*") or "*" in action]


def test_what_has_a_name_is_the_stacks():
    """So one stack's roles cannot touch what another one made."""
    for statement in statements("ExecutionRole"):
        for resource in listed(statement["Resource"]):
            service = listed(statement["Action"])[0].split(":")[0]
            if service in ("lambda", "codedeploy", "iam", "cloudwatch", "cloudformation") and "deploymentconfig" not in resource:
                assert "bridge" in resource, resource
            if service == "s3":
                assert resource == "arn:aws:s3:::bucket/*"


@pytest.mark.parametrize("boundary", ["", BOUNDARY])
def test_a_role_that_is_made_has_the_boundary(boundary):
    [makes] = [s for s in statements("ExecutionRole", PermissionsBoundary=boundary) if s.get("Sid") == "MakeRoles"]
    assert {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"} <= set(makes["Action"])
    expected = {"StringEquals": {"iam:PermissionsBoundary": boundary}} if boundary else None
    assert makes.get("Condition") == expected
    passed = [s for s in statements("ExecutionRole") if "iam:PassRole" in listed(s["Action"])]
    assert [s["Condition"]["StringEquals"]["iam:PassedToService"] for s in passed] == [
        ["lambda.amazonaws.com", "codedeploy.amazonaws.com", "apigateway.amazonaws.com"]
    ]


def test_only_jobs_of_the_environment_may_deploy():
    [trust] = Stack(TEXT, **GIVEN).properties("DeployRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:owner/name:environment:prod",
        }
    }
    for name, value in {"Repository": "owner/*", "Environment": "*", "StackName": "a" * 25, "ArtefactBucket": "*"}.items():
        with pytest.raises(Refused, match=f"^{name} must "):
            Stack(TEXT, **GIVEN | {name: value})
    assert "Provider" not in Stack(TEXT, **GIVEN, OidcProvider="present").resources


# --- The workflow -------------------------------------------------------------------------------------


def steps(job):
    return [step.get("run", step.get("uses")) for step in WORKFLOW["jobs"][job]["steps"]]


def test_the_workflow_builds_once_and_deploys_that_in_order():
    jobs = WORKFLOW["jobs"]
    built = [job for job in jobs if any("sam build" in step for step in steps(job))]
    assert built == ["build"] and any(step.startswith("sam package") for step in steps("build"))
    assert set(listed(jobs["staging"]["needs"])) == {"test", "build"} and jobs["prod"]["needs"] == "staging"
    for environment in ("staging", "prod"):
        assert jobs[environment]["environment"] == environment
        ran = steps(environment)
        deployed = ran.index(f"deploy/packaged {environment}")
        assert ran[deployed + 1].startswith(f"deploy/smoke agentcore-bridge-{environment}")
    assert "tests/all" in steps("test")


def test_the_workflow_has_no_keys_and_no_more_rights_than_it_needs():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    for name, job in WORKFLOW["jobs"].items():
        signs_in = any("configure-aws-credentials" in step for step in steps(name))
        assert ("id-token" in job.get("permissions", {})) == signs_in == ("environment" in job)
    assert "ACCESS_KEY" not in json.dumps(WORKFLOW)


def test_what_the_workflow_runs_is_there():
    for job in WORKFLOW["jobs"]:
        for step in steps(job):
            program = step.split()[0]
            if program.startswith(("deploy/", "tests/")):
                assert (ROOT / program).stat().st_mode & 0o111, program
