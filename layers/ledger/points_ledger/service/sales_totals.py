"""Totals of sales, and of points by member, from the stream (reports sales and leaderboard).

A row is an item of counters. One of them, `score`, is the sort key of the index of rankings, which
holds the rows of a partition in that order; so nothing is read in order to keep it.
"""

from collections.abc import Iterator
from typing import Final, Literal

from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import MemberId
from points_ledger.domain.ranking import Measure, scored_by
from points_ledger.domain.sales import Sale, label_of, sale_of
from points_ledger.service.totalling import Change, Increment, ProgramAt, TotalsKey

By = Literal["member", "organisation"]

SCORE: Final = "score"
"""The counter that rows are ranked by."""
NOBODY: Final = "none"
"""The place of sales without a member, or without an organisation."""
_NAMED: Final = "="
"""Before every other place, so that nobody's name is NOBODY."""


def ranking_of_sales(period: str, currency: str, by: By) -> tuple[str, ...]:
    """The partition with the rows of a period."""
    return ("sales", period, currency, by)


def total_of_sales(period: str, currency: str) -> TotalsKey:
    """Where all sales of a period are added up."""
    return TotalsKey(partition=("sales", period, currency), place="total")


def ranking_of_points(measure: Measure, period: str) -> tuple[str, ...]:
    """The partition with the members' points of a period."""
    return (measure, period)


def place_of(name: str | None) -> str:
    """The place of a member's, or an organisation's, row."""
    return f"{_NAMED}{name}" if name is not None else NOBODY


def name_at(place: str) -> str | None:
    """The inverse of `place_of`."""
    return place.removeprefix(_NAMED) if place.startswith(_NAMED) else None


def count_sales(change: Change, program_at: ProgramAt) -> Iterator[Increment]:
    """What a change of a purchase adds: its sale as it is now, less the sale that it was."""
    before, after = (
        sale_of(item, lambda at: program_at(at).zone) if isinstance(item, Earning) else None
        for item in (change.before, change.after)
    )
    if before == after:
        return
    for sale, times in ((before, -1), (after, 1)):
        if sale is not None:
            yield from _of_sale(sale, times)


def _of_sale(sale: Sale, times: int) -> Iterator[Increment]:
    counters = {name: number * times for name, number in sale.counters.items()}
    organisation = label_of(sale.organisation) if sale.organisation is not None else None
    for period in sale.periods:
        for by, name in _rows(sale.member_id, organisation):
            partition = ranking_of_sales(period, sale.currency, by)
            yield Increment(
                key=TotalsKey(partition=partition, place=place_of(name)), counters=counters
            )
        unranked = {name: number for name, number in counters.items() if name != SCORE}
        yield Increment(key=total_of_sales(period, sale.currency), counters=unranked)


def _rows(
    member_id: MemberId | None, organisation: str | None
) -> tuple[tuple[By, str | None], ...]:
    return (("member", member_id), ("organisation", organisation))


def count_points(change: Change, program_at: ProgramAt) -> Iterator[Increment]:
    """What a new entry adds to its member's points."""
    entry = change.after
    if change.before is not None or not isinstance(entry, Entry):
        return
    for scored in scored_by(entry, lambda at: program_at(at).zone):
        partition = ranking_of_points(scored.measure, scored.period)
        yield Increment(
            key=TotalsKey(partition=partition, place=place_of(entry.member_id)),
            counters={SCORE: scored.points},
        )
