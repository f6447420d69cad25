"""Queues: nothing that fails is lost, and somebody is told."""

import json
import re

import pytest

from points_ledger.runtime.batch import MAX_RECEIVES
from tests.template.reading import Json, Template, attribute_of, read_template

TEMPLATE = read_template()
QUEUES = TEMPLATE.of_type("AWS::SQS::Queue")
WORK_QUEUES = {name: queue for name, queue in QUEUES.items() if "RedrivePolicy" in queue}
LAST_RESORTS = {name: queue for name, queue in QUEUES.items() if name not in WORK_QUEUES}
FOURTEEN_DAYS_SECONDS = 14 * 24 * 60 * 60


def alarms_on(metric: str) -> dict[str, Json]:
    return {
        attribute_of(alarm["Dimensions"][0]["Value"]): alarm
        for alarm in TEMPLATE.of_type("AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == metric and alarm["Namespace"] == "AWS/SQS"
    }


def test_every_queue_has_dead_letters_or_is_a_last_resort() -> None:
    targets = {
        attribute_of(queue["RedrivePolicy"]["deadLetterTargetArn"])
        for queue in WORK_QUEUES.values()
    }
    assert len(targets) == len(WORK_QUEUES)
    assert targets <= set(LAST_RESORTS)
    assert all(name.endswith(("DeadLettersQueue", "FailuresQueue")) for name in LAST_RESORTS)


@pytest.mark.parametrize("name", QUEUES)
def test_is_encrypted_and_keeps_messages_for_two_weeks(name: str) -> None:
    assert QUEUES[name]["SqsManagedSseEnabled"] is True
    assert QUEUES[name]["MessageRetentionPeriod"] == FOURTEEN_DAYS_SECONDS


@pytest.mark.parametrize("name", WORK_QUEUES)
def test_work_that_waits_too_long_raises_an_alarm(name: str) -> None:
    assert alarms_on("ApproximateAgeOfOldestMessage")[name]["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize("name", LAST_RESORTS)
def test_a_failed_message_raises_an_alarm(name: str) -> None:
    assert alarms_on("ApproximateNumberOfMessagesVisible")[name]["Threshold"] == 0


@pytest.mark.parametrize("name", WORK_QUEUES)
def test_has_one_consumer_without_a_filter(name: str) -> None:
    consumers = [
        event
        for function in TEMPLATE.functions
        for event in function.events_of("SQS")
        if attribute_of(event["Queue"]) == name
    ]
    assert len(consumers) == 1
    assert "FilterCriteria" not in consumers[0]


def test_a_message_stays_hidden_for_six_times_the_time_a_worker_has(template: Template) -> None:
    workers = [function for function in template.functions if function.events_of("SQS")]
    visibility_seconds = template.parameters["QueueVisibilitySeconds"]["Default"]
    assert {6 * worker.properties["Timeout"] for worker in workers} == {visibility_seconds}
    assert all(
        queue["VisibilityTimeout"] == {"Ref": "QueueVisibilitySeconds"}
        for queue in WORK_QUEUES.values()
    )


def in_words(logical_id: str) -> str:
    """`EarningEventsDeadLettersQueue` as `earning_events_dead_letters`, as in stack.json."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", logical_id.removesuffix("Queue")).lower()


def last_resorts_shown() -> dict[str, tuple[str, str, str]]:
    [operations] = (each for each in TEMPLATE.functions if each.folder == "operations")
    written: dict[str, tuple[str, str, str]] = json.loads(
        operations.environment["LAST_RESORTS"]["Fn::Sub"]
    )
    return written


def test_every_last_resort_is_shown_and_tried_again_where_it_came_from() -> None:
    expected = {in_words(name): f"${{{name}.QueueName}}" for name in LAST_RESORTS}
    shown = last_resorts_shown()
    assert {name: queue for name, (queue, _, _) in shown.items()} == expected
    sources = {
        in_words(attribute_of(queue["RedrivePolicy"]["deadLetterTargetArn"])): (
            "queue",
            f"${{{name}.QueueName}}",
        )
        for name, queue in WORK_QUEUES.items()
    }
    tried_again = {name: (kind, target) for name, (_, kind, target) in shown.items()}
    assert {name: tried_again[name] for name in sources} == sources


def test_failures_of_a_function_are_tried_again_by_that_function() -> None:
    shown = last_resorts_shown()
    for function in TEMPLATE.functions:
        destination = function.properties.get("EventInvokeConfig", {}).get("DestinationConfig")
        if destination is not None:
            name = in_words(attribute_of(destination["OnFailure"]["Destination"]))
            assert list(shown[name][1:]) == ["function", f"${{{function.logical_id}}}"]
            assert f"${{{function.logical_id}}}" in shown["schedule_dead_letters"][2]
        for source in function.events_of("DynamoDB"):
            name = in_words(attribute_of(source["DestinationConfig"]["OnFailure"]["Destination"]))
            assert shown[name][1] == "stream"


def test_dead_letters_may_be_received_removed_and_sent_where_they_are_tried_again() -> None:
    [operations] = (each for each in TEMPLATE.functions if each.folder == "operations")

    def allowed(action: str) -> set[str]:
        return {
            attribute_of(resource)
            for statement in TEMPLATE.grants(operations, action)
            for resource in statement["Resource"]
        }

    for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
        assert allowed(f"sqs:{action}") == set(LAST_RESORTS)
    assert allowed("sqs:SendMessage") == set(WORK_QUEUES)
    scheduled = {each.logical_id for each in TEMPLATE.functions if each.events_of("ScheduleV2")}
    assert allowed("lambda:InvokeFunction") == scheduled


def test_workers_know_which_delivery_is_the_last() -> None:
    for name in ("EarningEventsQueue", "PaymentEventsQueue"):
        assert WORK_QUEUES[name]["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVES
