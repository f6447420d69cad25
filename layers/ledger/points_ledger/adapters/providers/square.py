"""Square: orders, the payments and refunds made for them, invoices and customers.

The purchase is the order, whatever tells of it: an invoice, a payment and a return name the order
that they belong to. What Square sends (developer.squareup.com/reference/square, webhooks):

- `order.*` and `invoice.*` name an order without its lines. It is completed through Square's API;
  a payload that has the whole order in it is used as it is.
- A payment is sent whole. So is a refund, but its `order_id` is the order of the *return*, which
  Square makes anew; that one names the order of the sale as `source_order_id`, and its lines.

Amounts are minor units. A line's `total_money` is after discounts and with tax and its part of the
service charges; both are taken out.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from points_ledger.adapters.providers.payload import Field, first
from points_ledger.adapters.providers.provider import (
    Complete,
    Delivery,
    IncompletePayloadError,
    Provider,
    Read,
    nothing,
)
from points_ledger.adapters.providers.signature import verify_square
from points_ledger.domain.fact import (
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
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId, PaymentKey
from points_ledger.domain.limit import (
    MAX_EXTERNAL_IDS_AFTER_MERGE,
    MAX_REFUNDS_PER_PURCHASE,
    MAX_TEXT_CHARACTERS,
)
from points_ledger.domain.money import EXPONENTS, check_amount, clean_currency

NAME: Final = "square"
MEMBER_METADATA: Final = "points_member"
"""Order metadata that names the member who earns instead of the customer."""
CATEGORY_METADATA: Final = "points_category"
"""Line metadata that names the category."""

MAX_RETURNS: Final = 100
"""Sales that one order takes something back of; a till returns one or two."""

_GIFT_CARD: Final = "GIFT_CARD"
_NOT_GIVEN_BACK: Final = frozenset({"FAILED", "REJECTED"})
_NOT_PAID: Final = frozenset({"CANCELED", "FAILED"})
_NOT_YET_BILLED: Final = frozenset({"DRAFT", "SCHEDULED"})
_PLAIN_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_FINEST_QUANTITY: Final = Decimal("0.0001")


# --- orders ---------------------------------------------------------------------------------


def _order(delivery: Delivery) -> tuple[Fact, ...]:
    """The order as it stands now; one that was cancelled needs no lines for that."""
    told = _told_order(delivery)
    state = told["state"].optional_text()
    if state == "DRAFT":
        return ()
    if state == "CANCELED":
        return (_voided(_order_id(told), told, delivery),)
    if told["line_items"].is_absent and told["returns"].is_absent:
        return _order_facts(_fetched(_order_id(told), delivery.complete), delivery)
    return _order_facts(told, delivery)


def _told_order(delivery: Delivery) -> Field:
    """The order under any of the names that Square gives it in its payloads."""
    told = _object(delivery)
    names = ("order", "order_updated", "order_created", "order_fulfillment_updated")
    return next(
        (told[name] for name in names if not told[name].is_absent), told["order"]
    ).required()


def _fetched(order_id: Field, complete: Complete | None) -> Field:
    """The whole order through Square's API; never points on an order without lines."""
    if complete is None:
        raise IncompletePayloadError(missing=f"lines of order {order_id.path_id()}")
    page = Field("", complete(f"/v2/orders/{order_id.path_id()}"))
    return page["order"].required()


def _order_facts(
    order: Field, delivery: Delivery, payer: Customer | None = None
) -> tuple[Fact, ...]:
    """All that a whole order says; `payer` is the customer where the order names none."""
    state = order["state"].optional_text()
    if state == "DRAFT":
        return ()
    if state == "CANCELED":
        return (_voided(_order_id(order), order, delivery),)
    returned = _line_refunds(order)
    customer = _customer_of(order, payer)
    is_only_a_return = not order["line_items"].items() and not order["returns"].is_absent
    if is_only_a_return or customer is None:
        return returned
    posted = PurchasePosted(
        purchase=_key(_order_id(order)),
        snapshot=_snapshot(order, delivery, customer.external_id),
        customer=customer,
    )
    if state != "COMPLETED":
        return (posted, *returned)
    # Completed orders are paid in full, whatever the payments that we know of add up to.
    at = _first_instant(order["closed_at"], order["updated_at"], delivery.message["created_at"])
    return (posted, PurchaseSettled(purchase=posted.purchase, at=at), *returned)


