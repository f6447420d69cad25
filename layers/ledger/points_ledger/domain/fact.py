"""What a source system says happened: the only input from which earnings are computed.

Facts are small, carry their natural key, and may arrive in any order and any number of times.
A fact refuses by itself (ValueError) what can be judged wrong from itself alone. `Customer` is
the only part with personal data; it goes to the member's profile and nowhere else.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.identity import (
    EarningKey,
    ExternalId,
    MemberId,
    PaymentKey,
    clean_id,
    clean_text,
)
from points_ledger.domain.limit import (
    MAX_AMOUNT,
    MAX_LINES_PER_PURCHASE,
    MAX_TEXT_CHARACTERS,
)
from points_ledger.domain.money import check_amount, clean_currency

PurchaseKind = Literal["invoice", "ticket", "order"]


def _optional_text(value: str | None, what: str) -> str | None:
    if value is None or not value.strip():
        return None
    return clean_text(value, maximum=MAX_TEXT_CHARACTERS, what=what)


def _aware(instant: datetime, what: str) -> None:
    if instant.tzinfo is None:
        raise ValueError(f"{what} needs a time zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A person as a source names them: personal data, for the profile only."""

    external_id: ExternalId
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    organisation: str | None = None

    def __post_init__(self) -> None:
        """Bound every text."""
        for field in ("name", "email", "phone", "organisation"):
            object.__setattr__(self, field, _optional_text(getattr(self, field), field))


