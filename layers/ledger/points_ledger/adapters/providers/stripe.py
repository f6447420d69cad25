"""Stripe: invoices, the payments made for them, credit notes, refunds and customers.

Shapes of all API versions since 2020-08-27 are read side by side, because a webhook endpoint keeps
the version it was made with. What changed on the way (docs.stripe.com/changelog):

- 2022-11-15: a charge no longer carries its refunds; `refund.*` events do (2024-10-28).
- 2025-03-31: an invoice no longer names its payment intent or charge, nor a charge its invoice:
  `invoice_payment.paid` connects them. A line's `price` became `pricing.price_details`, its
  `tax_amounts` became `taxes`, and a credit note's `refund` became `refunds`.

Amounts are minor units. A line's `amount` is before discounts; `discount_amounts` of the line holds
its part of every discount, those of the whole invoice included (they are aggregated from the lines
into the invoice's `total_discount_amounts`).
"""

from collections.abc import Mapping
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
from points_ledger.adapters.providers.signature import verify_stripe
from points_ledger.domain.fact import (
    Customer,
    CustomerSeen,
    Earner,
    Fact,
    Line,
    LineRefund,
    Payment,
    PaymentReceived,
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
    MAX_AMOUNT,
    MAX_LINES_PER_PURCHASE,
    MAX_PAGE_SIZE,
    MAX_REFUNDS_PER_PURCHASE,
)
from points_ledger.domain.money import EXPONENTS, check_amount, clean_currency

NAME: Final = "stripe"
MEMBER_METADATA: Final = "points_member"
"""Invoice metadata that names the member who earns instead of the customer."""
CATEGORY_METADATA: Final = "points_category"
"""Line metadata that names the category."""

MINOR_UNIT_EXPONENTS: Final[Mapping[str, int]] = MappingProxyType(
    {**EXPONENTS, "ISK": 2, "MGA": 0, "UGX": 2}
)
"""Where Stripe's minor units are not those of ISO 4217: it has never changed ISK and UGX from two
decimals, and has none for MGA (docs.stripe.com/currencies, zero-decimal and special cases)."""

MAX_LINE_PAGES: Final = MAX_LINES_PER_PURCHASE // MAX_PAGE_SIZE

_FINALISED: Final = frozenset({"open", "paid", "uncollectible", "void"})
_GIVEN_BACK: Final = frozenset({"succeeded", "pending"})
_NOT_GIVEN_BACK: Final = frozenset({"failed", "canceled"})


# --- invoices -------------------------------------------------------------------------------


def _invoice(delivery: Delivery) -> tuple[Fact, ...]:
    """The snapshot of a finalised invoice; a draft, or one that bills nobody, is none.

    An invoice that is void says so in every event: the one that told it first may be lost.
    """
    invoice = _object(delivery)
    customer = _customer_of(invoice)
    status = invoice["status"].text()
    if customer is None or status not in _FINALISED:
        return ()
    posted = PurchasePosted(
        purchase=_invoice_key(invoice["id"]),
        snapshot=_snapshot(delivery, invoice, customer.external_id),
        customer=customer,
    )
    return (posted, *_invoice_voided(delivery)) if status == "void" else (posted,)


def _invoice_paid(delivery: Delivery) -> tuple[Fact, ...]:
    """The snapshot too, so that a lost `invoice.finalized` loses nothing."""
    posted = _invoice(delivery)
    if not posted:
        return ()
    invoice = _object(delivery)
    paid_at = _first_instant(invoice["status_transitions"]["paid_at"], delivery.message["created"])
    settled = PurchaseSettled(purchase=_invoice_key(invoice["id"]), at=paid_at)
    return (*posted, settled, *_payment_named_by_invoice(invoice, paid_at))


def _payment_named_by_invoice(invoice: Field, paid_at: datetime) -> tuple[Fact, ...]:
    """The payment as invoices before 2025-03-31 name it: only so can its refunds be resolved.

    Counting it beside `invoice_payment.paid` does no harm: the purchase is settled either way.
    """
    references = _payment_keys(invoice)
    if not references:
        return ()
    currency = _currency(invoice)
    payment = Payment(
        id=references[0].id,
        amount=_money(invoice["amount_paid"], currency),
        at=paid_at,
        currency=currency,
    )
    key = _invoice_key(invoice["id"])
    return (PaymentReceived(purchase=key, payment=payment, references=references),)


