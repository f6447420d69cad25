"""Redemption in two steps, and giving back what a redemption took (semantics 4).

A reservation sets points aside, pinned to the lots that they came from. Afterwards it is captured,
in full or in part, or released; what was spent can be reversed. Each of these is one posting.
"""

from collections.abc import Mapping
from datetime import datetime

from points_ledger.domain.activity import with_activity
from points_ledger.domain.calendar import format_instant, local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Posting
from points_ledger.domain.error import (
    AlreadyReversedError,
    LimitExceededError,
    ReservationNotOpenError,
)
from points_ledger.domain.identity import EarningKey, RedemptionId
from points_ledger.domain.limit import MAX_OPEN_RESERVATIONS
from points_ledger.domain.lot import Lots, add, negative, take, total
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import (
    Redeemer,
    details_of,
    lots_for,
    refusals,
    source_of,
    value_units,
)
from points_ledger.domain.settling import (
    GivenBack,
    given_back,
    unreserved_value,
    value_counter,
)
from points_ledger.domain.state import Reservation, State, encode_lots, summed


def reserve(
    redeemer: Redeemer,
    *,
    points: int,
    redemption_id: RedemptionId,
    expires_at: datetime,
    actor: str,
    note_hash: str | None = None,
) -> Posting:
    """The posting that sets `points` aside until `expires_at`, soonest last day first.

    Their value counts against the yearly cap at once. Lots that have passed and reservations that
    have ended must have been settled before.

    Raises:
        Rejection: the first of the checks of semantics 4 that fails; last, that there are as many
            open reservations as a member may have.
    """
    for rejection in refusals(redeemer, points):
        raise rejection
    if len(redeemer.state.reservations) >= MAX_OPEN_RESERVATIONS:
        raise LimitExceededError("open_reservations", MAX_OPEN_RESERVATIONS)
    reservation = Reservation(
        lots=lots_for(redeemer, points),
        expires_at=expires_at,
        value=value_units(points, redeemer.program),
        year=redeemer.year,
    )
    posting = Posting(
        type="reservation",
        at=redeemer.now,
        reserved=points,
        lots=negative(reservation.lots),
        reservations={redemption_id: reservation},
        counters={value_counter(redeemer.year): reservation.value},
        source=source_of(redeemer.ticket.key if redeemer.ticket else None, redemption_id),
        program_version=redeemer.program.version,
        actor=actor,
        details=details_of(redemption_id, note_hash),
    )
    return with_activity(posting, redeemer.state, now=redeemer.now, program=redeemer.program)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is known when a redemption goes on.

    Attributes:
        state: the member's account; what time has ended is settled in it.
        program: the version in force, by which points go back into lots.
        priced_by: the version that the redemption was made under, by which points are worth.
        ticket: the sale that it is about, if any.
    """

    redemption_id: RedemptionId
    state: State
    now: datetime
    program: Program
    priced_by: Program
    ticket: EarningKey | None
    actor: str

    @property
    def reservation(self) -> Reservation:
        """The open reservation; what ends at `now` has ended.

        Raises:
            ReservationNotOpenError: there is none.
        """
        found = self.state.reservations.get(self.redemption_id)
        if found is None or found.expires_at <= self.now:
            raise ReservationNotOpenError
        return found

    @property
    def source(self) -> EarningKey:
        """What its entries are about."""
        return source_of(self.ticket, self.redemption_id)

    def back(self, lots: Lots) -> GivenBack:
        """Points go back into their lots today."""
        today = local_day(self.now, self.program.zone)
        return given_back(self.state, lots, today=today, program=self.program)

    def details(self, back: GivenBack) -> Mapping[str, str]:
        """The redemption, and how many of the points that it gave back have expired with that."""
        expired = {"expired": str(back.expired)} if back.expired else {}
        return {**details_of(self.redemption_id), **expired}


def captured_part(reservation: Reservation, points: int | None) -> Lots:
    """The lots that a capture of `points` spends, soonest first; None is all.

    Raises:
        LimitExceededError: more than is reserved.
    """
    if points is not None and points > reservation.points:
        raise LimitExceededError("reserved_points", reservation.points)
    return reservation.lots if points is None else take(reservation.lots, points)


def capture(step: Step, points: int | None) -> Posting:
    """Spend `points` of the reservation (None: all of it) and release the rest.

    Raises:
        ReservationNotOpenError: there is no reservation, or it has ended.
        LimitExceededError: more than is reserved.
    """
    reservation = step.reservation
    spent = captured_part(reservation, points)
    back = step.back(add(reservation.lots, negative(spent)))
    value = value_units(total(spent), step.priced_by)
    posting = Posting(
        type="capture",
        at=step.now,
        reserved=-reservation.points,
        lots=back.lots,
        debt=-back.repaid,
        reservations={step.redemption_id: None},
        counters=summed(
            {"redeemed": total(spent), value_counter(reservation.year): value},
            unreserved_value(reservation),
            back.counters,
        ),
        source=step.source,
        program_version=step.program.version,
        actor=step.actor,
        details=step.details(back),
        inputs={"spent": str(total(spent)), "priced_by": str(step.priced_by.version)},
    )
    return with_activity(posting, step.state, now=step.now, program=step.program)


def release(step: Step, *, reason: str) -> Posting:
    """Give all of the reservation back.

    Raises:
        ReservationNotOpenError: there is no reservation, or it has ended.
    """
    reservation = step.reservation
    back = step.back(reservation.lots)
    return Posting(
        type="release",
        at=step.now,
        reserved=-reservation.points,
        lots=back.lots,
        debt=-back.repaid,
        reservations={step.redemption_id: None},
        counters=summed(unreserved_value(reservation), back.counters),
        source=step.source,
        program_version=step.program.version,
        actor=step.actor,
        reason=reason,
        details=step.details(back),
    )


def prolong(step: Step, *, expires_at: datetime, reason: str) -> Posting:
    """Let the reservation end at another time; no points move.

    Raises:
        ReservationNotOpenError: there is no reservation, or it has ended.
    """
    held = step.reservation
    longer = Reservation(lots=held.lots, expires_at=expires_at, value=held.value, year=held.year)
    return Posting(
        type="change",
        at=step.now,
        reservations={step.redemption_id: longer},
        source=step.source,
        program_version=step.program.version,
        actor=step.actor,
        reason=reason,
        details=details_of(step.redemption_id),
        inputs={"expires_at": format_instant(expires_at)},
    )


def undone_part(spent: Lots, points: int | None) -> Lots:
    """The lots that a reversal of `points` gives back, the latest-lasting first; None is all.

    What is left is what would have been taken if so many fewer points had been spent.

    Raises:
        LimitExceededError: more than is still spent.
    """
    if points is not None and points > total(spent):
        raise LimitExceededError("captured_points", total(spent))
    left = 0 if points is None else total(spent) - points
    return add(spent, negative(take(spent, left)))


def reverse(step: Step, *, spent: Lots, points: int | None, year: int) -> Posting:
    """Give `points` of what is still `spent` back (None: all of it), and their value to the year.

    Raises:
        LimitExceededError: more than is still spent.
    """
    undone = undone_part(spent, points)
    back = step.back(undone)
    worth = value_units(total(spent), step.priced_by)
    still_worth = value_units(total(spent) - total(undone), step.priced_by)
    return Posting(
        type="reversal",
        at=step.now,
        lots=back.lots,
        debt=-back.repaid,
        counters=summed(
            {"redeemed": -total(undone), value_counter(year): still_worth - worth},
            back.counters,
        ),
        source=step.source,
        program_version=step.program.version,
        actor=step.actor,
        details=step.details(back),
        inputs={
            "spent": encode_lots(spent),
            "undone": str(total(undone)),
            "priced_by": str(step.priced_by.version),
            "year": str(year),
        },
    )


def still_spent(lots: Lots, *, captured: int, reversed_points: int) -> Lots:
    """What of the captured lots is still spent after earlier reversals.

    Raises:
        AlreadyReversedError: nothing is.
    """
    if reversed_points >= captured:
        raise AlreadyReversedError(reversed_points)
    return take(lots, captured - reversed_points)
