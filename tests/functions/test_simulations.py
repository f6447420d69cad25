"""program and simulations: a backtest is asked for, worked off by the queue, and shown."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from points_ledger.adapters.sqs import SimulationMessages
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.domain.identity import SimulationId
from points_ledger.runtime import bootstrap, services
from points_ledger.service import backtest_job
from points_ledger.service.backtest_job import MAX_ATTEMPTS
from tests.functions import records
from tests.functions.deployed import SALE, Answer, Context, Deployed, failures, program, sold
from tests.functions.gateway import ADMIN

Json = dict[str, Any]

ROUTE = "POST /program/simulations"
PERIOD = {"from": "2026-09-01", "to": "2026-10-01"}


def doubled() -> Json:
    document = program()
    for rule in document["earning_rules"]:
        rule["points"] *= 2
    return document


def asked(deployed: Deployed, body: object, *, key: str | None = None) -> Answer:
    return deployed.ask(ROUTE, ADMIN, body=body, key=key)


@pytest.fixture
def queue(deployed: Deployed) -> str:
    return deployed.queue_simulations()


def started(deployed: Deployed, draft: Json) -> str:
    answer = asked(deployed, {"program": draft, **PERIOD})
    assert answer.status == 202, answer.body
    return str(answer.body["simulation_id"])


def shown(deployed: Deployed, simulation_id: str) -> Json:
    path = {"simulation_id": simulation_id}
    answer = deployed.ask("GET /program/simulations/{simulation_id}", ADMIN, path=path)
    assert answer.status == 200, answer.body
    return answer.body


def worked(deployed: Deployed, url: str, *, milliseconds: int = 120_000) -> list[str]:
    """Hand the messages of the queue to the worker; the ids of those that come again."""
    received: Any = bootstrap.sqs().receive_message(
        QueueUrl=url, MaxNumberOfMessages=1, MessageAttributeNames=["All"]
    )
    batch = [
        {**records.message(each["Body"], each["MessageId"]), "receiptHandle": each["ReceiptHandle"]}
        for each in received.get("Messages", [])
    ]
    assert batch, "there is nothing to work on"
    event = records.batch(*batch)
    again = failures(deployed.invoke("simulations", event, Context(milliseconds)))
    for each in received["Messages"]:
        if each["MessageId"] not in again:
            bootstrap.sqs().delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return again


def test_the_program_in_force_gives_what_was_given(deployed: Deployed, queue: str) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 100)
    simulation_id = started(deployed, program())
    assert shown(deployed, simulation_id)["status"] == "running"
    assert worked(deployed, queue) == []
    simulation = shown(deployed, simulation_id)
    assert (simulation["status"], simulation["progress"]) == ("done", 1)
    result = simulation["result"]
    assert result["points_issued"] == {"actual": 100, "draft": 100}
    assert result["cost"] == {"actual": "1.00", "draft": "1.00", "currency": "USD"}
    assert result["liability"] == {
        "actual": 100,
        "draft": 100,
        "amount": {"actual": "1.00", "draft": "1.00", "currency": "USD"},
    }
    assert result["by_rule"] == [{"id": "retail", "actual": 100, "draft": 100}]
    assert (result["tier_moves"], result["gainers"], result["losers"]) == ([], [], [])
    assert member_id


def test_a_draft_of_doubled_points_costs_twice_as_much(deployed: Deployed, queue: str) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 100)
    simulation_id = started(deployed, doubled())
    assert worked(deployed, queue) == []
    result = shown(deployed, simulation_id)["result"]
    assert result["points_issued"] == {"actual": 100, "draft": 200}
    assert result["cost"]["draft"] == "2.00"
    assert result["gainers"] == [
        {"member_id": member_id, "actual": 100, "draft": 200, "points": 100}
    ]
    assert (result["members_gaining"], result["members_losing"]) == (1, 0)


def test_a_tier_that_the_draft_gives_is_a_move(deployed: Deployed, queue: str) -> None:
    deployed.enrol("C-1")
    deployed.give("C-1", 100)
    draft = program(tiers=[{"id": "bronze", "points": 50}])
    simulation_id = started(deployed, draft)
    assert worked(deployed, queue) == []
    moves = shown(deployed, simulation_id)["result"]["tier_moves"]
    assert moves == [{"from": None, "to": "bronze", "members": 1}]


def test_bounds_are_days_of_the_programs_zone_or_instants(deployed: Deployed, queue: str) -> None:
    body = {"program": program(), "from": "2026-09-01", "to": "2026-09-03T15:00:00+02:00"}
    simulation_id = asked(deployed, body).body["simulation_id"]
    simulation = shown(deployed, simulation_id)
    assert simulation["from"] == "2026-09-01T05:00:00Z"
    assert simulation["to"] == "2026-09-03T13:00:00Z"
    assert queue


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"from": "2026-10-01"}, ["to"]),
        ({"from": "2026-11-01"}, ["to"]),
        ({"from": "yesterday", "to": 7}, ["from", "to"]),
        ({"from": "2026-09-01T00:00:00"}, ["from"]),
        ({"from": "2026-13-01"}, ["from"]),
        ({"period": "september"}, ["period"]),
        ({"program": []}, ["program"]),
        ({"program": None}, ["program"]),
    ],
)
def test_what_is_wrong_is_named(
    change: Json, fields: list[str], deployed: Deployed, queue: str
) -> None:
    answer = asked(deployed, {"program": program(), **PERIOD, **change})
    assert answer.fields == fields
    assert deployed.queued(queue) == []


def test_all_that_is_wrong_is_named_at_once(deployed: Deployed, queue: str) -> None:
    draft = program()
    draft["earning_rules"][0]["points"] = -1
    draft["campaigns"][0]["multiplier"] = "1000000000"
    answer = asked(deployed, {"program": draft, "to": "then", "note": "?"})
    assert answer.fields == [
        "note", "from", "to", "earning_rules.0.points", "campaigns.0.multiplier"
    ]  # fmt: skip
    assert asked(deployed, []).fields == ["body"]
    assert asked(deployed, {}).fields == ["program", "from", "to"]
    assert queue


def test_a_draft_in_another_currency_is_refused(deployed: Deployed, queue: str) -> None:
    answer = asked(deployed, {"program": program(currency="EUR"), **PERIOD})
    assert answer.fields == ["currency"]
    assert deployed.queued(queue) == []


def test_the_same_key_is_the_same_backtest(deployed: Deployed, queue: str) -> None:
    body = {"program": program(), **PERIOD}
    first, again = (asked(deployed, body, key="key-1") for _ in range(2))
    assert again.body == first.body
    assert again.headers["idempotency-replayed"] == "true"
    other = asked(deployed, {**body, "to": "2026-11-01"}, key="key-1")
    assert other.refusal == (422, "idempotency_key_reused")
    assert queue


def test_an_unknown_backtest_is_not_found(deployed: Deployed) -> None:
    path = {"simulation_id": "sim_never"}
    answer = deployed.ask("GET /program/simulations/{simulation_id}", ADMIN, path=path)
    assert answer.refusal == (404, "not_found")


def test_a_backtest_that_runs_out_of_time_comes_again_at_once(
    deployed: Deployed, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtest_job, "PAGE_MEMBERS", 1)
    monkeypatch.setattr(backtest_job, "LISTED_MEMBERS", 1)
    for number in range(4):
        deployed.accrue(sold("10.00", id_=f"T-{number}", customer=f"C-{number}", at=SALE))
    simulation_id = started(deployed, doubled())
    turns = 0
    while worked(deployed, queue, milliseconds=20_000):
        assert deployed.printed.messages == ["out_of_time"]
        turns += 1
        assert turns <= MAX_ATTEMPTS
    # No page was ever begun in such short turns, so the backtest has given itself up.
    assert (turns, deployed.printed.messages) == (MAX_ATTEMPTS, ["failed"])
    simulation = shown(deployed, simulation_id)
    assert (simulation["status"], simulation["reason"]) == ("failed", "interrupted")
    assert simulation["result"] is None


def test_a_worker_that_fails_lets_the_message_come_again(
    deployed: Deployed, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation_id = started(deployed, program())

    def broken(*_: object, **__: object) -> None:
        raise BrokenInvariantError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr(services.backtest_job().__class__, "run", broken)
        assert len(worked(deployed, queue)) == 1
    assert shown(deployed, simulation_id)["status"] == "running"


def test_a_queue_that_refuses_to_hide_a_message_stops_nothing(
    deployed: Deployed, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation_id = started(deployed, program())

    def refuse(*_: object, **__: object) -> None:
        raise ClientError({"Error": {"Code": "ReceiptHandleIsInvalid"}}, "ChangeMessageVisibility")

    monkeypatch.setattr(SimulationMessages, "hide", refuse)
    assert worked(deployed, queue) == []
    assert shown(deployed, simulation_id)["status"] == "done"


@pytest.mark.parametrize("body", ["{", "[]", '{"simulation_id": 7}', '{"simulation_id": ""}'])
def test_what_names_no_backtest_is_logged_and_gone(body: str, deployed: Deployed) -> None:
    deployed.queue_simulations()
    event = records.batch(records.message(body, "message-1"))
    assert failures(deployed.invoke("simulations", event)) == []
    assert deployed.printed.line()["code"] == "malformed"


def test_a_message_names_one_backtest_and_the_request(deployed: Deployed, queue: str) -> None:
    simulation_id = started(deployed, program())
    [message] = deployed.queued(queue)
    assert json.loads(message["Body"]) == {"simulation_id": simulation_id}
    assert message["MessageAttributes"]["correlation_id"]["StringValue"]
    assert SimulationId(simulation_id).startswith("sim_")
