"""Shopify's webhooks over HTTP: orders, payments and refunds, in any order and more than once."""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.stack.client import StackClient, days_ago, problem
from tests.stack.standard import written

pytestmark = pytest.mark.stack

Json = dict[str, Any]
Message = tuple[str, Json]
UNAUTHENTICATED = (401, "unauthenticated")
INVALID = (400, "invalid_request")


def number() -> int:
    """An id as Shopify gives them."""
    return secrets.randbelow(10**15) + 10**15


def bag(amount: str) -> Json:
    return {"shop_money": {"amount": amount, "currency_code": "USD"}}


@dataclass(frozen=True)
class Order:
    """1,250.00 of original pages in five pieces (75 points) and 250.00 of binders (15 points)."""

    customer_id: int = field(default_factory=number)
    id: int = field(default_factory=number)
    placed_at: datetime = field(default_factory=lambda: days_ago(3))
    taxes_included: bool = False

    @property
    def external_id(self) -> str:
        return f"shopify:{self.customer_id}"

    @property
    def earning_id(self) -> str:
        return f"shopify:order:{self.id}"

    def _at(self, hours: float) -> str:
        return written(self.placed_at + timedelta(hours=hours))

    def line(self, n: int, price: str, quantity: int, category: str, tax: str = "0.00") -> Json:
        return {
            "id": self.id + n,
            "quantity": quantity,
            "current_quantity": quantity,
            "price": price,
            "price_set": bag(price),
            "sku": f"SKU-{n}",
            "properties": [{"name": "points_category", "value": category}],
            "discount_allocations": [],
            "tax_lines": [{"price": tax, "price_set": bag(tax), "rate": 0.08}],
        }

    def document(self, *refunds: Json, hours: float = 0, **changes: object) -> Json:
        binders = "270.00" if self.taxes_included else "250.00"
        placed: Json = {
            "id": self.id,
            "created_at": self._at(0),
            "processed_at": self._at(0),
            "updated_at": self._at(hours),
            "cancelled_at": None,
            "currency": "USD",
            "financial_status": "pending",
            "taxes_included": self.taxes_included,
            "total_price": "1520.00",
            "current_total_price": "1.00" if refunds else "1520.00",
            "note_attributes": [],
            "customer": {"id": self.customer_id, "first_name": "Somebody", "last_name": None},
            "line_items": [
                self.line(1, "250.00", 5, "original"),
                self.line(2, binders, 1, "original", tax="20.00"),
            ],
            "refunds": list(refunds),
        }
        return placed | changes

    def created(self, **changes: Any) -> Message:  # noqa: ANN401 - of any type
        return "orders/create", self.document(**changes)

    def paid(self) -> Message:
        return "orders/paid", self.document(hours=30, financial_status="paid")

    def updated(self, *refunds: Json, **changes: Any) -> Message:  # noqa: ANN401 - of any type
        return "orders/updated", self.document(*refunds, hours=45, **changes)

    def cancelled(self, *refunds: Json) -> Message:
        changes: Json = {"cancelled_at": self._at(46), "financial_status": "refunded"}
        return "orders/cancelled", self.document(*refunds, hours=46, **changes)

    def sale(self, amount: str = "1520.00", part: int = 1) -> Message:
        made = {
            "id": self.id + 100 + part,
            "order_id": self.id,
            "kind": "sale",
            "status": "success",
            "created_at": self._at(30),
            "processed_at": self._at(30),
            "amount": amount,
            "currency": "USD",
        }
        return "order_transactions/create", made

    def _refund(self, n: int, **more: object) -> Json:
        made: Json = {
            "id": self.id + 200 + n,
            "order_id": self.id,
            "created_at": self._at(40 + n),
            "processed_at": self._at(40 + n),
            "refund_line_items": [],
            "order_adjustments": [],
            "refund_shipping_lines": [],
            "transactions": [],
        }
        return made | more

    def binders_refund(self) -> Json:
        subtotal = "270.00" if self.taxes_included else "250.00"
        entry = {
            "line_item_id": self.id + 2,
            "quantity": 1,
            "subtotal": float(subtotal),
            "total_tax": 20.0,
            "subtotal_set": bag(subtotal),
            "total_tax_set": bag("20.00"),
            "line_item": self.document()["line_items"][1],
        }
        return self._refund(1, refund_line_items=[entry], transactions=[self._paid_back("270.00")])

    def pages_refund(self, pieces: int) -> Json:
        subtotal = f"{250 * pieces}.00"
        entry = {
            "line_item_id": self.id + 1,
            "quantity": pieces,
            "subtotal": float(subtotal),
            "total_tax": 0.0,
            "subtotal_set": bag(subtotal),
            "total_tax_set": bag("0.00"),
            "line_item": self.document()["line_items"][0],
        }
        return self._refund(2, refund_line_items=[entry])

    def money_refund(self, amount: str) -> Json:
        return self._refund(3, transactions=[self._paid_back(amount)])

    def _paid_back(self, amount: str) -> Json:
        return {"kind": "refund", "status": "success", "amount": amount, "currency": "USD"}


