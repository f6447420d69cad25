"""Who becomes a member, and that nobody becomes two."""

from datetime import timedelta

import pytest

from local.demo.stripe_events import Customer, Invoice, Line, event
from tests.stack.client import StackClient, days_ago, in_parallel, problem, unique

pytestmark = pytest.mark.stack

PARALLEL = 8


@pytest.mark.parametrize("webhooks", [2, PARALLEL])
def test_webhooks_for_one_new_customer_at_once_end_with_one_member(
    ledger: StackClient, webhooks: int
) -> None:
    customer = Customer(name="Somebody", email="somebody@example.com")
    line = Line(description="Pages", amount=125_000, category="original")
    posted_at = days_ago(3)
    invoices = [
        Invoice(customer=customer, finalized_at=posted_at + timedelta(minutes=n), lines=(line,))
        for n in range(webhooks)
    ]
    messages = [
        event("invoice.finalized", each.document(), created=each.finalized_at) for each in invoices
    ]

    answers = in_parallel([lambda m=m: ledger.deliver_stripe(m) for m in messages])  # type: ignore[misc]  # mypy cannot type the bound default
    assert {answer.status_code for answer in answers} == {202}
    member_id = ledger.wait_for_member(customer.external_id)
    balance = ledger.wait_for_amounts(member_id, pending=75 * webhooks)

    assert balance["available"] == 0
    types = ledger.entry_types(member_id)
    assert types == ["enrolment", *["accrual"] * webhooks]


def test_the_same_external_id_enrolled_in_parallel_is_one_member(ledger: StackClient) -> None:
    external_id = {"source": "pos", "id": unique("customer")}
    body = {"name": "Somebody", "external_ids": [external_id]}
    token = ledger.staff_token

    answers = in_parallel(
        [lambda: ledger.post("/members", body, token=token, key=unique("key"))] * PARALLEL
    )

    assert sorted(answer.status_code for answer in answers) == [*[200] * (PARALLEL - 1), 201]
    assert len({answer.json()["member_id"] for answer in answers}) == 1


def test_enrolling_again_with_the_same_key_is_replayed(ledger: StackClient) -> None:
    key, body = unique("key"), {"name": "Somebody", "tags": ["friend"]}
    token = ledger.till_token

    first = ledger.post("/members", body, token=token, key=key)
    again = ledger.post("/members", body, token=token, key=key)
    other = ledger.post("/members", {**body, "tags": []}, token=token, key=key)
    elsewhere = ledger.post("/members", {**body, "tags": []}, token=ledger.staff_token, key=key)

    assert first.status_code == again.status_code == 201
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    assert problem(other) == (422, "idempotency_key_reused")
    assert elsewhere.status_code == 201, "another caller's key is another key"
    assert elsewhere.json()["member_id"] != first.json()["member_id"]


def test_external_ids_of_two_members_cannot_be_joined_by_enrolling(ledger: StackClient) -> None:
    both = [{"source": "pos", "id": ledger.customer()[1]} for _ in range(2)]

    answer = ledger.post(
        "/members",
        {"name": "Somebody", "external_ids": both},
        token=ledger.staff_token,
        key=unique("key"),
    )

    assert problem(answer) == (400, "invalid_request")
    assert [error["field"] for error in answer.json()["errors"]] == ["external_ids"]


def test_what_staff_enrols_is_shown(ledger: StackClient) -> None:
    external_id = {"source": "pos", "id": unique("customer")}
    member_id = ledger.enrol(
        "Ada",
        email="ada@example.com",
        phone="+1 555 0100",
        organisation="Analytical",
        jurisdiction="US-IL",
        tags=["founder"],
        birthday="1990-12-10",
        earns=False,
        external_ids=[external_id],
    )

    shown = ledger.get(f"/members/{member_id}", token=ledger.staff_token).json()

    assert shown == {
        "member_id": member_id,
        "status": "active",
        "name": "Ada",
        "email": "ada@example.com",
        "phone": "+1 555 0100",
        "birthday": "1990-12-10",
        "language": None,
        "notifications": True,
        "organisation": "Analytical",
        "jurisdiction": "US-IL",
        "tags": ["founder"],
        "tier": None,
        "earns": False,
        "referred_by": None,
        "external_ids": [external_id],
        "aliases": [],
    }


def test_a_customer_of_stripe_is_enrolled_and_kept_up_to_date(ledger: StackClient) -> None:
    customer = Customer(name="Before", email="before@example.com")
    created = {"id": customer.id, "object": "customer", "name": "Before", "metadata": {}}
    updated = {**created, "name": "After", "email": "after@example.com"}

    ledger.settle(event("customer.created", created, created=days_ago(2)))
    member_id = ledger.wait_for_member(customer.external_id)
    ledger.settle(event("customer.updated", updated, created=days_ago(-0.01)))
    ledger.settle(event("customer.created", created, created=days_ago(2)))

    shown = ledger.get(f"/members/{member_id}", token=ledger.staff_token).json()
    assert (shown["name"], shown["email"]) == ("After", "after@example.com")
    assert ledger.entry_types(member_id) == ["enrolment"]
