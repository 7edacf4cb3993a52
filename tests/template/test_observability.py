"""Alarms, dashboard and queries: what they ask for is what the program says."""

import json
import re

import pytest

import surface
from conftest import stack, stats, value

OWN = {"LambdaTimeouts", "LambdaMemoryUsed"}  # made of Lambda's reports, by the template itself
WHOLE, STREAM = "AgentCoreBridge/bridge", "AgentCoreBridge/bridge/stream"

# The design's four: threshold in percent or milliseconds, and what is put into relation.
ALARMS = {
    "ErrorRateAlarm": (5, {(WHOLE, "AgentInvocationErrors"), (STREAM, "AgentInvocationErrors"),
                           (WHOLE, "AgentInvocationCount"), (STREAM, "AgentInvocationCount")}),
    "LatencyAlarm": (5000, {(WHOLE, "AgentInvocationDuration"), (STREAM, "FirstChunkLatency")}),
    "ConnectionFailureAlarm": (10, {(WHOLE, "WebSocketConnectionFailures"), (STREAM, "WebSocketConnectionFailures"),
                                    (WHOLE, "WebSocketConnectionAttempts"), (STREAM, "WebSocketConnectionAttempts")}),
    "TimeoutRateAlarm": (1, {(WHOLE, "LambdaTimeouts"), ("AWS/Lambda", "Invocations")}),
}


@pytest.mark.parametrize("name", ALARMS)
def test_the_four_alarms_of_the_design(name):
    threshold, expected = ALARMS[name]
    alarm = stack().properties(name)
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (threshold, "GreaterThanThreshold")
    assert alarm["EvaluationPeriods"] == 1 and alarm["TreatMissingData"] == "notBreaching"
    assert {(stat["Metric"]["Namespace"], stat["Metric"]["MetricName"]) for stat in stats(alarm).values()} == expected
    for stat in stats(alarm).values():
        assert stat["Period"] == 300
        names = [dimension["Name"] for dimension in stat["Metric"].get("Dimensions", [])]
        assert names == (["FunctionName"] if stat["Metric"]["Namespace"] == "AWS/Lambda" else [])
    returned = [entry for entry in alarm["Metrics"] if entry.get("ReturnData", True)]
    assert len(returned) == 1 and "Expression" in returned[0]
    assert value(alarm, {}) is None, "nothing measured is no alarm"


def test_rates_are_of_both_functions_together():
    errors = stack().properties("ErrorRateAlarm")
    assert value(errors, {"errors": 1, "count": 10}) == 10
    assert value(errors, {"errors": 1, "count": 10, "streamErrors": 1, "streamCount": 30}) == 5
    connections = stack().properties("ConnectionFailureAlarm")
    assert value(connections, {"failures": 1, "attempts": 8, "streamFailures": 0, "streamAttempts": 2}) == 10
    timeouts = stack().properties("TimeoutRateAlarm")
    assert value(timeouts, {"timeouts": 1, "invocations": 40, "streamInvocations": 60}) == 1
    assert value(stack(Streaming="false").properties("TimeoutRateAlarm"), {"timeouts": 1, "invocations": 100}) == 1
    assert value(timeouts, {"invocations": 40}) == 0


def test_the_latency_is_what_callers_wait_for():
    alarm = stack().properties("LatencyAlarm")
    assert value(alarm, {"waits": 9000, "count": 3, "streamWaits": 1000, "streamCount": 1}) == 2500
    assert {name: stat["Stat"] for name, stat in stats(alarm).items()} == {
        "waits": "Sum", "streamWaits": "Sum", "count": "SampleCount", "streamCount": "SampleCount"
    }


def test_alarms_tell_a_topic_where_there_is_one():
    for name in ALARMS:
        assert "AlarmActions" not in stack().properties(name)
        topic = "arn:aws:sns:us-east-1:123456789012:alarms"
        told = stack(AlarmTopicArn=topic).properties(name)
        assert told["AlarmActions"] == told["OKActions"] == [topic]


def test_timeouts_are_those_that_the_platform_reports():
    made = stack().properties("LambdaTimeouts")
    assert made["LogGroupName"] == "<BridgeLogs>"
    assert made["FilterPattern"] == '{ $.type = "platform.report" && $.record.status = "timeout" }'
    [metric] = made["MetricTransformations"]
    assert (metric["MetricNamespace"], metric["MetricName"], metric["MetricValue"]) == (WHOLE, "LambdaTimeouts", "1")


# --- Names ------------------------------------------------------------------------------------------


