"""Square's webhooks over HTTP: whole orders, payments, refunds and returns, in any order."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.stack.client import StackClient, days_ago, problem, unique
from tests.stack.standard import written

pytestmark = pytest.mark.stack

Json = dict[str, Any]
UNAUTHENTICATED = (401, "unauthenticated")


def usd(amount: int) -> Json:
    return {"amount": amount, "currency": "USD"}


def event(type_: str, at: datetime, **subject: Json) -> Json:
    kind = type_.split(".", maxsplit=1)[0]
    data = {"type": kind, "id": unique("object"), "object": subject}
    return {
        "merchant_id": "merchant",
        "type": type_,
        "event_id": unique("event"),
        "created_at": written(at),
        "data": data,
    }


def sold(uid: str, amount: int, category: str) -> Json:
    return {
        "uid": uid,
        "quantity": "1",
        "item_type": "ITEM",
        "metadata": {"points_category": category},
        "total_tax_money": usd(0),
        "total_discount_money": usd(0),
        "total_money": usd(amount),
    }


@dataclass(frozen=True)
class Order:
    """1,250.00 of original pages (75 points) and 250.00 of binders (15 points), paid at once."""

    customer_id: str = field(default_factory=lambda: unique("CUSTOMER"))
    id: str = field(default_factory=lambda: unique("order"))
    placed_at: datetime = field(default_factory=lambda: days_ago(3))

    @property
    def paid_at(self) -> datetime:
        return self.placed_at + timedelta(hours=1)

    @property
    def returned_at(self) -> datetime:
        return self.placed_at + timedelta(hours=40)

    @property
    def external_id(self) -> str:
        return f"square:{self.customer_id}"

    def document(self, **changes: object) -> Json:
        placed: Json = {
            "id": self.id,
            "location_id": "location",
            "customer_id": self.customer_id,
            "line_items": [sold("pages", 125_000, "original"), sold("binders", 25_000, "original")],
            "created_at": written(self.placed_at),
            "updated_at": written(self.placed_at),
            "state": "OPEN",
            "total_money": usd(150_000),
            "total_tip_money": usd(0),
        }
        return placed | changes

    def created(self, **changes: object) -> Json:
        return event("order.created", self.placed_at, order=self.document(**changes))

    def completed(self) -> Json:
        at = written(self.paid_at)
        closed = self.document(state="COMPLETED", updated_at=at, closed_at=at)
        return event("order.updated", self.paid_at, order=closed)

    def canceled(self) -> Json:
        told = {"order_id": self.id, "state": "CANCELED", "updated_at": written(self.paid_at)}
        return event("order.updated", self.paid_at, order_updated=told)

    def paid(self, status: str = "COMPLETED") -> Json:
        made = {
            "id": f"payment-{self.id}",
            "created_at": written(self.paid_at),
            "updated_at": written(self.paid_at),
            "amount_money": usd(150_000),
            "status": status,
            "order_id": self.id,
        }
        return event("payment.updated", self.paid_at, payment=made)

    def refunded(self, amount: int, *, part: str = "1", status: str = "COMPLETED") -> Json:
        made = {
            "id": f"refund-{self.id}-{part}",
            "created_at": written(self.returned_at),
            "updated_at": written(self.returned_at),
            "amount_money": usd(amount),
            "status": status,
            "order_id": f"return-{self.id}",
            "payment_id": f"payment-{self.id}",
        }
        return event("refund.updated", self.returned_at, refund=made)

    def binders_returned(self) -> Json:
        at = written(self.returned_at)
        line = {
            "uid": "returned",
            "source_line_item_uid": "binders",
            "quantity": "1",
            "total_money": usd(25_000),
        }
        made: Json = {
            "id": f"return-{self.id}",
            "state": "COMPLETED",
            "created_at": at,
            "updated_at": at,
            "closed_at": at,
            "returns": [{"source_order_id": self.id, "return_line_items": [line]}],
            "refunds": [{"id": f"refund-{self.id}-1", "status": "APPROVED"}],
        }
        return event("order.updated", self.returned_at, order=made)


def amounts(ledger: StackClient, order: Order) -> tuple[int, int, int]:
    return ledger.amounts(ledger.wait_for_member(order.external_id))


HISTORIES: dict[str, tuple[Callable[[Order], Sequence[Json]], tuple[int, int, int]]] = {
    "placed": (lambda o: [o.created()], (90, 0, 0)),
    "placed and paid": (lambda o: [o.created(), o.paid()], (0, 90, 0)),
    "paid before placed": (lambda o: [o.paid(), o.created()], (0, 90, 0)),
    "completed before placed": (lambda o: [o.completed(), o.created()], (0, 90, 0)),
    "payment failed": (lambda o: [o.created(), o.paid("FAILED")], (90, 0, 0)),
    "refunded": (lambda o: [o.created(), o.paid(), o.refunded(75_000)], (0, 45, 0)),
    "refunded before placed": (lambda o: [o.paid(), o.refunded(75_000), o.created()], (0, 45, 0)),
    "refunded in two parts": (
        lambda o: [
            o.created(),
            o.paid(),
            o.refunded(50_000, part="1"),
            o.refunded(25_000, part="2"),
        ],
        (0, 45, 0),
    ),
    "refund failed": (
        lambda o: [o.refunded(75_000, status="FAILED"), o.created(), o.paid()],
        (0, 90, 0),
    ),
    "a line returned": (
        lambda o: [o.completed(), o.paid(), o.binders_returned(), o.refunded(25_000)],
        (0, 75, 0),
    ),
    "a line returned, told backwards": (
        lambda o: [o.refunded(25_000), o.binders_returned(), o.paid(), o.completed()],
        (0, 75, 0),
    ),
    "canceled": (lambda o: [o.canceled(), o.created(), o.paid()], (0, 0, 0)),
}


def test_square_in_any_order_and_every_event_twice(ledger: StackClient) -> None:
    orders = {name: Order() for name in HISTORIES}
    histories = {name: list(make(orders[name])) for name, (make, _) in HISTORIES.items()}

    for step in range(max(map(len, histories.values()))):
        due = [history[step] for history in histories.values() if step < len(history)]
        ledger.settle(*due, *due)

    expected = {name: amounts_ for name, (_, amounts_) in HISTORIES.items()}
    for name, order in orders.items():
        # A refund that waited for its payment comes again by the table's stream.
        member_id = ledger.wait_for_member(order.external_id)
        pending, available, debt = expected[name]
        ledger.wait_for_amounts(member_id, pending=pending, available=available, debt=debt)
    assert {name: amounts(ledger, order) for name, order in orders.items()} == expected


def test_a_member_named_in_the_order_earns_instead_of_the_customer(ledger: StackClient) -> None:
    member_id, _ = ledger.customer()
    order = Order()

    ledger.settle(order.created(metadata={"points_member": member_id}), order.paid())

    assert ledger.amounts(member_id) == (0, 90, 0)
    assert ledger.member_of(order.external_id) is None


def test_customers_who_are_merged_at_square_are_one_member(ledger: StackClient) -> None:
    order, at = Order(), days_ago(1)
    into = unique("CUSTOMER")
    merge = {"merge": {"from_customer_ids": [order.customer_id], "to_customer_id": into}}
    made = event(
        "customer.created", at, customer={"id": into, "given_name": "Ada"}, event_context=merge
    )

    ledger.settle(order.created(), order.paid())
    ledger.settle(made, made)

    member_id = ledger.wait_for_member(f"square:{into}")
    assert ledger.amounts(member_id) == (0, 90, 0)


def test_signatures_of_another_body_url_or_key_are_refused(ledger: StackClient) -> None:
    body = json.dumps(Order().created()).encode()
    api_url = ledger.stack["api_url"]
    for url in (api_url, f"{api_url}/webhooks/stripe", "https://ledger.example/webhooks/square"):
        assert problem(ledger.post_square(body, url=url)) == UNAUTHENTICATED
    assert problem(ledger.post_square(body, secret="another")) == UNAUTHENTICATED
    for header in ("", "AAAA", "not base64", "="):
        headers = {"x-square-hmacsha256-signature": header, "Content-Type": "application/json"}
        answer = ledger.http.post("/webhooks/square", content=body, headers=headers)
        assert problem(answer) == UNAUTHENTICATED


def test_what_cannot_be_right_is_refused_with_its_path(ledger: StackClient) -> None:
    message = Order().created(total_money={"amount": 10.5, "currency": "USD"})
    answer = ledger.post_square(json.dumps(message).encode())
    assert problem(answer) == (400, "invalid_request")
    assert answer.json()["errors"][0]["field"] == "data.object.order.total_money.amount"


def test_an_order_without_its_lines_is_taken_and_set_aside(ledger: StackClient) -> None:
    told = {"order_id": unique("order"), "state": "OPEN", "version": 1}
    message = event("order.created", days_ago(1), order_created=told)
    answer = ledger.post_square(json.dumps(message).encode())
    assert (answer.status_code, answer.json()) == (202, {"accepted": True})


@pytest.fixture
def second_key(ledger: StackClient) -> Iterator[str]:
    """A further active signature key, newest first, as while the first one is replaced."""
    arn, endpoint_url = ledger.stack["webhook_secret_arn"], ledger.stack["endpoint_url"]
    secrets = ledger.session.client("secretsmanager", endpoint_url=endpoint_url)
    before = secrets.get_secret_value(SecretId=arn)["SecretString"]
    active: Json = json.loads(before)
    key = unique("key")
    active["square"] = [key, *active["square"]]
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps(active))
    yield key
    secrets.put_secret_value(SecretId=arn, SecretString=before)
    secrets.close()


def test_both_keys_work_while_one_is_replaced(ledger: StackClient, second_key: str) -> None:
    order = Order()
    body = json.dumps(order.created()).encode()

    # A key that is not known yet makes the function look again, after a few seconds at the latest.
    ledger.wait_for(
        "the second key works",
        lambda: ledger.post_square(body, secret=second_key).status_code,
        lambda status: status == 202,
    )
    assert ledger.post_square(json.dumps(order.paid()).encode()).status_code == 202
    assert problem(ledger.post_square(body, secret="a third key")) == UNAUTHENTICATED

    member_id = ledger.wait_for_member(order.external_id)
    ledger.wait_for_amounts(member_id, pending=0, available=90, debt=0)
