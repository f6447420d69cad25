"""Whatever the order of what a source tells, and however often: the same balance in the end."""

import json
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from local.demo.stripe_events import Customer, Invoice, Line, event
from tests.stack.client import StackClient, days_ago, now
from tests.stack.standard import Purchase

pytestmark = pytest.mark.stack

Json = dict[str, Any]
SEED = 20_261_121


def an_invoice(pages: int = 125_000, binders: int = 25_000) -> Invoice:
    """75 points for the first line, 15 for the second; its hold has passed."""
    return Invoice(
        customer=Customer(name="Somebody", email="somebody@example.com"),
        finalized_at=days_ago(3),
        lines=(
            Line(description="Pages", amount=pages, category="original"),
            Line(description="Binders", amount=binders, category="original"),
        ),
    )


def finalized(invoice: Invoice) -> Json:
    return event("invoice.finalized", invoice.document(), created=invoice.finalized_at)


def paid(invoice: Invoice) -> Json:
    at = invoice.finalized_at + timedelta(hours=30)
    return event("invoice.paid", invoice.document(status="paid", paid_at=at), created=at)


def payment(invoice: Invoice) -> Json:
    at = invoice.finalized_at + timedelta(hours=30)
    return event("invoice_payment.paid", invoice.payment(paid_at=at), created=at)


def voided(invoice: Invoice) -> Json:
    at = invoice.finalized_at + timedelta(hours=40)
    return event("invoice.voided", invoice.document(status="void", voided_at=at), created=at)


def refunded(invoice: Invoice, amount: int) -> Json:
    at = invoice.finalized_at + timedelta(hours=40)
    return event("refund.created", invoice.refund(amount, at=at), created=at)


def credited(invoice: Invoice) -> Json:
    at = invoice.finalized_at + timedelta(hours=40)
    note = invoice.credit_note([invoice.lines[1]], at=at)
    return event("credit_note.created", note, created=at)


def stripe_amounts(ledger: StackClient, invoice: Invoice) -> tuple[int, int, int]:
    return ledger.amounts(ledger.wait_for_member(invoice.customer.external_id))


STRIPE_HISTORIES: dict[str, tuple[Callable[[Invoice], Sequence[Json]], tuple[int, int, int]]] = {
    "paid before posted": (lambda i: [paid(i), finalized(i)], (0, 90, 0)),
    "payment before posted": (lambda i: [payment(i), finalized(i)], (0, 90, 0)),
    "credit note before posted": (lambda i: [credited(i), payment(i), finalized(i)], (0, 75, 0)),
    "credit note after paid": (lambda i: [finalized(i), paid(i), credited(i)], (0, 75, 0)),
    "void before posted": (lambda i: [voided(i), finalized(i)], (0, 0, 0)),
    "void after posted": (lambda i: [finalized(i), voided(i)], (0, 0, 0)),
    "refund after its payment": (
        lambda i: [finalized(i), payment(i), refunded(i, 75_000)],
        (0, 45, 0),
    ),
    "refund of a known payment before posted": (
        lambda i: [payment(i), refunded(i, 75_000), finalized(i)],
        (0, 45, 0),
    ),
}


def test_stripe_in_any_order_and_every_event_twice(ledger: StackClient) -> None:
    invoices = {name: an_invoice() for name in STRIPE_HISTORIES}
    histories = {name: list(make(invoices[name])) for name, (make, _) in STRIPE_HISTORIES.items()}

    for step in range(max(map(len, histories.values()))):
        due = [history[step] for history in histories.values() if step < len(history)]
        ledger.settle(*due, *due)

    seen = {name: stripe_amounts(ledger, invoice) for name, invoice in invoices.items()}
    assert seen == {name: expected for name, (_, expected) in STRIPE_HISTORIES.items()}


def test_an_updated_invoice_earns_for_what_it_now_says(ledger: StackClient) -> None:
    before = an_invoice()
    cheaper = Line(description="Pages", amount=50_000, category="original", id=before.lines[0].id)
    after = Invoice(
        customer=before.customer,
        finalized_at=before.finalized_at,
        lines=(cheaper,),
        id=before.id,
        payment_intent=before.payment_intent,
    )
    update = event("invoice.updated", after.document(), created=days_ago(2))

    ledger.settle(update)
    ledger.settle(finalized(before), update)

    assert stripe_amounts(ledger, before) == (30, 0, 0)