def _snapshot(order: Field, delivery: Delivery, customer: ExternalId) -> Snapshot:
    total = order["total_money"].required()
    currency = _currency(total)
    tip = order["total_tip_money"]
    owed = _minor(total) - (0 if tip.is_absent else _minor(tip))
    member = order["metadata"][MEMBER_METADATA].optional_id()
    created_at = delivery.message["created_at"]
    return order.build(
        Snapshot,
        posted_at=_first_instant(order["created_at"], created_at),
        updated_at=_first_instant(order["updated_at"], created_at),
        currency=currency,
        lines=tuple(_lines(order, currency)),
        total=_major(total, owed, currency),
        earner=Earner(external_id=customer, member_id=None if member is None else MemberId(member)),
    )


def _lines(order: Field, currency: str) -> Iterator[Line]:
    """What was sold. A gift card is not: it earns when something is bought with it."""
    for line in order["line_items"].items():
        if line["item_type"].optional_text() == _GIFT_CARD:
            continue
        yield line.build(
            Line,
            id=line["uid"].id(),
            amount=_major(line["total_money"], _net(line), currency),
            item=line["catalog_object_id"].optional_id(),
            category=line["metadata"][CATEGORY_METADATA].optional_id(),
            quantity=_quantity(line["quantity"]),
        )


def _net(line: Field) -> int:
    """Minor units after discounts, without tax (added or inside the price) and service charges."""
    beside = (line["total_tax_money"], line["total_service_charge_money"])
    return _minor(line["total_money"]) - sum(
        _minor(amount) for amount in beside if not amount.is_absent
    )


def _quantity(quantity: Field) -> Decimal:
    if quantity.is_absent:
        return Decimal(1)
    text = quantity.text()
    if not _PLAIN_DECIMAL.fullmatch(text):
        raise quantity.refusal('must be a decimal string such as "1.5"')
    # Scales of Square's weigh to five decimals, one more than a quantity has here.
    return Decimal(text).quantize(_FINEST_QUANTITY).normalize() + 0


def _customer_of(order: Field, payer: Customer | None) -> Customer | None:
    """The order's customer, else who is named with a tender, else who paid or was billed."""
    named = [order["customer_id"], *(tender["customer_id"] for tender in order["tenders"].items())]
    id_ = next(filter(None, (customer.optional_id() for customer in named)), None)
    if id_ is None or (payer is not None and payer.external_id.id == id_):
        return payer
    return Customer(external_id=ExternalId(source=NAME, id=id_))


def _voided(order_id: Field, owner: Field, delivery: Delivery) -> PurchaseVoided:
    at = _first_instant(owner["closed_at"], owner["updated_at"], delivery.message["created_at"])
    return PurchaseVoided(purchase=_key(order_id), at=at)


# --- returns and refunds --------------------------------------------------------------------


def _line_refunds(
    order: Field, refund: Field | None = None
) -> tuple[PurchaseRefunded | RefundCancelled, ...]:
    """What an order takes back of earlier sales, line by line.

    It names the refunds of money that it is settled with, `refund` included, so that they are not
    counted again; once one of them has failed, the lines no longer count and the others do. A
    return of an amount that belongs to no line of the sale is left to them as well.
    """
    if order["state"].optional_text() != "COMPLETED":
        return ()
    listed = order["refunds"].items(maximum=MAX_REFUNDS_PER_PURCHASE)
    refunds = listed if refund is None else (*listed, refund)
    settled = {each["id"].id() for each in refunds}
    at = _first_instant(order["closed_at"], order["updated_at"], order["created_at"])
    taken_back = tuple(
        PurchaseRefunded(
            purchase=_key(returned["source_order_id"]),
            refund=returned.build(
                Refund,
                id=_order_id(order).id(),
                at=at,
                lines=lines,
                currency=_currency(returned["return_line_items"].items()[0]["total_money"]),
                settles=tuple(sorted(settled)),
            ),
        )
        for returned in order["returns"].items(maximum=MAX_RETURNS)
        if (lines := _returned_lines(returned))
    )
    if any(each["status"].optional_text() in _NOT_GIVEN_BACK for each in refunds):
        return tuple(
            RefundCancelled(purchase=fact.purchase, refund_id=fact.refund.id, at=at)
            for fact in taken_back
        )
    return taken_back