def _invoice_payment(delivery: Delivery) -> tuple[Fact, ...]:
    paid = _object(delivery)
    currency = _currency(paid)
    payment = Payment(
        id=paid["id"].id(),
        amount=_money(paid["amount_paid"], currency),
        at=_first_instant(paid["status_transitions"]["paid_at"], delivery.message["created"]),
        currency=currency,
    )
    return (
        PaymentReceived(
            purchase=_invoice_key(paid["invoice"]),
            payment=payment,
            references=_payment_keys(paid["payment"]),
        ),
    )


def _invoice_voided(delivery: Delivery) -> tuple[Fact, ...]:
    invoice = _object(delivery)
    at = _first_instant(invoice["status_transitions"]["voided_at"], delivery.message["created"])
    return (PurchaseVoided(purchase=_invoice_key(invoice["id"]), at=at),)


def _snapshot(delivery: Delivery, invoice: Field, customer: ExternalId) -> Snapshot:
    currency = _currency(invoice)
    member = invoice["metadata"][MEMBER_METADATA].optional_id()
    lines = _all_lines(invoice, "invoices", delivery.complete)
    # An invoice below zero gives its total to the customer's credit balance: nothing is owed.
    total = max(0, invoice["total"].integer())
    return invoice.build(
        Snapshot,
        posted_at=_first_instant(
            invoice["status_transitions"]["finalized_at"],
            invoice["effective_at"],
            invoice["created"],
        ),
        updated_at=delivery.message["created"].unix_instant(),
        currency=currency,
        lines=tuple(_line(line, currency) for line in lines),
        total=_major(invoice["total"], total, currency),
        earner=Earner(external_id=customer, member_id=None if member is None else MemberId(member)),
    )


def _line(line: Field, currency: str) -> Line:
    price, product = _priced(line)
    quantity = line["quantity"]
    return line.build(
        Line,
        id=line["id"].id(),
        amount=_major(line["amount"], _net(line), currency, minimum=-MAX_AMOUNT),
        item=price,
        product=product,
        category=line["metadata"][CATEGORY_METADATA].optional_id(),
        quantity=Decimal(1) if quantity.is_absent else Decimal(quantity.integer()),
    )


def _priced(line: Field) -> tuple[str | None, str | None]:
    """Price id and product id, in the shape since 2025-03-31 or the one before."""
    details = line["pricing"]["price_details"]
    if not details.is_absent:
        return _reference(details["price"]), _reference(details["product"])
    price = line["price"]
    product = price["product"] if isinstance(price.value, dict) else Field(price.path, None)
    return _reference(price), _reference(product)


def _net(line: Field) -> int:
    """Minor units after discounts and billing credits, before tax."""
    discounted = line["amount"].integer() - _sum(line["discount_amounts"])
    return discounted - _billing_credits(line, discounted) - _inclusive_tax(line)


def _billing_credits(line: Field, discounted: int) -> int:
    """Prepaid or granted credits; they lower the invoice's total just as a discount does.

    `pretax_credit_amounts` lists discounts as well, which `discount_amounts` has already. Credits
    are never above what they are applied to; an amount that is has another meaning and is left.
    """
    credited = sum(
        entry["amount"].integer()
        for entry in line["pretax_credit_amounts"].items()
        if entry["type"].optional_text() == "credit_balance_transaction"
    )
    return credited if 0 <= credited <= discounted else 0


def _inclusive_tax(line: Field) -> int:
    """Tax that is inside the line's amount, in the shape since 2025-03-31 or the one before."""
    taxes = line["taxes"]
    if not taxes.is_absent:
        return sum(
            tax["amount"].integer()
            for tax in taxes.items()
            if tax["tax_behavior"].optional_text() == "inclusive"
        )
    return sum(
        tax["amount"].integer()
        for tax in line["tax_amounts"].items()
        if tax["inclusive"].flag(default=False)
    )


