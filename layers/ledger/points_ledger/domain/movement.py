"""Movements: what an entry means for the balances of the whole program, by what happened.

An entry may be several movements at once: a release in which a part expires is both. Each has what
it adds to the pending, available and reserved points and to debt, and together they are what the
entry changes. So opening + movements = closing, column by column, and `total` (pending + available
+ reserved) moves as the counters of the account say (semantics 9).
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, Literal, get_args

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import EntryType, Posting
from points_ledger.domain.lot import NEVER, Lots

Movement = Literal[
    "earned",
    "matured",
    "redeemed",
    "expired",
    "lapsed",
    "reversed",
    "adjusted",
    "transferred",
    "merged",
    "opened",
    "forfeited",
    "reserved",
]
"""`reserved` is what was set aside less what was released; `merged` and `transferred` are net, so
program-wide they come to nothing in all; `redeemed` is after reversals of redemptions."""
MOVEMENTS: Final[tuple[Movement, ...]] = get_args(Movement)

NO_MONTH: Final = "never"
FAR_MONTH: Final = "later"
LAST_YEAR_BY_MONTH: Final = 2099
"""Lots that last longer are one, so that the months that are counted apart stay few."""

_MAIN: Final[Mapping[EntryType, Movement]] = MappingProxyType(
    {
        "enrolment": "adjusted",
        "accrual": "earned",
        "maturation": "matured",
        "reversal": "reversed",
        "lapse": "lapsed",
        "redemption": "redeemed",
        "reservation": "reserved",
        "capture": "reserved",
        "release": "reserved",
        "expiry": "expired",
        "notice": "adjusted",
        "extension": "adjusted",
        "adjustment": "adjusted",
        "transfer": "transferred",
        "merge": "merged",
        "forfeit": "forfeited",
        "opening": "opened",
        "change": "adjusted",
    }
)
"""Where an entry belongs but for the parts that its counters name. Entries without amounts
(enrolment, notice, extension, change) have nothing that could be put anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """Points by what they are, or a change of them. `available` is after `debt`."""

    pending: int = 0
    available: int = 0
    reserved: int = 0
    debt: int = 0

    @property
    def total(self) -> int:
        """All points held, less debt."""
        return self.pending + self.available + self.reserved

    def __add__(self, other: "Balances") -> "Balances":
        """Column by column."""
        return Balances(
            pending=self.pending + other.pending,
            available=self.available + other.available,
            reserved=self.reserved + other.reserved,
            debt=self.debt + other.debt,
        )

    def __sub__(self, other: "Balances") -> "Balances":
        """Column by column."""
        return Balances(
            pending=self.pending - other.pending,
            available=self.available - other.available,
            reserved=self.reserved - other.reserved,
            debt=self.debt - other.debt,
        )


NOTHING: Final = Balances()


def movements(posting: Posting) -> Mapping[Movement, Balances]:
    """What a posting moves; what comes to nothing is left out. Their sum is what it changes."""
    left = Balances(
        pending=posting.pending,
        available=posting.available,
        reserved=posting.reserved,
        debt=posting.debt,
    )
    found: dict[Movement, Balances] = {}
    if posting.type not in ("merge", "forfeit"):
        found = _named_by_counters(posting)
    for part in found.values():
        left = left - part
    main = _main(posting)
    found[main] = found.get(main, NOTHING) + left
    return {name: part for name, part in found.items() if part != NOTHING}


def _named_by_counters(posting: Posting) -> dict[Movement, Balances]:
    """The parts of a posting that its counters name, whatever its type is."""
    counted = posting.counters.get
    redeemed = -counted("redeemed", 0)
    is_capture = posting.type == "capture"
    return {
        "lapsed": Balances(pending=-counted("lapsed", 0)),
        "expired": Balances(available=-counted("expired", 0)),
        "redeemed": Balances(reserved=redeemed) if is_capture else Balances(available=redeemed),
    }


def _main(posting: Posting) -> Movement:
    """Reversals are of earnings, or of redemptions, which count as so much less redeemed."""
    if posting.type == "reversal" and posting.counters.get("redeemed"):
        return "redeemed"
    return _MAIN[posting.type]


def lots_by_month(lots: Lots) -> Mapping[str, int]:
    """Lots, or a change of them, by the month of their last day, as `2028-11`."""
    months: dict[str, int] = {}
    for day, points in lots.items():
        month = month_of_expiry(day)
        months[month] = months.get(month, 0) + points
    return {month: points for month, points in months.items() if points}


def month_of_expiry(day: date) -> str:
    """The month of a last day; `never`, and `later` for what is far away."""
    if day == NEVER:
        return NO_MONTH
    return FAR_MONTH if day.year > LAST_YEAR_BY_MONTH else day.isoformat()[:7]
