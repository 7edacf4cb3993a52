"""The API: its routes, who may call them, and what the gateway says by itself."""

import json
import re

import botocore.loaders
import pytest

import surface
from cloudformation import ROOT, Refused, Stack
from conftest import AGENT, MODES, stack

# What goes to the streaming function: it answers whole too, so one method serves both.
STREAMS = ["/api/agents/invoke/stream", "/api/agents/{agentId}/ag-ui", "/v1/chat/completions"]
INTEGRATION = "x-amazon-apigateway-integration"
ANY = "x-amazon-apigateway-any-method"

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0e6f0a1c-1111-2222-3333-444455556666"

# Each mode's scheme, as API Gateway reads it.
SCHEMES = {
    "IAM": ("iam", {"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4"}),
    "COGNITO": (
        "cognito",
        {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "cognito_user_pools",
            "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": [MODES["COGNITO"]["UserPoolArn"]]},
        },
    ),
    "JWT": (
        "jwt",
        {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "jwt",
            "x-amazon-apigateway-authorizer": {
                "type": "jwt",
                "identitySource": "method.request.header.Authorization",
                "jwtConfiguration": {
                    "defaultAlgorithms": ["RS256", "ES256"],
                    "issuers": [{"issuer": "https://issuer.example.com/", "audiences": ["web", "app"]}],
                },
            },
        },
    ),
    "API_KEY": ("apiKey", {"type": "apiKey", "name": "x-api-key", "in": "header"}),
}

# --- Routes -----------------------------------------------------------------------------------------


def test_every_route_of_the_program_has_its_methods():
    paths = stack().body["paths"]
    shape = lambda path: re.sub(r"\{\w+\}", "{}", path)
    templates = {shape(path): methods.keys() for path, methods in paths.items()}
    for path, methods in surface.ROUTES.items():
        assert {*methods} - {"head"} <= templates[shape(path)], path


def test_whatever_else_is_asked_is_answered_by_the_program():
    paths = stack().body["paths"]
    assert {"/", "/{proxy+}"} <= paths.keys()
    for methods in paths.values():
        assert {ANY, "options"} <= methods.keys()


def test_a_path_declares_its_parameters():
    for path, _, operation in stack().operations():
        assert [parameter["name"] for parameter in operation.get("parameters", [])] == re.findall(r"\{(\w+)\+?\}", path)


@pytest.mark.parametrize("streaming", ["true", "false"])
def test_what_may_stream_goes_to_the_streaming_function_and_all_else_to_the_other(mode, streaming):
    root = "arn:aws:apigateway:us-east-1:lambda:path"
    whole = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": f"{root}/2015-03-31/functions/<BridgeFunction.Arn>:live/invocations",
    }
    stream = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "responseTransferMode": "STREAM",
        "timeoutInMillis": 900000,
        "uri": f"{root}/2021-11-15/functions/<StreamFunction.Arn>:live/response-streaming-invocations",
    }
    for path, method, operation in stack(mode, Streaming=streaming).operations():
        streams = path in STREAMS and (method, streaming) == ("post", "true")
        assert operation[INTEGRATION] == (stream if streams else whole), (path, method)


def test_nothing_is_validated_by_the_gateway():
    assert "validator" not in json.dumps(stack().body)
    for _, _, operation in stack().operations():
        assert operation.keys() <= {"parameters", "responses", "security", INTEGRATION}


