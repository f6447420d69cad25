"""Adjustments and approvals: what clients send, and what they are answered."""

from datetime import datetime
from typing import Annotated

from points_ledger.contracts.reading import Schema
from points_ledger.contracts.requests import (
    DEFAULT_PAGE_SIZE,
    Cursor,
    Day,
    Flag,
    Id,
    NoteText,
    PageSize,
    Text,
)
from points_ledger.contracts.responses import Document
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.limit import MAX_POINTS
from points_ledger.service.approving import ShownApproval, ShownStatus, shown_status


def _not_zero(value: int) -> int:
    if value == 0:
        raise ValueError("must not be 0")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentBody:
    """POST /adjustments; points are signed."""

    member_id: Id
    points: Annotated[
        int, _not_zero, Schema(minimum=-MAX_POINTS, maximum=MAX_POINTS, **{"not": {"const": 0}})
    ]
    reason: Text
    last_day: Day | None = None
    note: NoteText | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionBody:
    """POST /approvals/{approval_id}/approve and /reject."""

    note: NoteText | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalsQuery:
    """GET /approvals."""

    status: ShownStatus = "open"
    mine: Flag = False
    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Cursor | None = None


def approval_document(shown: ShownApproval, now: datetime) -> Document:
    """An approval; `reason` and `note` are the texts that came with it, null once erased."""
    approval = shown.approval
    return {
        "approval_id": approval.approval_id,
        "kind": approval.kind,
        "member_id": approval.member_id,
        "member_name": shown.name,
        "points": approval.points,
        "subject": approval.subject,
        "status": shown_status(approval, now),
        "reason": shown.reason,
        "note": shown.note,
        "requested_by": approval.requested_by,
        "created_at": format_instant(approval.created_at),
        "expires_at": _instant(approval.expires_at),
        "decided_by": approval.decided_by,
        "decided_at": _instant(approval.decided_at),
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)