def alarm_metrics():
    """Every (namespace, metric, dimensions' names) that an alarm looks at."""
    for alarm in stack().of_type("AWS::CloudWatch::Alarm").values():
        metrics = [stat["Metric"] for stat in stats(alarm).values()] if "Metrics" in alarm else [alarm]
        for metric in metrics:
            names = tuple(dimension["Name"] for dimension in metric.get("Dimensions", []))
            yield metric["Namespace"], metric["MetricName"], names


def dashboard():
    return json.loads(stack().properties("Dashboard")["DashboardBody"])


def dashboard_metrics():
    """Every (namespace, metric, dimensions' names) on the dashboard, its abbreviations written out."""
    for widget in dashboard()["widgets"]:
        last = []
        for row in widget["properties"].get("metrics", []):
            row = [item for item in row if not isinstance(item, dict) or "expression" in item]
            if isinstance(row[0], dict):
                search = re.fullmatch(r"SEARCH\('\{\"(.+)\",(\w+)\} MetricName=\"(\w+)\"', 'Sum', 60\)", row[0]["expression"])
                yield search[1], search[3], (search[2],)
                continue
            if row == ["..."]:
                row = last
            last = [last[index] if item == "." else item for index, item in enumerate(row)]
            yield last[0], last[1], tuple(last[2::2])


def test_every_metric_and_dimension_is_one_that_the_program_has():
    asked = {*alarm_metrics(), *dashboard_metrics()}
    ours = {(metric, dimensions) for namespace, metric, dimensions in asked if namespace in (WHOLE, STREAM)}
    assert {namespace for namespace, _, _ in asked} == {WHOLE, STREAM, "AWS/Lambda"}
    for metric, dimensions in ours:
        # CloudWatch takes a set of dimensions for a metric of its own.
        assert dimensions in surface.METRICS.get(metric, {()} if metric in OWN else ()), metric


def test_the_dashboard_shows_every_metric_of_the_program_and_lambdas_own():
    shown = {metric for _, metric, _ in dashboard_metrics()}
    assert surface.METRICS.keys() | {"ConcurrentExecutions", "Throttles", "Duration"} | OWN == shown


def test_the_dashboard_shows_percentiles_of_the_first_chunk_and_of_the_whole():
    for metric in ("FirstChunkLatency", "AgentInvocationDuration"):
        [widget] = [w for w in dashboard()["widgets"] if any(metric in row for row in w["properties"].get("metrics", []))]
        shown = [row[-1]["stat"] for row in widget["properties"]["metrics"]]
        assert shown == ["p50", "p90", "p99"] * 2
    assert [alarm.split(".")[0].strip("<") for alarm in dashboard()["widgets"][0]["properties"]["alarms"]] == list(ALARMS)


def test_widgets_do_not_overlap():
    taken = set()
    for widget in dashboard()["widgets"]:
        cells = {(x, y) for x in range(widget["x"], widget["x"] + widget["width"])
                 for y in range(widget["y"], widget["y"] + widget["height"])}
        assert not cells & taken and max(x for x, _ in cells) < 24
        taken |= cells


# --- Queries ----------------------------------------------------------------------------------------

PLATFORM = {"type", "record.status", "record.requestId", "record.metrics.initDurationMs", "record.metrics.durationMs",
            "record.metrics.maxMemoryUsedMB"}
WORDS = {"fields", "filter", "stats", "sort", "limit", "by", "as", "and", "or", "asc", "desc",
         "count", "sum", "avg", "max", "min", "pct", "latest", "strcontains", "bin", "1h"}


@pytest.mark.parametrize("name", stack().of_type("AWS::Logs::QueryDefinition"))
def test_a_query_asks_for_lines_and_fields_that_there_are(name):
    query = stack().properties(name)
    assert query["LogGroupNames"] == ["<BridgeLogs>"] and query["Name"].startswith("bridge/")
    text = query["QueryString"]
    messages = re.findall(r'message = "([^"]+)"', text)
    assert {*messages} <= surface.EVENTS.keys()
    # A query that says no message looks at all lines.
    fields = set().union(*(surface.EVENTS[message] for message in messages or surface.EVENTS))
    made_up = set(re.findall(r"\bas (\w+)", text))
    without_strings = re.sub(r'"[^"]*"', "", text)
    for field in set(re.findall(r"[@\w.]+", without_strings)) - WORDS - made_up - PLATFORM:
        is_number = re.fullmatch(r"\d+", field)
        assert is_number or field == "@timestamp" or field in fields | surface.EVERYWHERE, field


def test_there_is_a_query_for_each_usual_question():
    messages = " ".join(query["QueryString"] for query in stack().of_type("AWS::Logs::QueryDefinition").values())
    for message in ("agent invocation failed", "agent invocation complete", "agent invocation started", "retrying", "platform.report"):
        assert f'"{message}"' in messages
    assert "requestId = " in messages
