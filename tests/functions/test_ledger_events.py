"""ledger_events: what the table's stream tells the event bus, and what it wakes."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from botocore.stub import Stubber

from points_ledger.adapters.eventbridge import PublishFailedError
from points_ledger.adapters.sqs import MAX_FACTS
from points_ledger.domain.fact import Payment, PaymentReceived, PurchaseRefunded, Refund
from points_ledger.domain.identity import EarningKey, ExternalId, PaymentKey
from points_ledger.runtime import bootstrap, services
from tests.functions import records
from tests.functions.deployed import (
    SALE,
    Deploy,
    Deployed,
    named_in,
    program,
    settled,
    sold,
    ticket,
)
from tests.functions.gateway import ADMIN

Json = dict[str, Any]


@pytest.fixture
def listening(deploy: Deploy) -> Deployed:
    deployed = deploy(None)
    deployed.listen()
    deployed.load(program())
    return deployed


def follow(deployed: Deployed, *given: Json) -> list[Json]:
    """Hand records to the function; the events that it published."""
    deployed.invoke("ledger_events", {"Records": list(given)})
    return deployed.published()


def of_item(deployed: Deployed, prefix: str, place: str = "") -> list[Json]:
    """The records of the stream that are about items of a kind."""
    return [
        record
        for record in deployed.streamed()
        if record["dynamodb"]["Keys"]["PK"]["S"].startswith(prefix)
        and record["dynamodb"]["Keys"]["SK"]["S"].startswith(place)
    ]


def entries(deployed: Deployed) -> list[Json]:
    return of_item(deployed, "MEMBER#")


# --- Entries --------------------------------------------------------------------------------


def enrols(deployed: Deployed) -> None:
    deployed.enrol("C-1")


def accrues(deployed: Deployed) -> None:
    deployed.accrue(sold("100.00"))


def matures(deployed: Deployed) -> None:
    deployed.give("C-1", 100)


def refunds(deployed: Deployed) -> None:
    accrues(deployed)
    refund = Refund(id="R-1", at=SALE, amount=Decimal("30.00"))
    deployed.accrue(PurchaseRefunded(purchase=ticket("T-1"), refund=refund))


def redeems(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 100)
    deployed.ask("POST /redemptions", body={"member_id": member_id, "points": 70}, key="k")


def expires(deployed: Deployed) -> None:
    matures(deployed)
    deployed.clock.move(days=1_000)
    deployed.invoke("expiry", {})


def lapses(deployed: Deployed) -> None:
    accrues(deployed)
    deployed.clock.move(days=200)
    deployed.invoke("hold_release", {})


@pytest.mark.parametrize(
    ("happens", "name", "points"),
    [
        (enrols, "MemberEnrolled", 0),
        (accrues, "PointsAccrued", 100),
        (matures, "PointsMatured", 100),
        (refunds, "PointsReversed", 30),
        (redeems, "PointsRedeemed", 70),
        (expires, "PointsExpired", 100),
        (lapses, "PointsLapsed", 100),
    ],
)
def test_an_entry_is_told_by_the_event_of_its_type(
    happens: Callable[[Deployed], None], name: str, points: int, listening: Deployed
) -> None:
    happens(listening)
    [event] = follow(listening, entries(listening)[-1])
    assert (event["source"], event["detail-type"]) == ("points-ledger", name)
    assert event["detail"]["points"] == points


def test_what_waits_for_a_second_person_is_told(listening: Deployed) -> None:
    member_id = listening.enrol("C-1")
    body = {"member_id": member_id, "points": -5, "reason": "she asked Dana for it"}
    asked = listening.ask("POST /adjustments", body=body, key="k").body
    [inserted] = of_item(listening, "APPROVAL#")
    for _ in range(2):
        [event] = follow(listening, inserted)
        assert event["detail-type"] == "ApprovalRequested"
        assert event["detail"] == {
            "id": asked["approval_id"],
            "approval_id": asked["approval_id"],
            "kind": "adjustment",
            "member_id": member_id,
            "points": -5,
            "correlation_id": "request-1",
        }
    path = {"approval_id": asked["approval_id"]}
    decided = listening.ask("POST /approvals/{approval_id}/approve", ADMIN, path=path, key="k")
    assert decided.status == 200
    [_, changed] = of_item(listening, "APPROVAL#")
    assert follow(listening, changed) == []


def test_an_event_carries_the_entry_as_the_interface_shows_it(listening: Deployed) -> None:
    member_id = listening.enrol("C-1")
    listening.give("C-1", 100)
    [event] = follow(listening, entries(listening)[-1])
    assert event["detail"] == {
        "id": f"{member_id}#3",
        "member_id": member_id,
        "points": 100,
        "entry": listening.entries(member_id)[-1],
        "correlation_id": "request-1",
    }


def test_every_entry_is_told_once_and_in_order(listening: Deployed) -> None:
    listening.give("C-1", 100)
    events = follow(listening, *listening.streamed())
    told = [(event["detail-type"], event["detail"]["entry"]["entry"]) for event in events]
    assert told == [("MemberEnrolled", 1), ("PointsAccrued", 2), ("PointsMatured", 3)]


def test_records_told_again_have_the_same_ids(listening: Deployed) -> None:
    listening.give("C-1", 100)
    given = listening.streamed()
    first, again = follow(listening, *given), follow(listening, *given)
    assert [event["detail"] for event in again] == [event["detail"] for event in first]
    assert len({event["detail"]["id"] for event in first}) == len(first) > 0


def test_more_entries_than_one_request_takes_are_all_told(listening: Deployed) -> None:
    listening.accrue(*(sold("1.00", id_=f"T-{n}") for n in range(12)))
    assert len(follow(listening, *entries(listening))) == 13


def test_nobody_is_named_in_an_event(listening: Deployed) -> None:
    listening.enrol("C-1", organisation="Reyes & Holt")
    events = json.dumps(follow(listening, *listening.streamed()))
    assert named_in(events, ("Dana", "dana@", "555 0142")) == []


# --- What may not happen --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["MODIFY", "REMOVE"])
def test_an_entry_that_changes_or_vanishes_is_an_alarm(kind: str, listening: Deployed) -> None:
    member_id = listening.enrol("C-1")
    [record] = entries(listening)
    [event] = follow(listening, records.change(record, kind))
    assert event["detail-type"] == "LedgerInconsistent"
    assert event["detail"] == {
        "id": f"{member_id}#1#{kind}",
        "member_id": member_id,
        "entry": 1,
        "change": kind,
    }


def test_an_alarm_has_an_error_line_of_its_own(listening: Deployed) -> None:
    listening.enrol("C-1")
    [record] = entries(listening)
    follow(listening, records.change(record, "REMOVE"))
    told = [(line["level"], line["message"]) for line in listening.printed.lines]
    assert told == [("ERROR", "inconsistent"), ("INFO", "published"), ("INFO", "followed")]


@pytest.mark.parametrize("kind", ["INSERT", "MODIFY", "REMOVE"])
def test_nothing_but_entries_is_told(kind: str, listening: Deployed) -> None:
    redeems(listening)
    others = [
        record
        for record in listening.streamed()
        if not record["dynamodb"]["Keys"]["PK"]["S"].startswith("MEMBER#")
        and record["eventName"] == "INSERT"
    ]
    kinds = {record["dynamodb"]["Keys"]["PK"]["S"].partition("#")[0] for record in others}
    assert kinds >= {"PROGRAM", "EARNING", "EXTERNAL", "PROFILE", "REDEMPTION", "REQUEST", "DUE"}
    given = others if kind == "INSERT" else [records.change(each, kind) for each in others]
    assert (follow(listening, *given), listening.woken()) == ([], [])


# --- What waits is woken --------------------------------------------------------------------


def manual(deploy: Deploy, lookback_days: int) -> Deployed:
    deployed = deploy(program(enrolment="manual", enrolment_lookback_days=lookback_days))
    deployed.listen()
    return deployed


def wake(deployed: Deployed, prefix: str, place: str) -> None:
    """Follow the link that has just been stored, and hand on what that queues."""
    follow(deployed, *of_item(deployed, prefix, place))
    woken = deployed.woken()
    assert woken
    assert deployed.accrue(*woken) == []


def test_enrolling_a_customer_wakes_the_purchases_that_waited(deploy: Deploy) -> None:
    deployed = manual(deploy, lookback_days=30)
    deployed.accrue(sold("100.00", id_="T-1"), sold("20.00", id_="T-2"))
    deployed.mature(settled("T-1"))
    member_id = deployed.enrol("C-1")
    wake(deployed, "EXTERNAL#", "EXTERNAL")
    balance = deployed.balance(member_id)
    assert (balance["available"], balance["pending"]) == (100, 20)


def test_purchases_before_the_lookback_earn_nothing(deploy: Deploy) -> None:
    deployed = manual(deploy, lookback_days=1)
    deployed.accrue(sold("100.00"))
    member_id = deployed.enrol("C-1")
    wake(deployed, "EXTERNAL#", "EXTERNAL")
    assert deployed.balance(member_id)["lifetime"]["earned"] == 0


def test_waking_twice_earns_once(deploy: Deploy) -> None:
    deployed = manual(deploy, lookback_days=30)
    deployed.accrue(sold("100.00"))
    member_id = deployed.enrol("C-1")
    wake(deployed, "EXTERNAL#", "EXTERNAL")
    wake(deployed, "EXTERNAL#", "EXTERNAL")
    assert deployed.balance(member_id)["pending"] == 100


def test_a_payment_wakes_the_refund_that_named_only_it(listening: Deployed) -> None:
    member_id = listening.enrol("C-1")
    charge = PaymentKey(source="pos", id="charge-1")
    refund = Refund(id="R-1", at=SALE, amount=Decimal("40.00"))
    listening.accrue(sold("100.00"), PurchaseRefunded(payment=charge, refund=refund))
    assert listening.printed.messages == ["posted", "parked"]
    paid = Payment(id="P-1", amount=Decimal("100.00"), at=SALE)
    listening.mature(PaymentReceived(purchase=ticket("T-1"), payment=paid, references=(charge,)))
    wake(listening, "PAYMENT#", "PAYMENT")
    assert listening.balance(member_id)["available"] == 60


def test_a_link_that_nothing_waited_for_wakes_nothing(listening: Deployed) -> None:
    listening.enrol("C-1")
    follow(listening, *of_item(listening, "EXTERNAL#"))
    assert listening.woken() == []


def test_all_are_woken_however_many_waited(
    listening: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening.enrol("C-1")

    class Crowded:
        def waiting(self, _: ExternalId) -> list[EarningKey]:
            return [ticket(f"T-{number}") for number in range(MAX_FACTS + 1)]

    monkeypatch.setattr(services, "reader", Crowded)
    follow(listening, *of_item(listening, "EXTERNAL#", "EXTERNAL"))
    assert listening.printed.line()["ids"]["woken"] == MAX_FACTS + 1


def test_what_is_woken_names_the_stream_as_its_actor(deploy: Deploy) -> None:
    deployed = manual(deploy, lookback_days=30)
    deployed.accrue(sold("100.00"))
    deployed.enrol("C-1")
    follow(deployed, *of_item(deployed, "EXTERNAL#", "EXTERNAL"))
    [message] = deployed.queued(deployed.earning_queue_url)
    assert message["MessageAttributes"]["actor"]["StringValue"] == "stream:ledger_events"


# --- Failures -------------------------------------------------------------------------------


def test_an_event_that_the_bus_does_not_take_brings_the_batch_again(listening: Deployed) -> None:
    listening.enrol("C-1")
    refused: Json = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}
    given = entries(listening)
    with Stubber(bootstrap.events()) as bus:
        bus.add_response("put_events", refused)
        with pytest.raises(PublishFailedError):
            listening.invoke("ledger_events", {"Records": given})
    assert listening.printed.line()["failure"]["type"] == "PublishFailedError"


def test_a_queue_that_takes_nothing_brings_the_batch_again(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = manual(deploy, lookback_days=30)
    deployed.accrue(sold("100.00"))
    deployed.enrol("C-1")
    monkeypatch.setenv("EARNING_QUEUE_URL", deployed.earning_queue_url + "-gone")
    given = of_item(deployed, "EXTERNAL#", "EXTERNAL")
    with pytest.raises(bootstrap.sqs().exceptions.QueueDoesNotExist):
        deployed.invoke("ledger_events", {"Records": given})


def test_an_entry_of_an_unknown_format_is_not_passed_over(listening: Deployed) -> None:
    listening.enrol("C-1")
    [record] = entries(listening)
    record["dynamodb"]["NewImage"]["format"] = {"N": "99"}
    with pytest.raises(Exception, match="format"):
        listening.invoke("ledger_events", {"Records": [record]})
    assert listening.published() == []


def test_a_batch_ends_with_a_line_of_its_counts(listening: Deployed) -> None:
    listening.give("C-1", 100)
    given = listening.streamed()
    follow(listening, *given)
    *published, line = listening.printed.lines
    assert [each["message"] for each in published] == ["published"] * 3
    assert line["message"] == "followed"
    assert line["ids"] == {"records": len(given), "events": 3, "woken": 0}
