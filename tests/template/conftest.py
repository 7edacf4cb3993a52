"""Stacks that the tests look at, each made once."""

import functools

import pytest

from cloudformation import Stack

AGENT = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/Onboarding_Agent-Pgs8nUGuuS"
OTHER = "arn:aws:bedrock-agentcore:eu-west-1:123456789012:runtime/Mwc_Agent-Def456UvWx"

# What each AuthMode needs beside itself.
MODES = {
    "IAM": {},
    "COGNITO": {"UserPoolArn": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Abc123"},
    "JWT": {"JwtIssuer": "https://issuer.example.com/", "JwtAudience": "web,app"},
    "API_KEY": {},
    "NONE": {},
}


@functools.cache
def make(mode, others):
    given = {"AuthMode": mode, "ReleaseId": "1700000000", "OnboardingAgentArn": AGENT} | MODES[mode] | dict(others)
    return Stack(**given)


def stack(mode="IAM", **others):
    """The stack of a mode, with these parameters beside what it needs."""
    return make(mode, tuple(sorted(others.items())))


@pytest.fixture(params=MODES)
def mode(request):
    return request.param
