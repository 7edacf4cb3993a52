"""samconfig.toml: what each environment says for itself, and what it leaves to whoever deploys."""

import os
import re
import subprocess

import pytest
import yaml

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
    return [f"file://deploy/settings/{environment}.yaml", "file://.aws-sam/release.yaml"]


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
    groups = made.of_type("AWS::CodeDeploy::DeploymentGroup")
    kinds = {group["DeploymentConfigName"].removeprefix("CodeDeployDefault.Lambda") for group in groups.values()}
    expected = {"dev": set(), "staging": {"Canary10Percent5Minutes"}, "prod": {"Canary10Percent15Minutes"}}
    assert kinds == expected[environment]
    for missing in own:
        with pytest.raises(Refused):
            Stack(**{"AuthMode": "IAM"} | said(environment) | {key: own[key] for key in own if key != missing})


def test_dev_is_signed_and_the_others_must_say_who_may_call():
    assert said("dev")["AuthMode"] == "IAM"
    for environment in ("staging", "prod"):
        assert "AuthMode" not in said(environment)


@pytest.mark.parametrize("environment", DEPLOYMENTS)
def test_what_is_meant_for_one_deployment_is_over_with_it(environment):
    """SAM keeps the value of a parameter that is not said."""
    assert said(environment)["FormerAgentArn"] == "" and said(environment)["Gradual"] in ("true", "false")


def test_settings_are_in_no_folder_that_is_built_and_git_sees_an_example_alone():
    folder = ROOT / "deploy/settings"
    assert (folder / ".gitignore").read_text().splitlines()[-2:] == ["*.yaml", "!example.yaml"]
    example = yaml.safe_load((folder / "example.yaml").read_text())
    Stack(AuthMode="IAM", ReleaseId="1", **example)


@pytest.mark.parametrize("given", [None, "0123abc"])
def test_a_stamp_is_a_release_and_a_commit_that_the_template_takes(tmp_path, given):
    """In a repository of its own, so that nothing is written here."""
    (tmp_path / "deploy").mkdir()
    stamp = tmp_path / "deploy/stamp"
    stamp.write_text((ROOT / "deploy/stamp").read_text())
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", str(tmp_path)]
    for arguments in (["init", "-q"], ["add", "deploy"], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *arguments], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    environment = {"PATH": os.environ["PATH"]} | ({"AGENTCORE_BRIDGE_COMMIT": given} if given else {})
    seen = []
    for change in (False, True):
        if change:
            (tmp_path / "Cargo.toml").write_text("")
        subprocess.run(["bash", str(stamp)], check=True, env=environment, stdout=subprocess.DEVNULL)
        stamped = yaml.safe_load((tmp_path / ".aws-sam/release.yaml").read_text())
        Stack(AuthMode="IAM", OnboardingAgentArn=AGENT, **stamped)
        seen.append(stamped["Commit"])
    assert seen == ([given] * 2 if given else [head, f"{head}-dirty"])


def test_a_machine_deploys_what_was_packaged_and_asks_nobody(tmp_path):
    """With a SAM CLI that says what it was called with."""
    for folder in ("bin", "deploy/settings"):
        (tmp_path / folder).mkdir(parents=True)
    program = tmp_path / "deploy/packaged"
    program.write_text((ROOT / "deploy/packaged").read_text())
    sam = tmp_path / "bin/sam"
    sam.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    sam.chmod(0o755)
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "ARTEFACT_BUCKET": "bucket", "SETTINGS": 'AuthMode: "IAM"'}
    run = lambda *arguments, **more: subprocess.run(
        ["bash", str(program), *arguments], env=environment | more, capture_output=True, text=True)
    assert run("prod").returncode != 0, "without a role to make the resources by"
    assert run(AWS_EXECUTION_ROLE="role").returncode != 0, "without an environment"
    said = run("prod", AWS_EXECUTION_ROLE="role").stdout.split()
    assert said[:5] == ["deploy", "--template-file", "packaged.yaml", "--config-env", "prod"]
    pairs = dict(zip(said, said[1:]))
    assert (pairs["--role-arn"], pairs["--s3-bucket"]) == ("role", "bucket")
    assert {"--no-resolve-s3", "--no-confirm-changeset", "--no-fail-on-empty-changeset"} <= set(said)
    assert yaml.safe_load((tmp_path / "deploy/settings/prod.yaml").read_text()) == {"AuthMode": "IAM"}


def test_no_accounts_values_are_in_it():
    assert not re.search(r"arn:|\d{12}|https?://", TEXT)
