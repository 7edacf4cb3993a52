"""Alarms, dashboard and queries: what they ask for is what the program says."""

import json
import re

import pytest

import surface
from cloudwatch import stats
from conftest import OTHER, stack

OWN = {"LambdaTimeouts", "LambdaMemoryUsed"}  # made of Lambda's reports, by the template itself
WHOLE, STREAM = "AgentCoreBridge/bridge", "AgentCoreBridge/bridge/stream"

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
    assert {namespace for namespace, _, _ in asked} == {WHOLE, STREAM, "AWS/Lambda", "AWS/ApiGateway"}
    for metric, dimensions in ours:
        # CloudWatch takes a set of dimensions for a metric of its own.
        assert dimensions in surface.METRICS.get(metric, {()} if metric in OWN else ()), metric


def test_the_dashboard_shows_every_metric_of_the_program_and_lambdas_and_the_gateways():
    shown = {metric for _, metric, _ in dashboard_metrics()}
    lambdas = {"ConcurrentExecutions", "Throttles", "Duration", "Invocations", "Errors"}
    assert surface.METRICS.keys() | lambdas | {"Count", "4XXError", "5XXError", "Latency"} | OWN == shown


def test_the_dashboard_shows_percentiles_of_the_first_chunk_and_of_the_whole():
    for metric in ("FirstChunkLatency", "AgentInvocationDuration"):
        [widget] = [w for w in dashboard()["widgets"] if any(metric in row for row in w["properties"].get("metrics", []))]
        shown = [row[-1]["stat"] for row in widget["properties"]["metrics"]]
        assert shown == ["p50", "p90", "p99"] * 2


@pytest.mark.parametrize(
    "parameters", [{}, {"MwcAgentArn": OTHER, "ReservedConcurrency": "5"}, {"StreamReservedConcurrency": "5"}]
)
def test_the_dashboard_shows_every_alarm_that_rings_for_people(parameters):
    made = stack(**parameters)
    shown = json.loads(made.properties("Dashboard")["DashboardBody"])["widgets"][0]["properties"]["alarms"]
    people = {name for name in made.of_type("AWS::CloudWatch::Alarm") if not name.startswith("New")}
    assert {alarm.split(".")[0].strip("<") for alarm in shown} == people and len(shown) == len(people)


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
