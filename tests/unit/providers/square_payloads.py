"""Square's objects in the shapes of its published examples, and a stand-in for its API.

The examples are those of developer.squareup.com/reference/square: of each webhook event, and of
the objects Order, Payment, PaymentRefund and Invoice. Members that nothing here reads are kept
where they could be mistaken for one that is.
"""

from collections.abc import Mapping
from typing import Any, Final

from points_ledger.adapters.providers import Complete
from points_ledger.domain.fact import Fact
from tests.unit.providers.payloads import Json, read

CREATED_AT: Final = "2026-09-02T12:00:00.000Z"
UPDATED_AT: Final = "2026-09-02T12:00:01.500Z"
PAID_AT: Final = "2026-09-02T12:30:00.250Z"
CLOSED_AT: Final = "2026-09-02T12:30:01.000Z"
EVENT_AT: Final = "2026-09-02T12:30:02.000Z"
RETURNED_AT: Final = "2026-09-04T09:00:01.000Z"
REFUNDED_AT: Final = "2026-09-04T09:00:02.000Z"


def usd(amount: int) -> Json:
    return {"amount": amount, "currency": "USD"}


def event(type_: str, subject: Mapping[str, Any], *, at: str = EVENT_AT) -> Json:
    return {
        "merchant_id": "6SSW7HV8K2ST5",
        "type": type_,
        "event_id": "13b867cf-db3d-4b1c-90b6-2f32a9d78124",
        "created_at": at,
        "data": {"type": type_.split(".", maxsplit=1)[0], "id": "some-id", "object": subject},
    }


def read_square(
    type_: str, subject: Mapping[str, Any], complete: Complete | None = None
) -> tuple[Fact, ...]:
    return read("square", event(type_, subject), complete)


class Api:
    """`GET /v2/orders/{id}`, and what it was asked for."""

    def __init__(self, *orders: Json) -> None:
        self.orders = {order["id"]: order for order in orders}
        self.asked: list[str] = []

    def get(self, path: str) -> Mapping[str, object]:
        self.asked.append(path)
        prefix, _, id_ = path.rpartition("/")
        assert prefix == "/v2/orders"
        return {"order": self.orders[id_]}


def line(uid: str = "line-1", total: int = 5_000, **changes: object) -> Json:
    """A line of an order; its total is what is left after discounts, with tax."""
    sold: Json = {
        "uid": uid,
        "quantity": "1",
        "name": "Small Coffee",
        "base_price_money": usd(total),
        "gross_sales_money": usd(total),
        "total_tax_money": usd(0),
        "total_discount_money": usd(0),
        "total_money": usd(total),
        "variation_total_price_money": usd(total),
        "item_type": "ITEM",
        "total_service_charge_money": usd(0),
    }
    return sold | changes


def order(*lines: Json, total: int = 5_000, **changes: object) -> Json:
    """An open order with these lines (one of 50.00 where none is given)."""
    placed: Json = {
        "id": "order-1",
        "location_id": "S8GWD5R9QB376",
        "customer_id": "customer-1",
        "line_items": list(lines or (line(),)),
        "created_at": CREATED_AT,
        "updated_at": UPDATED_AT,
        "state": "OPEN",
        "version": 1,
        "total_tax_money": usd(0),
        "total_discount_money": usd(0),
        "total_tip_money": usd(0),
        "total_money": usd(total),
        "total_service_charge_money": usd(0),
        "net_amounts": {"total_money": usd(total), "tip_money": usd(0)},
    }
    return placed | changes


def completed(*lines: Json, total: int = 5_000, **changes: object) -> Json:
    closed: Json = {"state": "COMPLETED", "version": 4, "updated_at": EVENT_AT}
    return order(*lines, total=total, **(closed | {"closed_at": CLOSED_AT} | changes))


def told(state: str = "OPEN", **changes: object) -> Json:
    """What an `order.*` message says of an order."""
    named: Json = {
        "created_at": CREATED_AT,
        "location_id": "FPYCBCHYMXFK1",
        "order_id": "order-1",
        "state": state,
        "updated_at": UPDATED_AT,
        "version": 2,
    }
    return named | changes


def payment(**changes: object) -> Json:
    made: Json = {
        "id": "payment-1",
        "created_at": "2026-09-02T12:29:30.250Z",
        "updated_at": "2026-09-02T12:30:00.900Z",
        "amount_money": usd(5_000),
        "tip_money": usd(700),
        "total_money": usd(5_700),
        "approved_money": usd(5_700),
        "status": "COMPLETED",
        "source_type": "CARD",
        "card_details": {
            "status": "CAPTURED",
            "card_payment_timeline": {
                "authorized_at": "2026-09-02T12:29:30.400Z",
                "captured_at": PAID_AT,
            },
        },
        "location_id": "S8GWD5R9QB376",
        "order_id": "order-1",
        "version_token": "VvZtYq0001",
    }
    return made | changes


def refund(**changes: object) -> Json:
    made: Json = {
        "id": "payment-1_refund-1",
        "created_at": REFUNDED_AT,
        "updated_at": "2026-09-04T09:05:00.000Z",
        "amount_money": usd(1_000),
        "status": "COMPLETED",
        "processing_fee": [
            {"effective_at": RETURNED_AT, "type": "INITIAL", "amount_money": usd(-59)}
        ],
        "location_id": "S8GWD5R9QB376",
        "order_id": "return-1",
        "payment_id": "payment-1",
        "version": 12,
    }
    return made | changes


def returned_line(total: int = 1_000, uid: str | None = "line-1", **changes: object) -> Json:
    back: Json = {
        "uid": "returned-line",
        "source_line_item_uid": uid,
        "quantity": "1",
        "item_type": "ITEM",
        "total_tax_money": usd(0),
        "total_discount_money": usd(0),
        "total_money": usd(total),
    }
    return back | changes


def return_of(*lines: Json, source: str | None = "order-1", **changes: object) -> Json:
    """The order that Square makes for a return; its refund is the one above."""
    entry: Json = {
        "uid": "return-entry",
        "source_order_id": source,
        "return_line_items": list(lines or (returned_line(),)),
    }
    made: Json = {
        "id": "return-1",
        "location_id": "S8GWD5R9QB376",
        "returns": [entry],
        "created_at": "2026-09-04T09:00:00.000Z",
        "updated_at": REFUNDED_AT,
        "closed_at": RETURNED_AT,
        "state": "COMPLETED",
        "refunds": [{"id": "payment-1_refund-1", "tender_id": "payment-1", "status": "APPROVED"}],
    }
    return made | changes


def invoice(**changes: object) -> Json:
    sent: Json = {
        "id": "inv:0-invoice-1",
        "version": 2,
        "location_id": "ES0RJRZYEC39A",
        "order_id": "order-1",
        "payment_requests": [{"uid": "request-1", "computed_amount_money": usd(5_000)}],
        "status": "UNPAID",
        "created_at": CREATED_AT,
        "updated_at": UPDATED_AT,
        "primary_recipient": {
            "customer_id": "customer-1",
            "given_name": "Dana",
            "family_name": "Reyes",
            "email_address": "d@example.com",
            "phone_number": "+1312",
        },
    }
    return sent | changes


def customer(**changes: object) -> Json:
    known: Json = {
        "id": "customer-1",
        "created_at": CREATED_AT,
        "updated_at": UPDATED_AT,
        "given_name": "Dana",
        "family_name": "Reyes",
        "email_address": "d@example.com",
        "phone_number": "+1312",
        "company_name": "not read",
        "version": 1,
    }
    return known | changes
