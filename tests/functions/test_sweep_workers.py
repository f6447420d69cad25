"""Crowded hours: a tick leaves their shards to the queue, and the same function works them off."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from points_ledger.runtime import bootstrap, services, sweeping
from points_ledger.service import sweep
from tests.functions import records
from tests.functions.deployed import (
    NOW,
    Context,
    Deploy,
    Deployed,
    failures,
    program,
    settled,
    sold,
)

Json = dict[str, Any]

HOLD = timedelta(hours=24)
MEMBERS = 5
PAGE = 2
DUE = "2026-09-05T12:00:00Z"


@pytest.fixture
def crowded(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """More members than a page holds, whose points are held for 24 hours, which are over."""
    monkeypatch.setattr(sweep, "PAGE_SIZE", PAGE)
    deployed = deploy(program(maturation={"hold": "PT24H"}))
    for n in range(MEMBERS):
        deployed.accrue(sold("100.00", id_=f"T-{n}", customer=f"C-{n}", at=NOW))
        deployed.mature(settled(f"T-{n}", at=NOW))
    deployed.clock.now = NOW + HOLD
    return deployed


def matured(deployed: Deployed) -> list[int]:
    """What each member has available."""
    members = (deployed.member_of(f"C-{n}") for n in range(MEMBERS))
    return [deployed.balance(member)["available"] for member in members if member is not None]


def work(deployed: Deployed, body: str, context: Context | None = None) -> list[str]:
    """Hand a message to the worker; the ids that come again."""
    event = records.batch(records.message(body, "M-1"))
    return failures(deployed.invoke("hold_release", event, context))


def test_a_tick_says_what_it_left_and_a_worker_does_it(crowded: Deployed) -> None:
    url = crowded.queue_shards()
    counts = crowded.invoke("hold_release", {"scheduled_time": DUE})
    assert counts == {"due": 0, "posted": 0, "failed": 0, "visited": 0, "queued": 1}
    [message] = crowded.queued(url)
    assert json.loads(message["Body"]) == {
        "kind": "hold_release",
        "hour": DUE,
        "shard": 0,
        "scheduled_time": DUE,
    }
    assert matured(crowded) == [0] * MEMBERS
    assert work(crowded, message["Body"]) == []
    line = crowded.printed.line()
    assert line["message"] == "shard_swept"
    assert (line["ids"]["posted"], line["ids"]["hour"]) == (MEMBERS, DUE)
    assert line["correlation_id"].endswith(DUE), "as the tick's own line"
    assert matured(crowded) == [100] * MEMBERS


def test_the_message_again_changes_nothing(crowded: Deployed) -> None:
    body = left(crowded)
    assert work(crowded, body) == work(crowded, body) == []
    assert crowded.printed.line()["ids"]["posted"] == 0
    assert matured(crowded) == [100] * MEMBERS


def left(deployed: Deployed) -> str:
    """The message that a tick sends."""
    url = deployed.queue_shards()
    deployed.invoke("hold_release", {"scheduled_time": DUE})
    [message] = deployed.queued(url)
    return str(message["Body"])


def test_out_of_time_it_comes_again_and_goes_on_where_it_stopped(crowded: Deployed) -> None:
    body = left(crowded)
    # Time is asked for before each visit: for three there is some.
    context = Context(*[60_000] * 3, 19_999)
    assert work(crowded, body, context) == ["M-1"]
    assert crowded.printed.messages == ["out_of_time"]
    assert sorted(matured(crowded)) == [0] * 2 + [100] * 3
    assert work(crowded, body) == []
    assert crowded.printed.line()["ids"]["visited"] == 2
    assert matured(crowded) == [100] * MEMBERS


def test_a_message_that_is_worked_on_is_hidden_and_out_of_time_it_comes_at_once(
    crowded: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, hidden = left(crowded), list[int]()

    def change(**asked: Any) -> None:  # noqa: ANN401 - botocore's
        hidden.append(asked["VisibilityTimeout"])

    monkeypatch.setattr(bootstrap.sqs(), "change_message_visibility", change)
    work(crowded, body, Context(60_000, 19_999))
    assert hidden == [sweeping.HIDDEN_SECONDS, sweeping.AT_ONCE]


def test_a_visit_that_fails_does_not_bring_the_message_back(crowded: Deployed) -> None:
    """The pass that closes the hour visits it again."""
    body = left(crowded)
    member_id = crowded.member_of("C-1")
    head = crowded.stored()[f"MEMBER#{member_id} ENTRY#000000000002"]
    crowded.overwrite({**head, "format": {"N": "99"}})
    assert work(crowded, body) == []
    assert crowded.printed.messages == ["failed", "shard_swept"]
    assert crowded.printed.lines[-1]["ids"]["failed"] == 1


def test_a_table_that_does_not_answer_brings_the_message_back(
    crowded: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = left(crowded)
    monkeypatch.setenv("TABLE_NAME", "elsewhere")
    services.sweeps.cache_clear()
    assert work(crowded, body) == ["M-1"]
    assert crowded.printed.messages == ["failed"]


def failing_once(
    monkeypatch: pytest.MonkeyPatch, operation: str, target: str, error: Exception
) -> None:
    """Let the first request of a kind that names a target fail."""
    client, errors = bootstrap.dynamodb(), [error]
    answer = getattr(client, operation)

    def fails(**asked: Any) -> object:  # noqa: ANN401 - botocore's
        if errors and target in str(asked):
            raise errors.pop()
        return answer(**asked)

    monkeypatch.setattr(client, operation, fails)


def test_a_target_that_dynamodb_never_takes_fails_alone(
    crowded: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = {"Code": "ValidationException", "Message": "Item size has exceeded the maximum"}
    answer = {"Error": code, "ResponseMetadata": {"HTTPStatusCode": 400}}
    error = ClientError(answer, "TransactWriteItems")  # type: ignore[arg-type]  # as far as it is read
    body = left(crowded)
    failing_once(monkeypatch, "transact_write_items", "T-1", error)
    assert work(crowded, body) == []
    assert crowded.printed.lines[-1]["ids"]["failed"] == 1
    assert matured(crowded) == [100, 0, 100, 100, 100]


def test_a_visit_of_which_an_answer_was_cut_off_is_made_again(
    crowded: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = left(crowded)
    failing_once(monkeypatch, "get_item", "T-1", ResponseParserError("cut off"))
    assert work(crowded, body) == []
    assert matured(crowded) == [100] * MEMBERS


def test_why_a_shard_is_set_aside_is_noted_at_its_last_turn(
    crowded: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = records.batch(records.message(left(crowded), "M-1"))
    monkeypatch.setattr(sweep.Sweep, "work", lambda *_: 1 / 0)
    for turn in (sweeping.TURNS - 1, sweeping.TURNS):
        assert not noted(crowded)
        event["Records"][0]["attributes"]["ApproximateReceiveCount"] = str(turn)
        crowded.invoke("hold_release", event)
    assert noted(crowded)


def noted(crowded: Deployed) -> list[str]:
    return [key for key in map(str, crowded.stored()) if "FAILURE#" in key]


def test_a_worker_may_be_behind_a_tick_that_is_ahead(
    crowded: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = left(crowded)
    monkeypatch.setenv("ALLOW_FUTURE_SCHEDULES", "false")
    crowded.clock.move(minutes=-9)
    assert work(crowded, body) == []
    assert crowded.printed.messages == ["shard_swept"]


def changed(name: str, to: object) -> Callable[[Json], Json]:
    return lambda message: {**message, name: to}


@pytest.mark.parametrize(
    "change",
    [
        changed("kind", "expiry"),
        changed("kind", ["hold_release"]),
        changed("hour", "2026-09-05T12:30:00Z"),
        changed("hour", None),
        changed("hour", "noon"),
        changed("shard", -1),
        changed("shard", 256),
        changed("shard", "0"),
        changed("shard", to=True),
        changed("scheduled_time", 5),
        changed("scheduled_time", "2199-09-05T12:05:01Z"),
        lambda _message: {},
    ],
    ids=range(12),
)
def test_what_names_no_shard_of_this_sweep_is_told_and_let_go(
    change: Callable[[Json], Json], cut_off: Deployed
) -> None:
    good = {"kind": "hold_release", "hour": DUE, "shard": 0, "scheduled_time": DUE}
    assert work(cut_off, json.dumps(change(good))) == []
    line = cut_off.printed.line()
    assert (line["message"], line["code"], line["level"]) == ("refused", "malformed", "ERROR")


@pytest.mark.parametrize("body", ["", "[]", "{", "null", '"hold_release"'])
def test_what_is_no_message_is_let_go(body: str, cut_off: Deployed) -> None:
    assert work(cut_off, body) == []
    assert cut_off.printed.line()["code"] == "malformed"


def test_the_age_of_the_first_open_hour_is_measured(crowded: Deployed) -> None:
    left(crowded)
    ages = []
    for hours in (0, 2, 5):
        crowded.clock.now = NOW + HOLD + timedelta(hours=hours)
        crowded.invoke("hold_release", {})
        [measured] = [each for each in crowded.printed.metrics if sweeping.AGE_METRIC in each]
        ages.append(measured[sweeping.AGE_METRIC])
    # Nobody works on the shard: the hour that it belongs to stays open.
    assert ages == [[3_600.0], [7_200.0], [18_000.0]]


def test_the_age_of_a_sweep_that_is_not_behind_is_an_hour_or_two(deployed: Deployed) -> None:
    for minutes in (0, 59, 180):
        deployed.clock.now = NOW + timedelta(minutes=minutes)
        deployed.invoke("expiry", {})
        [measured] = [each for each in deployed.printed.metrics if sweeping.AGE_METRIC in each]
        [age] = measured[sweeping.AGE_METRIC]
        assert 3_600 <= age < 7_200
