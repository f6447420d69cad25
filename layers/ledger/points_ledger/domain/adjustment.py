"""Adjustments: points that staff give or take by hand, and when a second person has to agree."""

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from typing import Final

from points_ledger.domain.activity import lot_day
from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Posting
from points_ledger.domain.error import (
    FieldError,
    InsufficientPointsError,
    InvalidRequestError,
    LimitExceededError,
    MemberInactiveError,
)
from points_ledger.domain.identity import AdjustmentId, ApprovalId, EarningKey
from points_ledger.domain.limit import MAX_POINTS
from points_ledger.domain.lot import negative, take, total
from points_ledger.domain.program import Program
from points_ledger.domain.settling import settled
from points_ledger.domain.state import State, credited, summed

FREE_TEXT: Final = "adjustment"
"""The code of an adjustment whose reason is a sentence, which is kept as a note."""
MAX_CODE_CHARACTERS: Final = 64
OPEN_STATUSES: Final = ("active", "frozen")
"""Who may be adjusted; a frozen member spends nothing and can still be put right."""

_CODE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """Points to add, or to take where they are negative.

    Attributes:
        last_day: of the lot that added points go into; None is the rule of the program.
        reason: a code, never a sentence: `FREE_TEXT` where the reason was one.
        hashes: salted hashes of the texts that are kept apart, by what they are.
    """

    id: AdjustmentId
    points: int
    last_day: date | None = None
    reason: str = FREE_TEXT
    hashes: Mapping[str, str] = field(default_factory=dict)


def reason_code(reason: str) -> str | None:
    """The reason itself where it is one code, such as `goodwill`; None where it is a text.

    A text may name somebody, and entries are for ever.
    """
    return reason if len(reason) <= MAX_CODE_CHARACTERS and _CODE.issuperset(reason) else None


def needs_approval(
    adjustment: Adjustment, *, state: State, program: Program, now: datetime
) -> bool:
    """Whether a second person has to agree.

    Raises:
        Rejection: it can never be done, whoever agrees.
    """
    points, terms = adjustment.points, program.adjustments
    if abs(points) > MAX_POINTS:
        raise LimitExceededError("points", MAX_POINTS)
    _check_last_day(adjustment, local_day(now, program.zone))
    available = settled(state, now=now, program=program).available
    _check_member(state)
    _check_zero(points, available, program)
    above = terms.approval_above_points
    return (above is not None and abs(points) > above) or _falls_below_zero(points, available)


def adjust(
    adjustment: Adjustment,
    *,
    state: State,
    program: Program,
    now: datetime,
    actor: str,
    approval: ApprovalId | None = None,
) -> Posting:
    """The posting on an account in which nothing is left to settle.

    Points are added as a credit, so they repay debt first. A last day that passed while the
    adjustment waited is the day of the approval. Points are taken soonest lot first; what is
    missing becomes debt, which only happens with an approval (`needs_approval`).

    Raises:
        Rejection: the member has gone, or the program lets nobody fall below zero.
    """
    points, today = adjustment.points, local_day(now, program.zone)
    _check_member(state)
    _check_zero(points, state.available, program)
    details = {"adjustment": str(adjustment.id), **adjustment.hashes}
    inputs = {"points": str(points)}
    if approval is not None:
        details["approval"] = approval
    if points > 0:
        day = max(adjustment.last_day or lot_day(state, now, program=program, today=today), today)
        into = credited(state, {day: points})
        lots, debt, counters = into.lots, -into.repaid, into.counters
        # Without one asked for, the rule of the program says it again.
        if adjustment.last_day is not None:
            inputs["last_day"] = adjustment.last_day.isoformat()
    else:
        taken = take(state.lots, -points)
        lots, debt, counters = negative(taken), -points - total(taken), {}
        assert approval is not None or not debt, "only an approved adjustment makes debt"
    return Posting(
        type="adjustment",
        at=now,
        lots=lots,
        debt=debt,
        counters=summed({"adjusted": points}, counters),
        source=EarningKey(source="points-ledger", kind="adjustment", id=adjustment.id),
        program_version=program.version,
        actor=actor,
        reason=adjustment.reason,
        details=details,
        inputs=inputs,
    )


def _check_last_day(adjustment: Adjustment, today: date) -> None:
    if adjustment.last_day is None:
        return
    if adjustment.points < 0:
        raise _invalid("last_day", "is for points that are added")
    if adjustment.last_day < today:
        raise _invalid("last_day", f"must not be before {today.isoformat()}")


def _check_member(state: State) -> None:
    if state.standing.status not in OPEN_STATUSES:
        raise MemberInactiveError(state.standing.status)


def _check_zero(points: int, available: int, program: Program) -> None:
    if _falls_below_zero(points, available) and not program.adjustments.approval_below_zero:
        raise InsufficientPointsError(-points, available)


def _falls_below_zero(points: int, available: int) -> bool:
    return points < 0 and available + points < 0


def _invalid(name: str, message: str) -> InvalidRequestError:
    return InvalidRequestError((FieldError(name, message),))
