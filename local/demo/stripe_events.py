"""What Stripe sends: complete objects in its published shapes, and its signature.

The shapes are those of API versions since 2025-03-31 (docs.stripe.com/api). Amounts are minor
units; instants are seconds since 1970.
"""

import hashlib
import hmac
import json
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]

API_VERSION = "2025-09-30.clover"
CURRENCY = "usd"
ID_CHARACTERS = string.ascii_letters + string.digits
ID_LENGTH = 23


def new_id(prefix: str) -> str:
    """Return an id as Stripe makes them: ``in_1`` and letters and digits."""
    return f"{prefix}_1{''.join(secrets.choice(ID_CHARACTERS) for _ in range(ID_LENGTH))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Somebody who is billed."""

    name: str
    email: str
    phone: str | None = None
    id: str = field(default_factory=lambda: new_id("cus"))

    @property
    def external_id(self) -> str:
        """How the ledger names the customer."""
        return f"stripe:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an invoice; `amount` is before `discount`, and `tax` comes on top."""

    description: str
    amount: int
    category: str | None = None
    discount: int = 0
    tax: int = 0
    price: str = field(default_factory=lambda: new_id("price"))
    product: str = field(default_factory=lambda: new_id("prod"))
    id: str = field(default_factory=lambda: new_id("il"))

    @property
    def net(self) -> int:
        """After the discount, before tax."""
        return self.amount - self.discount


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice that was finalized; the same one in each of its states."""

    customer: Customer
    lines: tuple[Line, ...]
    finalized_at: datetime
    member_id: str | None = None
    number: str = field(default_factory=lambda: f"{secrets.token_hex(4).upper()}-0001")
    id: str = field(default_factory=lambda: new_id("in"))
    payment_intent: str = field(default_factory=lambda: new_id("pi"))
    charge: str = field(default_factory=lambda: new_id("ch"))
    discount: str = field(default_factory=lambda: new_id("di"))

    @property
    def total(self) -> int:
        """What the customer owes, tax included."""
        return sum(line.net + line.tax for line in self.lines)

    def document(
        self,
        *,
        status: str = "open",
        paid_at: datetime | None = None,
        voided_at: datetime | None = None,
    ) -> Json:
        """Return the invoice object."""
        finalized = _seconds(self.finalized_at)
        subtotal = sum(line.amount for line in self.lines)
        discounts = sum(line.discount for line in self.lines)
        taxes = sum(line.tax for line in self.lines)
        paid = self.total if paid_at else 0
        return {
            "id": self.id,
            "object": "invoice",
            "account_country": "US",
            "account_name": "Acme Reporting",
            "account_tax_ids": None,
            "amount_due": self.total,
            "amount_overpaid": 0,
            "amount_paid": paid,
            "amount_remaining": self.total - paid,
            "amount_shipping": 0,
            "application": None,
            "attempt_count": 1 if paid_at else 0,
            "attempted": paid_at is not None,
            "auto_advance": False,
            "automatic_tax": {
                "disabled_reason": None,
                "enabled": False,
                "liability": None,
                "provider": None,
                "status": None,
            },
            "automatically_finalizes_at": None,
            "billing_reason": "manual",
            "collection_method": "send_invoice",
            "created": finalized,
            "currency": CURRENCY,
            "custom_fields": None,
            "customer": self.customer.id,
            "customer_account": None,
            "customer_address": None,
            "customer_email": self.customer.email,
            "customer_name": self.customer.name,
            "customer_phone": self.customer.phone,
            "customer_shipping": None,
            "customer_tax_exempt": "none",
            "customer_tax_ids": [],
            "default_payment_method": None,
            "default_source": None,
            "default_tax_rates": [],
            "description": None,
            "discounts": [self.discount] if discounts else [],
            "due_date": finalized + 30 * 86_400,
            "effective_at": finalized,
            "ending_balance": 0,
            "footer": None,
            "from_invoice": None,
            "hosted_invoice_url": f"https://invoice.stripe.com/i/{self.id}",
            "invoice_pdf": f"https://pay.stripe.com/invoice/{self.id}/pdf",
            "issuer": {"type": "self"},
            "last_finalization_error": None,
            "latest_revision": None,
            "lines": {
                "object": "list",
                "data": [self._line(line) for line in self.lines],
                "has_more": False,
                "total_count": len(self.lines),
                "url": f"/v1/invoices/{self.id}/lines",
            },
            "livemode": False,
            "metadata": {} if self.member_id is None else {"points_member": self.member_id},
            "next_payment_attempt": None,
            "number": self.number,
            "on_behalf_of": None,
            "parent": None,
            "payment_settings": {
                "default_mandate": None,
                "payment_method_options": None,
                "payment_method_types": None,
            },
            "period_end": finalized,
            "period_start": finalized,
            "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0,
            "receipt_number": None,
            "rendering": None,
            "shipping_cost": None,
            "shipping_details": None,
            "starting_balance": 0,
            "statement_descriptor": None,
            "status": status,
            "status_transitions": {
                "finalized_at": finalized,
                "marked_uncollectible_at": None,
                "paid_at": _optional_seconds(paid_at),
                "voided_at": _optional_seconds(voided_at),
            },
            "subtotal": subtotal,
            "subtotal_excluding_tax": subtotal,
            "test_clock": None,
            "total": self.total,
            "total_discount_amounts": _discounts(self.discount, discounts),
            "total_excluding_tax": self.total - taxes,
            "total_pretax_credit_amounts": [],
            "total_taxes": _taxes(taxes, sum(line.net for line in self.lines if line.tax)),
            "webhooks_delivered_at": finalized,
        }

    def payment(self, *, paid_at: datetime) -> Json:
        """Return the invoice payment object that pays all of it."""
        return {
            "id": f"inpay_{self.id.removeprefix('in_')}",
            "object": "invoice_payment",
            "amount_paid": self.total,
            "amount_requested": self.total,
            "created": _seconds(paid_at),
            "currency": CURRENCY,
            "invoice": self.id,
            "is_default": True,
            "livemode": False,
            "payment": {"type": "payment_intent", "payment_intent": self.payment_intent},
            "status": "paid",
            "status_transitions": {"canceled_at": None, "paid_at": _seconds(paid_at)},
        }

    def credit_note(self, lines: Sequence[Line], *, at: datetime) -> Json:
        """Return a credit note that gives all of some lines back."""
        net, tax = sum(line.net for line in lines), sum(line.tax for line in lines)
        gross, discounts = sum(line.amount for line in lines), sum(line.discount for line in lines)
        id_ = new_id("cn")
        return {
            "id": id_,
            "object": "credit_note",
            "amount": net + tax,
            "amount_shipping": 0,
            "created": _seconds(at),
            "currency": CURRENCY,
            "customer": self.customer.id,
            "customer_account": None,
            "customer_balance_transaction": None,
            "discount_amount": discounts,
            "discount_amounts": _discounts(self.discount, discounts),
            "effective_at": _seconds(at),
            "invoice": self.id,
            "lines": {
                "object": "list",
                "data": [self._credited(line) for line in lines],
                "has_more": False,
                "url": f"/v1/credit_notes/{id_}/lines",
            },
            "livemode": False,
            "memo": None,
            "metadata": {},
            "number": f"{self.number}-CN-01",
            "out_of_band_amount": None,
            "pdf": f"https://pay.stripe.com/credit_notes/{id_}/pdf",
            "post_payment_amount": net + tax,
            "pre_payment_amount": 0,
            "pretax_credit_amounts": [],
            "reason": "product_unsatisfactory",
            "refunds": [],
            "shipping_cost": None,
            "status": "issued",
            "subtotal": gross,
            "subtotal_excluding_tax": gross,
            "total": net + tax,
            "total_excluding_tax": net,
            "total_taxes": _taxes(tax, net),
            "type": "post_payment",
            "voided_at": None,
        }

    def refund(self, amount: int, *, at: datetime) -> Json:
        """Return a refund object: it names the payment only, never the invoice."""
        return {
            "id": new_id("re"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": new_id("txn"),
            "charge": self.charge,
            "created": _seconds(at),
            "currency": CURRENCY,
            "customer": self.customer.id,
            "destination_details": {
                "card": {
                    "reference_status": "pending",
                    "reference_type": "acquirer_reference_number",
                    "type": "refund",
                },
                "type": "card",
            },
            "metadata": {},
            "payment_intent": self.payment_intent,
            "reason": "requested_by_customer",
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "succeeded",
            "transfer_reversal": None,
        }

    def _line(self, line: Line) -> Json:
        finalized = _seconds(self.finalized_at)
        return {
            "id": line.id,
            "object": "line_item",
            "amount": line.amount,
            "currency": CURRENCY,
            "description": line.description,
            "discount_amounts": _discounts(self.discount, line.discount),
            "discountable": True,
            "discounts": [],
            "invoice": self.id,
            "livemode": False,
            "metadata": {} if line.category is None else {"points_category": line.category},
            "parent": {
                "invoice_item_details": {
                    "invoice_item": f"ii_{line.id.removeprefix('il_')}",
                    "proration": False,
                    "proration_details": {"credited_items": None},
                    "subscription": None,
                },
                "subscription_item_details": None,
                "type": "invoice_item_details",
            },
            "period": {"end": finalized, "start": finalized},
            "pretax_credit_amounts": [],
            "pricing": {
                "price_details": {"price": line.price, "product": line.product},
                "type": "price_details",
                "unit_amount_decimal": str(line.amount),
            },
            "quantity": 1,
            "subscription": None,
            "subtotal": line.amount,
            "taxes": _taxes(line.tax, line.net),
        }

    def _credited(self, line: Line) -> Json:
        return {
            "id": new_id("cnli"),
            "object": "credit_note_line_item",
            "amount": line.amount,
            "description": line.description,
            "discount_amount": line.discount,
            "discount_amounts": _discounts(self.discount, line.discount),
            "invoice_line_item": line.id,
            "livemode": False,
            "pretax_credit_amounts": [],
            "quantity": 1,
            "tax_rates": [],
            "taxes": _taxes(line.tax, line.net),
            "type": "invoice_line_item",
            "unit_amount": line.amount,
            "unit_amount_decimal": str(line.amount),
        }


def event(type_: str, subject: Json, *, created: datetime) -> Json:
    """Return the event that tells about an object."""
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": _seconds(created),
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": type_,
    }


def encode(message: Json) -> bytes:
    """Return the bytes of a delivery, indented as Stripe sends them."""
    return json.dumps(message, indent=2).encode()


def signature(body: bytes, *, secret: str, at: datetime) -> str:
    """Return the ``Stripe-Signature`` header, scheme v1 (docs.stripe.com/webhooks/signature)."""
    timestamp = _seconds(at)
    signed = f"{timestamp}.".encode() + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def _optional_seconds(instant: datetime | None) -> int | None:
    return None if instant is None else _seconds(instant)


def _discounts(discount: str, amount: int) -> list[Json]:
    return [{"amount": amount, "discount": discount}] if amount else []


def _taxes(amount: int, taxable: int) -> list[Json]:
    if not amount:
        return []
    tax = {
        "amount": amount,
        "tax_behavior": "exclusive",
        "tax_rate_details": {"tax_rate": "txr_1AcmeSalesTaxIllinois"},
        "taxability_reason": "standard_rated",
        "taxable_amount": taxable,
        "type": "tax_rate_details",
    }
    return [tax]