def refunded(refund: Json) -> Message:
    return "refunds/create", refund


def amounts(ledger: StackClient, order: Order) -> tuple[int, int, int]:
    return ledger.amounts(ledger.wait_for_member(order.external_id))


HISTORIES: dict[str, tuple[Callable[[Order], Sequence[Message]], tuple[int, int, int]]] = {
    "unpaid": (lambda o: [o.created(), o.updated()], (90, 0, 0)),
    "paid before posted": (lambda o: [o.paid(), o.created()], (0, 90, 0)),
    "its payment before posted": (lambda o: [o.sale(), o.created()], (0, 90, 0)),
    "paid at the checkout": (lambda o: [o.created(financial_status="paid")], (0, 90, 0)),
    "paid in part": (lambda o: [o.created(), o.sale("1000.00")], (90, 0, 0)),
    "a line refunded, told twice": (
        lambda o: [o.paid(), refunded(o.binders_refund()), o.updated(o.binders_refund())],
        (0, 75, 0),
    ),
    "a line refunded before posted": (
        lambda o: [refunded(o.binders_refund()), o.updated(o.binders_refund()), o.paid()],
        (0, 75, 0),
    ),
    "two refunds, the later one first": (
        lambda o: [
            o.created(),
            o.updated(o.binders_refund(), o.pages_refund(2)),
            o.paid(),
            refunded(o.pages_refund(2)),
            refunded(o.binders_refund()),
        ],
        (0, 45, 0),
    ),
    "half of the money": (
        lambda o: [o.paid(), refunded(o.money_refund("760.00"))],
        (0, 45, 0),
    ),
    "cancelled after a refund": (
        lambda o: [o.paid(), refunded(o.binders_refund()), o.cancelled(o.binders_refund())],
        (0, 0, 0),
    ),
    "cancelled before posted": (lambda o: [o.cancelled(), o.created(), o.paid()], (0, 0, 0)),
    "deleted": (lambda o: [o.paid(), ("orders/delete", {"id": o.id})], (0, 0, 0)),
}


def test_in_any_order_and_every_message_twice(ledger: StackClient) -> None:
    orders = {name: Order() for name in HISTORIES}
    histories = {name: list(make(orders[name])) for name, (make, _) in HISTORIES.items()}

    for step in range(max(map(len, histories.values()))):
        due = [history[step] for history in histories.values() if step < len(history)]
        ledger.settle_shopify(*due, *due)

    seen = {name: amounts(ledger, order) for name, order in orders.items()}
    assert seen == {name: expected for name, (_, expected) in HISTORIES.items()}