def test_the_only_stage_is_throttled_traced_and_logged_without_bodies_and_secrets():
    assert len(stack().of_type("AWS::ApiGateway::Stage")) == 1
    limits = {"ThrottlingRate": "7", "ThrottlingBurst": "9", "StreamThrottlingRate": "3", "StreamThrottlingBurst": "4"}
    stage = stack(**limits).properties("BridgeApiliveStage")
    assert stage["MethodSettings"][0] == {
        "ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": "7", "ThrottlingBurstLimit": "9"
    }
    # Streams apart, each of their routes by itself: a slash is `~1` there.
    apart = {setting["ResourcePath"]: setting for setting in stage["MethodSettings"][1:]}
    assert apart.keys() == {f"/{path.replace('/', '~1')}" for path in STREAMS}
    for setting in apart.values():
        assert (setting["HttpMethod"], setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"]) == ("POST", "3", "4")
    assert stage["TracingEnabled"] is True
    assert stage["AccessLogSetting"]["DestinationArn"] == "<AccessLogs.Arn>"
    logged = json.loads(stage["AccessLogSetting"]["Format"])
    assert logged["requestId"] == "$context.requestId" and logged["route"] == "$context.resourcePath"
    # A header or an error's words may hold a token, a path a session's id.
    for value in logged.values():
        assert not re.search(r"\$context\.(path|error\.message|authorizer|requestOverride|identity\.(apiKey|accessKey|user))|\$input", value)


def test_the_gateway_may_write_logs_and_its_role_outlives_the_stack():
    assert stack().properties("GatewayAccount")["CloudWatchRoleArn"] == "<GatewayLogWriter.Arn>"
    for name in ("GatewayAccount", "GatewayLogWriter"):
        assert stack().resources[name]["DeletionPolicy"] == "Retain"
        assert name not in stack(GatewayLogRole="present").resources
    # The log waits for the account, and the stage for the log.
    assert "<GatewayAccount>" in json.dumps(stack().resources["AccessLogs"])


# --- Who may call -----------------------------------------------------------------------------------


def test_each_mode_has_its_scheme_and_no_other_on_every_method_but_preflights(mode):
    made = stack(mode)
    schemes = made.body["components"]["securitySchemes"]
    if mode == "NONE":
        expected = []
        assert schemes == {}
    else:
        name, scheme = SCHEMES[mode]
        expected = [{name: []}]
        assert schemes == {name: scheme}
    for path, method, operation in made.operations():
        assert operation["security"] == ([] if method == "options" else expected), (path, method)
    assert "security" not in made.body


def test_health_is_open_where_that_is_asked_for_and_nothing_else_is(mode):
    expected = [] if mode == "NONE" else [{SCHEMES[mode][0]: []}]
    for path, method, operation in stack(mode, OpenHealth="true").operations():
        is_open = method == "options" or (path, method) in [("/health", "get"), ("/health", "head")]
        assert operation["security"] == ([] if is_open else expected), (path, method)


ENDPOINTS = "vpce-0123456789abcdef0,vpce-0123456789abcdef1"


def test_a_private_api_answers_its_endpoints_alone(mode):
    public = stack(mode)
    assert public.properties("BridgeApi")["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert "x-amazon-apigateway-policy" not in public.body
    private = stack(mode, VpcEndpointIds=ENDPOINTS)
    configuration = private.properties("BridgeApi")["EndpointConfiguration"]
    assert configuration == {"Types": ["PRIVATE"], "VpcEndpointIds": ENDPOINTS.split(",")}
    allow, deny = private.body["x-amazon-apigateway-policy"]["Statement"]
    assert (allow["Effect"], deny["Effect"], deny["Principal"]) == ("Allow", "Deny", "*")
    assert deny["Condition"] == {"StringNotEquals": {"aws:SourceVpce": ENDPOINTS.split(",")}}
    # By itself the policy would let everybody in who signs.
    account = {"AWS": "arn:aws:iam::123456789012:root"}
    assert allow["Principal"] == (account if mode == "IAM" else "*")


def test_a_domain_of_its_own_leads_to_the_stage_and_the_program_knows_its_path():
    given = {"DomainName": "agents.example.com", "CertificateArn": CERTIFICATE}
    for path, mapped, url in [("", None, "https://agents.example.com"), ("v1", "v1", "https://agents.example.com/v1")]:
        made = stack(**given, DomainBasePath=path)
        mapping = made.properties("DomainPath")
        assert (mapping["RestApiId"], mapping["Stage"]) == ("<BridgeApi>", "<BridgeApiliveStage>")
        assert mapping.get("BasePath") == mapped and made.outputs["DomainUrl"] == url
        for function in ("BridgeFunction", "StreamFunction"):
            assert made.properties(function)["Environment"]["Variables"]["BASE_PATH"] == path
        assert made.properties("Domain")["SecurityPolicy"] == "TLS_1_2"
        assert "DomainRecords" not in made.resources
    records = stack(**given, HostedZoneId="Z123").properties("DomainRecords")["RecordSets"]
    assert {record["Type"] for record in records} == {"A", "AAAA"}
    assert not {"Domain", "DomainPath", "DomainRecords"} & stack().resources.keys()


def test_a_web_acl_is_in_front_of_the_stage_where_there_is_one():
    acl = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/agents/0e6f0a1c-1111-2222-3333-444455556666"
    association = stack(WebAclArn=acl).properties("WebAclAssociation")
    assert association == {
        "ResourceArn": "arn:aws:apigateway:us-east-1::/restapis/<BridgeApi>/stages/<BridgeApiliveStage>",
        "WebACLArn": acl,
    }
    assert "WebAclAssociation" not in stack().resources


def test_a_jwt_authorizer_is_what_api_gateway_calls_one():
    shapes = botocore.loaders.Loader().load_service_model("apigateway", "service-2")["shapes"]
    authorizer = stack("JWT").body["components"]["securitySchemes"]["jwt"]["x-amazon-apigateway-authorizer"]
    assert authorizer["type"].upper() in shapes["AuthorizerType"]["enum"]
    assert authorizer.keys() <= shapes["Authorizer"]["members"].keys()
    configuration = authorizer["jwtConfiguration"]
    assert set(shapes["JwtConfigurationInput"]["required"]) == configuration.keys()
    assert set(configuration["defaultAlgorithms"]) <= set(shapes["JwtSigningAlgorithm"]["enum"])
    for issuer in configuration["issuers"]:
        assert set(shapes["JwtIssuerInput"]["required"]) == issuer.keys()


def test_a_key_and_its_plan_are_there_with_api_key_alone(mode):
    kinds = ["AWS::ApiGateway::ApiKey", "AWS::ApiGateway::UsagePlan", "AWS::ApiGateway::UsagePlanKey"]
    for kind in kinds:
        assert len(stack(mode).of_type(kind)) == (1 if mode == "API_KEY" else 0)
    if mode == "API_KEY":
        [plan] = stack(mode).of_type("AWS::ApiGateway::UsagePlan").values()
        assert plan["ApiStages"] == [{"ApiId": "<BridgeApi>", "Stage": "<BridgeApiliveStage>"}]


def test_a_deployment_that_does_not_say_who_may_call_is_refused():
    given = {"ReleaseId": "1", "OnboardingAgentArn": AGENT}
    with pytest.raises(Refused, match="AuthMode has no default"):
        Stack(**given)
    for wrong in ("", "none", "OPEN"):
        with pytest.raises(Refused, match="AuthMode must be one of"):
            Stack(**given, AuthMode=wrong)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"AuthMode": "COGNITO"}, "COGNITO needs UserPoolArn"),
        ({"AuthMode": "JWT", "JwtAudience": "web"}, "JWT needs JwtIssuer"),
        ({"AuthMode": "JWT", "JwtIssuer": "https://issuer.example.com"}, "JWT needs JwtAudience"),
        ({"AuthMode": "JWT", "JwtIssuer": "http://issuer.example.com", "JwtAudience": "web"}, "JwtIssuer must be empty or an https URL"),
        ({"AuthMode": "IAM", "FunctionUrl": "NONE"}, "needs AuthMode NONE"),
    ],
)
def test_combinations_that_cannot_work_are_refused(parameters, message):
    with pytest.raises(Refused, match=message):
        Stack(ReleaseId="1", OnboardingAgentArn=AGENT, **parameters)