def _returned_lines(returned: Field) -> tuple[LineRefund, ...]:
    """Net amounts by line of the sale; none where a part belongs to no line or to no sale."""
    if returned["source_order_id"].optional_id() is None:
        return ()
    nets: dict[str, Decimal] = {}
    for line in returned["return_line_items"].items():
        id_ = line["source_line_item_uid"].optional_id()
        if id_ is None:
            return ()
        money = line["total_money"]
        net = _major(money, _net(line), _currency(money))
        nets[id_] = nets.get(id_, Decimal(0)) + net
    return tuple(
        returned.build(LineRefund, line_id=id_, amount=amount) for id_, amount in nets.items()
    )


def _refund(delivery: Delivery) -> tuple[Fact, ...]:
    """Money given back for a payment, and by line where its order can be fetched and names lines.

    While it is pending nothing has happened. A refund that belongs to no sale is none of ours.
    """
    refund = _object(delivery)["refund"].required()
    status = refund["status"].optional_text()
    payment, order_id = refund["payment_id"].optional_id(), refund["order_id"]
    if refund["unlinked"].flag(default=False) or (payment is None and order_id.is_absent):
        return ()
    if status != "COMPLETED" and status not in _NOT_GIVEN_BACK:
        return ()
    by_line = _returned_for(refund, order_id, delivery.complete)
    named = None if payment is None else PaymentKey(source=NAME, id=payment)
    purchase = _key(order_id) if payment is None else None
    if status in _NOT_GIVEN_BACK:
        at = _first_instant(refund["updated_at"], refund["created_at"])
        id_ = refund["id"].id()
        cancelled = RefundCancelled(purchase=purchase, payment=named, refund_id=id_, at=at)
        return (*by_line, cancelled)
    given_back = PurchaseRefunded(purchase=purchase, payment=named, refund=_given_back(refund))
    # The lines first: then the amount beside them never counts, not even for a moment.
    return (*by_line, given_back)


def _returned_for(
    refund: Field, order_id: Field, complete: Complete | None
) -> tuple[PurchaseRefunded | RefundCancelled, ...]:
    if complete is None or order_id.is_absent:
        return ()
    return _line_refunds(_fetched(order_id, complete), refund)


def _given_back(refund: Field) -> Refund:
    money = refund["amount_money"].required()
    currency = _currency(money)
    return refund.build(
        Refund,
        id=refund["id"].id(),
        at=_first_instant(refund["created_at"], refund["updated_at"]),
        amount=_major(money, _minor(money), currency),
        currency=currency,
    )


# --- payments -------------------------------------------------------------------------------


def _payment(delivery: Delivery) -> tuple[Fact, ...]:
    """A completed payment, with the order that it is for where that can be fetched.

    An approved payment may still be cancelled: it has moved no money.
    """
    payment = _object(delivery)["payment"].required()
    status, order_id = payment["status"].text(), payment["order_id"]
    if order_id.optional_id() is None:
        return ()
    id_ = payment["id"].id()
    if status in _NOT_PAID:
        at = _first_instant(payment["updated_at"], delivery.message["created_at"])
        return (PaymentReversed(purchase=_key(order_id), payment_id=id_, at=at),)
    if status != "COMPLETED":
        return ()
    received = PaymentReceived(
        purchase=_key(order_id),
        payment=_received(payment),
        references=(PaymentKey(source=NAME, id=id_),),
    )
    if delivery.complete is None:
        return (received,)
    payer = _person(payment["customer_id"], payment)
    order = _fetched(order_id, delivery.complete)
    return (*_order_facts(order, delivery, payer), received)


def _received(payment: Field) -> Payment:
    """The money for the order: `amount_money` is without the tip, which nobody owes."""
    money = payment["amount_money"].required()
    currency = _currency(money)
    return payment.build(
        Payment,
        id=payment["id"].id(),
        amount=_major(money, _minor(money), currency),
        # Both stay what they are; `updated_at` moves with every fee and refund.
        at=_first_instant(
            payment["card_details"]["card_payment_timeline"]["captured_at"], payment["created_at"]
        ),
        currency=currency,
    )


# --- invoices -------------------------------------------------------------------------------


def _invoice(delivery: Delivery) -> tuple[Fact, ...]:
    """The order that an invoice bills; before it is sent there is nothing to say."""
    invoice = _object(delivery)["invoice"].required()
    status = invoice["status"].optional_text()
    if status in _NOT_YET_BILLED:
        return ()
    if status == "CANCELED":
        return _invoice_cancelled(delivery)
    order = _fetched(invoice["order_id"].required(), delivery.complete)
    return _order_facts(order, delivery, _recipient(invoice))