@dataclass(frozen=True, slots=True, kw_only=True)
class Earner:
    """Who earns: a customer of the source, or a member named outright by the source."""

    external_id: ExternalId
    member_id: MemberId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a purchase: net of discounts, before tax; negative for prorations.

    `product` is only looked up in the program's item_categories when `category` is absent.
    """

    id: str
    amount: Decimal
    item: str | None = None
    product: str | None = None
    category: str | None = None
    quantity: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        """Bound every field."""
        object.__setattr__(self, "id", clean_id(self.id, what="line id"))
        for field in ("item", "product", "category"):
            value = getattr(self, field)
            if value is not None:
                object.__setattr__(self, field, clean_id(value, what=field))
        check_amount(self.amount, minimum=-MAX_AMOUNT)
        check_amount(self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The whole purchase as the source saw it at `updated_at`.

    `total` is what the customer owes, tax included, before any part paid with points.
    """

    posted_at: datetime
    updated_at: datetime
    currency: str
    lines: tuple[Line, ...]
    total: Decimal
    earner: Earner
    points_paid_amount: Decimal = Decimal(0)
    own_order: bool = True
    billed_to: ExternalId | None = None

    def __post_init__(self) -> None:
        """Refuse what no purchase can look like."""
        _aware(self.posted_at, "posted_at")
        _aware(self.updated_at, "updated_at")
        object.__setattr__(self, "currency", clean_currency(self.currency))
        if len(self.lines) > MAX_LINES_PER_PURCHASE:
            raise ValueError(f"a purchase has at most {MAX_LINES_PER_PURCHASE} lines")
        if len({line.id for line in self.lines}) != len(self.lines):
            raise ValueError("line ids must differ")
        check_amount(self.total)
        check_amount(self.points_paid_amount)
        if self.points_paid_amount > self.total:
            raise ValueError("points_paid_amount must not exceed the total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money received for a purchase, tax included."""

    id: str
    amount: Decimal
    at: datetime
    currency: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no payment can look like."""
        object.__setattr__(self, "id", clean_id(self.id, what="payment id"))
        check_amount(self.amount)
        _aware(self.at, "payment at")
        if self.currency is not None:
            object.__setattr__(self, "currency", clean_currency(self.currency))


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRefund:
    """The net part of a refund that belongs to one line."""

    line_id: str
    amount: Decimal

    def __post_init__(self) -> None:
        """Refuse what no refund can look like."""
        object.__setattr__(self, "line_id", clean_id(self.line_id, what="line id"))
        check_amount(self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money given back: either `amount` (tax included) or `lines` (net), never both.

    `settles` names other refunds that this one (a credit note) already contains; they are not
    counted again while this one stands.
    """

    id: str
    at: datetime
    amount: Decimal | None = None
    lines: tuple[LineRefund, ...] = ()
    currency: str | None = None
    settles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no refund can look like."""
        object.__setattr__(self, "id", clean_id(self.id, what="refund id"))
        _aware(self.at, "refund at")
        if (self.amount is None) == (not self.lines):
            raise ValueError("a refund has either an amount or lines")
        if self.amount is not None:
            check_amount(self.amount)
        if len(self.lines) > MAX_LINES_PER_PURCHASE:
            raise ValueError(f"a refund has at most {MAX_LINES_PER_PURCHASE} lines")
        if self.currency is not None:
            object.__setattr__(self, "currency", clean_currency(self.currency))


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchasePosted:
    """A purchase was posted or changed: `snapshot` is its newest shape at the source."""

    type: Literal["purchase_posted"] = "purchase_posted"
    purchase: EarningKey
    snapshot: Snapshot
    customer: Customer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseRefunded:
    """Money was given back for a purchase, named itself or by one of its payments."""

    type: Literal["purchase_refunded"] = "purchase_refunded"
    purchase: EarningKey | None = None
    payment: PaymentKey | None = None
    refund: Refund

    def __post_init__(self) -> None:
        """Exactly one of purchase and payment names what was refunded."""
        _exactly_one(self.purchase, self.payment)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCancelled:
    """A refund failed or was withdrawn; it no longer counts."""

    type: Literal["refund_cancelled"] = "refund_cancelled"
    purchase: EarningKey | None = None
    payment: PaymentKey | None = None
    refund_id: str
    at: datetime

    def __post_init__(self) -> None:
        """Exactly one of purchase and payment names what was refunded."""
        _exactly_one(self.purchase, self.payment)
        object.__setattr__(self, "refund_id", clean_id(self.refund_id, what="refund id"))
        _aware(self.at, "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseVoided:
    """The purchase never was, or is no more: final."""

    type: Literal["purchase_voided"] = "purchase_voided"
    purchase: EarningKey
    at: datetime

    def __post_init__(self) -> None:
        """Instants are aware."""
        _aware(self.at, "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPerformed:
    """Something other than a purchase happened that may earn.

    `linked_also` is another key that the linked purchase may have, where its source was not named.
    """

    type: Literal["action_performed"] = "action_performed"
    key: EarningKey
    action: str
    earner: Earner
    at: datetime
    linked_purchase: EarningKey | None = None
    linked_also: EarningKey | None = None
    customer: Customer | None = None

    def __post_init__(self) -> None:
        """Bound the action's name."""
        object.__setattr__(self, "action", clean_id(self.action, what="action"))
        _aware(self.at, "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSeen:
    """A source created or changed a customer."""

    type: Literal["customer_seen"] = "customer_seen"
    customer: Customer
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersMerged:
    """A source found that two of its customers are one: `former` is now `into`."""

    type: Literal["customers_merged"] = "customers_merged"
    former: ExternalId
    into: ExternalId
    at: datetime

    def __post_init__(self) -> None:
        """Instants are aware."""
        _aware(self.at, "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class EarningReconsidered:
    """Nothing new happened, but what the earning waited for is there now."""

    type: Literal["earning_reconsidered"] = "earning_reconsidered"
    purchase: EarningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReceived:
    """A payment for a purchase; `references` are its other names (charge, payment intent)."""

    type: Literal["payment_received"] = "payment_received"
    purchase: EarningKey
    payment: Payment
    references: tuple[PaymentKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseSettled:
    """The source says that the purchase is paid, whatever the payments add up to."""

    type: Literal["purchase_settled"] = "purchase_settled"
    purchase: EarningKey
    at: datetime

    def __post_init__(self) -> None:
        """Instants are aware."""
        _aware(self.at, "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReversed:
    """A payment bounced or was charged back; it no longer counts."""

    type: Literal["payment_reversed"] = "payment_reversed"
    purchase: EarningKey
    payment_id: str
    at: datetime

    def __post_init__(self) -> None:
        """Bound the id."""
        object.__setattr__(self, "payment_id", clean_id(self.payment_id, what="payment id"))
        _aware(self.at, "at")


def _exactly_one(purchase: EarningKey | None, payment: PaymentKey | None) -> None:
    if (purchase is None) == (payment is None):
        raise ValueError("a refund names either its purchase or one of its payments")


EarningFact = (
    PurchasePosted
    | PurchaseRefunded
    | RefundCancelled
    | PurchaseVoided
    | ActionPerformed
    | CustomerSeen
    | CustomersMerged
    | EarningReconsidered
)
"""Facts about what was sold or done: queue earning_events."""

PaymentFact = PaymentReceived | PurchaseSettled | PaymentReversed
"""Facts about money received: queue payment_events."""

Fact = EarningFact | PaymentFact
