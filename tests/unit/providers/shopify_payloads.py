"""What Shopify sends, in the shapes of its published examples (shopify.dev/docs/api/webhooks)."""

from typing import Any, Final

from points_ledger.domain.fact import Fact
from tests.unit.providers.payloads import Json, read

ORDER: Final = 820982911946154508
CUSTOMER: Final = 115310627314723954
SHIRT: Final = 487817672276298554
LOUNGER: Final = 976318377106520349
REFUND: Final = 890088186047892319

CREATED_AT: Final = "2026-08-31T19:00:05-05:00"
PROCESSED_AT: Final = "2026-08-31T19:00:00-05:00"
UPDATED_AT: Final = "2026-08-31T19:00:07-05:00"
PAID_AT: Final = "2026-09-01T08:00:00-05:00"
REFUNDED_AT: Final = "2026-09-01T19:00:00-05:00"
CANCELLED_AT: Final = "2026-09-02T12:00:00-05:00"


def read_shopify(topic: str, body: object) -> tuple[Fact, ...]:
    return read("shopify", body, topic=topic)


def bag(amount: str, currency: str = "USD", presentment: tuple[str, str] | None = None) -> Json:
    """An amount in the shop's currency and in the customer's."""
    paid, paid_in = presentment or (amount, currency)
    return {
        "shop_money": {"amount": amount, "currency_code": currency},
        "presentment_money": {"amount": paid, "currency_code": paid_in},
    }


def allocated(amount: str) -> Json:
    return {"amount": amount, "amount_set": bag(amount), "discount_application_index": 0}


def taxed(amount: str, rate: float = 0.08) -> Json:
    return {"title": "State Tax", "price": amount, "rate": rate, "price_set": bag(amount)}


def line(id_: int = SHIRT, price: str = "80.00", **changes: object) -> Json:
    sold: Json = {
        "id": id_,
        "current_quantity": 1,
        "fulfillable_quantity": 1,
        "gift_card": False,
        "name": "Shirt",
        "price": price,
        "price_set": bag(price),
        "product_id": 788032119674292922,
        "properties": [],
        "quantity": 1,
        "sku": "SKU2006-001",
        "title": "Shirt",
        "total_discount": "0.00",
        "total_discount_set": bag("0.00"),
        "variant_id": 49148385,
        "tax_lines": [],
        "duties": [],
        "discount_allocations": [],
    }
    return sold | changes


def customer(**changes: object) -> Json:
    known: Json = {
        "id": CUSTOMER,
        "email": "john@example.com",
        "created_at": "2026-08-01T09:00:00-05:00",
        "updated_at": UPDATED_AT,
        "first_name": "John",
        "last_name": "Smith",
        "state": "disabled",
        "phone": None,
        "tags": "",
        "currency": "USD",
        "default_address": {"company": "Shipping Company", "name": ""},
    }
    return known | changes


def order(*lines: Json, total: str = "80.00", **changes: Any) -> Json:  # noqa: ANN401 - of any type
    """An order that waits for its money, with these lines (one of 80.00 where none is given)."""
    placed: Json = {
        "id": ORDER,
        "cancelled_at": None,
        "created_at": CREATED_AT,
        "currency": "USD",
        "current_total_price": total,
        "current_total_price_set": bag(total),
        "email": "jon@example.com",
        "financial_status": "pending",
        "note_attributes": [],
        "phone": None,
        "presentment_currency": "USD",
        "processed_at": PROCESSED_AT,
        "taxes_included": False,
        "test": True,
        "total_price": total,
        "total_price_set": bag(total),
        "updated_at": UPDATED_AT,
        "customer": customer(),
        "line_items": list(lines or (line(),)),
        "refunds": [],
        "shipping_lines": [],
    }
    return placed | changes


def transaction(
    kind: str = "sale", amount: str = "80.00", status: str = "success", **changes: object
) -> Json:
    made: Json = {
        "id": 120560818172775265,
        "order_id": ORDER,
        "kind": kind,
        "gateway": "visa",
        "status": status,
        "created_at": PAID_AT,
        "processed_at": None,
        "parent_id": None,
        "receipt": {},
        "amount": amount,
        "currency": "USD",
    }
    return made | changes


def refunded_line(
    id_: int = SHIRT, subtotal: str = "80.00", tax: str = "0.00", **changes: object
) -> Json:
    """Beside the texts of the sets stand plain numbers."""
    given_back: Json = {
        "id": 487817672276298600,
        "quantity": 1,
        "line_item_id": id_,
        "restock_type": "no_restock",
        "subtotal": float(subtotal),
        "total_tax": float(tax),
        "subtotal_set": bag(subtotal),
        "total_tax_set": bag(tax),
        "line_item": line(id_),
    }
    return given_back | changes


def adjustment(amount: str, kind: str = "refund_discrepancy", tax: str = "0.00") -> Json:
    return {
        "id": 1030976844,
        "amount": amount,
        "tax_amount": tax,
        "kind": kind,
        "amount_set": bag(amount),
        "tax_amount_set": bag(tax),
    }


def shipping_line(amount: str = "5.00") -> Json:
    return {"id": 623176826, "shipping_line_id": 369256396, "subtotal_amount_set": bag(amount)}


def refund(*lines: Json, paid_back: str | None = None, **changes: object) -> Json:
    """A refund of lines, or of money alone; with the money that was paid back, where there was."""
    paid = [] if paid_back is None else [transaction("refund", paid_back, currency=None)]
    made: Json = {
        "id": REFUND,
        "order_id": ORDER,
        "created_at": REFUNDED_AT,
        "note": "Things were damaged",
        "processed_at": REFUNDED_AT,
        "total_duties_set": bag("0.00"),
        "refund_shipping_lines": [],
        "order_adjustments": [],
        "refund_line_items": list(lines),
        "transactions": paid,
    }
    return made | changes


def merge(status: str = "completed") -> Json:
    return {
        "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/1",
        "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/2",
        "admin_graphql_api_job_id": None,
        "status": status,
        "errors": [],
    }
