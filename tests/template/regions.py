"""The regions in which the templates are to be linted: `python tests/template/regions.py`.

cfn-lint knows for each region which types of resources it has, and in which form. Most regions have what the templates use in the same form, so
one of them stands for all: linting each by itself takes minutes.
"""

import json
import pathlib

import cfnlint

from cloudformation import ROOT, Stack, parse
from conftest import AGENT, OTHER

PROVIDERS = pathlib.Path(cfnlint.__file__).parent / "data/schemas/providers"
# AgentCore's own regions, GovCloud and China among them, and all others in which Lambda functions are.
REGIONS = {path.stem: json.loads(path.read_text()) for path in PROVIDERS.glob("*.json") if path.stem != "sam"}


def used(templates=("template.yaml",)):
    """The types of resources in the templates, those that SAM makes included."""
    given = {"AuthMode": "API_KEY", "ReleaseId": "1", "OnboardingAgentArn": AGENT, "MwcAgentArn": OTHER}
    kinds = {resource["Type"] for resource in Stack(**given).transformed["Resources"].values()}
    for template in templates:
        kinds |= {resource["Type"] for resource in parse((ROOT / template).read_text())["Resources"].values()}
    return {kind for kind in kinds if not kind.startswith("AWS::Serverless")}


def representatives():
    """One region for each form that what is used has."""
    kinds = sorted(used())
    found = {}
    for region, schemas in sorted(REGIONS.items()):
        found.setdefault(tuple(schemas.get(kind) for kind in kinds), region)
    return sorted(found.values())


def without(kind):
    """The regions that have no such type."""
    return sorted(region for region, schemas in REGIONS.items() if kind not in schemas)


if __name__ == "__main__":
    print(*representatives())
