"""Settling: what time alone has ended leaves an account before anything is decided on it.

Lots whose last day has passed expire, and reservations that have ended go back into the lots they
came from (semantics 2, 4 and 5). The same posting serves the sweeps and every command that spends
or moves available points; whichever comes first writes it, and the others find nothing to do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from points_ledger.domain.calendar import end_of_validity, local_day
from points_ledger.domain.entry import Posting, apply
from points_ledger.domain.expiry import expiry_counters
from points_ledger.domain.lot import Lots, add, negative, passed, total, usable
from points_ledger.domain.program import Program
from points_ledger.domain.state import (
    Counters,
    Reservation,
    State,
    changed,
    credited,
    summed,
    where_now,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """What giving points back to lots changes; `expired` is the part whose day had passed."""

    lots: Lots
    repaid: int
    expired: int
    counters: Counters


def settlement(state: State, *, now: datetime, program: Program, actor: str) -> Posting | None:
    """One posting for all lots that have passed and all reservations that have ended at `now`.

    None where nothing is due. `program` is the version in force now.
    """
    today = local_day(now, program.zone)
    over = passed(state.lots, today)
    ended = {id_: each for id_, each in state.reservations.items() if each.expires_at <= now}
    if not over and not ended:
        return None
    expiring = expiry_counters(state, over, today)
    left = changed(state, lots=negative(over), counters=expiring)
    back = given_back(left, _lots_of(ended.values()), today=today, program=program)
    instants = [each.expires_at for each in ended.values()]
    instants += [end_of_validity(day, program.zone) for day in over]
    gone = total(over) + back.expired
    return Posting(
        type="release" if ended else "expiry",
        at=max(instants),
        reserved=-sum(each.points for each in ended.values()),
        debt=-back.repaid,
        lots=add(negative(over), back.lots),
        reservations=dict.fromkeys(ended),
        counters=summed(expiring, back.counters, *map(unreserved_value, ended.values())),
        program_version=program.version,
        actor=actor,
        reason="reservation_ended" if ended else None,
        details={"expired": str(gone)} if ended and gone else {},
    )


def settled(state: State, *, now: datetime, program: Program) -> State:
    """The account as it counts at `now`, whether or not anybody has posted what time ended."""
    posting = settlement(state, now=now, program=program, actor="")
    return state if posting is None else apply(state, posting)


def given_back(state: State, lots: Lots, *, today: date, program: Program) -> GivenBack:
    """Points go back into the lots that they came from, with their old last day (semantics 4).

    Where that day has passed they expire, or have `return_grace_days` from today; a lot whose day
    was joined is the one that it was joined to. Debt is repaid first.
    """
    grace_days = program.expiry.return_grace_days
    lots = where_now(lots, state)
    late = passed(lots, today)
    back = usable(lots, today)
    if grace_days and late:
        back = add(back, {today + timedelta(days=grace_days): total(late)})
        late = {}
    into = credited(state, back)
    return GivenBack(
        lots=into.lots,
        repaid=into.repaid,
        expired=total(late),
        counters=summed(into.counters, expiry_counters(state, late, today)),
    )


def unreserved_value(reservation: Reservation) -> Counters:
    """The counter that gives the value of a reservation back to the year it came from."""
    return {value_counter(reservation.year): -reservation.value} if reservation.value else {}


def value_counter(year: int) -> str:
    """The counter of the value redeemed and reserved in a year of the program's zone."""
    return f"redeemed_value:{year}"


def _lots_of(reservations: Iterable[Reservation]) -> Lots:
    lots: Lots = {}
    for each in reservations:
        lots = add(lots, each.lots)
    return lots