def test_a_whole_history_again_changes_nothing(ledger: StackClient) -> None:
    order = Order()
    history = [order.created(), order.sale(), order.paid(), order.updated(order.binders_refund())]
    ledger.settle_shopify(*history)
    member_id = ledger.wait_for_member(order.external_id)
    entries = ledger.entries(member_id)

    ledger.settle_shopify(*history, *reversed(history))

    assert ledger.entries(member_id) == entries
    assert ledger.amounts(member_id) == (0, 75, 0)


@pytest.mark.parametrize("order_says_first", [False, True])
def test_a_shop_whose_prices_include_tax(ledger: StackClient, *, order_says_first: bool) -> None:
    order = Order(taxes_included=True)
    told = [refunded(order.binders_refund()), order.updated(order.binders_refund())]

    ledger.settle_shopify(order.paid())
    assert amounts(ledger, order) == (0, 90, 0)
    for message in told[::-1] if order_says_first else told:
        ledger.settle_shopify(message)

    assert amounts(ledger, order) == (0, 75, 0)


def test_an_edited_order_earns_for_what_it_now_says(ledger: StackClient) -> None:
    order = Order()
    more = [*order.document()["line_items"], order.line(3, "50.00", 1, "original")]

    ledger.settle_shopify(order.updated(line_items=more, total_price="1570.00"), order.created())
    member_id = ledger.wait_for_member(order.external_id)

    assert ledger.amounts(member_id) == (93, 0, 0)
    ((pending,),) = [ledger.pending(member_id)]
    assert pending["earning_id"] == order.earning_id


def test_a_member_named_in_the_order_earns_instead_of_the_customer(ledger: StackClient) -> None:
    order = Order()
    member_id, _ = ledger.customer()
    named = [{"name": "points_member", "value": member_id}]

    ledger.settle_shopify(order.created(note_attributes=named, financial_status="paid"))

    assert ledger.amounts(member_id) == (0, 90, 0)
    assert ledger.member_of(order.external_id) is None


def test_customers_who_are_merged_are_one_member(ledger: StackClient) -> None:
    first, second = Order(), Order()
    merged = {
        "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{first.customer_id}",
        "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{second.customer_id}",
        "status": "completed",
    }
    ledger.settle_shopify(first.paid(), second.paid())

    ledger.settle_shopify(("customers/merge", merged), ("customers/merge", merged))

    ledger.wait_for_amounts(ledger.wait_for_member(first.external_id), available=180)
    assert ledger.member_of(first.external_id) == ledger.member_of(second.external_id)


def test_signatures_that_prove_nothing(ledger: StackClient) -> None:
    topic, message = Order().created()
    body = json.dumps(message).encode()
    for header in ("", "AAAA", "v1,AAAA", "0" * 64):
        assert problem(ledger.post_shopify(body, topic, header=header)) == UNAUTHENTICATED
    assert problem(ledger.post_shopify(body, topic, secret="another")) == UNAUTHENTICATED
    signed = ledger.post_shopify(body, topic)
    header = signed.request.headers["X-Shopify-Hmac-Sha256"]
    changed = body.replace(b"250.00", b"950.00")
    assert signed.status_code == 202
    assert problem(ledger.post_shopify(changed, topic, header=header)) == UNAUTHENTICATED


def test_a_topic_is_needed_and_an_unknown_one_is_ignored(ledger: StackClient) -> None:
    assert problem(ledger.post_shopify(b'{"id": 1}', None)) == INVALID
    answer = ledger.post_shopify(b'{"id": 1}', "products/create")
    assert (answer.status_code, answer.json()) == (202, {"accepted": True})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"id": 1, "id": 2}',
        b'{"id": NaN}',
        b'{"id": true, "line_items": []}',
        b'{"id": 1, "customer": {"id": 2}, "currency": "USD"}',
    ],
)
def test_bodies_that_cannot_be_read(ledger: StackClient, body: bytes) -> None:
    assert problem(ledger.post_shopify(body, "orders/create")) == INVALID
