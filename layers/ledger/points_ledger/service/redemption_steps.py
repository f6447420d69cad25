"""What a capture, a cancel or a reversal makes of a redemption: the posting and the new item.

Everything here is decided from values; service/redeeming.py reads them and writes the outcome.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal, assert_never

from points_ledger.domain.calendar import format_instant, local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Posting
from points_ledger.domain.error import (
    LimitExceededError,
    MemberInactiveError,
    ReservationNotOpenError,
)
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_COMMANDS_PER_REDEMPTION
from points_ledger.domain.lot import total
from points_ledger.domain.money import format_amount
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import value_of
from points_ledger.domain.reservation import (
    Step,
    capture,
    captured_part,
    release,
    reverse,
    still_spent,
    undone_part,
)
from points_ledger.domain.state import State
from points_ledger.service.ports import Answered, Redemption, RequestKey

StepName = Literal["capture", "cancel", "reverse"]
Answer = Mapping[str, object]

OPEN_STATUSES: Final = ("reserved", "awaiting_approval")
"""Statuses of a redemption whose points are set aside, unless it has timed out."""
TIMED_OUT: Final = "timed_out"
"""How a redemption is shown whose reservation has ended by itself; nothing stores it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """What becomes of a redemption, and the posting that goes with it."""

    posting: Posting
    redemption: Redemption


def taken(redemption: Redemption, name: StepName, step: Step, points: int | None) -> Stepped:
    """One step of a redemption.

    Raises:
        ReservationNotOpenError: there is no open reservation to capture or cancel, or nothing was
            captured that could be reversed.
        AlreadyReversedError: all of it was reversed before.
        LimitExceededError: more than is reserved, or than is still spent.
        MemberInactiveError: the member is erased; nothing can be given back.
    """
    match name:
        case "capture":
            _require(redemption, "reserved")
            return captured(redemption, step, points)
        case "cancel":
            _require(redemption, *OPEN_STATUSES)
            return Stepped(
                posting=release(step, reason="cancelled"),
                redemption=replace(redemption, status="cancelled"),
            )
        case "reverse":
            return _reversed(redemption, step, points)
        case _:
            assert_never(name)


def captured(redemption: Redemption, step: Step, points: int | None) -> Stepped:
    """The redemption with `points` of its reservation spent (None: all), the rest released.

    Raises:
        ReservationNotOpenError: the reservation has ended.
        LimitExceededError: more than is reserved.
    """
    lots = captured_part(step.reservation, points)
    return Stepped(
        posting=capture(step, points),
        redemption=replace(
            redemption,
            status="completed",
            lots=lots,
            captured=total(lots),
            changed_at=step.now,
        ),
    )


def _reversed(redemption: Redemption, step: Step, points: int | None) -> Stepped:
    if not redemption.captured:
        raise ReservationNotOpenError(redemption.status)
    if step.state.standing.status == "erased":
        raise MemberInactiveError(step.state.standing.status)
    spent = still_spent(
        redemption.lots, captured=redemption.captured, reversed_points=redemption.reversed
    )
    undone = redemption.reversed + total(undone_part(spent, points))
    return Stepped(
        posting=reverse(step, spent=spent, points=points, year=year_of(redemption, step.priced_by)),
        redemption=replace(
            redemption,
            reversed=undone,
            changed_at=step.now,
            status="reversed" if undone == redemption.captured else redemption.status,
        ),
    )


def _require(redemption: Redemption, *statuses: str) -> None:
    if redemption.status not in statuses:
        raise ReservationNotOpenError(redemption.status)


# --- The same command again -----------------------------------------------------------------


def command_key(request: RequestKey) -> str:
    """Under what a command is remembered in the redemption: caller and key, shortened."""
    content = json.dumps([request.caller, request.key]).encode()
    return hashlib.sha256(content).hexdigest()[:24]


def remembered(
    redemption: Redemption, request: RequestKey, *, fingerprint: str, answer: Answer
) -> Redemption:
    """The redemption with one more command that was carried out.

    What the redemption itself says for good is left out of what is kept, see `answer_again`.

    Raises:
        LimitExceededError: it has as many as it may have.
    """
    if len(redemption.commands) >= MAX_COMMANDS_PER_REDEMPTION:
        raise LimitExceededError("commands_of_a_redemption", MAX_COMMANDS_PER_REDEMPTION)
    lasting = _lasting(redemption)
    result = {name: value for name, value in answer.items() if name not in lasting}
    text = json.dumps(result, separators=(",", ":"))
    known = Answered(fingerprint=fingerprint, result=text)
    return replace(redemption, commands={**redemption.commands, command_key(request): known})


def answer_again(redemption: Redemption, known: Answered) -> Answer:
    """What a command was answered when it was carried out."""
    result: Answer = json.loads(known.result)
    return {**_lasting(redemption), **result}


# --- Answers --------------------------------------------------------------------------------


def answer(redemption: Redemption, state: State, priced_by: Program) -> Answer:
    """What a further command on a redemption is answered: what it is now, and the balances."""
    ends_at = redemption.expires_at if redemption.status == "reserved" else None
    return {
        **_lasting(redemption),
        "status": redemption.status,
        "captured": redemption.captured,
        "captured_amount": worth(redemption.captured, priced_by),
        "reversed": redemption.reversed,
        **expiry(ends_at),
        "balance": balances(state),
    }


def first_answer(redemption: Redemption, state: State, member_id: MemberId) -> Answer:
    """What a new redemption is answered; `member_id` is the id that was asked for."""
    waits = redemption.approval_id is not None
    return {
        **_lasting(redemption),
        "member_id": member_id,
        "status": redemption.status,
        **expiry(redemption.expires_at),
        **({"approval_id": redemption.approval_id} if waits else {}),
        "balance": balances(state),
    }


def balances(state: State) -> dict[str, int]:
    """The four balances."""
    return {
        "available": state.available,
        "pending": state.pending,
        "reserved": state.reserved,
        "debt": state.debt,
    }


def expiry(expires_at: datetime | None) -> dict[str, str]:
    """Until when points are set aside, where they are."""
    return {} if expires_at is None else {"expires_at": format_instant(expires_at)}


def _lasting(redemption: Redemption) -> dict[str, object]:
    """What no command ever changes."""
    return {
        "redemption_id": redemption.redemption_id,
        "member_id": redemption.member_id,
        "points": redemption.points,
        "amount": redemption.amount,
        "currency": redemption.currency,
    }


def worth(points: int, program: Program) -> str:
    """What points are worth, as text."""
    return format_amount(value_of(points, program.point_value, program.currency), program.currency)


def year_of(redemption: Redemption, program: Program) -> int:
    """The year whose cap it counts against; redemptions of the first format do not name it."""
    return redemption.year or local_day(redemption.created_at, program.zone).year
