"""Messages in the Standard Webhooks format become these facts."""

import copy
import json
from decimal import Decimal
from typing import Any

import pytest

from points_ledger.adapters.providers.standard import EVENTS
from points_ledger.contracts.messages import decode, encode
from points_ledger.domain.calendar import parse_instant
from points_ledger.domain.error import InvalidRequestError
from points_ledger.domain.fact import (
    ActionPerformed,
    Customer,
    CustomerSeen,
    CustomersMerged,
    Earner,
    Fact,
    Line,
    LineRefund,
    Payment,
    PaymentReceived,
    PaymentReversed,
    PurchasePosted,
    PurchaseRefunded,
    PurchaseSettled,
    PurchaseVoided,
    Refund,
    RefundCancelled,
    Snapshot,
)
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId
from tests.unit.providers.payloads import Json, money, read

SENT_AT = "2026-09-02T15:04:06Z"
POSTED_AT = "2026-09-02T15:04:05Z"
KEY = EarningKey(source="standard", kind="ticket", id="T-1")
DANA = ExternalId(source="standard", id="C-1")
LEE = ExternalId(source="standard", id="C-2")
PURCHASE: Json = {
    "id": "T-1",
    "kind": "ticket",
    "customer": {"id": "C-1"},
    "posted_at": POSTED_AT,
    "currency": "usd",
    "lines": [{"id": "1", "item": "MUG", "amount": "10.00"}],
    "total": "10.80",
}
NAMED: Json = {"purchase_id": "T-1", "kind": "ticket"}
SNAPSHOT = Snapshot(
    posted_at=parse_instant(POSTED_AT),
    updated_at=parse_instant(SENT_AT),
    currency="USD",
    lines=(Line(id="1", item="MUG", amount=money("10.00")),),
    total=money("10.80"),
    earner=Earner(external_id=DANA),
)


def _message(type_: str, data: object) -> Json:
    return {"type": type_, "timestamp": SENT_AT, "data": data}


def _facts(type_: str, data: object) -> tuple[Fact, ...]:
    return read("standard", _message(type_, data))


def _posted(**changes: object) -> PurchasePosted:
    (fact,) = _facts("purchase.posted", {"purchase": PURCHASE | changes})
    assert isinstance(fact, PurchasePosted)
    return fact


def _refusal(type_: str, data: object) -> tuple[str, str]:
    with pytest.raises(InvalidRequestError) as caught:
        _facts(type_, data)
    (error,) = caught.value.errors
    return error.field, error.message


