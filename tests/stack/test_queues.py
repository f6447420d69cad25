"""Messages that can never be posted are set aside, and take nothing with them."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from local.demo.stripe_events import Customer, Invoice, Line, event
from points_ledger.contracts.messages import encode
from points_ledger.domain.fact import Earner, PurchasePosted, PurchaseSettled, Snapshot
from points_ledger.domain.fact import Line as PurchaseLine
from points_ledger.domain.identity import EarningKey, ExternalId
from tests.stack.client import DEAD_LETTER_SECONDS, StackClient, days_ago, now, unique
from tests.stack.standard import Purchase

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

pytestmark = pytest.mark.stack

Json = dict[str, Any]


def a_posted_purchase(customer_id: str, ticket_id: str) -> PurchasePosted:
    posted_at = days_ago(3)
    return PurchasePosted(
        purchase=EarningKey(source="pos", kind="ticket", id=ticket_id),
        snapshot=Snapshot(
            posted_at=posted_at,
            updated_at=posted_at,
            currency="USD",
            lines=(PurchaseLine(id="1", amount=Decimal(2_500), category="original"),),
            total=Decimal(2_500),
            earner=Earner(external_id=ExternalId(source="pos", id=customer_id)),
        ),
    )


def send(ledger: StackClient, queue: str, bodies: list[str]) -> None:
    entries: list[SendMessageBatchRequestEntryTypeDef] = [
        {"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)
    ]
    answer = ledger.queues.send_message_batch(
        QueueUrl=ledger.stack["queues"][queue], Entries=entries
    )
    assert not answer.get("Failed")


def taken_from(ledger: StackClient, queue: str) -> list[str]:
    """Take every message out of a queue."""
    url, bodies = ledger.stack["queues"][queue], []
    for _ in range(20):
        answer = ledger.queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        messages = answer.get("Messages", [])
        if not messages:
            break
        for message in messages:
            bodies.append(message["Body"])
            ledger.queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def cut_off_invoice() -> Json:
    invoice = Invoice(
        customer=Customer(name="Somebody", email="somebody@example.com"),
        finalized_at=days_ago(3),
        lines=(Line(description="Pages", amount=125_000, category="original"),),
    ).document()
    invoice["lines"]["has_more"] = True
    return event("invoice.finalized", invoice, created=days_ago(3))


def test_poison_ends_in_the_dead_letters_and_the_rest_of_the_batch_is_posted(
    ledger: StackClient,
) -> None:
    member_id, customer_id = ledger.customer()
    ticket_id = unique("ticket")
    good = a_posted_purchase(customer_id, ticket_id)
    settled = PurchaseSettled(purchase=good.purchase, at=days_ago(1))
    contradicted = Purchase(customer_id=customer_id, amount="100.00", posted_at=days_ago(3))
    paid_at = days_ago(2)
    ledger.settle(contradicted.posted(), contradicted.paid("1", "60.00", at=paid_at))
    far_ahead = Purchase(
        customer_id=customer_id, amount="100.00", posted_at=now() + timedelta(days=3)
    )
    earning_poison = [
        "",
        "not JSON",
        "[]",
        '{"type": "purchase_renamed"}',
        encode(good).replace('"2500"', '"2500.123456789"', 1).replace('"USD"', '"ZZZ"'),
        encode(good).replace("purchase_posted", "purchase_voided"),
    ]
    payment_poison = ['{"type": "payment_received"}', encode(good)[:-1]]
    for queue in ("earning_events_dead_letters", "payment_events_dead_letters"):
        taken_from(ledger, queue)

    earning_poison = [body for body in earning_poison if body]
    send(ledger, "earning_events", [*earning_poison[:2], encode(good), *earning_poison[2:]])
    send(ledger, "payment_events", [payment_poison[0], encode(settled), payment_poison[1]])
    ledger.deliver(far_ahead.posted(), cut_off_invoice())
    ledger.deliver(contradicted.paid("1", "70.00", at=paid_at))

    balance = ledger.wait_for_amounts(member_id, available=150)
    assert balance["pending"] == 6
    dead: dict[str, list[str]] = {"earning": [], "payment": []}
    expected = {"earning": len(earning_poison) + 2, "payment": len(payment_poison) + 1}

    def collected() -> dict[str, int]:
        for name, bodies in dead.items():
            bodies.extend(taken_from(ledger, f"{name}_events_dead_letters"))
        return {name: len(bodies) for name, bodies in dead.items()}

    ledger.wait_for(
        "every poisoned message is set aside",
        collected,
        lambda counts: all(counts[name] >= n for name, n in expected.items()),
        seconds=DEAD_LETTER_SECONDS,
    )
    assert {name: len(bodies) for name, bodies in dead.items()} == expected
    assert set(earning_poison) <= set(dead["earning"])
    assert set(payment_poison) <= set(dead["payment"])
    reasons = [json.loads(body).get("reason") for body in dead["earning"] if "reason" in body]
    assert reasons == ["payload_incomplete"]
    assert not any("somebody@example.com" in body for body in dead["earning"])
    assert ledger.amounts(member_id) == (6, 150, 0)
    ledger.wait_until_processed()


def test_a_fact_put_into_the_queue_by_hand_is_posted_once(ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    good = a_posted_purchase(customer_id, unique("ticket"))
    send(ledger, "earning_events", [encode(good), encode(good)])

    ledger.wait_for_amounts(member_id, pending=150)
    ledger.wait_until_processed()

    (_, accrual) = ledger.entries(member_id)
    assert accrual["actor"] == "queue"
    assert datetime.fromisoformat(accrual["at"]) < datetime.now(UTC) - timedelta(days=2)
