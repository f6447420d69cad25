"""Adjusting points by hand: at once, or after a second person has agreed."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from points_ledger.domain.adjustment import (
    FREE_TEXT,
    Adjustment,
    adjust,
    needs_approval,
    reason_code,
)
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, chain
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import AdjustmentId, ApprovalId, MemberId
from points_ledger.domain.program import Program
from points_ledger.domain.settling import settled, settlement
from points_ledger.domain.state import State
from points_ledger.service.approving import approval_id, asked, note_ids
from points_ledger.service.command import Command
from points_ledger.service.ledger import Decision, View, WritePath, latest, posting_writes
from points_ledger.service.ports import (
    Approval,
    GuardHead,
    Note,
    Put,
    RequestKey,
    Write,
)
from points_ledger.service.programs import Programs


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustPoints(Command):
    """Give points, or take them where they are negative, for a reason."""

    member_id: MemberId
    points: int
    reason: str
    last_day: date | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """The answer of an adjustment, as it was first given."""

    result: Mapping[str, object]
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusting:
    """Decides adjustments. `salt` makes the salt of the hashes of texts."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]
    salt: Callable[[], str]

    def adjust(self, command: AdjustPoints) -> Adjusted:
        """Adjust once per request, or ask a second person.

        Raises:
            NotFoundError: there is no such member.
            Rejection: the member has gone, the day is over, or there are not enough points.
            IdempotencyKeyReusedError: the same key came with another input before.
            ConflictError: other writers won too often; send it again with the same key.
        """
        salt = self.salt()
        return self.path.run(lambda view: self._decide(view, command, salt))

    def decided(
        self, view: View, approval: Approval, *, approved: bool, now: datetime, actor: str
    ) -> tuple[tuple[Write, ...], Mapping[str, object]]:
        """What follows when an adjustment is approved or rejected."""
        head = _head(view, approval.member_id)
        if not approved:
            # When it was rejected was decided by an account that gets no entry.
            guard = GuardHead(member_id=head.member_id, number=head.number)
            return (guard,), {"adjustment_id": approval.subject, "status": "rejected"}
        adjustment, program = _adjustment_of(approval), self.programs.at(now)
        entries = _posted(
            adjustment, head, program=program, now=now, actor=actor, approval=approval.approval_id
        )
        result = _result(adjustment, head.member_id, "completed", entries[-1].state)
        return posting_writes(entries, [head], program), result

    def _decide(self, view: View, command: AdjustPoints, salt: str) -> Decision[Adjusted]:
        head = view.resolved_head(command.member_id)
        first = view.first_answer(command.request, command.fingerprint)
        if first is not None:
            return Decision(result=Adjusted(result=first, replayed=True))
        if head is None:
            raise NotFoundError("member", command.member_id)
        now = latest(self.clock(), [head])
        program = self.programs.at(now)
        adjustment, notes = _adjustment(command, head.member_id, salt)
        writes: tuple[Write, ...]
        if needs_approval(adjustment, state=head.state, program=program, now=now):
            result, writes = _asked(command, adjustment, head, program=program, now=now)
        else:
            entries = _posted(adjustment, head, program=program, now=now, actor=command.actor)
            result = _result(adjustment, head.member_id, "completed", entries[-1].state)
            writes = posting_writes(entries, [head], program)
        return Decision(
            result=Adjusted(result=result), writes=(*writes, *notes, command.kept(result))
        )


def adjustment_id(request: RequestKey) -> AdjustmentId:
    """The id of the adjustment that a request makes: the same request, the same adjustment."""
    content = json.dumps(["adjustment", request.caller, request.key]).encode()
    return AdjustmentId(f"adj_{hashlib.sha256(content).hexdigest()[:24]}")


def _head(view: View, member_id: MemberId) -> Entry:
    head = view.resolved_head(member_id)
    if head is None:
        raise NotFoundError("member", member_id)
    return head


def _adjustment(
    command: AdjustPoints, member_id: MemberId, salt: str
) -> tuple[Adjustment, tuple[Write, ...]]:
    """What is adjusted, and the texts that are kept apart from it."""
    id_, code = adjustment_id(command.request), reason_code(command.reason)
    texts = {"reason": None if code else command.reason, "note": command.note}
    kept = {name: text for name, text in texts.items() if text is not None}
    adjustment = Adjustment(
        id=id_,
        points=command.points,
        last_day=command.last_day,
        reason=code or FREE_TEXT,
        hashes={
            name: hashlib.sha256(f"{salt}{text}".encode()).hexdigest()
            for name, text in kept.items()
        },
    )
    notes: Iterator[Write] = (
        Put(item=Note(member_id=member_id, id=note_ids(id_)[name], text=text, salt=salt))
        for name, text in kept.items()
    )
    return adjustment, tuple(notes)


def _posted(
    adjustment: Adjustment,
    head: Entry,
    *,
    program: Program,
    now: datetime,
    actor: str,
    approval: ApprovalId | None = None,
) -> tuple[Entry, ...]:
    """The entry of an adjustment, after one for what time has ended."""
    settling = settlement(head.state, now=now, program=program, actor=actor)
    before = (chain(head, head.member_id, settling, now),) if settling else ()
    last = before[-1] if before else head
    posting = adjust(
        adjustment, state=last.state, program=program, now=now, actor=actor, approval=approval
    )
    return (*before, chain(last, head.member_id, posting, now))


def _asked(
    command: AdjustPoints, adjustment: Adjustment, head: Entry, *, program: Program, now: datetime
) -> tuple[dict[str, object], tuple[Write, ...]]:
    """Nothing is posted and nothing is set aside: a second person decides."""
    approval = Approval(
        approval_id=approval_id("adjustment", command.request),
        kind="adjustment",
        member_id=head.member_id,
        points=adjustment.points,
        requested_by=command.request.caller,
        subject=adjustment.id,
        command=json.dumps(_plain(adjustment)),
        created_at=now,
    )
    state = settled(head.state, now=now, program=program)
    result = _result(adjustment, head.member_id, "awaiting_approval", state)
    result["approval_id"] = approval.approval_id
    # That it has to be approved was decided by an account that gets no entry.
    guard = GuardHead(member_id=head.member_id, number=head.number)
    return result, (*asked(approval), guard)


def _plain(adjustment: Adjustment) -> dict[str, object]:
    """An adjustment as an approval keeps it: numbers, codes and hashes."""
    day = adjustment.last_day
    return {
        "last_day": day.isoformat() if day else None,
        "reason": adjustment.reason,
        "hashes": dict(adjustment.hashes),
    }


def _adjustment_of(approval: Approval) -> Adjustment:
    """The inverse of `_plain`."""
    plain: dict[str, Any] = json.loads(approval.command)
    day = plain["last_day"]
    return Adjustment(
        id=AdjustmentId(approval.subject),
        points=approval.points,
        last_day=date.fromisoformat(day) if day else None,
        reason=plain["reason"],
        hashes=plain["hashes"],
    )


def _result(
    adjustment: Adjustment, member_id: MemberId, status: str, state: State
) -> dict[str, object]:
    return {
        "adjustment_id": adjustment.id,
        "status": status,
        "member_id": member_id,
        "points": adjustment.points,
        "reason": adjustment.reason,
        "balance": {
            "available": state.available,
            "pending": state.pending,
            "reserved": state.reserved,
            "debt": state.debt,
        },
    }
