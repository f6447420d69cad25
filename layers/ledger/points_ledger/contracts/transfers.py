"""Transfers, sharing plans and merges: what clients send, and what they are answered."""

from typing import Annotated, ClassVar

from points_ledger.contracts.reading import Schema, one_of
from points_ledger.contracts.requests import Email, Id, NoteText
from points_ledger.contracts.responses import Document
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.limit import MAX_POINTS
from points_ledger.domain.sharing import WHOLE_PERCENT, Allocation


def _above_zero(value: int) -> int:
    if value <= 0:
        raise ValueError("must be above 0")
    return value


def _percent(value: int) -> int:
    if not 1 <= value <= WHOLE_PERCENT:
        raise ValueError(f"must be a whole number from 1 to {WHOLE_PERCENT}")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailBody:
    """A member by email address."""

    email: Email


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferBody:
    """POST /transfers: the receiver by id, or by email address."""

    schema: ClassVar = Schema(oneOf=one_of("to_member_id", "to"))

    from_member_id: Id
    to_member_id: Id | None = None
    to: EmailBody | None = None
    points: Annotated[int, _above_zero, Schema(minimum=1, maximum=MAX_POINTS)]
    note: NoteText | None = None

    def __post_init__(self) -> None:
        """Exactly one of them says who gets the points."""
        if (self.to_member_id is None) == (self.to is None):
            raise ValueError("give either to_member_id or to")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareBody:
    """One share of a plan: a member by id, or by email address, and a whole percentage."""

    schema: ClassVar = Schema(oneOf=one_of("member_id", "email"))

    member_id: Id | None = None
    email: Email | None = None
    percent: Annotated[int, _percent, Schema(minimum=1, maximum=WHOLE_PERCENT)]

    def __post_init__(self) -> None:
        """Exactly one of them says whose share it is."""
        if (self.member_id is None) == (self.email is None):
            raise ValueError("give either member_id or email")


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingBody:
    """PUT /members/{member_id}/sharing; no shares end the plan."""

    shares: tuple[ShareBody, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeBody:
    """POST /members/{member_id}/merge."""

    into: Id


def sharing_document(plan: Allocation) -> Document:
    """A plan; no shares where there is none."""
    return {"shares": [{"member_id": s.member_id, "percent": s.percent} for s in plan]}
