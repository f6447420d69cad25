"""Shopify: orders, the payments made for them, refunds and customers.

The type of a message is in the header `X-Shopify-Topic`; the body is the resource alone, in the
shape of the REST Admin API (shopify.dev/docs/api/webhooks). What decides how an order is read:

- `line_items` keep what was ordered, with `quantity`, also after a return or an edit; the fields
  that begin with `current_` are what is left, and are not read. Whatever is taken out of an order,
  by a return or by an edit, is a refund with an id of its own, in `refunds/create` and in the
  `refunds` of every later payload of the order: one fact, counted once.
- Money is told in the shop's currency, beside the customer's own in `…_set.presentment_money`.
  Only transactions are in the currency that was paid.
- With `taxes_included`, prices and the subtotals of refunds have the tax inside.

The signature covers the body, not the topic: a fact that a topic alone would make is only made
where the body does not say otherwise.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from points_ledger.adapters.providers.payload import Field, first
from points_ledger.adapters.providers.provider import (
    Delivery,
    PrivacyRequestError,
    Provider,
    Read,
    nothing,
)
from points_ledger.adapters.providers.signature import verify_shopify
from points_ledger.domain.calendar import format_instant
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
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId, clean_id
from points_ledger.domain.limit import MAX_AMOUNT, MAX_REFUNDS_PER_PURCHASE
from points_ledger.domain.money import check_amount, clean_currency

NAME: Final = "shopify"
TOPIC_HEADER: Final = "X-Shopify-Topic"
TRIGGERED_AT_HEADER: Final = "X-Shopify-Triggered-At"

MEMBER_ATTRIBUTE: Final = "points_member"
"""Note attribute of the order that names the member who earns instead of the customer."""
CATEGORY_PROPERTY: Final = "points_category"
"""Property of a line that names the category.

An underscore before either name hides it from the customer.
"""

_PAID: Final = "paid"
_PARTIALLY_PAID: Final = "partially_paid"
_UNPAID: Final = frozenset({"pending", "authorized", _PARTIALLY_PAID, "voided", "expired"})
_RECEIVING: Final = frozenset({"sale", "capture"})
_SUCCESS: Final = "success"
_FAILED: Final = frozenset({"failure", "error"})
_SHIPPING_REFUND: Final = "shipping_refund"
_MERGED: Final = "completed"

_PLAIN_DECIMAL: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")
_NOTHING: Final = Decimal(0)
_CENT: Final = Decimal("0.01")
_LAST_MICROSECOND: Final = 999_999


# --- orders ---------------------------------------------------------------------------------


def _order(delivery: Delivery) -> tuple[Fact, ...]:
    """All that a payload of an order says, whichever topic it comes with."""
    order = delivery.message
    key = _order_key(order["id"])
    refunds = order["refunds"].items(maximum=MAX_REFUNDS_PER_PURCHASE)
    includes_tax = order["taxes_included"].flag(default=False)
    return (
        *_posted(order, key),
        *_no_longer_paid(order, key),
        *(
            fact
            for refund in refunds
            for fact in _refund_facts(refund, key, includes_tax=includes_tax)
        ),
        *_cancelled(order, key),
    )


def _order_created(delivery: Delivery) -> tuple[Fact, ...]:
    """Paid at the checkout, most of the time: then it was paid when it was posted."""
    order = delivery.message
    facts = _order(delivery)
    if order["financial_status"].optional_text() != _PAID:
        return facts
    settled = PurchaseSettled(purchase=_order_key(order["id"]), at=_posted_at(order))
    return (*facts, settled)


def _order_paid(delivery: Delivery) -> tuple[Fact, ...]:
    """Paid by this very change of the order.

    Other payloads only say that it has been paid at some time, so that each of them would begin
    the return window anew.
    """
    order = delivery.message
    facts = _order(delivery)
    if order["financial_status"].optional_text() in _UNPAID:
        return facts
    settled = PurchaseSettled(purchase=_order_key(order["id"]), at=_updated_at(order))
    return (*facts, settled)


def _order_deleted(delivery: Delivery) -> tuple[Fact, ...]:
    """The body is the id alone: the shop has struck the order from its books."""
    order = delivery.message
    if not order["line_items"].is_absent:
        return _order(delivery)
    return (PurchaseVoided(purchase=_order_key(order["id"]), at=_triggered_at(delivery)),)


def _posted(order: Field, key: EarningKey) -> tuple[Fact, ...]:
    """The order as it was placed and edited; one without a customer earns for nobody."""
    if order["customer"]["id"].is_absent:
        return ()
    customer = _customer_of(order["customer"], also=order)
    return (
        PurchasePosted(
            purchase=key, snapshot=_snapshot(order, customer.external_id), customer=customer
        ),
    )


def _no_longer_paid(order: Field, key: EarningKey) -> tuple[Fact, ...]:
    """An article was added to an order, perhaps after it was paid: that it was paid is over.

    What has been received still counts, and the next `orders/paid` settles the order again. The
    reversal stands for itself, under the time as an id, and takes no payment back.
    """
    if order["financial_status"].optional_text() != _PARTIALLY_PAID:
        return ()
    at = _updated_at(order)
    return (PaymentReversed(purchase=key, payment_id=f"outstanding:{format_instant(at)}", at=at),)


def _cancelled(order: Field, key: EarningKey) -> tuple[Fact, ...]:
    cancelled_at = order["cancelled_at"]
    if cancelled_at.is_absent:
        return ()
    return (PurchaseVoided(purchase=key, at=cancelled_at.instant()),)


def _snapshot(order: Field, customer: ExternalId) -> Snapshot:
    member = _named(order["note_attributes"], MEMBER_ATTRIBUTE)
    includes_tax = order["taxes_included"].flag(default=False)
    lines = (line for line in order["line_items"].required().items() if _is_sold(line))
    return order.build(
        Snapshot,
        posted_at=_posted_at(order),
        updated_at=_updated_at(order),
        currency=_currency(order["currency"]),
        lines=tuple(_line(line, includes_tax=includes_tax) for line in lines),
        total=_shop_money(order, "total_price"),
        earner=Earner(external_id=customer, member_id=None if member is None else MemberId(member)),
    )


def _is_sold(line: Field) -> bool:
    """Neither a gift card, or what is bought with it would earn twice, nor a tip.

    A tip is a line with an object `tip`, in which all may be null.
    """
    is_gift_card = line["gift_card"].flag(default=False)
    return not is_gift_card and line["tip"].is_absent and line["tip_payment_gateway"].is_absent


def _line(line: Field, *, includes_tax: bool) -> Line:
    quantity = line["quantity"]
    pieces = Decimal(1) if quantity.is_absent else Decimal(quantity.integer())
    amount = _shop_money(line, "price") * pieces - _discount(line)
    if includes_tax:
        amount -= _sum(line["tax_lines"], "price")
    line["price"].build(check_amount, amount, minimum=-MAX_AMOUNT)
    return line.build(
        Line,
        id=_id(line["id"]),
        amount=amount,
        item=_usable_id(line["sku"].value) or _optional_id(line["variant_id"]),
        product=_optional_id(line["product_id"]),
        category=_named(line["properties"], CATEGORY_PROPERTY),
        quantity=pieces,
    )


def _discount(line: Field) -> Decimal:
    """The line's part of all discounts, those of the whole order included.

    Orders from before discounts were allocated only have the line's own.
    """
    if not line["discount_allocations"].is_absent:
        return _sum(line["discount_allocations"], "amount")
    return _NOTHING if line["total_discount"].is_absent else _shop_money(line, "total_discount")


# --- payments -------------------------------------------------------------------------------


def _transaction(delivery: Delivery) -> tuple[Fact, ...]:
    """Money received for an order; refunds are told by the refund, authorizations move nothing."""
    transaction = delivery.message
    kind, status = transaction["kind"].text(), transaction["status"].text()
    if kind not in _RECEIVING or status != _SUCCESS or transaction["order_id"].is_absent:
        return ()
    payment = transaction.build(
        Payment,
        id=_id(transaction["id"]),
        amount=_amount(transaction["amount"]),
        at=first(transaction["processed_at"], transaction["created_at"]).instant(),
        currency=_optional_currency(transaction["currency"]),
    )
    return (PaymentReceived(purchase=_order_key(transaction["order_id"]), payment=payment),)


# --- refunds --------------------------------------------------------------------------------


def _refund_created(delivery: Delivery) -> tuple[Fact, ...]:
    refund = delivery.message
    return _refund_facts(refund, _order_key(refund["order_id"]), includes_tax=None)


def _refund_facts(
    refund: Field, purchase: EarningKey, *, includes_tax: bool | None
) -> tuple[Fact, ...]:
    """One refund, the same fact whichever payload it comes with.

    What was taken out of the order counts line by line, whatever was paid back for it; without
    lines it counts by the money. `includes_tax` is None where the order is not there to say it:
    then the refund's own numbers tell. Of two statements the later one counts, so that an order's
    is dated a moment after the other wherever there is tax.
    """
    id_ = _id(refund["id"])
    at = first(refund["processed_at"], refund["created_at"]).instant()
    entries = refund["refund_line_items"].items()
    if not entries:
        return _money_refund(refund, purchase, id_, at)
    inside = _tax_is_inside(refund) if includes_tax is None else includes_tax
    restates = includes_tax is not None and any(map(_tax, entries))
    given_back = refund.build(
        Refund,
        id=id_,
        at=_a_moment_after(at) if restates else at,
        lines=_line_refunds(refund, entries, includes_tax=inside),
        currency=_optional_currency(entries[0]["subtotal_set"]["shop_money"]["currency_code"]),
    )
    return (PurchaseRefunded(purchase=purchase, refund=given_back),)


def _a_moment_after(at: datetime) -> datetime:
    """A microsecond later: Shopify's times are whole seconds."""
    return at.replace(microsecond=min(at.microsecond + 1, _LAST_MICROSECOND))


def _line_refunds(
    refund: Field, entries: Iterable[Field], *, includes_tax: bool
) -> tuple[LineRefund, ...]:
    """Net amounts, one per line of the order; a line that is all tax has none."""
    nets: dict[str, Decimal] = {}
    for entry in entries:
        id_ = _id(first(entry["line_item_id"], entry["line_item"]["id"]))
        net = _shop_money(entry, "subtotal") - (_tax(entry) if includes_tax else _NOTHING)
        nets[id_] = nets.get(id_, _NOTHING) + max(_NOTHING, net)
    return tuple(refund.build(LineRefund, line_id=id_, amount=net) for id_, net in nets.items())


def _money_refund(refund: Field, purchase: EarningKey, id_: str, at: datetime) -> tuple[Fact, ...]:
    """A refund of money alone, tax included.

    Shipping is in no line and has earned nothing: giving only that back takes nothing. The whole
    sum counts until every transaction has failed, so that the order in which they end changes
    nothing.
    """
    paid_back = _transactions(refund)
    if not paid_back or _is_shipping_alone(refund):
        return ()
    if all(each["status"].optional_text() in _FAILED for each in paid_back):
        return (RefundCancelled(purchase=purchase, refund_id=id_, at=at),)
    amount, currency = _given_back(refund, paid_back)
    if not amount:
        return ()
    given_back = refund.build(Refund, id=id_, at=at, amount=amount, currency=currency)
    return (PurchaseRefunded(purchase=purchase, refund=given_back),)


def _transactions(refund: Field) -> tuple[Field, ...]:
    listed = refund["transactions"].items(maximum=MAX_REFUNDS_PER_PURCHASE)
    return tuple(each for each in listed if each["kind"].optional_text() == "refund")


def _is_shipping_alone(refund: Field) -> bool:
    """Whether all that is given back is shipping: told as its own lines since 2024-10."""
    kinds = {each["kind"].optional_text() for each in refund["order_adjustments"].items()}
    if kinds:
        return kinds == {_SHIPPING_REFUND}
    return bool(refund["refund_shipping_lines"].items())


def _given_back(refund: Field, paid_back: Iterable[Field]) -> tuple[Decimal, str | None]:
    """The sum in the shop's currency where the refund says it, else as it was paid."""
    transactions = tuple(paid_back)
    total = sum((_amount(each["amount"]) for each in transactions), _NOTHING)
    paid_in = {_optional_currency(each["currency"]) for each in transactions} - {None}
    told_in = _shop_currency(refund)
    if told_in is None or paid_in <= {told_in}:
        return total, paid_in.pop() if len(paid_in) == 1 else None
    return abs(_adjusted(refund)), told_in