def test_a_changed_mode_reaches_the_stage(monkeypatch):
    """The stage shows another deployment each time, as SAM sees no difference in what it cannot resolve."""
    deployments = []
    for second, mode in enumerate(["IAM", "NONE", "NONE"]):
        monkeypatch.setattr("samtranslator.model.apigateway.time.time", lambda: second)
        made = Stack(AuthMode=mode, ReleaseId="1", OnboardingAgentArn=AGENT)
        [(name, deployment)] = made.of_type("AWS::ApiGateway::Deployment").items()
        assert made.properties("BridgeApiliveStage")["DeploymentId"] == f"<{name}>"
        assert "StageName" not in deployment, "SAM's own stage, which nobody watches"
        deployments.append(name)
    assert len(set(deployments)) == 3


# --- What may call the functions --------------------------------------------------------------------


def test_the_gateway_may_call_the_aliases_by_this_stage_and_nothing_else_may(mode):
    api = "arn:aws:execute-api:us-east-1:123456789012:<BridgeApi>/live"
    permission = {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
    permissions = stack(mode).of_type("AWS::Lambda::Permission").values()
    whole = permission | {"FunctionName": "<BridgeFunctionAliaslive>", "SourceArn": f"{api}/*"}
    # An ARN of a method has a star for each parameter of its path.
    streams = [
        permission | {"FunctionName": "<StreamFunctionAliaslive>", "SourceArn": f"{api}/POST{re.sub('{.*?}', '*', path)}"}
        for path in STREAMS
    ]
    by_source = lambda permission: permission["SourceArn"]
    assert sorted(permissions, key=by_source) == sorted([whole, *streams], key=by_source)


def url_stack(made):
    """The stack within the stack that has the function URL, or None."""
    [nested] = made.of_type("AWS::CloudFormation::Stack").values() or [None]
    if nested is None:
        return None
    assert nested["TemplateURL"] == "deploy/function-url.yaml"
    return Stack((ROOT / nested["TemplateURL"]).read_text(), **nested["Parameters"])


@pytest.mark.parametrize("streaming", ["true", "false"])
def test_a_function_url_is_there_where_it_is_asked_for(streaming):
    assert url_stack(stack()) is None
    made = url_stack(stack(FunctionUrl="AWS_IAM", Streaming=streaming))
    assert made.of_type("AWS::Lambda::Url") == {
        "Url": {
            "TargetFunctionArn": "<StreamFunctionAliaslive>" if streaming == "true" else "<BridgeFunctionAliaslive>",
            "AuthType": "AWS_IAM",
            "InvokeMode": "RESPONSE_STREAM" if streaming == "true" else "BUFFERED",
        }
    }
    assert made.of_type("AWS::Lambda::Permission") == {}


def test_a_function_url_is_open_by_name_alone_and_then_with_both_permissions():
    made = url_stack(stack("NONE", FunctionUrl="NONE"))
    by_action = {p.pop("Action"): p for p in map(dict, made.of_type("AWS::Lambda::Permission").values())}
    open_to_all = {"FunctionName": "<StreamFunctionAliaslive>", "Principal": "*"}
    assert by_action == {
        "lambda:InvokeFunctionUrl": open_to_all | {"FunctionUrlAuthType": "NONE"},
        "lambda:InvokeFunction": open_to_all | {"InvokedViaFunctionUrl": True},
    }


# --- What the gateway says by itself ------------------------------------------------------------------

CODES = {401: "AuthenticationError", 403: "AuthorizationError", 404: "NotFoundError", 413: "PayloadTooLargeError",
         429: "RateLimitError", 504: "TimeoutError"}


def gateway_responses(**parameters):
    return stack(**parameters).body["x-amazon-apigateway-gateway-responses"]


def test_the_gateways_own_errors_have_the_form_of_the_programs():
    found = {}
    for kind, response in gateway_responses().items():
        [body] = response["responseTemplates"].values()
        assert "$" not in body, "a gateway's own words may hold what was signed"
        error = json.loads(body)
        assert error.keys() == {"error", "message", "details"}
        assert error["error"] in surface.ERRORS, "a code that the program does not have"
        status = response.get("statusCode")
        found.setdefault(status, set()).add(kind)
        if status:
            assert error["error"] == CODES[status]
        assert error["details"]["retryable"] == (status == 429)
        assert ("retryAfter" in error["details"]) == (status == 429)
        assert ("gatewayresponse.header.retry-after" in response["responseParameters"]) == (status == 429)
    assert found.keys() == {*CODES, None}
    assert found[None] == {"DEFAULT_4XX", "DEFAULT_5XX"}
    assert found[401] >= {"UNAUTHORIZED", "MISSING_AUTHENTICATION_TOKEN", "INVALID_API_KEY", "EXPIRED_TOKEN", "INVALID_SIGNATURE"}


def test_browsers_may_read_the_gateways_errors_where_any_origin_may_call():
    allowed = "gatewayresponse.header.access-control-allow-origin"
    for response in gateway_responses().values():
        assert allowed not in response["responseParameters"]
    for response in gateway_responses(CorsAllowedOrigins="https://app.example.com").values():
        headers = response["responseParameters"]
        assert headers[allowed] == "'*'"
        assert headers["gatewayresponse.header.x-request-id"] == "context.requestId"
