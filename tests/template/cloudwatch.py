"""What CloudWatch makes of an alarm and of measured numbers: metric math, periods, and so many of so many datapoints."""

import collections


class Series:
    """Numbers of one minute each, as the functions, Lambda and the gateway would send them."""

    def __init__(self):
        self.minutes = collections.defaultdict(lambda: collections.defaultdict(list))
        self.length = 0

    def add(self, minute, namespace, metric, value, **dimensions):
        self.length = max(self.length, minute + 1)
        key = (namespace, metric, frozenset(dimensions.items()))
        self.minutes[key][minute].append(value)

    def last_until(self, minutes):
        """Lets time pass in which nothing is measured."""
        self.length = max(self.length, minutes)
        return self

    def value(self, metric, stat, begin, end):
        dimensions = frozenset((d["Name"], d["Value"]) for d in metric.get("Dimensions", []))
        measured = self.minutes[metric["Namespace"], metric["MetricName"], dimensions]
        values = [value for minute in range(begin, end) for value in measured.get(minute, [])]
        if not values:
            return Number(None)
        return Number({"Sum": sum, "SampleCount": len, "Maximum": max}[stat](values))


class Number:
    """A datapoint, or none: what is made of none is none, and so is a division by zero."""

    def __init__(self, value):
        self.value = value

    def _with(self, other, operation):
        other = other if isinstance(other, Number) else Number(other)
        if self.value is None or other.value is None:
            return Number(None)
        try:
            return Number(operation(self.value, other.value))
        except ZeroDivisionError:
            return Number(None)

    def __add__(self, other): return self._with(other, lambda a, b: a + b)
    def __sub__(self, other): return self._with(other, lambda a, b: a - b)
    def __mul__(self, other): return self._with(other, lambda a, b: a * b)
    def __rmul__(self, other): return Number(other) * self
    def __truediv__(self, other): return self._with(other, lambda a, b: a / b)
    def __ge__(self, other): return self._with(other, lambda a, b: a >= b)
    def __gt__(self, other): return self._with(other, lambda a, b: a > b)


def fill(number, other):
    return Number(other) if number.value is None else number


def choose(condition, yes, no):
    chosen = no if not condition.value else yes
    return chosen if isinstance(chosen, Number) else Number(chosen)


def stats(alarm):
    return {entry["Id"]: entry["MetricStat"] for entry in alarm["Metrics"] if "MetricStat" in entry}


def datapoint(alarm, series, end):
    """An alarm's value for the period that ends with this minute; None where there is none."""
    if "Metrics" not in alarm:
        return series.value(alarm, alarm["Statistic"], end - alarm["Period"] // 60, end).value
    names = {
        name: series.value(stat["Metric"], stat["Stat"], end - stat["Period"] // 60, end)
        for name, stat in stats(alarm).items()
    }
    [expression] = [entry["Expression"] for entry in alarm["Metrics"] if entry.get("ReturnData", True)]
    return eval(expression, {"__builtins__": {}, "FILL": fill, "IF": choose}, names).value


def period(alarm):
    """In minutes. All of an alarm's metrics have the same one, or CloudWatch refuses it."""
    periods = {stat["Period"] for stat in stats(alarm).values()} if "Metrics" in alarm else {alarm["Period"]}
    [seconds] = periods
    return seconds // 60


def rings(alarm, series):
    """Whether the alarm rings at any minute of these."""
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold" and alarm["TreatMissingData"] == "notBreaching"
    length, needed = alarm["EvaluationPeriods"], alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])
    for now in range(1, series.length + 1):
        points = [datapoint(alarm, series, now - n * period(alarm)) for n in range(length)]
        if sum(point is not None and point > float(alarm["Threshold"]) for point in points) >= needed:
            return True
    return False
