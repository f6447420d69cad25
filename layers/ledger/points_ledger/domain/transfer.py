"""Transfers: points pass from one member to another, with their last days (semantics 6).

Both sides are one transaction. A transfer that a second person has to approve sets the points
aside first and moves them when it is approved.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from points_ledger.domain.calendar import local_day, whole_second
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Posting
from points_ledger.domain.error import (
    FieldError,
    InsufficientPointsError,
    InvalidRequestError,
    LimitExceededError,
    MemberInactiveError,
    Rejection,
    TransferNotPermittedError,
)
from points_ledger.domain.expiry import usable_points
from points_ledger.domain.identity import MemberId, TransferId
from points_ledger.domain.limit import MAX_OPEN_RESERVATIONS, MAX_POINTS
from points_ledger.domain.lot import Lots, add, negative, take, total, usable
from points_ledger.domain.program import Circle, Program
from points_ledger.domain.settling import given_back
from points_ledger.domain.state import (
    Reservation,
    Standing,
    State,
    credited,
    encode_lots,
    summed,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One side of a transfer; what time has ended is settled in `state`."""

    member_id: MemberId
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What is known when a transfer is decided; `program` is the version in force at `now`."""

    transfer_id: TransferId
    points: int
    sender: Party
    receiver: Party
    program: Program
    now: datetime
    actor: str
    note_hash: str | None = None

    @property
    def today(self) -> date:
        """The recording day."""
        return local_day(self.now, self.program.zone)

    @property
    def available(self) -> int:
        """What the sender has to give."""
        return usable_points(self.sender.state, now=self.now, zone=self.program.zone)


def is_within(circle: Circle, one: Standing, other: Standing) -> bool:
    """Whether two members may share and transfer: everybody may, or those of one organisation."""
    if circle == "anyone":
        return True
    return one.organisation is not None and one.organisation == other.organisation


def sender_refusals(sender: State, program: Program) -> Iterator[Rejection]:
    """Why a member can transfer nothing, to whomever."""
    if sender.standing.status != "active":
        yield MemberInactiveError(sender.standing.status)
    if program.mode == "analysis":
        yield TransferNotPermittedError("analysis_mode")
    if not program.transfers.enabled:
        yield TransferNotPermittedError("disabled")


def pair_refusals(transfer: Transfer) -> Iterator[Rejection]:
    """Why points may not pass between these two, however many."""
    sender, receiver = transfer.sender.state.standing, transfer.receiver.state.standing
    yield from sender_refusals(transfer.sender.state, transfer.program)
    if transfer.sender.member_id == transfer.receiver.member_id:
        yield TransferNotPermittedError("same_member")
    if not is_within(transfer.program.transfers.within, sender, receiver):
        yield TransferNotPermittedError("outside_circle")
    if receiver.status != "active":
        yield TransferNotPermittedError("receiver_inactive")


def refusals(transfer: Transfer) -> Iterator[Rejection]:
    """Every check that the transfer would fail, in order."""
    yield from pair_refusals(transfer)
    points = transfer.points
    if points <= 0:
        yield InvalidRequestError((FieldError("points", "must be a positive whole number"),))
    if points > MAX_POINTS:
        yield LimitExceededError("points", MAX_POINTS)
    if points < transfer.program.transfers.minimum_points:
        yield TransferNotPermittedError("below_minimum")
    if points > transfer.available:
        yield InsufficientPointsError(points, transfer.available)


def needs_approval(transfer: Transfer, *, member_asks: bool) -> bool:
    """Whether a second person decides: above the limit, or because a member asks.

    That members' own requests need approval is one setting for redemptions and transfers.
    """
    above = transfer.program.transfers.approval_above_points
    if above is not None and transfer.points > above:
        return True
    return member_asks and transfer.program.redemption.member_requests_need_approval


def transferred(transfer: Transfer) -> tuple[Posting, Posting]:
    """What the sender gives, soonest last day first, and what the receiver gets.

    Raises:
        Rejection: the first check that fails.
    """
    for rejection in refusals(transfer):
        raise rejection
    gives = given(transfer)
    return gives, received(transfer, negative(gives.lots))


def set_aside(transfer: Transfer) -> Posting:
    """The reservation of a transfer that waits for approval.

    Raises:
        Rejection: the first check that fails; what could not be transferred is not asked about.
    """
    for rejection in refusals(transfer):
        raise rejection
    if len(transfer.sender.state.reservations) >= MAX_OPEN_RESERVATIONS:
        raise LimitExceededError("open_reservations", MAX_OPEN_RESERVATIONS)
    return put_aside(transfer)


def put_aside(transfer: Transfer) -> Posting:
    """The posting that sets points aside, soonest last day first; it judges nothing."""
    state, program = transfer.sender.state, transfer.program
    lots = take(usable(state.lots, transfer.today), transfer.points)
    ends_at = whole_second(transfer.now + timedelta(days=program.redemption.approval_days))
    return Posting(
        type="reservation",
        at=transfer.now,
        reserved=transfer.points,
        lots=negative(lots),
        reservations={transfer.transfer_id: Reservation(lots=lots, expires_at=ends_at)},
        program_version=program.version,
        actor=transfer.actor,
        details=_details(transfer, transfer.receiver),
    )


def approved(transfer: Transfer, reservation: Reservation) -> tuple[Posting, Posting]:
    """The points set aside pass to the receiver, now that somebody has approved.

    A lot whose day passed while it was set aside is good through the recording day.

    Raises:
        Rejection: meanwhile points may not pass between these two.
    """
    for rejection in pair_refusals(transfer):
        raise rejection
    lots: Lots = {}
    for day, points in reservation.lots.items():
        lots = add(lots, {max(day, transfer.today): points})
    return given(transfer, reservation), received(transfer, lots)


def given(transfer: Transfer, reservation: Reservation | None = None) -> Posting:
    """The sender's side: points out of lots, soonest first, or all that was set aside for it."""
    lots: Lots = {}
    if reservation is None:
        lots = take(usable(transfer.sender.state.lots, transfer.today), transfer.points)
    points = reservation.points if reservation else transfer.points
    return Posting(
        type="transfer",
        at=transfer.now,
        reserved=-points if reservation else 0,
        lots=negative(lots),
        reservations={transfer.transfer_id: None} if reservation else {},
        counters={"transferred": -points},
        program_version=transfer.program.version,
        actor=transfer.actor,
        details=_details(transfer, transfer.receiver),
    )