AT = parse_instant(SENT_AT)
CASES: list[tuple[str, str, Json, Fact | None]] = [
    (
        "as little as possible",
        "purchase.posted",
        {"purchase": PURCHASE},
        PurchasePosted(purchase=KEY, snapshot=SNAPSHOT, customer=Customer(external_id=DANA)),
    ),
    (
        "as much as possible",
        "purchase.adjusted",
        {
            "source": "pos",
            "later": "tolerated",
            "purchase": {
                "id": "T-1",
                "kind": "order",
                "number": "1",
                "customer": {
                    "id": "C-1",
                    "name": "Dana",
                    "email": "d@example.com",
                    "phone": "+1312",
                    "organisation": "Holt",
                    "shoe_size": 38,
                },
                "posted_at": POSTED_AT,
                "updated_at": "2026-09-02T17:00:00+02:00",
                "currency": "USD",
                "lines": [
                    {
                        "id": "1",
                        "item": "MUG",
                        "category": "retail",
                        "description": "Mug",
                        "quantity": "2.5",
                        "amount": "10",
                    },
                    {"id": "2", "item": "MUG", "quantity": 3, "amount": "-0.50", "colour": "red"},
                ],
                "total": "9.50",
                "points_paid_amount": "2.00",
                "own_order": False,
                "billed_to": {"id": "F-1", "name": "Holt"},
            },
        },
        PurchasePosted(
            purchase=EarningKey(source="pos", kind="order", id="T-1"),
            snapshot=Snapshot(
                posted_at=parse_instant(POSTED_AT),
                updated_at=parse_instant("2026-09-02T15:00:00Z"),
                currency="USD",
                lines=(
                    Line(
                        id="1",
                        item="MUG",
                        category="retail",
                        quantity=Decimal("2.5"),
                        amount=money("10.00"),
                    ),
                    Line(id="2", item="MUG", quantity=Decimal(3), amount=money("-0.50")),
                ),
                total=money("9.50"),
                earner=Earner(external_id=ExternalId(source="pos", id="C-1")),
                points_paid_amount=money("2.00"),
                own_order=False,
                billed_to=ExternalId(source="pos", id="F-1"),
            ),
            customer=Customer(
                external_id=ExternalId(source="pos", id="C-1"),
                name="Dana",
                email="d@example.com",
                phone="+1312",
                organisation="Holt",
            ),
        ),
    ),
    (
        "money",
        "purchase.paid",
        NAMED | {"payment": {"id": "P-1", "amount": "10.80", "currency": "usd", "at": SENT_AT}},
        PaymentReceived(
            purchase=KEY, payment=Payment(id="P-1", amount=money("10.80"), at=AT, currency="USD")
        ),
    ),
    (
        "money without a currency",
        "purchase.paid",
        NAMED | {"settled": None, "payment": {"id": "P-1", "amount": "10.80", "at": SENT_AT}},
        PaymentReceived(purchase=KEY, payment=Payment(id="P-1", amount=money("10.80"), at=AT)),
    ),
    (
        "settled",
        "purchase.paid",
        NAMED | {"settled": {"at": SENT_AT}},
        PurchaseSettled(purchase=KEY, at=AT),
    ),
    (
        "bounced",
        "purchase.payment_reversed",
        NAMED | {"payment": {"id": "P-1", "at": SENT_AT}},
        PaymentReversed(purchase=KEY, payment_id="P-1", at=AT),
    ),
    (
        "an amount",
        "purchase.refunded",
        NAMED | {"refund": {"id": "R-1", "at": SENT_AT, "amount": "1.00", "currency": "USD"}},
        PurchaseRefunded(
            purchase=KEY, refund=Refund(id="R-1", at=AT, amount=money("1.00"), currency="USD")
        ),
    ),
    (
        "lines",
        "purchase.refunded",
        NAMED
        | {
            "refund": {
                "id": "R-1",
                "at": SENT_AT,
                "lines": [{"line_id": "1", "amount": "1.00"}, {"line_id": "2", "amount": "0"}],
            }
        },
        PurchaseRefunded(
            purchase=KEY,
            refund=Refund(
                id="R-1",
                at=AT,
                lines=(
                    LineRefund(line_id="1", amount=money("1.00")),
                    LineRefund(line_id="2", amount=money("0")),
                ),
            ),
        ),
    ),
    (
        "a refund withdrawn",
        "purchase.refund_cancelled",
        NAMED | {"refund": {"id": "R-1", "at": SENT_AT}},
        RefundCancelled(purchase=KEY, refund_id="R-1", at=AT),
    ),
    ("void", "purchase.voided", NAMED | {"at": SENT_AT}, PurchaseVoided(purchase=KEY, at=AT)),
    (
        "by a customer",
        "action.performed",
        {
            "source": "app",
            "customer": {"id": "C-1", "name": "Dana"},
            "action": "review",
            "action_id": "7:a",
            "at": SENT_AT,
        },
        ActionPerformed(
            key=EarningKey(source="app", kind="action", id="review:7:a"),
            action="review",
            earner=Earner(external_id=ExternalId(source="app", id="C-1")),
            at=AT,
            customer=Customer(external_id=ExternalId(source="app", id="C-1"), name="Dana"),
        ),
    ),
    (
        "by a member, for a ticket",
        "action.performed",
        {
            "member_id": "M-1",
            "action": "booking",
            "action_id": "7",
            "at": SENT_AT,
            "purchase_id": "T-1",
        },
        ActionPerformed(
            key=EarningKey(source="standard", kind="action", id="booking:7"),
            action="booking",
            earner=Earner(
                external_id=ExternalId(source="member", id="M-1"), member_id=MemberId("M-1")
            ),
            at=AT,
            linked_purchase=KEY,
        ),
    ),
    (
        "for an order",
        "action.performed",
        {
            "member_id": "M-1",
            "action": "booking",
            "action_id": "7",
            "at": SENT_AT,
            "purchase_id": "O-1",
            "kind": "order",
        },
        ActionPerformed(
            key=EarningKey(source="standard", kind="action", id="booking:7"),
            action="booking",
            earner=Earner(
                external_id=ExternalId(source="member", id="M-1"), member_id=MemberId("M-1")
            ),
            at=AT,
            linked_purchase=EarningKey(source="standard", kind="order", id="O-1"),
        ),
    ),
    (
        "a new name",
        "customer.updated",
        {"customer": {"id": "C-1", "name": "Dana"}},
        CustomerSeen(customer=Customer(external_id=DANA, name="Dana"), at=AT),
    ),
    (
        "two are one",
        "customer.merged",
        {"from": "C-1", "into": "C-2"},
        CustomersMerged(former=DANA, into=LEE, at=AT),
    ),
    ("means nothing here", "till.opened", {}, None),
]


