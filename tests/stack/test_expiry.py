"""Warnings before points expire, and expiry, by the schedule's own function."""

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.stack.client import StackClient, in_parallel, now
from tests.stack.standard import Purchase

pytestmark = pytest.mark.stack

Json = dict[str, Any]

CHICAGO = ZoneInfo("America/Chicago")


def a_lot(ledger: StackClient, points: int = 600) -> tuple[str, date]:
    """A new member with points in one lot, and its last day."""
    member_id = ledger.rich_member(points)
    (lot,) = ledger.balance(member_id)["lots"]
    return member_id, date.fromisoformat(lot["last_day"])


def start_of(day: date) -> datetime:
    """The instant at which a day begins in the program's zone."""
    return datetime.combine(day, time(), tzinfo=CHICAGO).astimezone(UTC)


def notices(ledger: StackClient, member_id: str) -> list[Json]:
    return [entry for entry in ledger.entries(member_id) if entry["type"] == "notice"]


def test_members_are_warned_30_and_7_days_before_and_then_the_points_expire(
    ledger: StackClient,
) -> None:
    member_id, last_day = a_lot(ledger)
    text = f"{last_day:%Y%m%d}:600"
    seen = []
    for days in (30, 7):
        instant = start_of(last_day - timedelta(days=days))
        ledger.sweep("expiry", instant - timedelta(seconds=1))
        before = len(notices(ledger, member_id))
        assert ledger.sweep("expiry", instant)["failed"] == 0
        assert ledger.sweep("expiry", instant)["posted"] == 0
        found = notices(ledger, member_id)
        seen.append((before, len(found), found[-1]["details"]))
        assert datetime.fromisoformat(found[-1]["at"]) == instant
    assert seen == [
        (0, 1, {"lots": text, "days": "30"}),
        (1, 2, {"lots": text, "days": "7"}),
    ]
    for notice in notices(ledger, member_id):
        assert (notice["available"], notice["pending"], notice["lots"]) == (0, 0, {})
        assert notice["balance"]["available"] == 600
        assert notice["actor"] == "schedule:expiry"

    midnight = start_of(last_day + timedelta(days=1))
    ledger.sweep("expiry", midnight - timedelta(seconds=1))
    assert ledger.amounts(member_id) == (0, 600, 0)
    ledger.sweep("expiry", midnight)

    assert ledger.amounts(member_id) == (0, 0, 0)
    expiry = ledger.entries(member_id)[-1]
    assert (expiry["type"], expiry["lots"]) == ("expiry", {last_day.isoformat(): -600})
    assert len(notices(ledger, member_id)) == 2


def test_a_late_sweep_warns_once_and_never_after_the_last_day(ledger: StackClient) -> None:
    late_id, last_day = a_lot(ledger)
    ledger.sweep("expiry", start_of(last_day - timedelta(days=3)))
    assert [notice["details"]["days"] for notice in notices(ledger, late_id)] == ["3"]

    missed_id, last_day = a_lot(ledger)
    ledger.sweep("expiry", start_of(last_day + timedelta(days=4)))

    assert notices(ledger, missed_id) == []
    assert ledger.entry_types(missed_id)[-1] == "expiry"
    assert len(notices(ledger, late_id)) == 1


def test_two_sweeps_at_the_same_time_warn_and_expire_once(ledger: StackClient) -> None:
    member_id, last_day = a_lot(ledger)
    for day in (last_day - timedelta(days=30), last_day + timedelta(days=1)):
        instant = start_of(day)
        reports = in_parallel([partial(ledger.sweep, "expiry", instant)] * 3)
        assert {report["failed"] for report in reports} == {0}

    types = ledger.entry_types(member_id)
    assert (types.count("notice"), types.count("expiry")) == (1, 1)
    assert ledger.amounts(member_id) == (0, 0, 0)


def test_spent_points_are_not_warned_of(ledger: StackClient) -> None:
    member_id, last_day = a_lot(ledger)
    assert ledger.redeem(member_id, points=600).status_code == 201

    ledger.sweep("expiry", start_of(last_day - timedelta(days=30)))

    assert ledger.entry_types(member_id)[-1] == "redemption"


def test_each_lot_is_warned_of_when_its_own_day_comes(ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    for days in (75, 10):
        at = now() - timedelta(days=days)
        purchase = Purchase(customer_id=customer_id, amount="5000.00", posted_at=at)
        ledger.settle(purchase.posted(), purchase.settled(at=at))
    first, second = sorted(lot["last_day"] for lot in ledger.balance(member_id)["lots"])

    ledger.sweep("expiry", start_of(date.fromisoformat(first) - timedelta(days=7)))
    ledger.sweep("expiry", start_of(date.fromisoformat(second) - timedelta(days=7)))

    named = [notice["details"]["lots"] for notice in notices(ledger, member_id)]
    assert named == [f"{day.replace('-', '')}:300" for day in (first, second)]
    expired = [entry for entry in ledger.entries(member_id) if entry["type"] == "expiry"]
    assert [entry["lots"] for entry in expired] == [{first: -300}]


def test_the_program_says_when_members_are_warned(ledger: StackClient) -> None:
    answer = ledger.get("/program")

    assert "Members are warned 30 and 7 days before points expire" in answer.json()["sentences"]
