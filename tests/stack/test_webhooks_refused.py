"""What the webhook endpoints refuse, with status and code, and what they take and ignore."""

import copy
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from local.demo.stripe_events import Customer, Invoice, Line, event, signature
from tests.stack.client import StackClient, days_ago, now, problem, unique
from tests.stack.standard import Purchase, message, written

pytestmark = pytest.mark.stack

Json = dict[str, Any]
UNAUTHENTICATED = (401, "unauthenticated")
INVALID = (400, "invalid_request")
MAX_BODY_BYTES = 256 * 1024


def an_invoice() -> Json:
    invoice = Invoice(
        customer=Customer(name="Somebody", email="somebody@example.com"),
        finalized_at=days_ago(3),
        lines=(Line(description="Pages", amount=125_000, category="original"),),
    )
    return event("invoice.finalized", invoice.document(), created=invoice.finalized_at)


def a_purchase() -> Json:
    purchase = Purchase(customer_id=unique("customer"), amount="100.00", posted_at=days_ago(3))
    return purchase.posted()


def encoded(document: Json) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=,v1=",
        "v1=0000",
        "t=now,v1=0000",
        "not a signature",
        f"t={'9' * 30},v1=00",
        "t=1700000000",
        ",".join(["t=1", *["v1=00"] * 100]),
    ],
)
def test_stripe_signatures_that_prove_nothing(ledger: StackClient, header: str) -> None:
    assert problem(ledger.post_stripe(encoded(an_invoice()), header=header)) == UNAUTHENTICATED


def test_messages_without_any_signature(ledger: StackClient) -> None:
    for provider in ("stripe", "square", "shopify", "standard"):
        answer = ledger.http.post(f"/webhooks/{provider}", content=encoded(a_purchase()))
        assert problem(answer) == UNAUTHENTICATED


@pytest.mark.parametrize("minutes", [-6, 6])
def test_messages_outside_the_replay_window(ledger: StackClient, minutes: int) -> None:
    at = now() + timedelta(minutes=minutes)
    assert problem(ledger.post_stripe(encoded(an_invoice()), at=at)) == UNAUTHENTICATED
    assert problem(ledger.post_standard(encoded(a_purchase()), at=at)) == UNAUTHENTICATED


def test_messages_signed_with_another_secret(ledger: StackClient) -> None:
    standard = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert (
        problem(ledger.post_stripe(encoded(an_invoice()), secret="whsec_other")) == UNAUTHENTICATED
    )
    assert problem(ledger.post_standard(encoded(a_purchase()), secret=standard)) == UNAUTHENTICATED


def test_a_body_changed_after_it_was_signed(ledger: StackClient) -> None:
    body = encoded(an_invoice())
    signed = ledger.post_stripe(body)
    header = signed.request.headers["Stripe-Signature"]

    tampered = ledger.post_stripe(body.replace(b"125000", b"925000"), header=header)

    assert signed.status_code == 202
    assert problem(tampered) == UNAUTHENTICATED


@pytest.mark.parametrize("provider", ["nobody", "stripe%20", "STRIPE", "%00"])
def test_providers_that_do_not_exist_here(ledger: StackClient, provider: str) -> None:
    answer = ledger.http.post(f"/webhooks/{provider}", content=b"{}")
    assert problem(answer) == (404, "not_found")


