"""Each alarm on made-up series: it rings for what is broken, and wakes nobody for what is not."""

import re

import pytest

from cloudformation import ROOT
from cloudwatch import Series, datapoint, period, rings, stats
from conftest import AGENT, OTHER, stack

FUNCTIONS = {"BridgeFunction": "AgentCoreBridge/bridge", "StreamFunction": "AgentCoreBridge/bridge/stream"}
GATEWAY = {"ApiName": "bridge", "Stage": "live"}
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
ALL = {"OnboardingAgentArn": AGENT, "ProvisioningAgentArn": f"{AGENT[:-1]}R", "MwcAgentArn": OTHER, "AlarmTopicArn": TOPIC,
       "ReservedConcurrency": "50", "StreamReservedConcurrency": "50"}


def alarms(**parameters):
    """The alarms that ring for people, by the last part of their names."""
    made = stack(**ALL | parameters).of_type("AWS::CloudWatch::Alarm").values()
    return {alarm["AlarmName"].removeprefix("bridge-"): alarm for alarm in made if "AlarmActions" in alarm}


def ringing(series, **parameters):
    return {name for name, alarm in alarms(**parameters).items() if rings(alarm, series)}


class Traffic(Series):
    """What one request makes the functions, Lambda and the gateway measure."""

    def request(self, minute, function="BridgeFunction", agent="onboarding", version="7", count=1, **outcome):
        for _ in range(count):
            self._request(minute, function, agent, version, **outcome)
        return self

    def _request(self, minute, function, agent, version, failed=False, crashed=False, throttled=False, timed_out=False,
                 first=900, duration=4000, attempts=1, refused=0, incomplete=False, empty=False):
        name = {"FunctionName": f"<{function}>"}
        self.add(minute, "AWS/ApiGateway", "Count", 1, **GATEWAY)
        self.add(minute, "AWS/ApiGateway", "5XXError", int(failed or crashed or throttled or timed_out), **GATEWAY)
        if throttled:
            self.add(minute, "AWS/Lambda", "Throttles", 1, **name)
            return
        self.add(minute, "AWS/Lambda", "Invocations", 1, **name)
        errors = int(crashed or timed_out)
        self.add(minute, "AWS/Lambda", "Errors", errors, **name)
        self.add(minute, "AWS/Lambda", "Errors", errors, Resource=f"<{function}>:live",
                 ExecutedVersion=version, **name)
        if timed_out:
            self.add(minute, FUNCTIONS["BridgeFunction"], "LambdaTimeouts", 1)
        if crashed or timed_out:
            return
        numbers = {"AgentInvocationCount": 1, "AgentInvocationErrors": int(failed), "AgentInvocationDuration": duration,
                   "WebSocketConnectionAttempts": attempts, "WebSocketConnectionFailures": refused,
                   "IncompleteReplyCount": int(incomplete), "EmptyReplyCount": int(empty)}
        if not failed:
            numbers["FirstChunkLatency"] = first
        for metric, value in numbers.items():
            for dimensions in ({}, {"AgentId": agent}):
                self.add(minute, FUNCTIONS[function], metric, value, **dimensions)
        for metric in ("AgentInvocationCount", "AgentInvocationErrors"):
            self.add(minute, FUNCTIONS[function], metric, numbers[metric], FunctionVersion=version)


def hour(each, minutes=60, **outcome):
    """So many requests in each minute."""
    traffic = Traffic()
    for minute in range(minutes):
        traffic.request(minute, count=each, **outcome)
    return traffic


def busy(per_minute, share, agent, **outcome):
    """An hour in which one agent has this share of the requests, and this outcome."""
    traffic = hour(round(per_minute * (1 - share)))
    for minute in range(60):
        traffic.request(minute, agent=agent, count=round(per_minute * share), **outcome)
    return traffic


# --- What must ring, and nothing beside it ------------------------------------------------------------


def test_nobody_is_there():
    assert ringing(Traffic().last_until(120)) == set()


@pytest.mark.parametrize("each", [1, 20])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_all_is_well(function, each):
    assert ringing(hour(each, function=function)) == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_version_that_does_not_start(function):
    assert ringing(hour(20, function=function, crashed=True)) == {"crashes", "gateway"}