def _all_lines(owner: Field, collection: str, complete: Complete | None) -> tuple[Field, ...]:
    """Every line of an invoice or credit note; a payload holds only the first ten."""
    lines = owner["lines"].required()
    first = lines["data"].required().items()
    if not lines["has_more"].flag(default=False):
        return first
    if complete is None:
        raise IncompletePayloadError(missing=lines.path)
    path = f"/v1/{collection}/{owner['id'].path_id()}/lines?limit={MAX_PAGE_SIZE}"
    known = {line["id"].id(): line for line in first}
    for _ in range(MAX_LINE_PAGES):
        last = next(reversed(known.values()), None)
        after = "" if last is None else f"&starting_after={last['id'].path_id()}"
        page = Field(lines.path, complete(path + after))
        known |= {line["id"].id(): line for line in page["data"].required().items()}
        if not page["has_more"].flag(default=False):
            return tuple(known.values())
    raise lines.refusal(f"has more than {MAX_LINES_PER_PURCHASE} lines")


# --- credit notes and refunds ---------------------------------------------------------------


def _credit_note(delivery: Delivery) -> tuple[Fact, ...]:
    note = _object(delivery)
    purchase = _invoice_key(note["invoice"])
    at = note["created"].unix_instant()
    if note["status"].optional_text() == "void":
        at = _first_instant(note["voided_at"], note["created"])
        return (RefundCancelled(purchase=purchase, refund_id=note["id"].id(), at=at),)
    currency = _currency(note)
    lines = _credited_lines(note, currency, delivery.complete)
    refund = note.build(
        Refund,
        id=note["id"].id(),
        at=at,
        amount=None if lines else _money(note["total"], currency),
        lines=lines,
        currency=currency,
        settles=_settled_refunds(note),
    )
    return (PurchaseRefunded(purchase=purchase, refund=refund),)


def _credit_note_voided(delivery: Delivery) -> tuple[Fact, ...]:
    note = _object(delivery)
    at = _first_instant(note["voided_at"], delivery.message["created"])
    purchase = _invoice_key(note["invoice"])
    return (RefundCancelled(purchase=purchase, refund_id=note["id"].id(), at=at),)


def _credited_lines(
    note: Field, currency: str, complete: Complete | None
) -> tuple[LineRefund, ...]:
    """Net amount per invoice line; none when the note says more than its lines do.

    That is a custom line, which belongs to no line of the invoice, or a line credited below zero:
    then the note counts by its total.
    """
    nets: dict[str, tuple[Field, int]] = {}
    for line in _all_lines(note, "credit_notes", complete):
        id_ = line["invoice_line_item"].optional_id()
        net = _net(line)
        if id_ is None or net < 0:
            return ()
        nets[id_] = (line["amount"], net + nets.get(id_, (line, 0))[1])
    return tuple(
        LineRefund(line_id=id_, amount=_major(field, net, currency))
        for id_, (field, net) in nets.items()
    )


def _settled_refunds(note: Field) -> tuple[str, ...]:
    named = [note["refund"], *(entry["refund"] for entry in _refund_entries(note["refunds"]))]
    references = (_reference(refund) for refund in named)
    return tuple(dict.fromkeys(id_ for id_ in references if id_ is not None))


def _charge_refunded(delivery: Delivery) -> tuple[Fact, ...]:
    """The refunds that a charge before 2022-11-15 carries: the newest ten, each at its event."""
    charge = _object(delivery)
    return tuple(
        fact
        for refund in _refund_entries(charge["refunds"]["data"])
        for fact in _refund_facts(refund, charge)
    )


def _refund(delivery: Delivery) -> tuple[Fact, ...]:
    refund = _object(delivery)
    charge = refund["charge"]
    expanded = charge if isinstance(charge.value, dict) else Field(charge.path, None)
    return _refund_facts(refund, expanded)


def _refund_facts(refund: Field, charge: Field) -> tuple[Fact, ...]:
    """One refund, the same fact whichever event it comes with.

    `requires_action` has moved no money yet. Without status it counts: the field is nullable, and
    a refund that fails says so. One that names no payment gives nothing back for a purchase.
    """
    purchase, payment = _refunded(refund, charge)
    status = refund["status"].optional_text() or "succeeded"
    if purchase is None and payment is None:
        return ()
    id_, at = refund["id"].id(), refund["created"].unix_instant()
    if status in _NOT_GIVEN_BACK:
        return (RefundCancelled(purchase=purchase, payment=payment, refund_id=id_, at=at),)
    if status not in _GIVEN_BACK:
        return ()
    currency = _currency(refund)
    amount = _money(refund["amount"], currency)
    given_back = Refund(id=id_, at=at, amount=amount, currency=currency)
    return (PurchaseRefunded(purchase=purchase, payment=payment, refund=given_back),)


