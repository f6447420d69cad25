"""Every alarm is for a person, who is told what to do by docs/operations.md."""

import re
from functools import cache

import pytest

from tests.template.emitted import emitted_metrics
from tests.template.reading import ROOT, Json, Template, listed, read_template

ALARMS = read_template().of_type("AWS::CloudWatch::Alarm")
PARTS = ("**Means**", "**Look at**", "**Do**")
TOLD = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
LONGEST_SECONDS = 7 * 24 * 60 * 60
"""An alarm looks back for no longer than a week, and only by the hour that far."""

each_alarm = pytest.mark.parametrize("name", ALARMS)


@cache
def pages() -> dict[str, str]:
    """What docs/operations.md says under the headings that name alarms."""
    text = (ROOT / "docs" / "operations.md").read_text()
    found: dict[str, str] = {}
    for heading, page in re.findall(r"^### (.+)\n((?:(?!^#).*\n?)*)", text, re.MULTILINE):
        for name in re.findall(r"`(\w+Alarm)`", heading):
            assert name not in found, f"{name} has two pages"
            found[name] = page
    return found


def test_every_alarm_has_a_page_and_every_page_an_alarm() -> None:
    assert set(pages()) == set(ALARMS)


@each_alarm
def test_its_page_says_what_it_means_where_to_look_and_what_to_do(name: str) -> None:
    assert all(part in pages()[name] for part in PARTS)


@each_alarm
def test_tells_somebody_where_a_topic_is_named(name: str) -> None:
    alarm = ALARMS[name]
    # What would not come at all is told as missing data, and would otherwise cry from a new stack.
    tells = "InsufficientDataActions" if alarm["TreatMissingData"] == "missing" else "AlarmActions"
    assert alarm[tells] == TOLD
    assert {"AlarmActions", "InsufficientDataActions"} & alarm.keys() == {tells}


@each_alarm
def test_no_data_is_no_alarm(name: str) -> None:
    assert ALARMS[name]["TreatMissingData"] in ("notBreaching", "missing")


@each_alarm
def test_looks_back_no_longer_than_it_can(name: str) -> None:
    alarm = ALARMS[name]
    seconds = alarm["Period"] * alarm["EvaluationPeriods"]
    assert seconds <= LONGEST_SECONDS
    assert seconds <= 86_400 or alarm["Period"] >= 3_600


@each_alarm
def test_what_it_watches_is_counted_by_a_function_of_the_template(
    name: str, template: Template
) -> None:
    alarm = ALARMS[name]
    if alarm["Namespace"] != "PointsLedger":
        assert all(_logical_id(each["Value"]) in template.resources for each in alarm["Dimensions"])
        return
    assert alarm["MetricName"] in emitted_metrics()
    services = {each["Value"] for each in alarm["Dimensions"] if each["Name"] == "service"}
    assert services <= {function.folder for function in template.functions}
    assert services


def test_a_changed_entry_is_an_alarm() -> None:
    alarm = ALARMS["EntryChangedAlarm"]
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "ledger_events"}]
    assert (alarm["MetricName"], alarm["Threshold"]) == ("inconsistent", 0)


def test_every_queue_of_last_resort_is_explained(template: Template) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    for name, queue in template.of_type("AWS::SQS::Queue").items():
        if "RedrivePolicy" not in queue:
            words = re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("Queue")).lower()
            assert f"`{words}`" in text


def _logical_id(value: Json) -> str:
    """Return what `!Ref` or `!GetAtt` names."""
    [named] = value.values()
    return str(listed(named)[0])