@pytest.mark.parametrize(
    ("type_", "data", "expected"),
    [case[1:] for case in CASES],
    ids=[f"{type_}: {name}" for name, type_, _, _ in CASES],
)
def test_message_becomes_this_fact(type_: str, data: Json, expected: Fact | None) -> None:
    facts = _facts(type_, data)
    assert facts == (() if expected is None else (expected,))
    assert tuple(decode(encode(fact)) for fact in facts) == facts


def test_every_message_type_has_a_case() -> None:
    assert {type_ for _, type_, _, _ in CASES} == {*EVENTS, "till.opened"}


def test_who_asked_for_the_work_earns() -> None:
    posted = _posted(requested_by={"id": "C-2", "name": "Lee"}, own_order=False)
    assert posted.snapshot.earner == Earner(external_id=LEE)
    assert posted.customer == Customer(external_id=LEE, name="Lee")


@pytest.mark.parametrize(
    ("currency", "amount", "expected"),
    [
        ("USD", "10", "10.00"),
        ("USD", "10.5", "10.50"),
        ("USD", "10.500", "10.50"),
        ("USD", "0", "0.00"),
        ("USD", "-0.00", "0.00"),
        ("USD", "999999999.99", "999999999.99"),
        ("JPY", "500", "500"),
        ("JPY", "500.00", "500"),
        ("KWD", "5.12", "5.120"),
    ],
)
def test_one_amount_has_one_form(currency: str, amount: str, expected: str) -> None:
    total = _posted(currency=currency, total=amount, lines=[]).snapshot.total
    assert (str(total), total.is_signed()) == (expected, False)


_NOT_A_NUMBER = 'must be a decimal string such as "123.45", not a number'
_NOT_DECIMAL = 'must be a decimal string such as "123.45"'
_AMOUNTS_REFUSED: list[tuple[Any, str]] = [
    (10.8, _NOT_A_NUMBER),
    (10, _NOT_A_NUMBER),
    (True, _NOT_A_NUMBER),
    (None, "is required"),
    (["1"], "must be a string"),
    ("", _NOT_DECIMAL),
    (" 1", _NOT_DECIMAL),
    ("1\n", _NOT_DECIMAL),
    ("1e3", _NOT_DECIMAL),
    ("1,5", _NOT_DECIMAL),
    ("1_0", _NOT_DECIMAL),
    (".5", _NOT_DECIMAL),
    ("5.", _NOT_DECIMAL),
    ("+5", _NOT_DECIMAL),
    ("NaN", _NOT_DECIMAL),
    ("Infinity", _NOT_DECIMAL),
    ("\u0661", _NOT_DECIMAL),
    ("9" * 5_000, _NOT_DECIMAL),
    ("1000000000.00", "an amount must be at most 999999999.99, is 1000000000.00"),
    ("-0.01", "an amount must be at least 0, is -0.01"),
    ("1.001", "has more decimals than USD has"),
    ("1.00001", "an amount has at most 4 decimals"),
]


