"""What is counted of the ledger: movements by day and by month, and what came of rules and money.

| partition        | place             | counters                                                  |
|------------------|-------------------|-----------------------------------------------------------|
| ledger, months   | 2026-11           | `<movement>:<column>`, `lots:<month of expiry>`           |
| ledger, days     | 2026-11-22        | the same                                                  |
| ledger, results  | 2026-11 kinds     | `<kind>:points`, `<kind>:<currency>` (smallest units)     |
| ledger, results  | 2026-11 rules     | `<rule or campaign>` (points that accrued by it)          |
| ledger, results  | 2026-11 analysis  | the same of earnings that post nothing (analysis mode)    |

Days and months are those of the program's zone at the instant at which an entry was recorded, by
the version in force then: what is past never changes (semantics 9). Of an analysis there are no
entries: what its purchases and actions would have earned counts for the month in which they were
posted, and follows them when they shrink.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from points_ledger.domain.calendar import local_day
from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry, Posting
from points_ledger.domain.movement import lots_by_month, movements
from points_ledger.domain.redemption import value_units
from points_ledger.service.ports import Redemption
from points_ledger.service.totalling import Change, Increment, ProgramAt, TotalsKey

MONTHS: Final = ("ledger", "months")
DAYS: Final = ("ledger", "days")
RESULTS: Final = ("ledger", "results")
KINDS: Final = " kinds"
RULES: Final = " rules"
ANALYSIS: Final = " analysis"
LOTS: Final = "lots:"
COLUMNS: Final = ("pending", "available", "reserved", "debt")


def count_ledger(change: Change, program_at: ProgramAt) -> Iterable[Increment]:
    """What one change adds to the totals of the ledger."""
    after = change.after
    if isinstance(after, Entry) and change.before is None:
        yield from _of_entry(after, program_at)
    elif isinstance(after, Redemption):
        before = change.before if isinstance(change.before, Redemption) else None
        yield from _of_redemption(before, after, program_at)
    elif isinstance(after, Earning):
        yield from _of_analysis(change, program_at)


def _of_entry(entry: Entry, program_at: ProgramAt) -> Iterable[Increment]:
    posting, day = entry.posting, _day(entry.recorded_at, program_at)
    counters = {
        f"{movement}:{column}": points
        for movement, balances in movements(posting).items()
        for column in COLUMNS
        if (points := getattr(balances, column))
    }
    lots = {f"{LOTS}{month}": points for month, points in lots_by_month(posting.lots).items()}
    if counters or lots:
        yield _increment(MONTHS, day[:7], counters | lots)
        yield _increment(DAYS, day, counters | lots)
    rules = _accrued_by_rule(posting)
    if rules:
        yield _increment(RESULTS, day[:7] + RULES, rules)


def _accrued_by_rule(posting: Posting) -> Mapping[str, int]:
    """Earned points by rule and campaign, less what was taken back because a purchase shrank.

    A payment that bounces takes points back into pending: nothing less was earned.
    """
    is_reversal = posting.type == "reversal" and posting.counters.get("reversed", 0)
    if posting.type != "accrual" and not is_reversal:
        return {}
    return {id_: points for id_, points in posting.rules if points}


def _of_redemption(
    before: Redemption | None, after: Redemption, program_at: ProgramAt
) -> Iterable[Increment]:
    """What was spent, less what was given back, at the value that the redemption was made with."""
    spent, spent_before = _spent(after), 0 if before is None else _spent(before)
    if spent == spent_before:
        return
    priced_by = program_at(after.created_at)
    units = value_units(spent, priced_by) - value_units(spent_before, priced_by)
    day = _day(after.changed_at or after.created_at, program_at)
    counters = {
        f"{after.kind}:points": spent - spent_before,
        f"{after.kind}:{after.currency}": units,
    }
    yield _increment(RESULTS, day[:7] + KINDS, {n: value for n, value in counters.items() if value})


def _of_analysis(change: Change, program_at: ProgramAt) -> Iterable[Increment]:
    """What an earning would have earned, less what it was said before that it would have."""
    before, after = (
        _analysed(each, program_at) if isinstance(each, Earning) else None
        for each in (change.before, change.after)
    )
    if before == after:
        return
    for found, times in ((before, -1), (after, 1)):
        if found is not None:
            place, rules = found
            counters = {id_: points * times for id_, points in rules.items()}
            yield _increment(RESULTS, place, counters)


def _analysed(earning: Earning, program_at: ProgramAt) -> tuple[str, Mapping[str, int]] | None:
    """The place and the points by rule of an earning that its pinned version only analyses."""
    rules = {id_: points for id_, points in earning.earned.rules if points}
    if earning.posted_at is None or earning.pinned_for is None or not rules:
        return None
    if program_at(earning.pinned_for).mode != "analysis":
        return None
    return _day(earning.posted_at, program_at)[:7] + ANALYSIS, rules


def _spent(redemption: Redemption) -> int:
    return redemption.captured - redemption.reversed


def _day(instant: datetime, program_at: ProgramAt) -> str:
    return local_day(instant, program_at(instant).zone).isoformat()


def _increment(partition: tuple[str, ...], place: str, counters: Mapping[str, int]) -> Increment:
    return Increment(key=TotalsKey(partition=partition, place=place), counters=counters)
