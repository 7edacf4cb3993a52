"""The two functions, their role, and how a new version goes live."""

import json
import re

import pytest

import surface
from cloudformation import TEMPLATE, Refused, Stack
from conftest import AGENT, OTHER, stack

FUNCTIONS = ["BridgeFunction", "StreamFunction"]
NAMESPACES = {"BridgeFunction": "AgentCoreBridge/bridge", "StreamFunction": "AgentCoreBridge/bridge/stream"}


def variables(function, **parameters):
    return stack(**parameters).properties(function)["Environment"]["Variables"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_both_functions_are_the_same_artefact_and_differ_in_how_they_answer(function):
    made = stack().properties(function)
    assert (made["Runtime"], made["Handler"]) == ("provided.al2023", "bootstrap")
    assert made["Architectures"] == ["arm64"]
    assert stack(Architecture="x86_64").properties(function)["Architectures"] == ["x86_64"]
    assert made["MemorySize"] == "512"
    assert made["TracingConfig"] == {"Mode": "Active"}
    assert made["LoggingConfig"] == {
        "LogGroup": "<BridgeLogs>",
        "LogFormat": "JSON",
        "ApplicationLogLevel": "TRACE",
        "SystemLogLevel": "INFO",
    }
    metadata = stack().template["Resources"][function]["Metadata"]
    assert metadata["BuildMethod"] == "rust-cargolambda"
    assert metadata["BuildProperties"] == {"Binary": "agentcore-bridge"}
    assert stack().properties("BridgeLogs")["RetentionInDays"] == "30"


def test_a_whole_answer_has_30_seconds_and_a_stream_15_minutes():
    assert stack().properties("BridgeFunction")["Timeout"] == "30"
    assert stack().properties("StreamFunction")["Timeout"] == "900"
    whole, stream = (variables(function) for function in FUNCTIONS)
    assert (whole["INVOKE_MODE"], whole["INVOKE_TIMEOUT_MS"]) == ("buffered", "25000")
    assert (stream["INVOKE_MODE"], stream["INVOKE_TIMEOUT_MS"]) == ("response_stream", "840000")
    assert surface.VARIABLES["INVOKE_MODE"] == "buffered or response_stream"


def test_without_streaming_there_is_one_function_and_nothing_of_the_other():
    lone = stack(Streaming="false")
    assert set(lone.of_type("AWS::Lambda::Function")) == {"BridgeFunction", "HookFunction"}
    assert "StreamFunction" not in json.dumps([lone.resources, lone.outputs])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_variable_is_one_that_the_program_reads(function):
    unknown = [name for name in variables(function) if not surface.is_variable(name)]
    assert unknown == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_measures_in_a_namespace_of_its_own(function):
    assert variables(function)["METRICS_NAMESPACE"] == NAMESPACES[function]
    # Lambda would set the level to the log group's, TRACE, where the program is not told another.
    assert variables(function)["LOG_LEVEL"] == "info"


def test_an_agent_is_needed_and_any_one_will_do():
    given = {"AuthMode": "IAM", "ReleaseId": "1700000000"}
    with pytest.raises(Refused, match="at least one agent"):
        Stack(**given)
    for agent in ("Onboarding", "Provisioning", "Mwc"):
        Stack(**given, **{f"{agent}AgentArn": AGENT})
    with pytest.raises(Refused, match="OnboardingAgentArn must be empty or arn:"):
        Stack(**given, OnboardingAgentArn="arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/*")


# --- The role ---------------------------------------------------------------------------------------


def statements(made):
    """Everything that any role of the stack may do."""
    for role in made.of_type("AWS::IAM::Role").values():
        for policy in role.get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]


def listed(value):
    return value if isinstance(value, list) else [value]


def agent_statements(made):
    return [
        statement
        for statement in statements(made)
        if any(action.startswith("bedrock-agentcore:") for action in listed(statement["Action"]))
    ]


