"""Warnings: what members are told before points expire (semantics 5).

A warning is an entry of type `notice` that moves nothing, at most one per member and day. It names
the lots of which a warning day has come since they were last named. For each named lot the state
keeps a day as its ordinal: `warned:<last day>`, when the first warning was recorded. Where the lot
was last named on another day than that, `notified:<last day>` is that day. An extension is a first
warning by itself that names nobody's lot; the notice that does follows.

When a sweep has to look at a lot is a `Look`: so many days before the last day, −1 for its expiry.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from points_ledger.domain.calendar import local_day, start_of_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Posting
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_LOTS
from points_ledger.domain.lot import NEVER, Lots
from points_ledger.domain.program import Program
from points_ledger.domain.state import (
    ACTIVE_UNTIL,
    NO_COUNTERS,
    Counters,
    State,
    encode_lots,
    record_of,
    summed,
)

WARNED: Final = "warned:"
NOTIFIED: Final = "notified:"
NOT_NAMED: Final = 1
"""What `notified` says of a lot that was warned of by its extension alone."""
EXPIRY_LOOK: Final = -1
"""The day after the last one: then the lot expires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A look that a sweep takes at the lot of `day`, `days_before` its last day."""

    day: date
    days_before: int
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LookTarget:
    """What an expiry marker is about: a member, and which look at which lot it stands for.

    Markers of reservations, and the first ones of lots, name the member alone.
    """

    member_id: MemberId
    day: date | None = None
    days_before: int = EXPIRY_LOOK

    def __str__(self) -> str:
        """As a marker's target: the member, the last day, the days before."""
        if self.day is None:
            return self.member_id
        return f"{self.member_id} {self.day.isoformat()} {self.days_before}"

    @classmethod
    def parse(cls, text: str) -> "LookTarget":
        """The inverse of `str`."""
        parts = text.rsplit(" ", 2)
        try:
            member_id, day, days_before = parts
            return cls(
                member_id=MemberId(member_id),
                day=date.fromisoformat(day),
                days_before=int(days_before),
            )
        except ValueError:
            return cls(member_id=MemberId(text))


def notice(state: State, *, now: datetime, program: Program, actor: str) -> Posting | None:
    """The warning that is due now; None where nothing is, or this day has had its warning.

    Lots that have passed must have been settled before.
    """
    today = local_day(now, program.zone)
    named = due_for_notice(state, today=today, program=program)
    if not named or has_been_notified(state, today):
        return None
    return Posting(
        type="notice",
        at=now,
        counters=_named_counters(state, named, today),
        program_version=program.version,
        actor=actor,
        details={"lots": encode_lots(named), "days": str((min(named) - today).days)},
    )


def due_for_notice(state: State, *, today: date, program: Program) -> Lots:
    """The lots that a warning has to name: one of their warning days has come since the last one.

    So has that of a lot that was extended and has not been named.
    """
    return {
        day: points
        for day, points in state.lots.items()
        if today <= day != NEVER and _is_due(state, day, today, program)
    }


def _is_due(state: State, day: date, today: date, program: Program) -> bool:
    last_named = _last_named(state, day)
    ordinal = day.toordinal()
    return last_named == NOT_NAMED or any(
        last_named < ordinal - days <= today.toordinal() for days in program.expiry.warn_days_before
    )


def _last_named(state: State, day: date) -> int:
    """When the lot of a day was last named; 0 where it never was, or never had to be."""
    return state.counter(_name(NOTIFIED, day)) or state.counter(_name(WARNED, day))


def has_been_notified(state: State, today: date) -> bool:
    """Whether a notice was recorded on this day."""
    days = (_day(name) for name in state.counters if name.startswith(WARNED))
    return any(_last_named(state, day) == today.toordinal() for day in days)


def is_warned_in_time(state: State, day: date, days: int) -> bool:
    """Whether a warning about the lot was recorded at least so many days before its last day.

    A lot of which something has expired had its warning: else it would have been extended.
    """
    warned = state.counter(_name(WARNED, day))
    return bool(0 < warned <= day.toordinal() - days or state.counter(record_of(day)))


def warned_by_extension(state: State, day: date, today: date) -> Counters:
    """The counters by which an extension to `day`, recorded today, is its warning."""
    name = _name(WARNED, day)
    if state.counter(name):
        return NO_COUNTERS
    return {name: today.toordinal(), _name(NOTIFIED, day): NOT_NAMED}


def next_look(state: State, day: date, *, now: datetime, program: Program) -> Look | None:
    """The first look at a lot after `now`; None for a lot that never expires.

    That is its next warning day, or its expiry after the last. A lot that was extended is to be
    named at once, or tomorrow where today has had its warning.
    """
    if day == NEVER:
        return None
    days_ahead = (*program.expiry.warn_days_before, EXPIRY_LOOK)
    looks = [look_at(day, days, program) for days in days_ahead]
    ahead = [look for look in looks if look.due_at > now or look.days_before == EXPIRY_LOOK]
    if _last_named(state, day) == NOT_NAMED:
        ahead.append(_next_notice(state, day, now, program))
    return min(ahead, key=lambda look: look.due_at)


