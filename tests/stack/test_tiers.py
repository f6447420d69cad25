"""Tiers over HTTP: raised at once, lowered by the schedule with grace, granted for a time."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.stack.client import StackClient, in_parallel, now, problem, unique
from tests.stack.standard import Purchase
from tests.stack.test_events import Listener

pytestmark = pytest.mark.stack

Json = dict[str, Any]

CHICAGO = ZoneInfo("America/Chicago")
GRACE = timedelta(days=30)


def benefits(ledger: StackClient, member_id: str, token: str | None = None) -> Json:
    answer = ledger.get(
        f"/members/{member_id}/benefits", token=token if token is not None else ledger.staff_token
    )
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def tier(ledger: StackClient, member_id: str) -> object:
    return ledger.balance(member_id)["tier"]


def window_moves_on(bought_on: date) -> date:
    """The first day on which a month is no longer one of the current and the 12 before."""
    month = bought_on.year * 12 + bought_on.month - 1 + 13
    return date(month // 12, month % 12 + 1, 1)


def start_of(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=CHICAGO).astimezone(UTC)


def bought(ledger: StackClient, customer_id: str, amount: str) -> Purchase:
    """A purchase of three days ago that is paid: its hold has passed."""
    purchase = Purchase(
        customer_id=customer_id,
        amount=amount,
        category="retail",
        posted_at=now() - timedelta(days=3),
    )
    ledger.settle(purchase.posted(), purchase.settled(at=now() - timedelta(days=2)))
    return purchase


def test_a_purchase_lifts_the_tier_with_its_own_entry_and_earns_at_the_old_one(
    ledger: StackClient,
) -> None:
    member_id, customer_id = ledger.customer()
    bought(ledger, customer_id, "999.00")
    ledger.wait_for_amounts(member_id, available=999)
    assert tier(ledger, member_id) is None
    found = benefits(ledger, member_id)
    assert (found["progress"]["next_tier"], found["progress"]["points_needed"]) == ("silver", 1)
    bought(ledger, customer_id, "100.00")
    ledger.wait_for_amounts(member_id, available=1_099)
    assert tier(ledger, member_id) == "silver"
    entry = ledger.entries(member_id)[-1]
    assert (entry["type"], entry["details"]["tier"]) == ("maturation", "silver")
    bought(ledger, customer_id, "100.00")
    ledger.wait_for_amounts(member_id, available=1_224)
    found = benefits(ledger, member_id)
    assert (found["tier"], found["multiplier"]) == ("silver", "1.25")
    assert found["progress"]["qualifying_points"] == 1_224
    assert (found["progress"]["next_tier"], found["progress"]["points_needed"]) == ("gold", 3_776)
    assert found["progress"]["window"]["kind"] == "rolling"


def test_the_window_moves_on_and_the_review_lowers_after_the_grace(ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    purchase = bought(ledger, customer_id, "1200.00")
    ledger.wait_for_amounts(member_id, available=1_200)
    moves_on = window_moves_on(purchase.posted_at.astimezone(CHICAGO).date())
    ledger.sweep("tier_review", start_of(moves_on) - timedelta(minutes=1))
    assert tier(ledger, member_id) == "silver"
    ledger.sweep("tier_review", start_of(moves_on))
    assert tier(ledger, member_id) == "silver"
    assert "tier_until" in benefits(ledger, member_id)
    ledger.sweep("tier_review", start_of(moves_on + GRACE) - timedelta(minutes=1))
    assert tier(ledger, member_id) == "silver"
    over = start_of(moves_on + GRACE)
    counts = in_parallel([lambda: ledger.sweep("tier_review", over) for _ in range(2)])
    assert all(count["failed"] == 0 for count in counts)
    assert tier(ledger, member_id) is None
    entries = ledger.entries(member_id)
    lowered = [e for e in entries if e["details"].get("former_tier") == "silver"]
    assert [(e["type"], e["actor"]) for e in lowered] == [("change", "schedule:tier_review")]
    ledger.sweep("tier_review", over)
    assert len(ledger.entries(member_id)) == len(entries)


def test_one_late_review_is_enough(ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    bought(ledger, customer_id, "1200.00")
    ledger.wait_for_amounts(member_id, available=1_200)
    assert ledger.sweep("tier_review", now() + timedelta(days=800))["failed"] == 0
    assert tier(ledger, member_id) is None


def test_a_refund_keeps_the_tier_for_the_grace(ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    purchase = bought(ledger, customer_id, "1000.00")
    ledger.wait_for_amounts(member_id, available=1_000)
    ledger.settle(purchase.refunded("r1", "200.00", at=now()))
    ledger.wait_for_amounts(member_id, available=800)
    assert tier(ledger, member_id) == "silver"
    assert benefits(ledger, member_id)["progress"]["qualifying_points"] == 800
    ledger.sweep("tier_review", now() + timedelta(days=28))
    assert tier(ledger, member_id) == "silver"
    ledger.sweep("tier_review", now() + timedelta(days=31))
    assert tier(ledger, member_id) is None


def test_a_reward_grants_a_tier_until_it_ends_or_is_taken_back(ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    bought(ledger, customer_id, "600.00")
    ledger.wait_for_amounts(member_id, available=600)
    body: Json = {"name": "Gold", "points": 100, "grants": {"tier": "gold", "months": 1}}
    created = ledger.post("/rewards", body, token=ledger.admin_token, key=unique("reward"))
    assert created.status_code == 201, created.text
    reward_id = created.json()["reward_id"]
    first = ledger.redeem(member_id, kind="reward", reward_id=reward_id)
    assert first.status_code == 201, first.text
    assert tier(ledger, member_id) == "gold"
    path = f"/redemptions/{first.json()['redemption_id']}/reverse"
    assert ledger.post(path, {}, token=ledger.staff_token, key=unique("key")).status_code == 200
    assert tier(ledger, member_id) is None
    assert ledger.redeem(member_id, kind="reward", reward_id=reward_id).status_code == 201
    found = benefits(ledger, member_id)
    [grant] = found["memberships"]
    assert (grant["tier"], found["tier_until"]) == ("gold", grant["last_day"])
    ends = start_of(date.fromisoformat(grant["last_day"]) + timedelta(days=1))
    ledger.sweep("tier_review", ends)
    assert tier(ledger, member_id) is None


def test_who_may_see_benefits_and_give_memberships(ledger: StackClient) -> None:
    member_id, _ = ledger.customer()
    mine, _ = ledger.customer()
    member_token = ledger.sign_up(mine)
    assert benefits(ledger, mine, member_token)["member_id"] == mine
    assert benefits(ledger, "me", member_token)["member_id"] == mine
    assert benefits(ledger, member_id, ledger.till_token)["tier"] is None
    refused = ledger.get(f"/members/{member_id}/benefits", token=member_token)
    assert problem(refused) == (403, "forbidden")
    path = f"/members/{member_id}/memberships"
    unknown = ledger.post(path, {"membership_id": "none"}, token=ledger.staff_token, key="k-none")
    assert problem(unknown) == (404, "not_found")
    own = ledger.post(path, {"membership_id": "none"}, token=member_token, key="k-own")
    assert problem(own) == (403, "forbidden")


def test_a_change_of_tier_is_told_on_the_bus(ledger: StackClient) -> None:
    listener = Listener(ledger)
    try:
        member_id, customer_id = ledger.customer()
        bought(ledger, customer_id, "1000.00")
        told = ledger.wait_for(
            "the change of tier is told",
            lambda: [e for e in listener.about(member_id) if e["detail-type"] == "TierChanged"],
            bool,
        )
    finally:
        listener.close()
    [event] = told
    assert (event["detail"]["old_tier"], event["detail"]["new_tier"]) == (None, "silver")