def _invoice_paid(delivery: Delivery) -> tuple[Fact, ...]:
    """A payment was made; its amount comes with the payment, that it was the last one here."""
    invoice = _object(delivery)["invoice"].required()
    order = () if delivery.complete is None else _invoice(delivery)
    if invoice["status"].optional_text() != "PAID":
        return order
    at = _first_instant(invoice["updated_at"], delivery.message["created_at"])
    return (*order, PurchaseSettled(purchase=_key(invoice["order_id"].required()), at=at))


def _invoice_cancelled(delivery: Delivery) -> tuple[Fact, ...]:
    invoice = _object(delivery)["invoice"].required()
    return (_voided(invoice["order_id"].required(), invoice, delivery),)


def _recipient(invoice: Field) -> Customer | None:
    recipient = invoice["primary_recipient"]
    return _person(recipient["customer_id"], recipient)


# --- customers ------------------------------------------------------------------------------


def _customer(delivery: Delivery) -> tuple[Fact, ...]:
    customer = _object(delivery)["customer"].required()
    seen = _person(customer["id"].required(), customer)
    if seen is None:
        raise customer["id"].refusal("must not be empty")
    at = delivery.message["created_at"].instant()
    return (CustomerSeen(customer=seen, at=at), *_merges(delivery))


def _customer_deleted(delivery: Delivery) -> tuple[Fact, ...]:
    """Nothing, unless it was merged into another: the ledger keeps what was earned."""
    return _merges(delivery)


def _merges(delivery: Delivery) -> tuple[Fact, ...]:
    merge = _object(delivery)["event_context"]["merge"]
    if merge.is_absent:
        return ()
    into = ExternalId(source=NAME, id=merge["to_customer_id"].id())
    at = delivery.message["created_at"].instant()
    former = merge["from_customer_ids"].items(maximum=MAX_EXTERNAL_IDS_AFTER_MERGE)
    return tuple(
        CustomersMerged(former=ExternalId(source=NAME, id=each.id()), into=into, at=at)
        for each in former
    )


def _person(id_: Field, person: Field) -> Customer | None:
    """A customer with what `person` says of them; None where there is no id."""
    named = id_.optional_id()
    if named is None:
        return None
    names = (person[name].profile_text() for name in ("given_name", "family_name"))
    return person.build(
        Customer,
        external_id=ExternalId(source=NAME, id=named),
        name=" ".join(filter(None, names))[:MAX_TEXT_CHARACTERS] or None,
        email=person["email_address"].profile_text(),
        phone=person["phone_number"].profile_text(),
    )


# --- parts of every object ------------------------------------------------------------------


def _object(delivery: Delivery) -> Field:
    return delivery.message["data"]["object"].required()


def _order_id(order: Field) -> Field:
    """Named `id` in a whole order, `order_id` in what `order.*` says of one."""
    return order["order_id"].required() if order["id"].is_absent else order["id"]


def _key(order_id: Field) -> EarningKey:
    return EarningKey(source=NAME, kind="order", id=order_id.id())


def _first_instant(*candidates: Field) -> datetime:
    return first(*candidates).instant()


def _currency(money: Field) -> str:
    currency = money["currency"]
    return currency.build(clean_currency, currency.text())


def _minor(money: Field) -> int:
    return money["amount"].integer()


def _major(money: Field, minor: int, currency: str) -> Decimal:
    amount = Decimal(minor).scaleb(-EXPONENTS[currency])
    money.build(check_amount, amount)
    return amount


EVENTS: Final[Mapping[str, Read]] = MappingProxyType(
    {
        "order.created": _order,
        "order.updated": _order,
        "order.fulfillment.updated": _order,
        "payment.created": _payment,
        "payment.updated": _payment,
        "refund.created": _refund,
        "refund.updated": _refund,
        "invoice.published": _invoice,
        "invoice.updated": _invoice,
        "invoice.payment_made": _invoice_paid,
        "invoice.canceled": _invoice_cancelled,
        "invoice.refunded": nothing,
        "customer.created": _customer,
        "customer.updated": _customer,
        "customer.deleted": _customer_deleted,
    }
)
"""Every event type that is read; the first column of the table in docs/providers.md."""

SQUARE: Final = Provider(name=NAME, check=verify_square, events=EVENTS)