def _refunded(refund: Field, charge: Field) -> tuple[EarningKey | None, PaymentKey | None]:
    """The invoice where refund or charge names it (before 2025-03-31), else the payment."""
    invoice = _reference(refund["invoice"]) or _reference(charge["invoice"])
    if invoice is not None:
        return EarningKey(source=NAME, kind="invoice", id=invoice), None
    named = (
        _reference(refund["payment_intent"])
        or _reference(charge["payment_intent"])
        or _reference(refund["charge"])
        or _reference(charge["id"])
    )
    return None, None if named is None else PaymentKey(source=NAME, id=named)


# --- customers ------------------------------------------------------------------------------


def _customer(delivery: Delivery) -> tuple[Fact, ...]:
    customer = _object(delivery)
    seen = customer.build(
        Customer,
        external_id=ExternalId(source=NAME, id=customer["id"].id()),
        name=customer["name"].profile_text(),
        email=customer["email"].profile_text(),
        phone=customer["phone"].profile_text(),
        organisation=customer["metadata"]["organisation"].optional_text(),
    )
    return (CustomerSeen(customer=seen, at=delivery.message["created"].unix_instant()),)


def _customer_of(invoice: Field) -> Customer | None:
    id_ = _reference(invoice["customer"]) or _reference(invoice["customer_account"])
    if id_ is None:
        return None
    return invoice.build(
        Customer,
        external_id=ExternalId(source=NAME, id=id_),
        name=invoice["customer_name"].profile_text(),
        email=invoice["customer_email"].profile_text(),
        phone=invoice["customer_phone"].profile_text(),
    )


# --- parts of every object ------------------------------------------------------------------


def _object(delivery: Delivery) -> Field:
    return delivery.message["data"]["object"].required()


def _reference(field: Field) -> str | None:
    """The id of another object, which Stripe names or expands in place."""
    return field["id"].id() if isinstance(field.value, dict) else field.optional_id()


def _invoice_key(invoice: Field) -> EarningKey:
    id_ = _reference(invoice.required())
    if id_ is None:
        raise invoice.refusal("is required")
    return EarningKey(source=NAME, kind="invoice", id=id_)


def _payment_keys(payment: Field) -> tuple[PaymentKey, ...]:
    references = (_reference(payment[name]) for name in ("payment_intent", "charge"))
    return tuple(PaymentKey(source=NAME, id=id_) for id_ in references if id_ is not None)


def _refund_entries(refunds: Field) -> tuple[Field, ...]:
    return refunds.items(maximum=MAX_REFUNDS_PER_PURCHASE)


def _first_instant(*candidates: Field) -> datetime:
    return first(*candidates).unix_instant()


def _sum(entries: Field) -> int:
    return sum(entry["amount"].integer() for entry in entries.items())


def _currency(owner: Field) -> str:
    currency = owner["currency"]
    return currency.build(clean_currency, currency.text())


def _money(field: Field, currency: str) -> Decimal:
    return _major(field, field.integer(), currency)


def _major(field: Field, minor: int, currency: str, *, minimum: Decimal = Decimal(0)) -> Decimal:
    amount = Decimal(minor).scaleb(-MINOR_UNIT_EXPONENTS[currency])
    field.build(check_amount, amount, minimum=minimum)
    return amount


EVENTS: Final[Mapping[str, Read]] = MappingProxyType(
    {
        "invoice.finalized": _invoice,
        "invoice.updated": _invoice,
        "invoice.paid": _invoice_paid,
        "invoice_payment.paid": _invoice_payment,
        "invoice.voided": _invoice_voided,
        "invoice.marked_uncollectible": nothing,
        "credit_note.created": _credit_note,
        "credit_note.updated": _credit_note,
        "credit_note.voided": _credit_note_voided,
        "charge.refunded": _charge_refunded,
        "charge.refund.updated": _refund,
        "refund.created": _refund,
        "refund.updated": _refund,
        "refund.failed": _refund,
        "customer.created": _customer,
        "customer.updated": _customer,
        "customer.deleted": nothing,
    }
)
"""Every event type that is read; the first column of the table in docs/providers.md."""

STRIPE: Final = Provider(name=NAME, check=verify_stripe, events=EVENTS)
