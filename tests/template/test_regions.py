"""Where the stack can be deployed, by what cfn-lint knows of the regions."""

import re

import regions
from cloudformation import ROOT

FUNCTION_URL = "deploy/function-url.yaml"


def test_every_region_has_what_the_template_uses():
    assert len(regions.REGIONS) >= 40
    assert {kind: regions.without(kind) for kind in regions.used() if regions.without(kind)} == {}


def test_what_some_regions_have_not_is_in_a_stack_of_its_own_and_told_of():
    [kind] = [kind for kind in regions.used((FUNCTION_URL,)) - regions.used() if regions.without(kind)]
    assert kind == "AWS::Lambda::Url"
    text = (ROOT / "docs/first-deployment.md").read_text()
    [told] = re.findall(r"as cfn-lint's data says: (.+?)\. There the stack deploys", text, re.DOTALL)
    assert re.findall(r"[a-z]+(?:-[a-z]+)+-\d", told) == regions.without(kind)
