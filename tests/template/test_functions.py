"""The two functions, their role, and how a new version goes live."""

import json
import re

import pytest

import surface
from cloudformation import TEMPLATE, Refused, Stack
from conftest import AGENT, OTHER, stack, value

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
    assert metadata == {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": "agentcore-bridge"}}
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
    assert list(lone.of_type("AWS::Lambda::Function")) == ["BridgeFunction"]
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
    assert all(re.search(r"/(AmazonAPIGatewayPushToCloudWatchLogs|AWSCodeDeployRoleForLambda)$", arn) for arn in managed), managed
    actions = {action for statement in statements(stack()) for action in listed(statement["Action"])}
    assert {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"} <= actions


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
FIXED = {"INVOKE_MODE", "METRICS_NAMESPACE"}


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


def test_only_x_ray_which_knows_no_narrower_resource_is_allowed_for_all():
    for statement in statements(stack()):
        assert not any("*" in action for action in listed(statement["Action"]))
        if "*" in listed(statement["Resource"]):
            assert all(action.startswith("xray:") for action in listed(statement["Action"]))
    for function in FUNCTIONS:
        assert stack().properties(function)["Role"] == "<BridgeRole.Arn>"
    assert "ManagedPolicyArns" not in stack().properties("BridgeRole")


def test_another_agent_takes_three_lines():
    arn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/Support_Agent-Ghi789Rst0"
    lines = {
        "  MwcAgentArn: *agent\n": "  SupportAgentArn: *agent\n",
        "        MWC_AGENT_ARN: !Ref MwcAgentArn\n": "        SUPPORT_AGENT_ARN: !Ref SupportAgentArn\n",
        "      - !If [HasMwcAgent, ": '                      - !Sub "${SupportAgentArn},${SupportAgentArn}/runtime-endpoint/*"\n',
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


def pinned(alarm):
    """What decides when an alarm fires."""
    names = ("Threshold", "ComparisonOperator", "EvaluationPeriods", "DatapointsToAlarm", "TreatMissingData")
    return tuple(alarm.get(name) for name in names)


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
    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    rollback = group["AutoRollbackConfiguration"]
    assert rollback["Enabled"] and "DEPLOYMENT_STOP_ON_ALARM" in rollback["Events"]
    at_once = stack(DeploymentType="AllAtOnce").properties(f"{function}DeploymentGroup")
    assert at_once["DeploymentConfigName"] == "CodeDeployDefault.LambdaAllAtOnce"

    alarms = [made.properties(alarm["Name"].strip("<>")) for alarm in group["AlarmConfiguration"]["Alarms"]]
    new = f"<{version(function)}.Version>"
    [failures] = [alarm for alarm in alarms if "Metrics" in alarm]
    [crashes] = [alarm for alarm in alarms if "Metrics" not in alarm]
    assert pinned(failures) == (5, "GreaterThanThreshold", 5, 2, "notBreaching")
    assert pinned(crashes) == (0, "GreaterThanThreshold", 1, None, "notBreaching")
    assert crashes["Statistic"] == "Sum"
    assert value(failures, {"errors": 1, "invocations": 10}) == 10
    assert value(failures, {}) is None, "nothing measured is no alarm"

    measured = [entry["MetricStat"] for entry in failures["Metrics"] if "MetricStat" in entry]
    assert {stat["Metric"]["MetricName"] for stat in measured} == {"AgentInvocationErrors", "AgentInvocationCount"}
    for stat in measured:
        assert stat["Period"] == 60 and stat["Stat"] == "Sum"
        assert stat["Metric"]["Namespace"] == NAMESPACES[function]
        assert stat["Metric"]["Dimensions"] == [{"Name": "FunctionVersion", "Value": new}]

    assert (crashes["Namespace"], crashes["MetricName"], crashes["Period"]) == ("AWS/Lambda", "Errors", 60)
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in crashes["Dimensions"]}
    assert dimensions == {"FunctionName": f"<{function}>", "Resource": f"<{function}>:live", "ExecutedVersion": new}