def test_a_version_that_does_not_start_while_hardly_anybody_is_there():
    night = Traffic().last_until(60)
    for minute in range(0, 60, 5):
        night.request(minute, crashed=True)
    assert ringing(night) == {"crashes"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_lambda_refuses_invocations(function):
    throttled = hour(20, function=function)
    for minute in range(20, 40):
        throttled.request(minute, function=function, count=20, throttled=True)
    assert ringing(throttled) == {"throttles", "gateway"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_of_three_agents_is_down_with_four_percent_of_the_requests(function):
    assert ringing(busy(200, 0.04, "mwc", function=function, failed=True)) == {"agent-mwc"}


def test_one_of_three_agents_is_down_at_night():
    night = Traffic().last_until(120)
    for minute in range(0, 120, 3):
        night.request(minute, agent="provisioning", failed=True)
    assert ringing(night) == {"agent-provisioning"}


def test_all_agents_are_down():
    assert ringing(hour(20, failed=True)) == {"errors", "gateway", "agent-onboarding"}


@pytest.mark.parametrize(
    "failure",
    [{"failed": True, "attempts": 4, "refused": 4}, {"crashed": True}, {"timed_out": True}, {"throttled": True},
     {"incomplete": True}, {"empty": True}, {"first": 20000}],
)
def test_one_failure_at_night_wakes_nobody(failure):
    night = Traffic().last_until(120)
    night.request(60, **failure)
    assert ringing(night) == set()
    # Nor does one beside a few that went well.
    assert ringing(hour(1).request(30, **failure)) == set()


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ({"first": 6000, "duration": 9000}, {"latency"}),
        # A long reply is none that is waited for.
        ({"first": 900, "duration": 24000}, set()),
        ({"attempts": 2, "refused": 1}, {"connections"}),
        ({"incomplete": True}, {"incomplete"}),
        ({"empty": True}, {"empty"}),
        ({"timed_out": True}, {"timeouts", "crashes", "gateway"}),
    ],
)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_of_the_others_rings_for_its_own(outcome, expected, function):
    assert ringing(hour(20, function=function, **outcome)) == expected


@pytest.mark.parametrize(("function", "name"), [("BridgeFunction", "concurrency"), ("StreamFunction", "stream-concurrency")])
def test_reserved_concurrency_is_nearly_used_up(function, name):
    for at_once, expected in ((20, set()), (45, {name})):
        series = Traffic()
        for minute in range(30):
            series.add(minute, "AWS/Lambda", "ConcurrentExecutions", at_once, FunctionName=f"<{function}>")
        assert ringing(series) == expected
        assert ringing(series, ReservedConcurrency="", StreamReservedConcurrency="") == set()


def test_thresholds_are_parameters():
    some = hour(18)
    for minute in range(60):
        some.request(minute, count=2, failed=True)
    assert ringing(some) == {"errors", "gateway"}
    assert ringing(some, AlarmFailurePercent="15", AlarmGatewayErrorPercent="15") == set()
    assert ringing(some, AlarmMinimumInvocations="200", AlarmGatewayErrorPercent="15") == set()
    assert "agent-onboarding" in ringing(some, AlarmAgentFailurePercent="9")


def test_without_streaming_the_alarms_are_those_of_the_one_function():
    lone = {"Streaming": "false", "StreamReservedConcurrency": ""}
    assert ringing(hour(20, crashed=True), **lone) == {"crashes", "gateway"}
    assert ringing(hour(20, timed_out=True), **lone) == {"timeouts", "crashes", "gateway"}
    assert ringing(hour(20), **lone) == set()


# --- What each has ------------------------------------------------------------------------------------


def test_each_tells_the_topic_where_there_is_one():
    assert len(alarms()) == 14
    for alarm in alarms().values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [TOPIC]
    assert not any("AlarmActions" in alarm for alarm in stack().of_type("AWS::CloudWatch::Alarm").values())


def anchor(heading):
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_each_says_what_to_do_first_and_where_more_is_said():
    for alarm in stack(**ALL).of_type("AWS::CloudWatch::Alarm").values():
        description = alarm["AlarmDescription"]
        assert "First: " in description and len(description) <= 1024 and "${" not in description
        [(file, place)] = re.findall(r"(docs/\w+\.md)#([\w-]+)", description)
        headings = re.findall(r"^#+ (.+)$", (ROOT / file).read_text(), re.MULTILINE)
        assert place in map(anchor, headings), place


