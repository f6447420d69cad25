"""Queues: nothing that fails is lost, and somebody is told."""

import pytest

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
        if alarm["MetricName"] == metric
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