def agent_statement(made):
    [found] = agent_statements(made)
    return found


def test_the_role_may_do_what_the_program_does_and_no_more():
    actions = set(agent_statement(stack())["Action"])
    assert actions == surface.OPERATIONS
    assert all(surface.is_operation(action) for action in actions)


@pytest.mark.parametrize(
    ("agents", "arns"),
    [
        ({"OnboardingAgentArn": AGENT}, [AGENT]),
        ({"OnboardingAgentArn": "", "MwcAgentArn": OTHER}, [OTHER]),
        ({"OnboardingAgentArn": AGENT, "MwcAgentArn": OTHER}, [AGENT, OTHER]),
    ],
)
def test_the_role_reaches_the_configured_agents_and_nothing_for_an_empty_one(agents, arns):
    expected = [resource for arn in arns for resource in (arn, f"{arn}/runtime-endpoint/*")]
    assert agent_statement(stack(**agents))["Resource"] == expected


def test_a_user_id_is_permitted_for_the_agents_that_are_told_it_and_for_no_others():
    off = stack(OnboardingAgentArn=AGENT, MwcAgentArn=OTHER)
    assert surface.FOR_USER not in json.dumps(off.resources)
    for agents, arns in [
        ({"OnboardingAgentUserId": "caller"}, [AGENT]),
        ({"MwcAgentUserId": "caller"}, [OTHER]),
        ({"OnboardingAgentUserId": "caller", "MwcAgentUserId": "caller"}, [AGENT, OTHER]),
        # An agent that is not there is told nothing.
        ({"MwcAgentUserId": "caller", "ProvisioningAgentUserId": "caller"}, [OTHER]),
    ]:
        usual, for_user = agent_statements(stack(OnboardingAgentArn=AGENT, MwcAgentArn=OTHER, **agents))
        assert set(usual["Action"]) == surface.OPERATIONS
        assert for_user["Action"] == surface.FOR_USER and surface.is_operation(for_user["Action"])
        expected = [resource for arn in arns for resource in (arn, f"{arn}/runtime-endpoint/*")]
        assert for_user["Resource"] == expected
    assert len(agent_statements(stack(ProvisioningAgentUserId="caller"))) == 1
    with pytest.raises(Refused, match="OnboardingAgentUserId must be one of"):
        stack(OnboardingAgentUserId="me")


def test_a_version_that_is_still_live_may_invoke_the_agent_of_before():
    moved = stack(OnboardingAgentArn=OTHER, FormerAgentArn=AGENT)
    expected = [resource for arn in (OTHER, AGENT) for resource in (arn, f"{arn}/runtime-endpoint/*")]
    assert agent_statement(moved)["Resource"] == expected
    for function in FUNCTIONS:
        assert AGENT not in moved.properties(function)["Environment"]["Variables"].values()