UNREADABLE = {
    "empty": b"",
    "not JSON": b"{",
    "not an object": b"[]",
    "null": b"null",
    "NaN": b'{"type": "purchase.posted", "data": NaN}',
    "a name twice": b'{"type": "purchase.voided", "type": "purchase.posted", "data": {}}',
    "nested deeply": b'{"data": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "no type": b'{"data": {}}',
    "type is no text": b'{"type": 7, "data": {}}',
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_bodies_that_cannot_be_read(ledger: StackClient, case: str) -> None:
    body = UNREADABLE[case]
    assert problem(ledger.post_stripe(body)) == INVALID
    assert problem(ledger.post_standard(body)) == INVALID


def test_a_body_that_is_not_utf_8(ledger: StackClient) -> None:
    body = b'{"type": "\xff\xfe"}'
    secret = ledger.stack["webhook_secrets"]["stripe"]
    header = signature(body, secret=secret, at=now())
    # The local gateway replaces such bytes, and then they are no longer what was signed.
    assert problem(ledger.post_stripe(body, header=header)) in {INVALID, UNAUTHENTICATED}


@pytest.mark.parametrize("excess_bytes", [0, 1])
def test_a_body_up_to_256_kib_is_read(ledger: StackClient, excess_bytes: int) -> None:
    bare = len(encoded(message("nothing.known", {"padding": ""})))
    padding = "x" * (MAX_BODY_BYTES - bare + excess_bytes)
    padded = encoded(message("nothing.known", {"padding": padding}))
    difference = len(padded) - MAX_BODY_BYTES - excess_bytes
    body = encoded(message("nothing.known", {"padding": padding[difference:]}))

    answer = ledger.post_standard(body)

    if excess_bytes:
        assert problem(answer) == (413, "payload_too_large")
        assert answer.json()["maximum_bytes"] == MAX_BODY_BYTES
    else:
        assert answer.status_code == 202, answer.text


def test_a_body_far_too_large_is_refused_before_its_signature(ledger: StackClient) -> None:
    answer = ledger.http.post("/webhooks/stripe", content=b"x" * (2 * 1024 * 1024))
    assert answer.status_code == 413


@pytest.mark.parametrize("type_", ["product.created", "invoice.created", "payment_intent.created"])
def test_event_types_of_stripe_that_mean_nothing_here(ledger: StackClient, type_: str) -> None:
    answer = ledger.post_stripe(encoded(event(type_, {"id": "x"}, created=now())))
    assert (answer.status_code, answer.json()) == (202, {"accepted": True})


@pytest.mark.parametrize("type_", ["purchase.archived", "customer.archived"])
def test_event_types_that_mean_nothing_here(ledger: StackClient, type_: str) -> None:
    answer = ledger.post_standard(encoded(message(type_, {})))
    assert (answer.status_code, answer.json()) == (202, {"accepted": True})


def refused_field(answer: httpx.Response) -> str:
    assert problem(answer) == INVALID
    (error,) = answer.json()["errors"]
    assert error["message"]
    field: str = error["field"]
    return field


PURCHASE = "data.purchase"

WRONG_PURCHASES: dict[str, tuple[Json, str]] = {
    "a float as money": ({"total": 100.0}, "total"),
    "a whole number as money": ({"total": 100}, "total"),
    "a negative total": ({"total": "-1.00"}, "total"),
    "an amount above the limit": ({"total": "1000000000.00"}, "total"),
    "an exponent": ({"total": "1e2"}, "total"),
    "not a number": ({"total": "NaN"}, "total"),
    "more decimals than the currency has": ({"total": "100.005"}, "total"),
    "an unknown currency": ({"currency": "XXY"}, "currency"),
    "no currency": ({"currency": None}, "currency"),
    "a currency that is a number": ({"currency": 840}, "currency"),
    "an unknown kind": ({"kind": "subscription"}, "kind"),
    "an empty id": ({"id": ""}, "id"),
    "a blank id": ({"id": " \t"}, "id"),
    "control characters": ({"id": "a\x00b"}, "id"),
    "a line break": ({"id": "a\nb"}, "id"),
    "2,000 characters": ({"id": "x" * 2_000}, "id"),
    "an id that is a number": ({"id": 12}, "id"),
    "a time without zone": ({"posted_at": "2026-01-01T00:00:00"}, "posted_at"),
    "no time": ({"posted_at": "yesterday"}, "posted_at"),
    "a time before 1970": ({"posted_at": "1969-01-01T00:00:00Z"}, "posted_at"),
    "no customer": ({"customer": None}, "customer"),
    "a customer without id": ({"customer": {"name": "Somebody"}}, "customer.id"),
    "no lines": ({"lines": None}, "lines"),
    "own_order that is text": ({"own_order": "yes"}, "own_order"),
    "more paid with points than it cost": ({"points_paid_amount": "100.01"}, ""),
}


@pytest.mark.parametrize("case", WRONG_PURCHASES)
def test_purchases_that_no_till_may_send(ledger: StackClient, case: str) -> None:
    changes, field = WRONG_PURCHASES[case]
    posted = a_purchase()
    posted["data"]["purchase"].update(changes)

    answer = ledger.post_standard(encoded(posted))

    assert refused_field(answer) == (f"{PURCHASE}.{field}" if field else PURCHASE)


WRONG_LINES: dict[str, tuple[Json, str]] = {
    "a float": ({"amount": 1.5}, "amount"),
    "an unknown form": ({"amount": "1,50"}, "amount"),
    "a negative quantity": ({"quantity": "-1"}, "quantity"),
    "an item that is a number": ({"item": 7}, "item"),
    "a category that is a list": ({"category": ["retail"]}, "category"),
}


@pytest.mark.parametrize("case", WRONG_LINES)
def test_lines_that_no_till_may_send(ledger: StackClient, case: str) -> None:
    changes, field = WRONG_LINES[case]
    posted = a_purchase()
    posted["data"]["purchase"]["lines"][0].update(changes)

    answer = ledger.post_standard(encoded(posted))

    assert refused_field(answer) == f"{PURCHASE}.lines.0.{field}"


def test_more_lines_than_a_purchase_has(ledger: StackClient) -> None:
    posted = a_purchase()
    line = posted["data"]["purchase"]["lines"][0]
    posted["data"]["purchase"]["lines"] = [{**line, "id": str(n)} for n in range(501)]

    assert refused_field(ledger.post_standard(encoded(posted))) == f"{PURCHASE}.lines"


def test_two_lines_with_one_id(ledger: StackClient) -> None:
    posted = a_purchase()
    posted["data"]["purchase"]["lines"] *= 2

    assert refused_field(ledger.post_standard(encoded(posted))) == PURCHASE


def test_payments_and_refunds_that_no_till_may_send(ledger: StackClient) -> None:
    named = {"source": "pos", "purchase_id": "1", "kind": "ticket"}
    at = written(now())
    wrong: list[tuple[str, Json]] = [
        ("purchase.paid", {"payment": {"id": "1", "amount": "-1.00", "at": at}}),
        ("purchase.paid", {"payment": {"id": "1", "amount": 1.0, "at": at}}),
        ("purchase.paid", {"payment": {"id": "1", "amount": "1.00", "currency": "ZZZ", "at": at}}),
        ("purchase.paid", {"payment": {"id": "1\x07", "amount": "1.00", "at": at}}),
        ("purchase.paid", {}),
        ("purchase.refunded", {"refund": {"id": "1", "amount": "-1.00", "at": at}}),
        ("purchase.refunded", {"refund": {"id": "1", "amount": 1.0, "at": at}}),
        ("purchase.refunded", {"refund": {"id": "1", "at": at}}),
        (
            "purchase.refunded",
            {"refund": {"id": "1", "lines": [{"line_id": "1", "amount": "-1.00"}], "at": at}},
        ),
        ("purchase.payment_reversed", {"payment": {"id": "1"}}),
        ("purchase.voided", {"at": "never"}),
    ]

    for type_, data in wrong:
        answer = ledger.post_standard(encoded(message(type_, {**named, **data})))
        assert problem(answer) == INVALID, (type_, data)
        assert answer.json()["errors"]


@pytest.mark.parametrize("source", ["", "a b", "a#b", "a/b", "ü", "x" * 65, 7])
def test_sources_that_are_no_names(ledger: StackClient, source: object) -> None:
    posted = a_purchase()
    posted["data"]["source"] = source

    assert refused_field(ledger.post_standard(encoded(posted))) == "data.source"


WRONG_INVOICES: dict[str, tuple[Json, str]] = {
    "a float as money": ({"total": 1250.0}, "total"),
    "money as text": ({"total": "125000"}, "total"),
    "an unknown currency": ({"currency": "xxy"}, "currency"),
    "no id": ({"id": None}, "id"),
    "control characters": ({"id": "in_\x1b[2J"}, "id"),
    "2,000 characters": ({"id": "in_" + "x" * 2_000}, "id"),
    "no lines": ({"lines": None}, "lines"),
    "lines that are a list": ({"lines": []}, "lines"),
    "metadata that is text": ({"metadata": "points_member"}, "metadata"),
    "an amount above the limit": ({"total": 100_000_000_000}, "total"),
}


@pytest.mark.parametrize("case", WRONG_INVOICES)
def test_invoices_that_stripe_never_sends(ledger: StackClient, case: str) -> None:
    changes, field = WRONG_INVOICES[case]
    finalized = copy.deepcopy(an_invoice())
    finalized["data"]["object"].update(changes)

    answer = ledger.post_stripe(encoded(finalized))

    assert refused_field(answer) == f"data.object.{field}"


def test_refused_messages_leave_nothing_behind(ledger: StackClient) -> None:
    customer_id = unique("customer")
    purchase = Purchase(customer_id=customer_id, amount="100.00", posted_at=days_ago(3))
    wrong = purchase.posted(total=100.0)

    assert problem(ledger.post_standard(encoded(wrong))) == INVALID
    ledger.wait_until_processed()

    assert ledger.member_of(f"pos:{customer_id}") is None