def _tax_is_inside(refund: Field) -> bool:
    """Whether the subtotals of a refund that comes without its order have their tax inside.

    Either the money given back says so, to the cent, or the rates of the tax do; where neither
    does, tax comes on top.
    """
    entries = refund["refund_line_items"].items()
    subtotal, tax = _sum(refund["refund_line_items"], "subtotal"), sum(map(_tax, entries), _NOTHING)
    if not tax:
        return False
    transactions = _transactions(refund)
    total, currency = _given_back(refund, transactions)
    if transactions and currency in (None, _shop_currency(refund) or currency):
        for_lines = total + _adjusted(refund)
        if for_lines in (subtotal, subtotal + tax):
            return for_lines == subtotal
    return all(_rate_says_inside(entry) for entry in entries if _tax(entry))


def _rate_says_inside(entry: Field) -> bool:
    """Whether the tax of one line is what its rates take out of the subtotal, not what they add."""
    tax_lines = entry["line_item"]["tax_lines"].items()
    rate = sum((_decimal(line["rate"]) for line in tax_lines), _NOTHING)
    subtotal, tax = _shop_money(entry, "subtotal"), _tax(entry)
    tolerance = _CENT * len(tax_lines)
    added = subtotal * rate
    inside = added / (1 + max(_NOTHING, rate))
    return rate >= 0 and abs(tax - inside) <= tolerance < abs(tax - added)


def _adjusted(refund: Field) -> Decimal:
    """What the refund adjusts beside its lines, below zero where more was given back.

    Shipping is among it; newer versions tell it a second time as lines of its own, and will drop
    the first.
    """
    adjustments = refund["order_adjustments"]
    total = _sum(adjustments, "amount") + _sum(adjustments, "tax_amount")
    if any(each["kind"].optional_text() == _SHIPPING_REFUND for each in adjustments.items()):
        return total
    return total - _sum(refund["refund_shipping_lines"], "subtotal_amount")


def _shop_currency(refund: Field) -> str | None:
    """The shop's currency where a refund names it: a transaction names the one that was paid."""
    told = (
        *(each["amount_set"] for each in refund["order_adjustments"].items()),
        *(each["subtotal_set"] for each in refund["refund_line_items"].items()),
        *(each["subtotal_amount_set"] for each in refund["refund_shipping_lines"].items()),
        refund["total_duties_set"],
    )
    codes = (money["shop_money"]["currency_code"] for money in told)
    return next((_currency(code) for code in codes if not code.is_absent), None)


def _tax(entry: Field) -> Decimal:
    absent = entry["total_tax"].is_absent and entry["total_tax_set"].is_absent
    return _NOTHING if absent else _shop_money(entry, "total_tax")


# --- customers ------------------------------------------------------------------------------


def _customer(delivery: Delivery) -> tuple[Fact, ...]:
    customer = delivery.message
    told = (customer["updated_at"], customer["created_at"])
    times = [each for each in told if not each.is_absent]
    at = times[0].instant() if times else _triggered_at(delivery)
    return (CustomerSeen(customer=_customer_of(customer), at=at),)


def _customer_of(customer: Field, *, also: Field | None = None) -> Customer:
    """A customer; an order may know an address that its customer does not have.

    The company in an address is what the customer typed, so it is no organisation of the ledger.
    """
    names = (customer[part].optional_text() for part in ("first_name", "last_name"))
    name = Field(customer["first_name"].path, " ".join(filter(None, names)))
    email, phone = (
        customer[part].profile_text() or (None if also is None else also[part].profile_text())
        for part in ("email", "phone")
    )
    return customer.build(
        Customer,
        external_id=ExternalId(source=NAME, id=_id(customer["id"])),
        name=name.profile_text(),
        email=email,
        phone=phone,
    )


def _customers_merged(delivery: Delivery) -> tuple[Fact, ...]:
    """Told when the merge was asked for, when it failed and when it is done: that one counts."""
    merge = delivery.message
    if (merge["status"].optional_text() or "").lower() != _MERGED:
        return ()
    former, into = (
        ExternalId(source=NAME, id=_id_of(merge[f"admin_graphql_api_customer_{which}_id"]))
        for which in ("deleted", "kept")
    )
    return (CustomersMerged(former=former, into=into, at=_triggered_at(delivery)),)


def _privacy_request(delivery: Delivery) -> tuple[Fact, ...]:
    """Raises: PrivacyRequestError, always: see there."""
    customer = delivery.message["customer"]["id"]
    about = delivery.message["shop_id"] if customer.is_absent else customer
    raise PrivacyRequestError(subject=f"{_topic(delivery)}:{_id(about)}")


# --- parts of every message -----------------------------------------------------------------


