"""Expiry: lots whose last day has passed no longer count (semantics 5).

They leave the balance with the posting of settling.py; here is what counts, and what is remembered.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from points_ledger.domain.calendar import end_of_validity, local_day, round_up
from points_ledger.domain.limit import EXPIRED_LOT_RECORD_DAYS, MAX_LOTS
from points_ledger.domain.lot import NEVER, Lots, total, usable
from points_ledger.domain.program import Program
from points_ledger.domain.state import EXPIRED, NO_COUNTERS, Counters, State, record_of, summed


def last_day_of_lot(matured_at: datetime, program: Program, today: date) -> date:
    """The lot that points go into: by the instant they matured, never a day that has passed.

    Where activity counts, activity.py decides before this does.
    """
    if program.expiry.kind == "never":
        return NEVER
    day = program.expiry.after.after_day(local_day(matured_at, program.zone))
    return max(round_up(day, program.expiry.round_to), today)


def expiry_counters(state: State, over: Lots, today: date) -> Counters:
    """The counters of lots that expire: how much, from which lot, and what is forgotten for it."""
    if not over:
        return NO_COUNTERS
    records = {record_of(day): points for day, points in over.items()}
    expired = records_within_bounds(state.counters, records, today)
    return summed({"expired": total(over)}, expired)


def records_within_bounds(counters: Counters, more: Counters, today: date) -> Counters:
    """The change that adds records of expired lots, and forgets what is too old or too much."""
    over = {date.fromisoformat(n.removeprefix(EXPIRED)): points for n, points in more.items()}
    return summed(more, _forgotten(counters, over, today)) if more else NO_COUNTERS


def usable_points(state: State, *, now: datetime, zone: ZoneInfo) -> int:
    """Available points that really count at `now`, even when the sweep is late."""
    return total(usable(state.lots, local_day(now, zone))) - state.debt


def expires_at(day: date, zone: ZoneInfo) -> datetime | None:
    """When a lot with this last day expires; None for lots that never do."""
    return None if day == NEVER else end_of_validity(day, zone)


def expired_from(state: State, lots: Lots) -> Lots:
    """What expired from each of the lots and was not yet set against a reversal."""
    recorded = {day: state.counter(record_of(day)) for day in lots}
    return {day: points for day, points in recorded.items() if points}


def _forgotten(counters: Counters, over: Lots, today: date) -> dict[str, int]:
    """The change that drops records older than 400 days, and the oldest of too many."""
    days = {date.fromisoformat(n.removeprefix(EXPIRED)) for n in counters if n.startswith(EXPIRED)}
    kept = sorted(days | over.keys())
    horizon = today - timedelta(days=EXPIRED_LOT_RECORD_DAYS)
    young = [day for day in kept if day >= horizon][-MAX_LOTS:]
    names = {record_of(day): day for day in kept if day not in young}
    return {name: -counters.get(name, 0) - over.get(day, 0) for name, day in names.items()}