def opened_looks(before: State, after: State, *, now: datetime, program: Program) -> list[Look]:
    """The first look at each lot that was not there before, soonest last day first.

    A lot that activity moved needs none where the old day is looked at first: the sweep then finds
    it moved, and goes on from there.
    """
    looks: list[Look] = []
    for day in sorted(after.lots.keys() - before.lots.keys()):
        look = next_look(after, day, now=now, program=program)
        if look is None:
            continue
        if day.toordinal() == after.counter(ACTIVE_UNTIL):
            known = (next_look(before, old, now=now, program=program) for old in before.lots)
            if any(old is not None and old.due_at <= look.due_at for old in known):
                continue
        looks.append(look)
    return looks


def look_at(day: date, days_before: int, program: Program) -> Look:
    """The look so many days before the last day of a lot: at the start of that day."""
    due_at = start_of_day(day - timedelta(days=days_before), program.zone)
    return Look(day=day, days_before=days_before, due_at=due_at)


def tomorrow_s_look(day: date, now: datetime, program: Program) -> Look:
    """A look at the start of the next day, but no later than the expiry."""
    tomorrow = local_day(now, program.zone) + timedelta(days=1)
    return look_at(day, max((day - tomorrow).days, EXPIRY_LOOK), program)


def _next_notice(state: State, day: date, now: datetime, program: Program) -> Look:
    today = local_day(now, program.zone)
    if has_been_notified(state, today):
        return tomorrow_s_look(day, now, program)
    return Look(day=day, days_before=(day - today).days, due_at=now)


def forgotten_warnings(counters: Counters, today: date) -> Counters:
    """The change that drops the warnings about days that have passed."""
    return _kept_within_bounds(counters, NO_COUNTERS, today)


def moved_warnings(state: State, days: Iterable[date], today: date) -> Counters:
    """The change for lots whose points have moved to a later day, of which nobody was warned.

    What was recorded today stays until its day has passed: today has had its notice.
    """
    moved = (day for day in days if _last_named(state, day) != today.toordinal())
    names = (_name(prefix, day) for day in moved for prefix in (WARNED, NOTIFIED))
    return {name: -state.counters[name] for name in names if name in state.counters}


def merged_warnings(source: State, target: State) -> Counters:
    """What of the source's warnings changes the target's when the two become one member.

    A lot that both have was warned of only where both were: first when the later of them was, and
    last when the earlier was.
    """
    known = sorted({*source.counters, *target.counters})
    change: dict[str, int] = {}
    for day in (_day(name) for name in known if name.startswith(WARNED)):
        one, other = _first_and_last(source, day), _first_and_last(target, day)
        first, last = one if day in source.lots or not other[0] else other
        if day in source.lots and day in target.lots:
            both = bool(one[0] and other[0])
            first, last = both * max(one[0], other[0]), both * min(one[1], other[1])
        notified = last if last != first else 0
        for name, value in ((_name(WARNED, day), first), (_name(NOTIFIED, day), notified)):
            change[name] = value - target.counter(name)
    return {name: value for name, value in change.items() if value}


def _first_and_last(state: State, day: date) -> tuple[int, int]:
    return state.counter(_name(WARNED, day)), _last_named(state, day)


def _name(prefix: str, day: date) -> str:
    """The counter of a lot; its day is written as in lots, so that the state deflates well."""
    return f"{prefix}{day:%Y%m%d}"


def _day(name: str) -> date:
    return date.fromisoformat(name.rpartition(":")[2])


def _named_counters(state: State, named: Lots, today: date) -> Counters:
    """A lot that has had a warning before keeps when that was."""
    ordinal = today.toordinal()
    prefixes = ((NOTIFIED if state.counter(_name(WARNED, day)) else WARNED, day) for day in named)
    more = {_name(prefix, day): ordinal for prefix, day in prefixes}
    return _kept_within_bounds(state.counters, more, today)


def _kept_within_bounds(counters: Counters, more: Counters, today: date) -> Counters:
    """The change that sets `more` and forgets passed days, and the latest of too many lots.

    What is forgotten counts as not warned, which never costs a member a point.
    """
    known = {n: v for n, v in counters.items() if n.startswith((WARNED, NOTIFIED))}
    wanted = {name: value for name, value in {**known, **more}.items() if _day(name) >= today}
    days = sorted({_day(name) for name in wanted})[:MAX_LOTS]
    kept = {name: value for name, value in wanted.items() if _day(name) in days}
    return summed(kept, {name: -value for name, value in known.items()})
