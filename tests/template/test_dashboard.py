"""The dashboard shows everything that the stack has, and nothing that it has not."""

import json
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.template.emitted import emitted_metrics
from tests.template.reading import Json, Template, read_template

TEMPLATE = read_template()
_REFERENCE = re.compile(r"\$\{([^}]+)\}")
METRICS = {
    "AWS/ApiGateway": {"Count", "4xx", "5xx", "Latency"},
    "AWS/DynamoDB": {
        "ConsumedReadCapacityUnits",
        "ConsumedWriteCapacityUnits",
        "ReadThrottleEvents",
        "TransactionConflict",
        "WriteThrottleEvents",
    },
    "AWS/Lambda": {"ConcurrentExecutions", "Duration", "Errors", "IteratorAge", "Throttles"},
    "AWS/SQS": {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
}
"""What these services measure under the one dimension that is used here."""
DIMENSIONS = {
    "AWS/ApiGateway": ("ApiId", ("AWS::Serverless::HttpApi", "{}")),
    "AWS/DynamoDB": ("TableName", ("AWS::DynamoDB::Table", "{}")),
    "AWS/Lambda": ("FunctionName", ("AWS::Serverless::Function", "{}")),
    "AWS/SQS": ("QueueName", ("AWS::SQS::Queue", "{}.QueueName")),
}
FULL_WIDTH = 24
MOST_METRICS_OF_A_WIDGET = 500


@cache
def widgets() -> list[Json]:
    body = TEMPLATE.resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    found: list[Json] = json.loads(body)["widgets"]
    return found


def spelled_out(lines: list[Json]) -> Iterator[tuple[str, str, str, str]]:
    """Namespace, metric, dimension, value; `...` is all of the line before but the last."""
    before: list[str] = []
    for line in lines:
        fields = [each for each in line if isinstance(each, str)]
        if fields[0] == "...":
            fields = [*before[: 1 - len(fields)], *fields[1:]]
        before = fields
        namespace, metric, dimension, value = fields
        yield namespace, metric, dimension, value


def shown() -> list[tuple[str, str, str, str]]:
    return [
        metric
        for widget in widgets()
        if widget["type"] == "metric"
        for metric in spelled_out(widget["properties"]["metrics"])
    ]


def shown_values(namespace: str, metric: str) -> list[str]:
    return [value for ns, name, _, value in shown() if (ns, name) == (namespace, metric)]


def test_is_there_unless_it_is_switched_off(template: Template) -> None:
    assert template.resources["Dashboard"]["Condition"] == "HasDashboard"
    assert template.parameters["DashboardEnabled"]["Default"] == "true"


@pytest.mark.parametrize("metric", shown(), ids=" ".join)
def test_each_metric_is_measured_of_something_that_there_is(
    metric: tuple[str, str, str, str], template: Template
) -> None:
    namespace, name, dimension, value = metric
    if namespace == "PointsLedger":
        assert dimension == "service"
        assert value in {function.folder for function in template.functions}
        assert name in emitted_metrics()
        return
    assert name in METRICS[namespace]
    expected, (kind, form) = DIMENSIONS[namespace]
    assert dimension == expected
    assert value in {f"${{{form.format(logical_id)}}}" for logical_id in template.of_type(kind)}


@pytest.mark.parametrize("metric", ["Errors", "Throttles", "Duration", "ConcurrentExecutions"])
def test_every_function_is_on_it(metric: str, template: Template) -> None:
    expected = [f"${{{function.logical_id}}}" for function in template.functions]
    assert sorted(shown_values("AWS/Lambda", metric)) == sorted(expected)


def test_every_follower_of_the_stream_is_on_it(template: Template) -> None:
    followers = [each for each in template.functions if each.events_of("DynamoDB")]
    expected = [f"${{{function.logical_id}}}" for function in followers]
    assert sorted(shown_values("AWS/Lambda", "IteratorAge")) == sorted(expected)


def test_every_queue_is_on_it(template: Template) -> None:
    queues = template.of_type("AWS::SQS::Queue")
    waiting = [f"${{{name}.QueueName}}" for name in queues]
    shown_waiting = shown_values("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    assert sorted(shown_waiting) == sorted(waiting)
    worked = [f"${{{name}.QueueName}}" for name, each in queues.items() if "RedrivePolicy" in each]
    assert sorted(shown_values("AWS/SQS", "ApproximateAgeOfOldestMessage")) == sorted(worked)


def test_every_alarm_is_on_it(template: Template) -> None:
    [alarms] = [each["properties"]["alarms"] for each in widgets() if each["type"] == "alarm"]
    expected = [f"${{{name}.Arn}}" for name in template.of_type("AWS::CloudWatch::Alarm")]
    assert sorted(alarms) == sorted(expected)


def test_what_an_alarm_watches_is_on_it(template: Template) -> None:
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        [dimension] = alarm["Dimensions"]
        assert (
            alarm["Namespace"],
            alarm["MetricName"],
            dimension["Name"],
            _as_shown(dimension["Value"]),
        ) in shown(), name


def _as_shown(value: Json) -> str:
    """A value of a dimension as a text of the dashboard has it."""
    match value:
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case _:
            return str(value)


def test_names_nothing_that_the_template_has_not(template: Template) -> None:
    body = template.resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    named = {reference.partition(".")[0] for reference in _REFERENCE.findall(body)}
    assert named - set(template.resources) == {"AWS::Region"}


def test_no_two_widgets_are_in_one_place_and_none_is_too_full() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in widgets():
        across = range(widget["x"], widget["x"] + widget["width"])
        down = range(widget["y"], widget["y"] + widget["height"])
        places = {(x, y) for x in across for y in down}
        assert widget["x"] + widget["width"] <= FULL_WIDTH
        assert not places & taken
        taken |= places
        metrics = widget["properties"].get("metrics", [])
        assert len(metrics) <= MOST_METRICS_OF_A_WIDGET