def rejected(transfer: Transfer, reservation: Reservation) -> Posting:
    """The points set aside go back to the sender, into the lots that they came from."""
    back = given_back(
        transfer.sender.state, reservation.lots, today=transfer.today, program=transfer.program
    )
    details = _details(transfer, transfer.receiver)
    if back.expired:
        details["expired"] = str(back.expired)
    return Posting(
        type="release",
        at=transfer.now,
        reserved=-reservation.points,
        debt=-back.repaid,
        lots=back.lots,
        reservations={transfer.transfer_id: None},
        counters=back.counters,
        program_version=transfer.program.version,
        actor=transfer.actor,
        reason="rejected",
        details=details,
    )


def received(transfer: Transfer, lots: Lots) -> Posting:
    """The receiver's side: the lots that the sender gave, as a credit."""
    into = credited(transfer.receiver.state, lots)
    return Posting(
        type="transfer",
        at=transfer.now,
        debt=-into.repaid,
        lots=into.lots,
        counters=summed({"transferred": total(lots)}, into.counters),
        program_version=transfer.program.version,
        actor=transfer.actor,
        details=_details(transfer, transfer.sender),
        inputs={"lots": encode_lots(lots)},
    )


def _details(transfer: Transfer, other: Party) -> dict[str, str]:
    """The other member is told by id only; the text of a note is kept apart, and erasable."""
    details = {"transfer": str(transfer.transfer_id), "member": str(other.member_id)}
    if transfer.note_hash is not None:
        details["note"] = transfer.note_hash
    return details
