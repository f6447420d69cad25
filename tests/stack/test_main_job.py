"""The main job from the webhook to the last expiry, with both providers."""

import json
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from local.demo.narration import Narration
from local.demo.story import Story
from local.home import ROOT
from tests.stack.client import StackClient, days_ago, now, problem, unique
from tests.stack.standard import Purchase

pytestmark = pytest.mark.stack

CHICAGO = ZoneInfo("America/Chicago")


def test_the_demonstration_of_stripe_sees_everything_it_expects(
    ledger: StackClient, capsys: pytest.CaptureFixture[str]
) -> None:
    narration = Narration()
    story = Story(ledger, narration)
    narration.begin("The main job", "", steps=len(story.steps))

    story.play()

    assert narration.mismatches == []
    assert narration.summary(0.0)
    assert "FAILED" not in capsys.readouterr().out


def test_a_purchase_at_a_till_is_earned_held_spent_refunded_and_expires(
    ledger: StackClient,
) -> None:
    member_id, customer_id = ledger.customer()
    posted_at = now() - timedelta(minutes=5)
    purchase = Purchase(customer_id=customer_id, amount="15000.00", posted_at=posted_at)

    ledger.settle(purchase.posted())
    assert ledger.amounts(member_id) == (900, 0, 0)
    (pending,) = ledger.pending(member_id)
    assert pending["earning_id"] == purchase.earning_id
    assert pending["source"] == {"system": "pos", "kind": "ticket", "id": purchase.id}
    assert set(pending["waiting_for"]) == {"payment", "hold"}
    assert pending["points"] == 900

    ledger.settle(purchase.posted(), purchase.posted())
    assert ledger.entry_types(member_id) == ["enrolment", "accrual"]

    ledger.settle(purchase.paid("1", "15000.00", at=posted_at + timedelta(minutes=1)))
    assert ledger.amounts(member_id) == (900, 0, 0)
    (pending,) = ledger.pending(member_id)
    assert pending["waiting_for"] == ["hold"]
    held_until = posted_at + timedelta(hours=24)
    assert datetime.fromisoformat(pending["matures_at"]) == held_until

    ledger.sweep("hold_release", held_until - timedelta(seconds=1))
    assert ledger.amounts(member_id) == (900, 0, 0)
    ledger.sweep("hold_release", held_until)
    assert ledger.amounts(member_id) == (0, 900, 0)
    (lot,) = ledger.balance(member_id)["lots"]
    assert lot["points"] == 900

    redeem_600_of_900_at_the_till(ledger, member_id)
    assert ledger.amounts(member_id) == (0, 300, 0)

    ledger.settle(purchase.refunded("r1", "10000.00", at=now()))
    assert ledger.amounts(member_id) == (0, -300, 300)
    ledger.settle(purchase.refund_cancelled("r1", at=now()))
    assert ledger.amounts(member_id) == (0, 300, 0)

    last_day = datetime.fromisoformat(lot["last_day"]).date()
    midnight = datetime.combine(last_day + timedelta(days=1), time(), tzinfo=CHICAGO)
    ledger.sweep("expiry", midnight.astimezone(UTC) - timedelta(seconds=1))
    assert ledger.amounts(member_id) == (0, 300, 0)
    ledger.sweep("expiry", midnight.astimezone(UTC))
    assert ledger.amounts(member_id) == (0, 0, 0)
    lifetime = ledger.balance(member_id)["lifetime"]
    assert (lifetime["redeemed"], lifetime["expired"]) == (600, 300)
    assert lifetime["earned"] - lifetime["reversed"] == 900


def redeem_600_of_900_at_the_till(ledger: StackClient, member_id: str) -> None:
    key, sale = unique("sale"), {"id": unique("sale"), "amount": "20.00"}
    quote = ledger.quote(member_id, ticket=sale)
    assert quote.status_code == 200
    assert quote.json()["max_points"] == 900
    assert quote.json()["max_amount"] == "9.00"
    assert quote.json()["allowed"] is True
    first = ledger.redeem(member_id, amount="6.00", ticket=sale, token=ledger.till_token, key=key)
    again = ledger.redeem(member_id, amount="6.00", ticket=sale, token=ledger.till_token, key=key)
    assert first.status_code == 201
    assert (first.json()["points"], first.json()["amount"]) == (600, "6.00")
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    shown = ledger.get(f"/redemptions/{first.json()['redemption_id']}", token=ledger.till_token)
    assert shown.json()["points"] == 600


def test_pages_of_entries_and_their_types(ledger: StackClient) -> None:
    member_id = ledger.rich_member(1_500)
    for _ in range(3):
        assert ledger.redeem(member_id, points=500).status_code == 201
    path, token = f"/members/{member_id}/entries", ledger.staff_token

    first = ledger.get(path, token=token, query={"limit": 4}).json()
    rest = ledger.get(path, token=token, query={"limit": 4, "cursor": first["cursor"]}).json()
    spent = ledger.get(path, token=token, query={"type": "redemption"}).json()

    assert [entry["entry"] for entry in first["entries"]] == [6, 5, 4, 3]
    assert [entry["entry"] for entry in rest["entries"]] == [2, 1]
    assert rest["cursor"] is None
    assert [entry["entry"] for entry in spent["entries"]] == [6, 5, 4]
    links = [entry["previous_hash"] for entry in [*first["entries"], *rest["entries"]]]
    hashes = [entry["hash"] for entry in [*first["entries"], *rest["entries"]]]
    assert links == [*hashes[1:], "0" * 64]


def test_points_of_a_ticket_cannot_be_spent_on_that_ticket(ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    purchase = Purchase(customer_id=customer_id, amount="10000.00", posted_at=days_ago(3))
    ledger.deliver(purchase.posted(), purchase.settled(at=days_ago(2)))
    ledger.wait_for_amounts(member_id, available=600)
    same = {"id": purchase.id, "amount": "10000.00"}

    refused = ledger.redeem(member_id, points=500, ticket=same)

    assert problem(refused) == (422, "earned_on_same_ticket")
    assert ledger.quote(member_id, ticket=same).json()["allowed"] is False
    assert ledger.amounts(member_id) == (0, 600, 0)


def test_the_first_version_is_the_shipped_document(ledger: StackClient) -> None:
    shipped = json.loads((ROOT / "events" / "program.json").read_text())

    *_, oldest = ledger._pages("/program/versions", ledger.admin_token)
    first = oldest["versions"][-1]
    program = ledger.program()

    assert (first["version"], first["program"]) == (1, shipped)
    assert program["version"] >= 1
    assert any("3 points" in sentence for sentence in program["sentences"])
