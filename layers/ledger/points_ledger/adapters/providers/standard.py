"""Any till or billing system that speaks Standard Webhooks: our own event types, one to one.

A message is `{"type", "timestamp", "data"}` (standardwebhooks.com); what `data` holds for each
type is documented in docs/providers.md. Members that are not named there are tolerated, so that a
source may add some; a named member of another type is refused. Amounts are decimal strings.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final, cast, get_args

from points_ledger.adapters.providers.payload import Field
from points_ledger.adapters.providers.provider import Delivery, Provider, Read
from points_ledger.adapters.providers.signature import verify_standard
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
    PurchaseKind,
    PurchasePosted,
    PurchaseRefunded,
    PurchaseSettled,
    PurchaseVoided,
    Refund,
    RefundCancelled,
    Snapshot,
)
from points_ledger.domain.identity import (
    LEDGER_SOURCE,
    EarningKey,
    ExternalId,
    MemberId,
    clean_source,
)
from points_ledger.domain.limit import MAX_AMOUNT
from points_ledger.domain.money import clean_currency, parse_amount, unit

NAME: Final = "standard"
MEMBER_SOURCE: Final = "member"
"""Source of the external id of someone whom an action names by member id."""

_PURCHASE_KINDS: Final = cast("tuple[str, ...]", get_args(PurchaseKind))
_PLAIN_DECIMAL: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")


def _posted(delivery: Delivery) -> tuple[Fact, ...]:
    data = delivery.message["data"].required()
    source = _source(data)
    purchase = data["purchase"].required()
    earner = _earner(purchase, source)
    return (
        PurchasePosted(
            purchase=_key(source, purchase["kind"], purchase["id"]),
            snapshot=_snapshot(delivery.message, purchase, source, earner),
            customer=earner,
        ),
    )


def _snapshot(message: Field, purchase: Field, source: str, earner: Customer) -> Snapshot:
    currency = _currency(purchase["currency"])
    updated_at = (
        message["timestamp"] if purchase["updated_at"].is_absent else purchase["updated_at"]
    )
    billed_to = purchase["billed_to"]
    points_paid = purchase["points_paid_amount"]
    purchase["number"].bounded_text()
    return purchase.build(
        Snapshot,
        posted_at=purchase["posted_at"].instant(),
        updated_at=updated_at.instant(),
        currency=currency,
        lines=tuple(_line(line, currency) for line in purchase["lines"].required().items()),
        total=_amount(purchase["total"], currency),
        earner=Earner(external_id=earner.external_id),
        points_paid_amount=Decimal(0) if points_paid.is_absent else _amount(points_paid, currency),
        own_order=purchase["own_order"].flag(default=True),
        billed_to=None if billed_to.is_absent else _person(billed_to, source).external_id,
    )


def _line(line: Field, currency: str) -> Line:
    line["description"].bounded_text()
    return line.build(
        Line,
        id=line["id"].id(),
        amount=_amount(line["amount"], currency, minimum=-MAX_AMOUNT),
        item=line["item"].optional_id(),
        category=line["category"].optional_id(),
        quantity=_quantity(line["quantity"]),
    )


def _paid(delivery: Delivery) -> tuple[Fact, ...]:
    data = delivery.message["data"].required()
    purchase = _purchase(data)
    payment, settled = data["payment"], data["settled"]
    if payment.is_absent == settled.is_absent:
        raise data.refusal("must have either payment or settled")
    if payment.is_absent:
        return (PurchaseSettled(purchase=purchase, at=settled["at"].instant()),)
    currency = _optional_currency(payment["currency"])
    received = payment.build(
        Payment,
        id=payment["id"].id(),
        amount=_amount(payment["amount"], currency),
        at=payment["at"].instant(),
        currency=currency,
    )
    return (PaymentReceived(purchase=purchase, payment=received),)


def _payment_reversed(delivery: Delivery) -> tuple[Fact, ...]:
    data = delivery.message["data"].required()
    payment = data["payment"].required()
    return (
        PaymentReversed(
            purchase=_purchase(data), payment_id=payment["id"].id(), at=payment["at"].instant()
        ),
    )


def _refunded(delivery: Delivery) -> tuple[Fact, ...]:
    data = delivery.message["data"].required()
    given = data["refund"].required()
    currency = _optional_currency(given["currency"])
    amount = given["amount"]
    refund = given.build(
        Refund,
        id=given["id"].id(),
        at=given["at"].instant(),
        amount=None if amount.is_absent else _amount(amount, currency),
        lines=tuple(_line_refund(line, currency) for line in given["lines"].items()),
        currency=currency,
    )
    return (PurchaseRefunded(purchase=_purchase(data), refund=refund),)


def _line_refund(line: Field, currency: str | None) -> LineRefund:
    return line.build(
        LineRefund, line_id=line["line_id"].id(), amount=_amount(line["amount"], currency)
    )


def _refund_cancelled(delivery: Delivery) -> tuple[Fact, ...]:
    data = delivery.message["data"].required()
    refund = data["refund"].required()
    return (
        RefundCancelled(
            purchase=_purchase(data), refund_id=refund["id"].id(), at=refund["at"].instant()
        ),
    )


def _voided(delivery: Delivery) -> tuple[Fact, ...]:
    data = delivery.message["data"].required()
    return (PurchaseVoided(purchase=_purchase(data), at=data["at"].instant()),)


def _action(delivery: Delivery) -> tuple[Fact, ...]:
    data = delivery.message["data"].required()
    source = _source(data)
    action = data["action"].id()
    if ":" in action:
        # The key is action:action_id; two different pairs must never become one key.
        raise data["action"].refusal("must not contain a colon")
    action_id = data["action_id"].id()
    customer, earner = _actor(data, source)
    return (
        ActionPerformed(
            key=data["action_id"].build(
                EarningKey, source=source, kind="action", id=f"{action}:{action_id}"
            ),
            action=action,
            earner=earner,
            at=data["at"].instant(),
            linked_purchase=_linked_purchase(data, source),
            customer=customer,
        ),
    )


def _actor(data: Field, source: str) -> tuple[Customer | None, Earner]:
    if data["customer"].is_absent == data["member_id"].is_absent:
        raise data.refusal("must have either customer or member_id")
    if data["member_id"].is_absent:
        customer = _person(data["customer"], source)
        return customer, Earner(external_id=customer.external_id)
    member_id = data["member_id"].id()
    named = ExternalId(source=MEMBER_SOURCE, id=member_id)
    return None, Earner(external_id=named, member_id=MemberId(member_id))


def _linked_purchase(data: Field, source: str) -> EarningKey | None:
    if data["purchase_id"].is_absent:
        return None
    kind = Field(data["kind"].path, "ticket") if data["kind"].is_absent else data["kind"]
    return _key(source, kind, data["purchase_id"])


def _customer_updated(delivery: Delivery) -> tuple[Fact, ...]:
    data = delivery.message["data"].required()
    customer = _person(data["customer"], _source(data))
    return (CustomerSeen(customer=customer, at=delivery.message["timestamp"].instant()),)


def _customer_merged(delivery: Delivery) -> tuple[Fact, ...]:
    data = delivery.message["data"].required()
    source = _source(data)
    former, into = (ExternalId(source=source, id=data[name].id()) for name in ("from", "into"))
    at = delivery.message["timestamp"].instant()
    return (CustomersMerged(former=former, into=into, at=at),)


def _earner(purchase: Field, source: str) -> Customer:
    """Who asked for the work, when named; else who ordered this document."""
    customer = _person(purchase["customer"], source)
    requested_by = purchase["requested_by"]
    return customer if requested_by.is_absent else _person(requested_by, source)


def _person(person: Field, source: str) -> Customer:
    person.required()
    return person.build(
        Customer,
        external_id=ExternalId(source=source, id=person["id"].id()),
        name=person["name"].optional_text(),
        email=person["email"].optional_text(),
        phone=person["phone"].optional_text(),
        organisation=person["organisation"].optional_text(),
    )


def _source(data: Field) -> str:
    source = data["source"]
    if source.is_absent:
        return NAME
    if source.text() == LEDGER_SOURCE:
        # Nobody else reports what the ledger does by itself: referrals, birthdays, prizes.
        raise source.refusal("is the ledger's own")
    return source.build(clean_source, source.text())


def _purchase(data: Field) -> EarningKey:
    return _key(_source(data), data["kind"], data["purchase_id"])


def _key(source: str, kind: Field, id_: Field) -> EarningKey:
    return EarningKey(source=source, kind=kind.choice(_PURCHASE_KINDS), id=id_.id())


def _currency(field: Field) -> str:
    return field.build(clean_currency, field.text())


def _optional_currency(field: Field) -> str | None:
    return None if field.is_absent else _currency(field)


def _amount(field: Field, currency: str | None, *, minimum: Decimal = Decimal(0)) -> Decimal:
    if isinstance(field.value, int | float):
        raise field.refusal('must be a decimal string such as "123.45", not a number')
    amount = _decimal(field, minimum)
    if currency is None:
        return amount
    in_units = amount.quantize(unit(currency))
    if in_units != amount:
        raise field.refusal(f"has more decimals than {currency} has")
    return in_units


def _quantity(field: Field) -> Decimal:
    if field.is_absent:
        return Decimal(1)
    if isinstance(field.value, int) and not isinstance(field.value, bool):
        return Decimal(field.value)
    return _decimal(field, Decimal(0))


def _decimal(field: Field, minimum: Decimal) -> Decimal:
    text = field.text()
    if not _PLAIN_DECIMAL.fullmatch(text):
        raise field.refusal('must be a decimal string such as "123.45"')
    # Adding zero turns "-0.00" into 0.00: one amount has one form.
    return field.build(parse_amount, text, minimum=minimum) + 0


EVENTS: Final[Mapping[str, Read]] = MappingProxyType(
    {
        "purchase.posted": _posted,
        "purchase.adjusted": _posted,
        "purchase.paid": _paid,
        "purchase.payment_reversed": _payment_reversed,
        "purchase.refunded": _refunded,
        "purchase.refund_cancelled": _refund_cancelled,
        "purchase.voided": _voided,
        "action.performed": _action,
        "customer.updated": _customer_updated,
        "customer.merged": _customer_merged,
    }
)
"""Every event type that becomes facts."""

STANDARD: Final = Provider(name=NAME, check=verify_standard, events=EVENTS)