@pytest.mark.parametrize(("amount", "message"), _AMOUNTS_REFUSED)
def test_amounts_are_plain_decimal_strings(amount: object, message: str) -> None:
    assert _refusal("purchase.posted", {"purchase": PURCHASE | {"total": amount}}) == (
        "data.purchase.total",
        message,
    )
    payment = {"id": "P-1", "amount": amount, "currency": "USD", "at": SENT_AT}
    assert _refusal("purchase.paid", NAMED | {"payment": payment}) == (
        "data.payment.amount",
        message,
    )
    if message != "is required":
        refund = {"id": "R-1", "amount": amount, "currency": "USD", "at": SENT_AT}
        assert _refusal("purchase.refunded", NAMED | {"refund": refund}) == (
            "data.refund.amount",
            message,
        )


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
def test_decimals_are_those_of_the_currency(currency: str) -> None:
    field, message = _refusal(
        "purchase.posted", {"purchase": PURCHASE | {"currency": currency, "total": "1.0001"}}
    )
    assert (field, message) == ("data.purchase.total", f"has more decimals than {currency} has")


def _changed(path: str, value: object) -> Json:
    """The purchase with the member at a dotted path changed; `...` removes it."""
    purchase = copy.deepcopy(PURCHASE)
    *parents, name = (int(step) if step.isdigit() else step for step in path.split("."))
    target: Any = purchase
    for parent in parents:
        target = target[parent]
    if value is ...:
        del target[name]
    else:
        target[name] = value
    return purchase


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        *((name, ..., name) for name in PURCHASE),
        *((name, None, name) for name in PURCHASE),
        ("id", "", "id"),
        ("id", 7, "id"),
        ("id", "a\u0007", "id"),
        ("id", "\ud800", "id"),
        ("id", "i" * 2_000, "id"),
        ("kind", "receipt", "kind"),
        ("number", 7, "number"),
        ("customer", "C-1", "customer"),
        ("customer.id", None, "customer.id"),
        ("customer.id", "c" * 256, "customer.id"),
        ("customer.name", ["Dana"], "customer.name"),
        ("customer.name", "n" * 2_000, "customer"),
        ("customer.email", "a\u0000b", "customer"),
        ("requested_by", {}, "requested_by.id"),
        ("billed_to", {"id": 7}, "billed_to.id"),
        ("posted_at", 1_788_336_000, "posted_at"),
        ("posted_at", "yesterday", "posted_at"),
        ("posted_at", "2026-09-02T15:04:05", "posted_at"),
        ("posted_at", "0001-01-01T00:00:00Z", "posted_at"),
        ("posted_at", "0001-01-01T00:00:00+14:00", "posted_at"),
        ("posted_at", "1969-12-31T23:59:59Z", "posted_at"),
        ("updated_at", "soon", "updated_at"),
        ("currency", "XXX", "currency"),
        ("currency", 840, "currency"),
        ("lines", {}, "lines"),
        ("lines", [{"id": "1", "item": "MUG", "amount": "1"}] * 2, ""),
        ("lines", [{"id": str(n), "item": "MUG", "amount": "1"} for n in range(501)], "lines"),
        ("lines.0", "MUG", "lines.0"),
        ("lines.0.id", ..., "lines.0.id"),
        ("lines.0.item", 7, "lines.0.item"),
        ("lines.0.description", "d" * 1_001, "lines.0.description"),
        ("number", "n" * 1_001, "number"),
        ("lines.0.amount", 10.0, "lines.0.amount"),
        ("lines.0.category", 7, "lines.0.category"),
        ("lines.0.description", 7, "lines.0.description"),
        ("lines.0.quantity", 1.5, "lines.0.quantity"),
        ("lines.0.quantity", True, "lines.0.quantity"),
        ("lines.0.quantity", -1, "lines.0"),
        ("lines.0.quantity", "-1", "lines.0.quantity"),
        ("points_paid_amount", "10.81", ""),
        ("points_paid_amount", "-1", "points_paid_amount"),
        ("points_paid_amount", 1, "points_paid_amount"),
        ("own_order", "true", "own_order"),
        ("own_order", 1, "own_order"),
    ],
)
def test_purchase_refusals_name_the_field(path: str, value: object, field: str) -> None:
    named, message = _refusal("purchase.posted", {"purchase": _changed(path, value)})
    assert named == f"data.purchase.{field}".rstrip(".")
    assert message