def test_a_credit_note_that_is_voided_gives_the_points_back(ledger: StackClient) -> None:
    invoice = an_invoice()
    created = credited(invoice)
    at = now()
    note = {**created["data"]["object"], "status": "void", "voided_at": int(at.timestamp())}

    ledger.settle(finalized(invoice), paid(invoice), created)
    assert stripe_amounts(ledger, invoice) == (0, 75, 0)
    ledger.settle(event("credit_note.voided", note, created=at))

    assert stripe_amounts(ledger, invoice) == (0, 90, 0)


def test_a_refund_waits_for_the_payment_that_it_names_and_is_woken(ledger: StackClient) -> None:
    invoice = an_invoice()

    ledger.settle(refunded(invoice, 75_000), refunded(invoice, 15_000))
    ledger.settle(finalized(invoice), paid(invoice))
    member_id = ledger.wait_for_member(invoice.customer.external_id)
    assert ledger.amounts(member_id) == (0, 90, 0)

    ledger.settle(payment(invoice))

    ledger.wait_for_amounts(member_id, pending=0, available=36, debt=0)


def test_a_member_named_in_the_invoice_earns_instead_of_the_customer(ledger: StackClient) -> None:
    member_id, _ = ledger.customer()
    customer = Customer(name="Somebody", email="somebody@example.com")
    line = Line(description="Pages", amount=125_000, category="original")
    invoice = Invoice(
        customer=customer, finalized_at=days_ago(3), lines=(line,), member_id=member_id
    )

    ledger.settle(finalized(invoice), paid(invoice))

    assert ledger.amounts(member_id) == (0, 75, 0)
    assert ledger.member_of(customer.external_id) is None


def a_history(purchase: Purchase) -> list[Json]:
    """Posted at 2,500.00, adjusted to 3,000.00, paid twice, one payment bounces and comes again,
    500.00 refunded, another refund withdrawn: 150 points of what is left, all paid."""
    start = purchase.posted_at
    hours = [start + timedelta(hours=n) for n in range(40, 50)]
    return [
        purchase.posted(),
        purchase.adjusted("3000.00", at=hours[0]),
        purchase.paid("a", "1000.00", at=hours[1]),
        purchase.paid("b", "2000.00", at=hours[2]),
        purchase.bounced("b", at=hours[3]),
        purchase.refunded("r1", "500.00", at=hours[4]),
        purchase.refunded("r2", "1000.00", at=hours[5]),
        purchase.refund_cancelled("r2", at=hours[6]),
        purchase.paid("c", "1500.00", at=hours[7]),
    ]


def test_random_orders_of_one_history_end_in_the_same_balance(ledger: StackClient) -> None:
    people = [ledger.customer() for _ in range(4)]
    purchases = [
        Purchase(customer_id=customer_id, amount="2500.00", posted_at=days_ago(4))
        for _, customer_id in people
    ]
    histories = [a_history(purchase) for purchase in purchases]
    shuffle = random.Random(SEED).shuffle  # noqa: S311 - the same orders in every run
    for history in histories[1:]:
        shuffle(history)

    for step in zip(*histories, strict=True):
        ledger.settle(*step)

    assert [ledger.amounts(member_id) for member_id, _ in people] == [(0, 150, 0)] * 4
    lifetimes = [ledger.balance(member_id)["lifetime"] for member_id, _ in people]
    assert {lifetime["earned"] - lifetime["reversed"] for lifetime in lifetimes} == {150}


