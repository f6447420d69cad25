"""Activity: what keeps the points of a program of kind `inactivity` alive (semantics 5).

A member has one lot there. Its last day is the latest over activities of round_up(local date +
after); activities are purchases and actions, by the day they were posted or happened, and the
member's own redemptions. The state keeps that day as the counter `active_until`, an ordinal that
only grows, so that activities that become known in any order end in the same day. The entry that
records an activity also moves the lot: its old day loses what the new day gains.

What had ended before the entry is settled first: an activity brings nothing back. A lot with a
later day than the activity gives keeps it: no point ever loses a day.
"""

from datetime import date, datetime

from points_ledger.domain.calendar import local_day, round_up
from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.entry import Posting
from points_ledger.domain.expiry import last_day_of_lot
from points_ledger.domain.lot import NEVER, Lots, add, negative, total
from points_ledger.domain.program import Program
from points_ledger.domain.state import ACTIVE_UNTIL, Counters, State, summed
from points_ledger.domain.warning import moved_warnings


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What an activity changes of an account."""

    lots: Lots
    counters: Counters


def counts_activity(program: Program) -> bool:
    """Whether points of this program live by activity."""
    return program.expiry.kind == "inactivity"


def activity(state: State, *, at: datetime, today: date, program: Program) -> Activity | None:
    """What an activity at an instant changes; None where it changes nothing.

    Args:
        state: the account before, with whatever else the entry changes.
        at: when the member was active.
        today: the recording day; lots that have passed by then do not move.
        program: the version whose terms the activity counts by.
    """
    if not counts_activity(program):
        return None
    terms = program.expiry
    until = round_up(terms.after.after_day(local_day(at, program.zone)), terms.round_to)
    gain = until.toordinal() - state.counter(ACTIVE_UNTIL)
    if gain <= 0:
        return None
    return _moved(state, until, today, counters={ACTIVE_UNTIL: gain})


def with_activity(posting: Posting, state: State, *, now: datetime, program: Program) -> Posting:
    """A posting that the member's own doing made, with the activity that it is.

    `state` is the account before it, `program` the version in force.
    """
    after = replace(state, lots=add(state.lots, posting.lots))
    today = local_day(now, program.zone)
    found = activity(after, at=now, today=today, program=program)
    return posting if found is None else including(posting, found)


def including(posting: Posting, found: Activity) -> Posting:
    """The posting with an activity in it."""
    return replace(
        posting,
        lots=add(posting.lots, found.lots),
        counters=summed(posting.counters, found.counters),
    )


def with_merged_activity(
    posting: Posting, source: State, target: State, *, now: datetime, program: Program
) -> Posting:
    """The entry by which a member takes another one over: the later of their days is the day."""
    until = max(source.counter(ACTIVE_UNTIL), target.counter(ACTIVE_UNTIL))
    gain = {ACTIVE_UNTIL: until - target.counter(ACTIVE_UNTIL)}
    if not (until and counts_activity(program)):
        return including(posting, Activity(lots={}, counters=gain))
    after = replace(target, lots=add(target.lots, posting.lots))
    today = local_day(now, program.zone)
    return including(posting, _moved(after, date.fromordinal(until), today, counters=gain))


def lot_day(state: State, matured_at: datetime, *, program: Program, today: date) -> date:
    """The lot that a credit goes into: by activity where that counts and there has been any.

    Otherwise by the instant of the credit. Never a day that has passed.
    """
    if counts_activity(program) and state.counter(ACTIVE_UNTIL):
        return max(date.fromordinal(state.counter(ACTIVE_UNTIL)), today)
    return last_day_of_lot(matured_at, program, today)


def where_alive(lots: Lots, state: State, program: Program) -> Lots:
    """Lots that points go back to; where activity counts that is the one lot of now."""
    if not (counts_activity(program) and state.counter(ACTIVE_UNTIL)):
        return lots
    until = date.fromordinal(state.counter(ACTIVE_UNTIL))
    moved: Lots = {}
    for day, points in lots.items():
        moved = add(moved, {max(day, until): points})
    return moved


def _moved(state: State, until: date, today: date, *, counters: Counters) -> Activity:
    """Every lot that has not passed and ends before `until` moves there."""
    earlier = {day: n for day, n in state.lots.items() if today <= day < until and day != NEVER}
    moved: Lots = add({until: total(earlier)}, negative(earlier)) if earlier else {}
    return Activity(lots=moved, counters=summed(counters, moved_warnings(state, earlier, today)))
