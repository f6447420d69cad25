"""Redemption: spending available points, by points or by amount (semantics 4)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from typing import Literal

from points_ledger.domain.activity import with_activity
from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Posting
from points_ledger.domain.error import (
    AmountNotWholePointsError,
    BelowMinimumError,
    EarnedOnSameTicketError,
    FieldError,
    InsufficientPointsError,
    InvalidRequestError,
    LimitExceededError,
    MemberInactiveError,
    RedemptionNotPermittedError,
    RedemptionPausedError,
    Rejection,
    TicketTooLowError,
    YearlyCapExceededError,
)
from points_ledger.domain.expiry import usable_points
from points_ledger.domain.identity import EarningKey, RedemptionId
from points_ledger.domain.limit import MAX_POINTS
from points_ledger.domain.lot import Lots, negative, take, usable
from points_ledger.domain.money import format_amount, round_down, unit
from points_ledger.domain.program import PointValue, Program
from points_ledger.domain.settling import value_counter
from points_ledger.domain.state import State

RedemptionKind = Literal["ticket", "gift_card", "cash", "coupon", "reward"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The sale on which points are spent.

    `amount` is what it comes to before the redemption; under `key` it may itself earn later.
    """

    key: EarningKey
    amount: Decimal
    other_keys: tuple[EarningKey, ...] = ()
    """Further keys under which the same sale may earn, where the caller named no source."""

    @property
    def keys(self) -> tuple[EarningKey, ...]:
        """All keys under which the sale may earn."""
        return (self.key, *self.other_keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemer:
    """What is known when a redemption is decided."""

    state: State
    program: Program
    now: datetime
    ticket: Ticket | None = None
    earned_on_ticket: int = 0
    """Points of the ticket's own earning now matured for this member."""
    kind: RedemptionKind = "ticket"

    @property
    def available(self) -> int:
        """Points that really count now."""
        return usable_points(self.state, now=self.now, zone=self.program.zone)

    @property
    def year(self) -> int:
        """The year of the program's zone whose cap counts now."""
        return local_day(self.now, self.program.zone).year

    @property
    def spendable(self) -> int:
        """Available points without those that this very ticket earned."""
        return max(0, self.available - self.earned_on_ticket)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The most that a member could redeem now; `reasons` are the codes of what forbids more."""

    max_points: int
    max_amount: Decimal
    minimum_amount: Decimal
    allowed: bool
    reasons: tuple[str, ...]


def value_of(points: int, point_value: PointValue, currency: str) -> Decimal:
    """Points × amount / points of point_value, rounded down to the currency; never negative."""
    exact = Fraction(point_value.amount) * max(0, points) / point_value.points
    in_units = exact / Fraction(unit(currency))
    return int(in_units) * unit(currency)


def points_for(amount: Decimal, program: Program) -> int:
    """The points that are worth exactly `amount`.

    Raises:
        AmountNotWholePointsError: there is no such whole number, or the amount is finer than
            the currency.
    """
    worth = program.point_value
    points = Fraction(amount) * worth.points / Fraction(worth.amount)
    if points.denominator != 1 or round_down(amount, program.currency) != amount:
        raise AmountNotWholePointsError(str(amount))
    return int(points)


def check_may_redeem(redeemer: Redeemer) -> None:
    """Whether the member may redeem at all, whatever it is and however much.

    Raises:
        Rejection: the first reason why not.
    """
    for rejection in _standing_refusals(redeemer):
        raise rejection


def points_asked(redeemer: Redeemer, *, points: int | None, amount: Decimal | None) -> int:
    """The points that a redemption asks for, given as such or by their value.

    Raises:
        Rejection: whether the member may redeem at all comes before the arithmetic.
    """
    if points is not None:
        return points
    check_may_redeem(redeemer)
    assert amount is not None
    return points_for(amount, redeemer.program)


def redeem(
    redeemer: Redeemer,
    *,
    points: int,
    redemption_id: RedemptionId,
    actor: str,
    note_hash: str | None = None,
) -> Posting:
    """The posting that spends `points`, soonest last day first, from lots that still count.

    Lots that have passed must have been settled before.

    Raises:
        Rejection: the first of the checks of semantics 4 that fails.
    """
    for rejection in refusals(redeemer, points):
        raise rejection
    posting = Posting(
        type="redemption",
        at=redeemer.now,
        lots=negative(lots_for(redeemer, points)),
        counters={
            "redeemed": points,
            value_counter(redeemer.year): value_units(points, redeemer.program),
        },
        source=source_of(redeemer.ticket.key if redeemer.ticket else None, redemption_id),
        program_version=redeemer.program.version,
        actor=actor,
        details=details_of(redemption_id, note_hash),
    )
    return with_activity(posting, redeemer.state, now=redeemer.now, program=redeemer.program)


def lots_for(redeemer: Redeemer, points: int) -> Lots:
    """The lots that give `points`: soonest last day first, of those that still count."""
    today = local_day(redeemer.now, redeemer.program.zone)
    return take(usable(redeemer.state.lots, today), points)


def value_units(points: int, program: Program) -> int:
    """What points are worth by a program, in its currency's smallest unit."""
    return minor_units(value_of(points, program.point_value, program.currency), program.currency)


def source_of(ticket: EarningKey | None, redemption_id: RedemptionId) -> EarningKey:
    """What the entries of a redemption are about: its ticket, or itself where there is none."""
    return ticket or EarningKey(source="points-ledger", kind="redemption", id=redemption_id)


def details_of(redemption_id: RedemptionId, note_hash: str | None = None) -> Mapping[str, str]:
    """What the entries of a redemption name: its id, and the hash of its note."""
    note = {} if note_hash is None else {"note": note_hash}
    return {"redemption": str(redemption_id), **note}


def refusals(redeemer: Redeemer, points: int) -> Iterator[Rejection]:
    """Every check that `points` would fail, in the order of semantics 4."""
    program = redeemer.program
    terms = program.redemption
    yield from _standing_refusals(redeemer)
    if points <= 0:
        yield InvalidRequestError((FieldError("points", "must be a positive whole number"),))
    if points > MAX_POINTS:
        yield LimitExceededError("points", MAX_POINTS)
    amount = value_of(points, program.point_value, program.currency)
    written = format_amount(amount, program.currency)
    # A reward has a price of its own: neither the minimum nor a ticket decides about it.
    is_reward = redeemer.kind == "reward"
    if amount < terms.minimum_amount and not is_reward:
        yield BelowMinimumError(format_amount(terms.minimum_amount, program.currency), written)
    ticket = None if is_reward else redeemer.ticket
    if ticket is not None and terms.ticket_must_exceed and ticket.amount <= amount:
        yield TicketTooLowError(format_amount(ticket.amount, program.currency), written)
    available = redeemer.available
    if ticket is not None and redeemer.earned_on_ticket and points > redeemer.spendable:
        yield EarnedOnSameTicketError(points, redeemer.spendable)
    remaining = _yearly_remaining(redeemer)
    if remaining is not None and amount > remaining:
        assert terms.yearly_amount_cap is not None
        yield YearlyCapExceededError(
            format_amount(terms.yearly_amount_cap, program.currency),
            format_amount(remaining, program.currency),
        )
    if points > available:
        yield InsufficientPointsError(points, available)


def quote(redeemer: Redeemer) -> Quote:
    """The largest redemption that would be accepted now."""
    program = redeemer.program
    terms = program.redemption
    barriers = [rejection.code for rejection in _standing_refusals(redeemer)]
    most = 0 if barriers else min(redeemer.spendable, MAX_POINTS)
    caps = [_yearly_remaining(redeemer)]
    if redeemer.ticket is not None and terms.ticket_must_exceed:
        smallest = unit(program.currency)
        caps.append(redeemer.ticket.amount.quantize(smallest, rounding=ROUND_CEILING) - smallest)
    for cap in caps:
        if cap is not None:
            most = min(most, _most_points_worth(cap, program))
    if most == 0 and not barriers:
        barriers = [rejection.code for rejection in refusals(redeemer, 1)]
        barriers = [code for code in barriers if code != "below_minimum"] or ["below_minimum"]
    amount = value_of(most, program.point_value, program.currency)
    if most and amount < terms.minimum_amount:
        barriers.append("below_minimum")
        most, amount = 0, Decimal(0)
    return Quote(
        max_points=most,
        max_amount=amount,
        minimum_amount=terms.minimum_amount,
        allowed=most > 0,
        reasons=tuple(barriers),
    )


def earned_on(ticket_earning: Earning | None, member_ids: frozenset[str]) -> int:
    """Points of a ticket's earning that are matured for a member (by any of its ids).

    What a fall wrote off counts no more: the purchase did not earn it in the end.
    """
    if ticket_earning is None:
        return 0
    return sum(
        posted.matured - posted.written_off
        for member_id, posted in ticket_earning.posted.items()
        if member_id in member_ids
    )


def _standing_refusals(redeemer: Redeemer) -> Iterator[Rejection]:
    standing, program = redeemer.state.standing, redeemer.program
    if standing.status != "active":
        yield MemberInactiveError(standing.status)
    if program.mode == "analysis":
        yield RedemptionNotPermittedError("analysis_mode")
    if standing.jurisdiction in program.redemption.excluded_jurisdictions:
        yield RedemptionNotPermittedError("jurisdiction")
    if program.redemption.paused:
        yield RedemptionPausedError()


def _most_points_worth(cap: Decimal, program: Program) -> int:
    """The most points whose value, rounded down, does not exceed `cap`; none below zero."""
    if cap < 0:
        return 0
    worth = program.point_value
    smallest = unit(program.currency)
    capped = round_down(cap, program.currency)
    exact = Fraction(capped + smallest) * worth.points / Fraction(worth.amount)
    return int(exact) - 1 if exact.denominator == 1 else int(exact)


def _yearly_remaining(redeemer: Redeemer) -> Decimal | None:
    cap = redeemer.program.redemption.yearly_amount_cap
    if cap is None:
        return None
    spent = redeemer.state.counter(value_counter(redeemer.year))
    return max(Decimal(0), cap - spent * unit(redeemer.program.currency))


def minor_units(amount: Decimal, currency: str) -> int:
    """An amount in the currency's smallest unit."""
    return int(amount / unit(currency))
