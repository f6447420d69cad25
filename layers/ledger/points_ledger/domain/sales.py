"""Revenue by the person who ordered and by organisation: what one purchase adds to it.

The person who ordered is the earner: who asked for the work (`requested_by`) where the source says
so, else the customer; never who was billed. Revenue is what remains of the lines after refunds,
before tax and whatever was paid with points, rounded half up to the currency's smallest unit once
per purchase. A purchase belongs to the month in which it was posted, in the zone of the program
in force then; a refund or a void changes that month.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import Earning
from points_ledger.domain.identity import MemberId
from points_ledger.domain.money import unit
from points_ledger.domain.periods import LIFETIME, period_of
from points_ledger.domain.purchase import remaining, standing_refunds

ZoneAt = Callable[[datetime], ZoneInfo]
"""The zone of the program in force at an instant."""

MAX_LABEL_BYTES: Final = 600
"""Of an organisation where it is a key: a sort key has at most 1,024 bytes, escaped."""
_KEPT_CHARACTERS: Final = 100
_DIGEST_CHARACTERS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What one purchase is in the sales report.

    Attributes:
        member_id: who ordered; None while the customer is nobody's.
        organisation: the member's when the purchase was first recorded for them; None without one.
        month: in which it was posted, as `2026-11`.
        revenue: in the currency's smallest unit.
        is_own: whether it is an own order, not a copy that somebody else ordered.
    """

    member_id: MemberId | None
    organisation: str | None
    month: str
    currency: str
    revenue: int
    is_own: bool

    @property
    def counters(self) -> dict[str, int]:
        """What it adds to each total that it is part of; `score` is what rows are sorted by."""
        part = "own" if self.is_own else "copy"
        counted = {"score": self.revenue, f"{part}_revenue": self.revenue, f"{part}_purchases": 1}
        return {name: value for name, value in counted.items() if value or name == "score"}

    @property
    def periods(self) -> tuple[str, str]:
        """The month, and all time."""
        return self.month, LIFETIME


def sale_of(earning: Earning | None, zone_at: ZoneAt) -> Sale | None:
    """The sale that an earning is; None where it is no purchase, not yet, or no more."""
    if earning is None or earning.voided_at is not None:
        return None
    snapshot, posted_at = earning.snapshot, earning.posted_at
    if snapshot is None or posted_at is None:
        return None
    left = remaining(snapshot, standing_refunds(earning), points_paid_part_earns=True)
    pin = earning.pins.get(earning.earner_id) if earning.earner_id is not None else None
    return Sale(
        member_id=earning.earner_id,
        organisation=pin.organisation if pin is not None else None,
        month=month_at(posted_at, zone_at),
        currency=snapshot.currency,
        revenue=_minor_units(
            sum((line.amount for line in left.lines), Fraction()), snapshot.currency
        ),
        is_own=snapshot.own_order,
    )


def month_at(instant: datetime, zone_at: ZoneAt) -> str:
    """The month of an instant, as `2026-11`, in the zone of the program in force then."""
    return period_of(local_day(instant, zone_at(instant)), "month")


def label_of(organisation: str) -> str:
    """An organisation as a key holds it: its name; a very long one is cut, and told by a digest."""
    escaped = organisation.replace("%", "%25").replace("#", "%23")
    if len(escaped.encode()) <= MAX_LABEL_BYTES:
        return organisation
    digest = hashlib.sha256(organisation.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{organisation[:_KEPT_CHARACTERS]}… ({digest})"


def amount_of(minor_units: int, currency: str) -> Decimal:
    """An amount of so many of the currency's smallest unit."""
    return minor_units * unit(currency)


def _minor_units(amount: Fraction, currency: str) -> int:
    """Rounded half up: 0.5 is 1, −0.5 is 0."""
    return int((amount / Fraction(unit(currency)) + Fraction(1, 2)) // 1)
