"""samconfig.toml: what each environment says for itself, and what it leaves to whoever deploys."""

import re

import pytest

from cloudformation import ROOT, Refused, Stack
from conftest import AGENT

try:
    import tomllib
except ImportError:
    import tomli as tomllib

TEXT = (ROOT / "samconfig.toml").read_text()
ENVIRONMENTS = {name: tomllib.loads(TEXT)[name] for name in ("dev", "staging", "prod")}
DEPLOYMENTS = {name: commands["deploy"]["parameters"] for name, commands in ENVIRONMENTS.items()}


def files(environment):
    """What the account has and the repository has not, then the release."""
    return [f"file://.aws-sam/{environment}.yaml", "file://.aws-sam/release.yaml"]


def said(environment):
    overrides = DEPLOYMENTS[environment]["parameter_overrides"]
    return dict(item.split("=", 1) for item in overrides if not item.startswith("file://"))


@pytest.mark.parametrize("environment", DEPLOYMENTS)
def test_an_environment_is_a_stack_of_its_own_that_needs_a_release_and_an_agent(environment):
    assert DEPLOYMENTS[environment]["stack_name"] == f"agentcore-bridge-{environment}"
    # What is given there comes last, and so wins; the build must know of the architecture too.
    assert DEPLOYMENTS[environment]["parameter_overrides"][-2:] == files(environment)
    assert ENVIRONMENTS[environment]["build"]["parameters"]["parameter_overrides"] == files(environment)[:1]
    own = {"ReleaseId": "1700000000", "OnboardingAgentArn": AGENT}
    made = Stack(**{"AuthMode": "IAM"} | said(environment) | own)
    kind = "AllAtOnce" if environment == "dev" else "Canary10Percent5Minutes"
    assert made.properties("BridgeFunctionDeploymentGroup")["DeploymentConfigName"] == f"CodeDeployDefault.Lambda{kind}"
    for missing in own:
        with pytest.raises(Refused):
            Stack(**{"AuthMode": "IAM"} | said(environment) | {key: own[key] for key in own if key != missing})


def test_dev_is_signed_and_the_others_must_say_who_may_call():
    assert said("dev")["AuthMode"] == "IAM"
    for environment in ("staging", "prod"):
        assert "AuthMode" not in said(environment)


def test_no_accounts_values_are_in_it():
    assert not re.search(r"arn:|\d{12}|https?://", TEXT)