@pytest.mark.parametrize(
    ("type_", "data", "field"),
    [
        *((type_, None, "data") for type_ in EVENTS),
        *((type_, [], "data") for type_ in EVENTS),
        ("purchase.posted", {}, "data.purchase"),
        ("purchase.posted", {"source": "a b", "purchase": PURCHASE}, "data.source"),
        ("purchase.posted", {"source": "", "purchase": PURCHASE}, "data.source"),
        ("purchase.posted", {"source": "s" * 65, "purchase": PURCHASE}, "data.source"),
        ("purchase.posted", {"source": 7, "purchase": PURCHASE}, "data.source"),
        ("purchase.paid", NAMED, "data"),
        (
            "purchase.paid",
            NAMED
            | {"settled": {"at": SENT_AT}, "payment": {"id": "P", "amount": "1", "at": SENT_AT}},
            "data",
        ),
        ("purchase.paid", {"purchase_id": "T-1", "settled": {"at": SENT_AT}}, "data.kind"),
        ("purchase.paid", {"kind": "ticket", "settled": {"at": SENT_AT}}, "data.purchase_id"),
        ("purchase.paid", NAMED | {"settled": {}}, "data.settled.at"),
        ("purchase.paid", NAMED | {"settled": True}, "data.settled"),
        ("purchase.paid", NAMED | {"payment": {"id": "P", "amount": "1"}}, "data.payment.at"),
        ("purchase.paid", NAMED | {"payment": {"amount": "1", "at": SENT_AT}}, "data.payment.id"),
        ("purchase.payment_reversed", NAMED, "data.payment"),
        ("purchase.refunded", NAMED, "data.refund"),
        ("purchase.refunded", NAMED | {"refund": {"id": "R", "at": SENT_AT}}, "data.refund"),
        (
            "purchase.refunded",
            NAMED
            | {
                "refund": {
                    "id": "R",
                    "at": SENT_AT,
                    "amount": "1",
                    "lines": [{"line_id": "1", "amount": "1"}],
                }
            },
            "data.refund",
        ),
        (
            "purchase.refunded",
            NAMED
            | {"refund": {"id": "R", "at": SENT_AT, "lines": [{"line_id": "1", "amount": "-1"}]}},
            "data.refund.lines.0.amount",
        ),
        ("purchase.refund_cancelled", NAMED | {"refund": {"id": "R"}}, "data.refund.at"),
        ("purchase.voided", NAMED, "data.at"),
        ("action.performed", {"action": "a", "action_id": "1", "at": SENT_AT}, "data"),
        (
            "action.performed",
            {
                "member_id": "M",
                "customer": {"id": "C"},
                "action": "a",
                "action_id": "1",
                "at": SENT_AT,
            },
            "data",
        ),
        (
            "action.performed",
            {"member_id": "M", "action": "a:b", "action_id": "1", "at": SENT_AT},
            "data.action",
        ),
        (
            "action.performed",
            {"member_id": "M", "action": "a" * 200, "action_id": "1" * 200, "at": SENT_AT},
            "data.action_id",
        ),
        ("action.performed", {"member_id": "M", "action": "a", "at": SENT_AT}, "data.action_id"),
        (
            "action.performed",
            {"source": "points-ledger", "member_id": "M", "action": "a", "action_id": "1"},
            "data.source",
        ),
        ("customer.updated", {}, "data.customer"),
    ],
)
def test_refusals_name_the_field(type_: str, data: object, field: str) -> None:
    named, message = _refusal(type_, data)
    assert named == field
    assert message


def test_a_customer_is_seen_when_the_message_says() -> None:
    message = _message("customer.updated", {"customer": {"id": "C-1"}})
    del message["timestamp"]
    with pytest.raises(InvalidRequestError) as caught:
        read("standard", message)
    assert caught.value.errors[0].field == "timestamp"


def test_ids_that_look_alike_are_one_in_nfc() -> None:
    composed, combining = (_posted(id=id_).purchase for id_ in ("Caf\u00e9#1", "Cafe\u0301#1"))
    assert composed == combining
    assert composed.id == "Caf\u00e9#1"


def test_key_order_does_not_matter() -> None:
    message = _message("purchase.posted", {"purchase": PURCHASE})
    backwards = json.dumps(
        {
            **dict(reversed(message.items())),
            "data": {"purchase": dict(reversed(PURCHASE.items()))},
        }
    )
    assert read("standard", backwards.encode()) == read("standard", message)