def _topic(delivery: Delivery) -> str:
    return Field(TOPIC_HEADER, delivery.headers.get(TOPIC_HEADER.lower())).id()


def _triggered_at(delivery: Delivery) -> datetime:
    """When the event happened, for bodies that do not say it."""
    told = Field(TRIGGERED_AT_HEADER, delivery.headers.get(TRIGGERED_AT_HEADER.lower()))
    return delivery.now if told.is_absent else told.instant()


def _order_key(id_: Field) -> EarningKey:
    return EarningKey(source=NAME, kind="order", id=_id(id_))


def _posted_at(order: Field) -> datetime:
    """The date that the shop's own reports use: an imported order was created later."""
    return first(order["processed_at"], order["created_at"]).instant()


def _updated_at(order: Field) -> datetime:
    return first(order["updated_at"], order["processed_at"], order["created_at"]).instant()


def _named(pairs: Field, name: str) -> str | None:
    """The value under a name, or under the same name with an underscore, in a list of pairs.

    Whoever fills a cart may write there anything: what is no id is passed over, and never refused.
    A refusal would come again with every delivery, until Shopify gives up the subscription.
    """
    listed = pairs.value if isinstance(pairs.value, list) else []
    told = (
        _usable_id(pair.get("value"))
        for pair in listed
        if isinstance(pair, dict) and pair.get("name") in (name, f"_{name}")
    )
    return next(filter(None, told), None)


def _usable_id(value: object) -> str | None:
    """A text as an id; None where it can be none."""
    try:
        return clean_id(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _id(field: Field) -> str:
    """An id, which Shopify writes as a whole number."""
    if isinstance(field.required().value, str):
        return field.id()
    return field.build(clean_id, str(field.integer()))


def _optional_id(field: Field) -> str | None:
    return None if field.is_absent or field.value == "" else _id(field)


def _id_of(field: Field) -> str:
    """The id in a global one, `gid://shopify/Customer/1`."""
    return Field(field.path, field.id().rpartition("/")[2]).id()


def _sum(entries: Field, name: str) -> Decimal:
    return sum((_shop_money(each, name, minimum=-MAX_AMOUNT) for each in entries.items()), _NOTHING)


def _shop_money(owner: Field, name: str, *, minimum: Decimal = _NOTHING) -> Decimal:
    """An amount in the shop's currency: a text, or beside a number the text of its set."""
    plain = owner[name]
    told = owner[f"{name}_set"]["shop_money"]["amount"]
    is_better_told = plain.is_absent or type(plain.value) in (int, float)
    return _amount(told if is_better_told and not told.is_absent else plain, minimum=minimum)


def _amount(field: Field, *, minimum: Decimal = _NOTHING) -> Decimal:
    amount = _decimal(field)
    field.build(check_amount, amount, minimum=minimum)
    return amount


def _decimal(field: Field) -> Decimal:
    """A decimal text; in a few places Shopify writes a number, whose shortest text is meant."""
    value = field.required().value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise field.refusal('must be an amount such as "123.45"')
    text = value if isinstance(value, str) else repr(value)
    if not _PLAIN_DECIMAL.fullmatch(text):
        raise field.refusal('must be an amount such as "123.45"')
    # Adding zero turns "-0.00" into 0.00: one amount has one form.
    return Decimal(text) + 0


def _currency(field: Field) -> str:
    return field.build(clean_currency, field.text())


def _optional_currency(field: Field) -> str | None:
    return None if field.is_absent else _currency(field)


EVENTS: Final[Mapping[str, Read]] = MappingProxyType(
    {
        "orders/create": _order_created,
        "orders/updated": _order,
        "orders/edited": nothing,
        "orders/paid": _order_paid,
        "orders/partially_fulfilled": nothing,
        "orders/fulfilled": nothing,
        "orders/cancelled": _order,
        "orders/delete": _order_deleted,
        "refunds/create": _refund_created,
        "order_transactions/create": _transaction,
        "customers/create": _customer,
        "customers/update": _customer,
        "customers/delete": nothing,
        "customers/merge": _customers_merged,
        "customers/data_request": _privacy_request,
        "customers/redact": _privacy_request,
        "shop/redact": _privacy_request,
    }
)
"""Every topic that is read; the first column of the table in docs/providers.md."""

SHOPIFY: Final = Provider(name=NAME, check=verify_shopify, events=EVENTS, type_of=_topic)
