"""Lots: available points by their last day of validity.

Lots are a mapping day → points without zeros; the same shape serves as a change of lots, where
points may be negative. `NEVER` is the day of lots that do not expire, so that it sorts last.
"""

import itertools
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from points_ledger.domain.limit import MAX_LOTS

Lots = Mapping[date, int]
NEVER: Final = date.max
NO_LOTS: Final[Lots] = {}


def total(lots: Lots) -> int:
    """All points of the lots."""
    return sum(lots.values())


def add(lots: Lots, change: Lots) -> Lots:
    """Lots after a change, soonest first, empty lots dropped."""
    after = dict(lots)
    for day, points in change.items():
        after[day] = after.get(day, 0) + points
    return {day: after[day] for day in sorted(after) if after[day]}


def negative(lots: Lots) -> Lots:
    """The opposite change."""
    return {day: -points for day, points in lots.items()}


def passed(lots: Lots, today: date) -> Lots:
    """The lots whose last day is over."""
    return {day: points for day, points in lots.items() if day < today}


def usable(lots: Lots, today: date) -> Lots:
    """The lots that still count today, whether or not the sweep has run."""
    return {day: points for day, points in lots.items() if day >= today}


def take(lots: Lots, points: int, days: Iterable[date] | None = None) -> Lots:
    """Up to `points` out of the lots, soonest last day first, or in the order of `days`."""
    taken: dict[date, int] = {}
    for day in sorted(lots) if days is None else days:
        part = min(points, lots.get(day, 0))
        if part > 0:
            taken[day] = part
            points -= part
    return taken


def joining(lots: Lots) -> Lots:
    """The change that brings lots back to MAX_LOTS by joining closest neighbours (semantics 2).

    Of the two neighbouring days with the smallest gap the earlier joins the later, so no point
    ever loses a day; equal gaps: the sooner pair.
    """
    current = dict(lots)
    while len(current) > MAX_LOTS:
        days = sorted(current)
        earlier, later = min(
            itertools.pairwise(days), key=lambda pair: (pair[1] - pair[0], pair[0])
        )
        current[later] += current.pop(earlier)
    return add(current, negative(lots))
