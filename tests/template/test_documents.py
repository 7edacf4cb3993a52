"""The documents tell of each parameter, each alarm and each way to call."""

import re
import subprocess
import sys

import surface
from cloudformation import ROOT, parse
from conftest import MODES, OTHER, stack

DEPLOY = (ROOT / "docs/deploy.md").read_text()
FIRST = (ROOT / "docs/first-deployment.md").read_text()
OPERATE = (ROOT / "docs/operate.md").read_text()


def section(document, heading):
    """What stands below a heading, up to the next of the same level."""
    [_, text] = document.split(f"\n{heading}\n")
    level = heading.split(" ")[0]
    return text.split(f"\n{level} ")[0]


def first_cells(text):
    return [row.split("|")[1] for row in re.findall(r"^\|.*\|$", text, re.MULTILINE)]


def test_each_parameter_is_told_of_and_no_other():
    told = set()
    for cell in first_cells(section(DEPLOY, "## Parameters")):
        told.update(re.findall(r"`(\w+)`", cell))
    declared = parse()["Parameters"].keys()
    # These three are told of by what they end with.
    assert told == {name for name in declared if not name.endswith("AgentQualifier")}


def test_the_defaults_that_are_told_are_the_templates():
    declared = parse()["Parameters"]
    checked = 0
    for row in re.findall(r"^\| `(\w+)` \|.*\| `(\w+)` \|$", section(DEPLOY, "## Parameters"), re.MULTILINE):
        name, default = row
        assert str(declared[name]["Default"]) == default, name
        checked += 1
    assert checked >= 5


def test_each_auth_mode_is_told_of():
    told = {cell.strip(" `") for cell in first_cells(section(DEPLOY, "## Who may call"))}
    assert MODES.keys() <= told


def test_the_documents_tell_what_the_role_may_do():
    told = set(re.findall(r"`(bedrock-agentcore:\w+)`", section(DEPLOY, "## What the role may do").split("\nThere is no action")[0]))
    assert told == surface.OPERATIONS | {surface.FOR_USER}


def test_whoever_is_woken_by_an_alarm_finds_what_to_do():
    told = first_cells(section(OPERATE, "### What to do when an alarm rings").split("\n####")[0])
    told = {name for cell in told for name in re.findall(r"`<stack>-([\w-]+)`", cell)}
    all_agents = {"ProvisioningAgentArn": OTHER, "MwcAgentArn": OTHER, "ReservedConcurrency": "5", "StreamReservedConcurrency": "5"}
    alarms = stack(**all_agents).of_type("AWS::CloudWatch::Alarm").items()
    # Those of a new version wake nobody.
    assert told == {alarm["AlarmName"].removeprefix("bridge-") for name, alarm in alarms if not name.startswith("New")}


def test_what_was_not_yet_seen_on_aws_is_shown_by_a_step_that_there_is():
    plan = subprocess.run([sys.executable, ROOT / "tests/aws/run", "--plan"], check=True, capture_output=True, text=True)
    steps = {line.split(":")[0] for line in plan.stdout.splitlines()}
    rows = re.findall(r"^\|.*\|$", section(FIRST, "## Not yet seen on AWS"), re.MULTILINE)[2:]
    named = [set(re.findall(r"`([a-z-]+)`", row.split("|")[3])) for row in rows]
    assert len(rows) >= 10 and set().union(*named) <= steps
    for row, names in zip(rows, named):
        assert names or "none" in row.split("|")[3], row


def test_queries_that_are_named_are_there():
    queries = {query["Name"].split("/")[1] for query in stack().of_type("AWS::Logs::QueryDefinition").values()}
    named = set(re.findall(r"the query \*([^*]+)\*", OPERATE))
    assert len(named) >= 3
    assert named <= {re.sub(r" \(.*\)", "", query) for query in queries}