def test_a_whole_history_again_changes_nothing(ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    purchase = Purchase(customer_id=customer_id, amount="2500.00", posted_at=days_ago(4))
    history = a_history(purchase)
    ledger.settle(*history)
    entries = ledger.entries(member_id)

    ledger.settle(*history, *reversed(history))

    assert ledger.entries(member_id) == entries


def test_a_bounced_payment_takes_points_back_to_pending_until_it_is_paid_again(
    ledger: StackClient,
) -> None:
    member_id, customer_id = ledger.customer()
    purchase = Purchase(customer_id=customer_id, amount="10000.00", posted_at=days_ago(3))
    ledger.settle(purchase.posted(), purchase.paid("a", "10000.00", at=days_ago(1)))
    assert ledger.redeem(member_id, points=500).status_code == 201
    assert ledger.amounts(member_id) == (0, 100, 0)

    ledger.settle(purchase.bounced("a", at=now()))
    assert ledger.amounts(member_id) == (600, -500, 500)

    ledger.settle(purchase.paid("b", "10000.00", at=now()))
    assert ledger.amounts(member_id) == (0, 100, 0)


def test_a_void_is_final(ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    purchase = Purchase(customer_id=customer_id, amount="2500.00", posted_at=days_ago(3))
    ledger.settle(purchase.posted(), purchase.settled(at=days_ago(1)))
    assert ledger.amounts(member_id) == (0, 150, 0)

    ledger.settle(purchase.voided(at=now()))
    ledger.settle(purchase.adjusted("5000.00", at=now()), purchase.posted())

    assert ledger.amounts(member_id) == (0, 0, 0)


def test_refunds_never_take_more_than_was_earned(ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    purchase = Purchase(customer_id=customer_id, amount="2500.00", posted_at=days_ago(3))
    ledger.settle(purchase.posted(), purchase.settled(at=days_ago(1)))

    ledger.settle(
        purchase.refunded("r1", "2000.00", at=now()),
        purchase.lines_refunded("r2", [{"line_id": "1", "amount": "2500.00"}], at=now()),
        purchase.lines_refunded("r3", [{"line_id": "unknown", "amount": "50.00"}], at=now()),
    )

    assert ledger.amounts(member_id) == (0, 0, 0)


def test_a_purchase_in_another_currency_earns_nothing(ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    purchase = Purchase(
        customer_id=customer_id, amount="2500", posted_at=days_ago(3), currency="JPY"
    )

    ledger.settle(purchase.posted(), purchase.settled(at=days_ago(1)))

    assert ledger.amounts(member_id) == (0, 0, 0)


@pytest.mark.parametrize(
    ("posted_as", "named_as"),
    [
        ("ticket #7%2F/50% ünïcødé 領収書 🧾", None),
        ("Cafe\N{COMBINING ACUTE ACCENT} 1", "Caf\N{LATIN SMALL LETTER E WITH ACUTE} 1"),
        ("a:b::c|d\\e\"f'g", None),
        ("x" * 220, None),
    ],
    ids=["reserved and unicode", "combining characters", "separators", "long"],
)
def test_ids_of_any_characters_name_one_purchase(
    ledger: StackClient, posted_as: str, named_as: str | None
) -> None:
    member_id, customer_id = ledger.customer()
    suffix = customer_id[-12:]
    purchase, same = (
        Purchase(
            customer_id=customer_id,
            amount="2500.00",
            posted_at=days_ago(3),
            id=f"{name}{suffix}",
        )
        for name in (posted_as, named_as or posted_as)
    )

    ledger.settle(purchase.posted())
    ((_, since),) = [(each["points"], each["earning_id"]) for each in ledger.pending(member_id)]
    ledger.settle(same.settled(at=days_ago(1)))

    assert since == same.earning_id
    assert ledger.amounts(member_id) == (0, 150, 0)


def test_customers_of_any_characters_are_found_by_their_external_id(ledger: StackClient) -> None:
    _, unique_part = ledger.customer()
    customer_id = f"Zoe\N{COMBINING DIAERESIS} #{unique_part}?&=+%"
    purchase = Purchase(customer_id=customer_id, amount="2500.00", posted_at=days_ago(3))

    ledger.settle(purchase.posted())
    member_id = ledger.wait_for_member(f"pos:{customer_id}")

    assert ledger.amounts(member_id) == (150, 0, 0)
    shown = ledger.get(f"/members/{member_id}", token=ledger.staff_token)
    names = [external_id["id"] for external_id in shown.json()["external_ids"]]
    assert names == [json.loads(json.dumps(customer_id)).replace("e\N{COMBINING DIAERESIS}", "ë")]
