"""Following the logs of the local stack: in order, each line once, readable, ended by ctrl-C."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from local.tail import MAX_LINE_CHARACTERS, OVERLAP_MILLISECONDS, Tail, Wanted, line_of

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
AT = 1_788_523_200_000
"""2026-09-04T12:00:00Z"""
ALL = Wanted()


def posted(correlation_id: str = "request-1", **more: object) -> str:
    line = {"level": "INFO", "message": "posted", "correlation_id": correlation_id, **more}
    return json.dumps(line)


@dataclass
class Logs:
    """Stands for CloudWatch Logs: lines by group, a page of two at a time."""

    lines: dict[str, list[Json]] = field(default_factory=dict)
    asked: list[Json] = field(default_factory=list)

    def write(self, function: str, at: int, message: str, stream: str = "s") -> None:
        event = {"timestamp": at, "message": message, "logStreamName": stream}
        self.lines.setdefault(f"/stack/{function}", []).append(event)

    def get_paginator(self, operation: str) -> "Pages":
        return Pages(self, operation)


@dataclass
class Pages:
    logs: Logs
    operation: str

    def paginate(self, **asked: Any) -> Iterator[Json]:  # noqa: ANN401 - as botocore has it
        if self.operation == "describe_log_groups":
            names = [
                name for name in self.logs.lines if name.startswith(asked["logGroupNamePrefix"])
            ]
            yield {"logGroups": [{"logGroupName": name} for name in names]}
            return
        self.logs.asked.append(asked)
        events = self.logs.lines[asked["logGroupName"]]
        found = [each for each in events if each["timestamp"] >= asked["startTime"]]
        for first in range(0, len(found), 2):
            yield {"events": found[first : first + 2]}


def tail(logs: Logs, wanted: Wanted = ALL) -> Tail:
    return Tail(logs=cast("Any", logs), prefix="/stack/", wanted=wanted, since_milliseconds=AT)


def test_lines_of_all_functions_come_in_the_order_of_their_times() -> None:
    logs = Logs()
    logs.write("maturation", AT + 3, posted())
    logs.write("accrual", AT + 1, posted())
    logs.write("accrual", AT + 5, posted())
    logs.write("webhooks", AT, posted())
    functions = [line.split()[1] for line in tail(logs).look()]
    assert functions == ["webhooks", "accrual", "maturation", "accrual"]


def test_each_line_comes_once_however_often_and_late_it_is_seen() -> None:
    logs = Logs()
    logs.write("accrual", AT, posted("a"))
    following = tail(logs)
    assert len(list(following.look())) == 1
    logs.write("accrual", AT + 2 * OVERLAP_MILLISECONDS, posted("b"))
    assert ["b" in line for line in following.look()] == [True]
    # Written before the newest, and seen after it.
    logs.write("accrual", AT + OVERLAP_MILLISECONDS + 1, posted("c"))
    assert ["c" in line for line in following.look()] == [True]
    assert list(following.look()) == []
    assert logs.asked[-1]["startTime"] == AT + OVERLAP_MILLISECONDS


def test_it_ends_when_there_is_nothing_to_wait_for() -> None:
    logs = Logs()
    logs.write("accrual", AT, posted())
    left = [True, False]
    assert len(list(tail(logs).follow(lambda: left.pop(0)))) == 1
    assert len(logs.asked) == 2


def test_one_function_is_looked_at_alone() -> None:
    logs = Logs()
    logs.write("accrual", AT, posted())
    logs.write("maturation", AT, posted())
    [line] = tail(logs, Wanted(function="maturation")).look()
    assert line.split()[1] == "maturation"
    assert [each["logGroupName"] for each in logs.asked] == ["/stack/maturation"]


def test_one_request_is_shown_alone() -> None:
    logs = Logs()
    logs.write("accrual", AT, posted("request-1"))
    logs.write("accrual", AT, posted("request-2"))
    logs.write("accrual", AT, "Traceback (most recent call last):")
    [line] = tail(logs, Wanted(correlation="request-2")).look()
    assert "correlation_id=request-2" in line


def test_a_line_says_when_where_what_and_of_which() -> None:
    message = posted(ids={"fact": "purchase.posted", "entries": 2}, code="late")
    assert line_of(AT + 7, "accrual", message, ALL) == (
        "12:00:00.007 accrual             - posted code=late correlation_id=request-1 "
        "fact=purchase.posted entries=2"
    )


def test_a_failure_says_what_failed() -> None:
    failure = {"type": "ClientError", "aws_code": "ThrottlingException"}
    message = json.dumps({"level": "ERROR", "message": "failed", "failure": failure})
    line = line_of(AT, "accrual", message, ALL)
    assert line is not None
    assert "ERROR failed" in line
    assert "ThrottlingException" in line


@pytest.mark.parametrize(
    "message",
    [
        "START RequestId: 1 Version: $LATEST",
        "END RequestId: 1",
        "REPORT RequestId: 1 Duration: 2 ms",
        json.dumps({"_aws": {"Timestamp": 1}, "posted": [1.0]}),
        "\n",
    ],
)
def test_what_no_person_reads_is_left_out(message: str) -> None:
    assert line_of(AT, "accrual", message, ALL) is None


def test_what_is_no_line_of_ours_is_shown_as_it_is() -> None:
    line = line_of(AT, "accrual", "[ERROR] Runtime.ImportModuleError\n", ALL)
    assert line is not None
    assert line.endswith("[ERROR] Runtime.ImportModuleError")


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", "a\rb", "\u202e"])
def test_nothing_leaves_its_line_or_steers_the_terminal(text: str) -> None:
    for message in (posted(text, ids={"x": text, text: "y"}), text + "x", posted(failure=text)):
        line = line_of(AT, "accrual", message, ALL)
        assert line is not None
        assert line.isprintable()


def test_a_line_is_bounded() -> None:
    line = line_of(AT, "accrual", posted("x" * 100_000), ALL)
    assert line is not None
    assert len(line) == MAX_LINE_CHARACTERS


ENDLESS = """
import itertools, signal, sys, time
from local import __main__, stack
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs the tests may ignore it
def endless(home, wanted):
    for number in itertools.count():
        yield str(number)
        time.sleep(60)
stack.tail = endless
sys.exit(__main__.main(["tail"]))
"""


def test_control_c_ends_it_without_a_word() -> None:
    with subprocess.Popen(  # noqa: S603 - a command of our own
        [sys.executable, "-c", ENDLESS],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
