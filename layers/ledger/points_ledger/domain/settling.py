"""Settling: what time alone has ended leaves an account before anything is decided on it.

Lots whose last day has passed expire, and reservations that have ended go back into the lots they
came from (semantics 2, 4 and 5). The same posting serves the sweeps and every command that spends
or moves available points; whichever comes first writes it, and the others find nothing to do.

It is worked out in the order in which things ended, so that it comes to the same whether it is
posted at once or late. One thing has to wait for the recording: where the program requires notice,
a lot that passed without it gets the days from the warning that the extension itself is.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from points_ledger.domain.activity import where_alive
from points_ledger.domain.calendar import end_of_validity, local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import EntryType, Posting, apply
from points_ledger.domain.expiry import expiry_counters
from points_ledger.domain.lot import NO_LOTS, Lots, add, negative, passed, total, usable
from points_ledger.domain.program import Program
from points_ledger.domain.state import (
    JOINED,
    NO_COUNTERS,
    Counters,
    Reservation,
    State,
    changed,
    credited,
    encode_lots,
    joins_within_bounds,
    summed,
    where_now,
)
from points_ledger.domain.warning import (
    forgotten_warnings,
    is_warned_in_time,
    warned_by_extension,
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
    ended = sorted(
        ((id_, each) for id_, each in state.reservations.items() if each.expires_at <= now),
        key=lambda pair: (pair[1].expires_at, pair[0]),
    )
    if not over and not ended:
        return None
    after = _released(state, ended, today, program)
    after = _expired(after, today, today, program)
    unnoticed = passed(after.lots, today)
    after = _extended(after, unnoticed, today, program)
    after = changed(after, counters=forgotten_warnings(after.counters, today))
    gone = after.counter("expired") - state.counter("expired")
    instants = [each.expires_at for _, each in ended]
    instants += [end_of_validity(day, program.zone) for day in over if day not in unnoticed]
    return Posting(
        type=_type(ended, gone),
        at=now if unnoticed else max(instants),
        reserved=after.reserved - state.reserved,
        debt=after.debt - state.debt,
        lots=add(after.lots, negative(state.lots)),
        reservations={id_: None for id_, _ in ended},
        counters=_difference(state.counters, after.counters),
        program_version=program.version,
        actor=actor,
        reason="reservation_ended" if ended else "notice_required" if not gone else None,
        details=_details(gone if ended else 0, unnoticed),
    )


def settled(state: State, *, now: datetime, program: Program) -> State:
    """The account as it counts at `now`, whether or not anybody has posted what time ended."""
    posting = settlement(state, now=now, program=program, actor="")
    return state if posting is None else apply(state, posting)


def given_back(
    state: State, lots: Lots, *, today: date, program: Program, recorded_on: date | None = None
) -> GivenBack:
    """Points go back into the lots that they came from, with their old last day (semantics 4).

    Where that day has passed they have `return_grace_days` from today; otherwise they expire, or
    have the days of the notice that is required and was not given. A lot whose day was joined is
    the one that it was joined to. Debt is repaid first.

    Args:
        state: the account before.
        lots: what goes back, by where it came from.
        today: the day on which it does.
        program: the version in force.
        recorded_on: the recording day, where that is later than `today`.
    """
    lots = where_alive(where_now(lots, state), state, program)
    late = passed(lots, today)
    back = usable(lots, today)
    kept: Counters = NO_COUNTERS
    grace_days = program.expiry.return_grace_days
    if grace_days and late:
        back = add(back, {today + timedelta(days=grace_days): total(late)})
        late = {}
    unnoticed = _unnoticed(state, late, program)
    if unnoticed:
        noticed_on = recorded_on or today
        day = _extension_day(noticed_on, program)
        back = add(back, {day: total(unnoticed)})
        late = add(late, negative(unnoticed))
        kept = warned_by_extension(state, day, noticed_on)
    into = credited(state, back)
    return GivenBack(
        lots=into.lots,
        repaid=into.repaid,
        expired=total(late),
        counters=summed(into.counters, kept, expiry_counters(state, late, today)),
    )


def unreserved_value(reservation: Reservation) -> Counters:
    """The counter that gives the value of a reservation back to the year it came from."""
    return {value_counter(reservation.year): -reservation.value} if reservation.value else {}


def value_counter(year: int) -> str:
    """The counter of the value redeemed and reserved in a year of the program's zone."""
    return f"redeemed_value:{year}"


def _released(
    state: State, ended: Sequence[tuple[str, Reservation]], today: date, program: Program
) -> State:
    """Each reservation goes back on the day it ended, into what had not expired by then."""
    for id_, each in ended:
        day = local_day(each.expires_at, program.zone)
        state = _expired(state, day, today, program)
        back = given_back(state, each.lots, today=day, program=program, recorded_on=today)
        state = changed(
            state,
            reserved=-each.points,
            debt=-back.repaid,
            lots=back.lots,
            reservations={id_: None},
            counters=summed(back.counters, unreserved_value(each)),
        )
    return state


def _expired(state: State, day: date, today: date, program: Program) -> State:
    """Without the lots that had passed on a day, but for those still to be given notice of."""
    over = passed(state.lots, day)
    over = add(over, negative(_unnoticed(state, over, program)))
    if not over:
        return state
    return changed(state, lots=negative(over), counters=expiry_counters(state, over, today))


def _extended(state: State, unnoticed: Lots, today: date, program: Program) -> State:
    """With the lots that passed without notice in one with the days of notice from today."""
    if not unnoticed:
        return state
    day = _extension_day(today, program)
    gaps = {f"{JOINED}{old.isoformat()}": (day - old).days for old in unnoticed}
    return changed(
        state,
        lots=add(negative(unnoticed), {day: total(unnoticed)}),
        counters=summed(
            joins_within_bounds(state.counters, gaps), warned_by_extension(state, day, today)
        ),
    )


def _unnoticed(state: State, over: Lots, program: Program) -> Lots:
    """Those of the lots that may not expire yet: no warning was recorded in time."""
    days = program.expiry.requires_notice_days
    if days is None:
        return NO_LOTS
    return {day: n for day, n in over.items() if not is_warned_in_time(state, day, days)}


def _extension_day(noticed_on: date, program: Program) -> date:
    days = program.expiry.requires_notice_days
    assert days is not None
    return noticed_on + timedelta(days=days)


def _type(ended: Sequence[object], gone: int) -> EntryType:
    if ended:
        return "release"
    return "expiry" if gone else "extension"


def _details(gone: int, unnoticed: Lots) -> dict[str, str]:
    """What the type does not say: points that expired on release, and lots that were extended."""
    details = {"expired": str(gone)} if gone else {}
    if unnoticed:
        details["extended"] = encode_lots(unnoticed)
    return details


def _difference(before: Counters, after: Counters) -> Counters:
    names = sorted(before.keys() | after.keys())
    changes = {name: after.get(name, 0) - before.get(name, 0) for name in names}
    return {name: value for name, value in changes.items() if value}