def test_roles_are_lambdas_and_the_gateways_and_do_what_their_names_say():
    roles = stack().of_type("AWS::IAM::Role")
    trusted = {
        name: role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
        for name, role in roles.items()
        if len(role["AssumeRolePolicyDocument"]["Statement"]) == 1
    }
    kinds = {service.split(".")[0] for service in map(lambda s: s if isinstance(s, str) else s[0], trusted.values())}
    assert trusted["BridgeRole"] == "lambda.amazonaws.com"
    assert len(trusted) == len(roles) and kinds <= {"lambda", "apigateway", "codedeploy"}
    managed = [arn for role in roles.values() for arn in role.get("ManagedPolicyArns", [])]
    assert managed == ["arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"]
    actions = {action for statement in statements(stack()) for action in listed(statement["Action"])}
    assert {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"} <= actions


def test_every_role_has_the_boundary_and_the_path():
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    roles = stack(PermissionsBoundary=boundary, RolePath="/agents/").of_type("AWS::IAM::Role")
    assert roles.keys() == {"BridgeRole", "HookRole", "CodeDeployRole", "GatewayLogWriter"}
    for role in roles.values():
        assert (role["PermissionsBoundary"], role["Path"]) == (boundary, "/agents/")
    for role in stack().of_type("AWS::IAM::Role").values():
        assert "PermissionsBoundary" not in role and role["Path"] == "/"
    for function in FUNCTIONS:
        assert stack().properties(f"{function}DeploymentGroup")["ServiceRoleArn"] == "<CodeDeployRole.Arn>"


def test_functions_run_in_a_network_where_there_is_one_and_the_hook_in_none():
    inside = stack(VpcSubnetIds="subnet-0a,subnet-0b", VpcSecurityGroupIds="sg-0a")
    for function in FUNCTIONS:
        network = {"SubnetIds": ["subnet-0a", "subnet-0b"], "SecurityGroupIds": ["sg-0a"]}
        assert inside.properties(function)["VpcConfig"] == network
        assert "VpcConfig" not in stack().properties(function)
    assert "VpcConfig" not in inside.properties("HookFunction")
    may = lambda made: {action for policy in made.properties("BridgeRole")["Policies"]
                        for statement in policy["PolicyDocument"]["Statement"] for action in listed(statement["Action"])}
    assert "ec2:CreateNetworkInterface" in may(inside) - may(stack())


def test_a_key_of_ones_own_encrypts_variables_and_logs():
    made = stack(KmsKeyArn=KMS_KEY)
    for function in [*FUNCTIONS, "HookFunction"]:
        assert made.properties(function)["KmsKeyArn"] == KMS_KEY
        assert "KmsKeyArn" not in stack().properties(function)
    for logs in ("BridgeLogs", "AccessLogs"):
        assert made.properties(logs)["KmsKeyId"] == KMS_KEY
        assert "KmsKeyId" not in stack().properties(logs)
    assert reads(KmsKeyArn=KMS_KEY) == [("kms:Decrypt", KMS_KEY)] * 2


def test_logs_survive_the_stack():
    for logs in stack().of_type("AWS::Logs::LogGroup"):
        resource = stack().resources[logs]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


@pytest.mark.parametrize(
    ("function", "parameter"), [("BridgeFunction", "ReservedConcurrency"), ("StreamFunction", "StreamReservedConcurrency")]
)
def test_concurrency_is_reserved_where_that_is_asked_for(function, parameter):
    assert "ReservedConcurrentExecutions" not in stack().properties(function)
    assert stack(**{parameter: "20"}).properties(function)["ReservedConcurrentExecutions"] == "20"
    for wrong in ("0", "many", "-1"):
        with pytest.raises(Refused, match="must be empty or a number from 1"):
            stack(**{parameter: wrong})


def test_the_hook_may_ask_the_versions_and_tell_codedeploy_and_nothing_else():
    made = stack()
    hook = made.properties("HookFunction")
    new = [f"<{version(function)}>" for function in FUNCTIONS]
    assert hook["Environment"]["Variables"] == {"NEW_VERSIONS": ",".join(new)}
    assert stack(Streaming="false").properties("HookFunction")["Environment"]["Variables"] == {"NEW_VERSIONS": new[0]}
    assert hook["Role"] == "<HookRole.Arn>" and made.template["Resources"]["HookFunction"]["Metadata"]["BuildProperties"] == {
        "Binary": "agentcore-bridge-hook"
    }
    may = {}
    for policy in made.properties("HookRole")["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            may |= {action: listed(statement["Resource"]) for action in listed(statement["Action"])}
    assert may == {
        "lambda:InvokeFunction": ["<BridgeFunction.Arn>:*", "<StreamFunction.Arn>:*"],
        "codedeploy:PutLifecycleEventHookExecutionStatus": ["arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:bridge-*/*"],
        "logs:CreateLogStream": ["<BridgeLogs.Arn>"],
        "logs:PutLogEvents": ["<BridgeLogs.Arn>"],
    }
    for function in FUNCTIONS:
        update = made.resources[f"{function}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert update["BeforeAllowTrafficHook"] == "<HookFunction>"


def test_a_rollback_tells_the_topic_where_there_is_one():
    topic = "arn:aws:sns:us-east-1:123456789012:alarms"
    for function in FUNCTIONS:
        assert not stack().properties(f"{function}DeploymentGroup").get("TriggerConfigurations")
        [trigger] = stack(AlarmTopicArn=topic).properties(f"{function}DeploymentGroup")["TriggerConfigurations"]
        assert trigger["TriggerTargetArn"] == topic
        assert set(trigger["TriggerEvents"]) == {"DeploymentFailure", "DeploymentStop", "DeploymentRollback"}
    publishes = lambda made: [s["Resource"] for s in statements(made) if "sns:Publish" in listed(s["Action"])]
    assert publishes(stack()) == [] and publishes(stack(AlarmTopicArn=topic)) == [topic]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_version_says_which_commit_it_is(function):
    description = stack(Commit="0123456789abcdef0123456789abcdef01234567").properties(function)["Description"]
    assert description.endswith("commit 0123456789abcdef0123456789abcdef01234567; release 1700000000")
    assert len(description) <= 256
    assert stack(Commit="abc").outputs["Commit"] == "abc"


def test_each_parameter_is_in_one_group():
    groups = stack().template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(stack().template["Parameters"])


CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0e6f0a1c-1111-2222-3333-444455556666"
# For each rule, values that it must refuse, and why.
REFUSED = [
    ("AnAgentIsConfigured", {"OnboardingAgentArn": ""}, "at least one agent"),
    ("CognitoNeedsAPool", {"AuthMode": "COGNITO"}, "needs UserPoolArn"),
    ("JwtNeedsAnIssuer", {"AuthMode": "JWT", "JwtAudience": "web"}, "needs JwtIssuer"),
    ("JwtNeedsAnIssuer", {"AuthMode": "JWT", "JwtIssuer": "https://i.example.com"}, "needs JwtAudience"),
    ("AnOpenUrlIsNoWayAroundAuthMode", {"FunctionUrl": "NONE"}, "needs AuthMode NONE"),
    ("TheKeyIsGivenOnce", {"SessionBindingKey": "key", "SessionBindingKeyArn": "SECRET"}, "two ways"),
    ("AKmsKeyNeedsWhatItEncrypts", {"SessionBindingKmsKeyArn": "KMS_KEY"}, "needs SessionBindingKeyArn"),
    ("SubnetsNeedSecurityGroups", {"VpcSubnetIds": "subnet-0a"}, "needs VpcSecurityGroupIds"),
    ("SecurityGroupsNeedSubnets", {"VpcSecurityGroupIds": "sg-0a"}, "needs VpcSubnetIds"),
    ("ADomainNeedsACertificate", {"DomainName": "agents.example.com"}, "needs CertificateArn"),
    ("WhatIsOfADomainNeedsOne", {"CertificateArn": CERTIFICATE}, "CertificateArn needs DomainName"),
    ("WhatIsOfADomainNeedsOne", {"DomainBasePath": "v1"}, "DomainBasePath needs DomainName"),
    ("WhatIsOfADomainNeedsOne", {"HostedZoneId": "Z1"}, "HostedZoneId needs DomainName"),
    ("APrivateApiIsTheOnlyWayIn", {"VpcEndpointIds": "vpce-0a", "FunctionUrl": "AWS_IAM"}, "a public way around it"),
    (
        "APrivateApiIsTheOnlyWayIn",
        {"VpcEndpointIds": "vpce-0a", "DomainName": "agents.example.com", "CertificateArn": CERTIFICATE},
        "cannot be beside VpcEndpointIds",
    ),
    ("StreamsAreLimitedWhereThereAreSome", {"Streaming": "false", "StreamReservedConcurrency": "5"}, 'needs Streaming "true"'),
]


@pytest.mark.parametrize(("rule", "parameters", "message"), REFUSED)
def test_a_rule_refuses_what_it_is_there_for(rule, parameters, message):
    given = {name: {"SECRET": SECRET, "KMS_KEY": KMS_KEY}.get(value, value) for name, value in parameters.items()}
    with pytest.raises(Refused, match=message) as refused:
        Stack(**{"AuthMode": "IAM", "ReleaseId": "1", "OnboardingAgentArn": AGENT} | given)
    assert refused.value.rule == rule


def test_each_rule_and_each_assertion_has_values_that_it_refuses():
    rules = stack().template["Rules"]
    assert {rule: len(body["Assertions"]) for rule, body in rules.items()} == {
        rule: sum(name == rule for name, _, _ in REFUSED) for rule in rules
    }


# For each parameter that has a form of its own, a value that it must refuse.
MALFORMED = {
    "OnboardingAgentArn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/*",
    "ProvisioningAgentArn": "runtime",
    "MwcAgentArn": "arn:aws:lambda:us-east-1:123456789012:function:x",
    "FormerAgentArn": "x",
    "UserPoolArn": "us-east-1_Abc",
    "JwtIssuer": "http://issuer.example.com",
    "JwtAudience": "web, app",
    "ReleaseId": "2026-01-01",
    "Commit": "a b",
    "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms.fifo",
    "WebAclArn": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/b",
    "VpcEndpointIds": "vpce-0a, vpce-0b",
    "VpcSubnetIds": "0a",
    "VpcSecurityGroupIds": "subnet-0a",
    "DomainName": "https://agents.example.com",
    "CertificateArn": "arn:aws:iam::123456789012:server-certificate/x",
    "DomainBasePath": "/v1",
    "HostedZoneId": "/hostedzone/Z1",
    "PermissionsBoundary": "boundary",
    "RolePath": "agents",
    "KmsKeyArn": "alias/key",
    "ReservedConcurrency": "0",
    "StreamReservedConcurrency": "x",
    "SessionBindingKeyArn": "arn:aws:s3:::bucket",
    "SessionBindingKmsKeyArn": "alias/key",
}


def test_each_form_has_a_value_that_it_refuses():
    declared = stack().template["Parameters"]
    assert MALFORMED.keys() == {name for name, parameter in declared.items() if "AllowedPattern" in parameter}
    for name, value in MALFORMED.items():
        with pytest.raises(Refused, match=f"^{name} must "):
            Stack(**{"AuthMode": "IAM", "ReleaseId": "1", "OnboardingAgentArn": AGENT} | {name: value})
    for name, parameter in declared.items():
        if "AllowedValues" in parameter:
            with pytest.raises(Refused, match=f"^{name} must be one of"):
                Stack(**{"AuthMode": "IAM", "ReleaseId": "1", "OnboardingAgentArn": AGENT} | {name: "no such value"})


# What each variable is given by, where that is a parameter.
GIVEN = {
    "ONBOARDING_AGENT_QUALIFIER": ("OnboardingAgentQualifier", "one"),
    "PROVISIONING_AGENT_QUALIFIER": ("ProvisioningAgentQualifier", "two"),
    "MWC_AGENT_QUALIFIER": ("MwcAgentQualifier", "three"),
    "ONBOARDING_AGENT_USER_ID": ("OnboardingAgentUserId", "caller"),
    "PROVISIONING_AGENT_USER_ID": ("ProvisioningAgentUserId", "caller"),
    "MWC_AGENT_USER_ID": ("MwcAgentUserId", "caller"),
    "ONBOARDING_AGENT_CONNECTIONS": ("OnboardingAgentConnections", "presigned"),
    "PROVISIONING_AGENT_CONNECTIONS": ("ProvisioningAgentConnections", "presigned"),
    "MWC_AGENT_CONNECTIONS": ("MwcAgentConnections", "presigned"),
    "EXPOSE_STEPS": ("ExposeSteps", "tools,reasoning"),
    "TRACE_AGENTS": ("TraceAgents", "always"),
    "ONBOARDING_AGENT_ARN": ("OnboardingAgentArn", f"{AGENT}1"),
    "PROVISIONING_AGENT_ARN": ("ProvisioningAgentArn", f"{AGENT}2"),
    "MWC_AGENT_ARN": ("MwcAgentArn", f"{AGENT}3"),
    "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": ("AgentCoreEndpointUrl", "https://example.com"),
    "CHUNK_TIMEOUT_MS": ("ChunkTimeoutMs", "11"),
    "CORS_ALLOWED_ORIGINS": ("CorsAllowedOrigins", "https://a.example.com"),
    "SESSION_BINDING_KEY": ("SessionBindingKey", "key"),
    "RATE_LIMIT_PER_MINUTE": ("RateLimitPerMinute", "12"),
    "MAX_CONCURRENT_PER_CALLER": ("MaxConcurrentPerCaller", "13"),
    "LOG_LEVEL": ("LogLevel", "warn"),
}
# BASE_PATH takes a domain beside it: test_api.py.
FIXED = {"INVOKE_MODE", "METRICS_NAMESPACE", "BASE_PATH"}


@pytest.mark.parametrize(("function", "timeout"), [("BridgeFunction", "InvokeTimeoutMs"), ("StreamFunction", "StreamInvokeTimeoutMs")])
def test_each_parameter_arrives_at_its_variable(function, timeout):
    expected = GIVEN | {"INVOKE_TIMEOUT_MS": (timeout, "14")}
    made = variables(function, **dict(expected.values()))
    assert {name: value for name, value in made.items() if name not in FIXED} == {
        name: value for name, (_, value) in expected.items()
    }
    assert stack().template["Parameters"]["SessionBindingKey"]["NoEcho"] is True


SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:bridge/key-AbCdEf"
PARAMETER = "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/bridge/key"
KMS_KEY = "arn:aws:kms:eu-west-1:123456789012:key/0e6f0a1c-1111-2222-3333-444455556666"


def reads(**parameters):
    """What the role may read for the key, beside what it may without one."""
    before = list(statements(stack()))
    return [
        (statement["Action"], statement["Resource"])
        for statement in statements(stack(**parameters))
        if statement not in before
    ]


@pytest.mark.parametrize(
    ("arn", "action"), [(SECRET, "secretsmanager:GetSecretValue"), (PARAMETER, "ssm:GetParameter")]
)
def test_a_stored_key_may_be_read_and_nothing_else(arn, action):
    assert reads(SessionBindingKeyArn=arn) == [(action, arn)]
    encrypted = reads(SessionBindingKeyArn=arn, SessionBindingKmsKeyArn=KMS_KEY)
    assert encrypted == [(action, arn), ("kms:Decrypt", KMS_KEY)]
    for function in FUNCTIONS:
        assert variables(function, SessionBindingKeyArn=arn)["SESSION_BINDING_KEY"] == arn


def test_a_key_is_given_in_one_way():
    with pytest.raises(Refused, match="two ways"):
        stack(SessionBindingKey="key", SessionBindingKeyArn=SECRET)
    with pytest.raises(Refused, match="SessionBindingKmsKeyArn needs"):
        stack(SessionBindingKmsKeyArn=KMS_KEY)
    for wrong in ["arn:aws:s3:::bucket", f"{SECRET}:json:key", KMS_KEY, "arn:aws:ssm:eu-west-1:123456789012:parameter/*"]:
        with pytest.raises(Refused, match="must be empty or the ARN of a secret"):
            stack(SessionBindingKeyArn=wrong)


def test_only_x_ray_and_networks_which_know_no_narrower_resource_are_allowed_for_all():
    for statement in statements(stack(VpcSubnetIds="subnet-0a", VpcSecurityGroupIds="sg-0a")):
        assert not any("*" in action for action in listed(statement["Action"]))
        if "*" in listed(statement["Resource"]):
            assert all(action.startswith(("xray:", "ec2:")) for action in listed(statement["Action"]))
    for function in FUNCTIONS:
        assert stack().properties(function)["Role"] == "<BridgeRole.Arn>"
    assert "ManagedPolicyArns" not in stack().properties("BridgeRole")


def test_another_agent_takes_three_lines():
    arn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/Support_Agent-Ghi789Rst0"
    lines = {
        "  MwcAgentArn: *agent\n": "  SupportAgentArn: *agent\n",
        "            MWC_AGENT_ARN: !Ref MwcAgentArn\n": "            SUPPORT_AGENT_ARN: !Ref SupportAgentArn\n",
        '- !If [HasMwcAgent, !Sub "${MwcAgentArn},': '                      - !Sub "${SupportAgentArn},${SupportAgentArn}/runtime-endpoint/*"\n',
    }
    text = []
    for line in TEMPLATE.splitlines(keepends=True):
        text.append(line)
        text += [added for after, added in lines.items() if after in line]
    assert len(text) == len(TEMPLATE.splitlines()) + 3
    made = Stack("".join(text), AuthMode="IAM", ReleaseId="1", OnboardingAgentArn=AGENT, SupportAgentArn=arn)
    assert agent_statement(made)["Resource"] == [AGENT, f"{AGENT}/runtime-endpoint/*", arn, f"{arn}/runtime-endpoint/*"]
    for function in FUNCTIONS:
        assert made.properties(function)["Environment"]["Variables"]["SUPPORT_AGENT_ARN"] == arn


# --- A new version ----------------------------------------------------------------------------------


def version(function, **parameters):
    """The logical id of the version that the alias points at: another one is another version."""
    made = stack(**parameters)
    alias = made.resources[f"{function}Aliaslive"]
    assert alias["Properties"]["Name"] == "live"
    return re.fullmatch(r"<(\w+)\.Version>", alias["Properties"]["FunctionVersion"])[1]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_new_release_with_another_agent_is_a_new_version_with_the_agent_in_it(function):
    before = version(function)
    after = version(function, ReleaseId="1700000001", OnboardingAgentArn=OTHER)
    assert before != after
    assert stack().resources[before]["DeletionPolicy"] == "Retain"
    # Lambda publishes nothing where nothing of the function itself has changed.
    old, new = (stack(ReleaseId=id).properties(function)["Description"] for id in ("1700000000", "1700000001"))
    assert old != new and new.endswith("release 1700000001")


def test_a_release_is_given_and_differs_where_sam_looks():
    given = {"AuthMode": "IAM", "OnboardingAgentArn": AGENT}
    with pytest.raises(Refused, match="ReleaseId has no default"):
        Stack(**given)
    # SAM compares the first ten characters.
    with pytest.raises(Refused, match="ReleaseId must be 1 to 10"):
        Stack(**given, ReleaseId="20260101T120000Z")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_callers_can_be_moved_at_once_whatever_the_alias_points_at(function):
    made = stack(Gradual="false")
    assert "UpdatePolicy" not in made.resources[f"{function}Aliaslive"]
    assert not made.of_type("AWS::CodeDeploy::DeploymentGroup")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_new_version_goes_live_step_by_step_and_back_on_alarm(function):
    made = stack()
    update = made.resources[f"{function}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    group = made.properties(f"{function}DeploymentGroup")
    assert update["DeploymentGroupName"] == f"<{function}DeploymentGroup>"
    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent15Minutes"
    rollback = group["AutoRollbackConfiguration"]
    assert rollback["Enabled"] and "DEPLOYMENT_STOP_ON_ALARM" in rollback["Events"]
    at_once = stack(DeploymentType="AllAtOnce").properties(f"{function}DeploymentGroup")
    assert at_once["DeploymentConfigName"] == "CodeDeployDefault.LambdaAllAtOnce"
