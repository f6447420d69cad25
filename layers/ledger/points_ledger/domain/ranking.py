"""Who earned and redeemed most: what one entry adds to the rankings of members."""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from points_ledger.domain.entry import Entry
from points_ledger.domain.periods import LIFETIME
from points_ledger.domain.sales import ZoneAt, month_at

Measure = Literal["earned", "redeemed"]
MEASURES: Final[tuple[Measure, ...]] = ("earned", "redeemed")
"""Counters of an account; `redeemed` is net of what reversals gave back."""


class Scored(NamedTuple):
    """Points that an entry adds to its member's score in a period."""

    measure: Measure
    period: str
    points: int


def scored_by(entry: Entry, zone_at: ZoneAt) -> Iterator[Scored]:
    """The scores that an entry changes: those of the month of its `recorded_at`, and of all time.

    A merge moves the points of all time to the member who stays; those of months stay with the id
    under which they were earned, because a month that is over does not change.
    """
    for measure in MEASURES:
        points = entry.posting.counters.get(measure, 0)
        if not points:
            continue
        if entry.posting.type != "merge":
            yield Scored(measure, month_at(entry.recorded_at, zone_at), points)
        yield Scored(measure, LIFETIME, points)