@pytest.mark.parametrize("name", alarms())
def test_cloudwatch_would_take_it(name):
    alarm = alarms()[name]
    # Within a day, and no SEARCH, which alarms cannot use.
    assert period(alarm) * alarm["EvaluationPeriods"] <= 24 * 60
    assert "SEARCH" not in str(alarm["Metrics"]) and len(alarm["Metrics"]) <= 10
    assert len([entry for entry in alarm["Metrics"] if entry.get("ReturnData", True)]) == 1
    assert all(re.fullmatch(r"[a-z]\w*", entry["Id"]) for entry in alarm["Metrics"])


# --- Those of a new version -------------------------------------------------------------------------


def new_version(function, **parameters):
    """The alarms that move callers back, of errors and of crashes, and the version that they watch."""
    made = stack(**parameters)
    group = made.properties(f"{function}DeploymentGroup")
    watched = [made.properties(alarm["Name"].strip("<>")) for alarm in group["AlarmConfiguration"]["Alarms"]]
    [version] = re.findall(r"<(\w+)\.Version>", watched[0]["AlarmName"])
    return *watched, f"<{version}.Version>"


def canary(function, version, old, new):
    """Fifteen minutes in which a tenth of the callers get the new version."""
    traffic = Traffic()
    for minute in range(15):
        traffic.request(minute, function=function, version="6", count=18, **old)
        traffic.request(minute, function=function, version=version, count=2, **new)
    return traffic


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_new_version_is_moved_back_for_its_own_faults_and_for_no_others(function):
    errors, crashes, version = new_version(function)
    well, failing, dead = {}, {"failed": True}, {"crashed": True}
    for old, new, expected in [
        (well, well, (False, False)),
        (well, failing, (True, False)),
        (well, dead, (False, True)),
        # The agent is down, and that is what the new version mends, or has nothing to do with.
        (failing, failing, (False, False)),
        (failing, well, (False, False)),
        # The live version is dead, and the new one is the way out.
        (dead, well, (False, False)),
        # There is no other version to compare with: it was live at once.
        (dead, failing, (True, False)),
    ]:
        series = canary(function, version, old, new)
        assert (rings(errors, series), rings(crashes, series)) == expected, (old, new)
    assert not rings(errors, Traffic().last_until(60)) and not rings(crashes, Traffic().last_until(60))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_release_starts_without_yesterdays_state(function):
    """An alarm that keeps its name keeps its state when it is changed, and CodeDeploy stops a deployment beside one that
    rings. So the name has the version in it, which makes CloudFormation create another alarm, and the old one is gone."""
    before, after = (new_version(function, ReleaseId=release) for release in ("1700000000", "1700000001"))
    assert before[2] != after[2]
    for alarm in (0, 1):
        names = before[alarm]["AlarmName"], after[alarm]["AlarmName"]
        assert names[0] != names[1] and after[2] in names[1]
    errors, crashes, version = after
    watched = [stat["Metric"]["Dimensions"] for name, stat in stats(errors).items() if not name.startswith("all")]
    assert watched == [[{"Name": "FunctionVersion", "Value": version}]] * 2
    assert {"Name": "ExecutedVersion", "Value": version} in crashes["Dimensions"]
    # Whatever the version of before did yesterday, these have nothing of it.
    yesterday = canary(function, before[2], {}, {"crashed": True, "failed": True})
    assert not rings(errors, yesterday) and not rings(crashes, yesterday)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_canary_of_production_is_longer_than_its_alarms_need(function):
    errors, crashes, version = new_version(function)
    series = canary(function, version, {}, {"failed": True})
    first = next(minute for minute in range(1, 16) if (datapoint(errors, series, minute) or 0) > 5)
    # Two such minutes, and up to five until CloudWatch has them.
    kind = stack().properties(f"{function}DeploymentGroup")["DeploymentConfigName"]
    assert first + errors["DatapointsToAlarm"] * period(errors) + 5 < int(re.search(r"(\d+)Minutes$", kind)[1])
