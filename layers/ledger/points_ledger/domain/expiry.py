"""Expiry: lots whose last day has passed no longer count (semantics 5).

They leave the balance with the posting of settling.py; here is what counts, and what is remembered.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from points_ledger.domain.calendar import end_of_validity, local_day
from points_ledger.domain.limit import EXPIRED_LOT_RECORD_DAYS, MAX_LOTS
from points_ledger.domain.lot import NEVER, Lots, total, usable
from points_ledger.domain.state import EXPIRED, NO_COUNTERS, Counters, State, record_of, summed


def expiry_counters(state: State, over: Lots, today: date) -> Counters:
    """The counters of lots that expire: how much, from which lot, and what is forgotten for it."""
    if not over:
        return NO_COUNTERS
    expired = {"expired": total(over)}
    expired |= {record_of(day): points for day, points in over.items()}
    return summed(expired, _forgotten(state.counters, over, today))


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
