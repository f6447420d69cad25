"""Expiry: lots whose last day has passed leave the balance (semantics 5).

The same posting serves the sweep and the settling before a command that spends; whichever comes
first writes it, and the other finds nothing to do.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from points_ledger.domain.calendar import end_of_validity, local_day
from points_ledger.domain.entry import Posting
from points_ledger.domain.limit import EXPIRED_LOT_RECORD_DAYS, MAX_LOTS
from points_ledger.domain.lot import NEVER, Lots, negative, passed, total, usable
from points_ledger.domain.state import EXPIRED, Counters, State, record_of


def expiry(state: State, *, now: datetime, zone: ZoneInfo, actor: str) -> Posting | None:
    """One posting for all lots that have passed at `now`; None where nothing is due."""
    today = local_day(now, zone)
    over = passed(state.lots, today)
    if not over:
        return None
    counters = {"expired": total(over)}
    counters |= {record_of(day): points for day, points in over.items()}
    for name, change in _forgotten(state.counters, over, today).items():
        counters[name] = counters.get(name, 0) + change
    return Posting(
        type="expiry",
        at=end_of_validity(max(over), zone),
        lots=negative(over),
        counters=counters,
        actor=actor,
    )


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
