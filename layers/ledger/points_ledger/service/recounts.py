"""How far the recount of the totals has come, and what it found (recounting.py).

One item holds the progress, and one for each year the sums; both are written together, page by
page, under the revision of the first.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from typing import Final, Protocol

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.state import ORIGIN_COUNTERS, USE_COUNTERS
from points_ledger.service.totalling import TotalsKey

HELD: Final = ("pending", "available", "reserved")
_NET: Final = ("transferred", "merged")
"""What one member gives and another gets: nothing in all."""

Counters = Mapping[str, int]
Sums = Mapping[TotalsKey, Counters]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One item of totals that is not what its entries come to.

    Attributes:
        missing: by counter, what would have to be added.
        confirmed: whether the recount before, more than a day earlier, saw the same.
        healed: whether it was added.
    """

    key: TotalsKey
    missing: Counters
    confirmed: bool = False
    healed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """How far a recount has come, or what the last one came to.

    Attributes:
        revision: counts stored changes.
        begun_at: None before the first one.
        before_at: when the one began whose differences are known.
        until: the first day, in the program's zone, that is not added up.
        heals: whether what is confirmed is added to the totals.
        shard, cursor: where in the directory the next page begins.
        years: that are still to be compared, once everybody is added up.
        unreadable: members of whom something could not be read; then nothing is healed.
        whole: of all entries, the counters that are conserved and the balances.
        differing, confirmed, healed: items of totals.
    """

    revision: int = 0
    begun_at: datetime | None = None
    finished_at: datetime | None = None
    before_at: datetime | None = None
    until: date = date.min
    heals: bool = False
    shard: int = 0
    cursor: str | None = None
    years: tuple[str, ...] = ()
    members: int = 0
    entries: int = 0
    unreadable: int = 0
    whole: Counters = field(default_factory=dict)
    differing: int = 0
    confirmed: int = 0
    healed: int = 0
    shown: tuple[Discrepancy, ...] = ()

    @property
    def is_running(self) -> bool:
        """Whether it goes on with the next invocation."""
        return self.begun_at is not None and self.finished_at is None

    @property
    def conserves(self) -> bool:
        """Whether no point has appeared or been lost in the whole program (semantics 9, 3)."""
        came = sum(self.whole.get(name, 0) for name in ORIGIN_COUNTERS)
        went = sum(self.whole.get(name, 0) for name in (*USE_COUNTERS, *HELD))
        return came == went and not any(self.whole.get(name, 0) for name in _NET)

    @property
    def is_wrong(self) -> bool:
        """Whether something is known that is not as it has to be."""
        broke = self.finished_at is not None and not self.conserves
        return broke or self.confirmed > self.healed


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """What a recount knows of a year.

    Attributes:
        begun_at: of the recount.
        sums: what the entries of the year come to, so far.
        missing: what the stored totals lack, once they are compared.
        missing_before: the same by the recount before.
    """

    begun_at: datetime
    sums: Sums = field(default_factory=dict)
    missing: Sums = field(default_factory=dict)
    missing_before: Sums = field(default_factory=dict)


class RecountStore(Protocol):
    """The recount's own items."""

    def recount(self) -> Recount:
        """How far it has come, read consistently; empty at first."""

    def year(self, year: str) -> Year | None:
        """What is known of a year, read consistently."""

    def save(self, recount: Recount, years: Mapping[str, Year], *, expected: int) -> bool:
        """Store all of it if the stored revision is `expected`; whether it was."""


class TotalsMender(Protocol):
    """Adds to stored totals what they lack."""

    def mend(
        self, key: TotalsKey, missing: Counters, known: Counters, also: TotalsKey | None
    ) -> bool:
        """Add to an item, and as much to another, if the counters are as known; whether it was."""
