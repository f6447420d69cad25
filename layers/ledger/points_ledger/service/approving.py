"""Approvals: what waits for a second person, and what that person decides.

Whatever waits is an `Approval` with a place in the list of its status. Deciding moves the place,
closes the approval and does what the approval is about, all in one transaction; each kind says by
a `Decide` what that is.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal, Protocol, cast

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import (
    ApprovalClosedError,
    ForbiddenError,
    NotFoundError,
    ReservationNotOpenError,
)
from points_ledger.domain.identity import ApprovalId, MemberId
from points_ledger.service.command import Command
from points_ledger.service.ledger import Decision, View, WritePath, latest
from points_ledger.service.ports import (
    Approval,
    ApprovalKey,
    ApprovalKind,
    ApprovalStatus,
    Create,
    Listed,
    ListReader,
    Note,
    PersonalData,
    Profile,
    ProfileKey,
    Put,
    Remove,
    RequestKey,
    Save,
    Store,
    Write,
)
from points_ledger.service.requested import listed_as_request

ShownStatus = Literal["open", "approved", "rejected", "expired"]
"""An open approval whose time has passed is shown as expired; nothing is written for it."""


def approval_id(kind: ApprovalKind, request: RequestKey) -> ApprovalId:
    """The id of the approval that a request asks for: the same request, the same approval."""
    content = json.dumps([kind, request.caller, request.key]).encode()
    return ApprovalId(f"apr_{hashlib.sha256(content).hexdigest()[:24]}")


def note_ids(subject: str) -> Mapping[str, str]:
    """The ids of the free texts that came with a redemption, transfer or adjustment."""
    return {"note": subject, "reason": f"{subject}.reason"}


def asked(approval: Approval) -> tuple[Write, ...]:
    """The writes that put something before a second person."""
    return (Create(item=approval), Put(item=_place(approval)), *listed_as_request(approval))


def withdrawn(approval: Approval) -> tuple[Write, ...]:
    """The writes for what waits no more because it was given up: it leaves the list of its status.

    The approval itself stays as it is; whoever decides it anyway learns that it is too late.
    """
    return (Remove(item=_place(approval)),)


def _place(approval: Approval) -> Listed:
    """Where an approval stands; instants have a fixed width, so that they sort as text."""
    made_at = approval.created_at.astimezone(UTC).isoformat(timespec="microseconds")
    return Listed(
        list="approvals", partition=approval.status, sort=made_at, id=approval.approval_id
    )


def shown_status(approval: Approval, now: datetime) -> ShownStatus:
    """The status as people see it."""
    ended = approval.expires_at is not None and approval.expires_at <= now
    return "expired" if approval.status == "open" and ended else approval.status


class ApprovalReader(ListReader, PersonalData, Protocol):
    """What showing approvals takes."""


class Decide(Protocol):
    """What an approval of one kind is about: the writes of the decision, and what it led to.

    The path may call it several times. It reads what it needs through the view, accounts first.
    """

    def __call__(
        self, view: View, approval: Approval, *, approved: bool, now: datetime, actor: str
    ) -> tuple[tuple[Write, ...], Mapping[str, object]]:
        """Raises a Rejection where what was asked for cannot be done any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideApproval(Command):
    """Approve or reject. The caller is the one of the request."""

    approval_id: ApprovalId
    approved: bool
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The answer of a decision, as it was first given."""

    result: Mapping[str, object]
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownApproval:
    """An approval with why it was asked for: a code or a text, and the note that came with it.

    `name` is the member's; None where there is none, or no longer.
    """

    approval: Approval
    name: str | None
    reason: str | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPage:
    """Approvals newest first."""

    approvals: tuple[ShownApproval, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approving:
    """Shows what waits, and takes decisions. `salt` makes the salt of a note."""

    path: WritePath
    store: Store
    reader: ApprovalReader
    clock: Callable[[], datetime]
    salt: Callable[[], str]
    decide: Mapping[ApprovalKind, Decide]

    def approvals(
        self, status: ShownStatus, *, asked_by: str | None, limit: int, cursor: str | None
    ) -> ApprovalPage:
        """A page of a status; of one caller's own it may have fewer than `limit`, or none.

        Raises:
            ValueError: the cursor does not belong to this list.
        """
        partition: ApprovalStatus = "open" if status == "expired" else status
        page = self.reader.listed(
            "approvals", partition, limit=limit, cursor=cursor, newest_first=True
        )
        keys = [ApprovalKey(approval_id=ApprovalId(id_)) for id_ in page.ids]
        found = self.store.get(keys) if keys else {}
        now = self.clock()
        approvals = (cast("Approval", found[key]) for key in keys if key in found)
        shown = [
            each
            for each in approvals
            if shown_status(each, now) == status and asked_by in (None, each.requested_by)
        ]
        return ApprovalPage(approvals=self._with_texts(shown), cursor=page.cursor)

    def _with_texts(self, approvals: Sequence[Approval]) -> tuple[ShownApproval, ...]:
        places = [
            (each.member_id, id_) for each in approvals for id_ in note_ids(each.subject).values()
        ]
        texts = self.reader.texts(places)
        names = self._names({each.member_id for each in approvals})
        return tuple(
            ShownApproval(
                approval=each,
                name=names.get(each.member_id),
                reason=texts.get((each.member_id, note_ids(each.subject)["reason"]))
                or json.loads(each.command).get("reason"),
                note=texts.get((each.member_id, note_ids(each.subject)["note"])),
            )
            for each in approvals
        )

    def _names(self, member_ids: Collection[MemberId]) -> Mapping[MemberId, str | None]:
        keys = {ProfileKey(member_id=id_): id_ for id_ in sorted(member_ids)}
        found = self.store.get(list(keys)) if keys else {}
        return {id_: cast("Profile", found[key]).name for key, id_ in keys.items() if key in found}

    def run(self, command: DecideApproval) -> Decided:
        """Decide, once.

        Raises:
            NotFoundError: there is no such approval.
            ForbiddenError: the caller asked for it.
            ApprovalClosedError: it was decided before.
            ReservationNotOpenError: its time has passed.
            Rejection: what was asked for cannot be done any more; it stays open.
        """
        salt = self.salt()
        return self.path.run(lambda view: self._decide(view, command, salt))

    def _decide(self, view: View, command: DecideApproval, salt: str) -> Decision[Decided]:
        view.load(command.request, ApprovalKey(approval_id=command.approval_id))
        approval = view.approval(command.approval_id)
        if approval is not None and approval.requested_by == command.request.caller:
            raise ForbiddenError
        first = view.first_answer(command.request, command.fingerprint)
        if first is not None:
            return Decision(result=Decided(result=first, replayed=True))
        if approval is None:
            raise NotFoundError("approval", command.approval_id)
        return self._closed(view, command, approval, salt)

    def _closed(
        self, view: View, command: DecideApproval, approval: Approval, salt: str
    ) -> Decision[Decided]:
        if approval.status != "open":
            raise ApprovalClosedError(approval.status)
        head = view.resolved_head(approval.member_id)
        now = latest(self.clock(), [head] if head else [])
        if shown_status(approval, now) == "expired":
            raise ReservationNotOpenError
        closed = replace(
            approval,
            status="approved" if command.approved else "rejected",
            decided_by=command.request.caller,
            decided_at=now,
        )
        writes, outcome = self.decide[approval.kind](
            view, approval, approved=command.approved, now=now, actor=command.actor
        )
        result: dict[str, object] = {
            "approval_id": closed.approval_id,
            "kind": closed.kind,
            "status": closed.status,
            "member_id": closed.member_id,
            "points": closed.points,
            "subject": closed.subject,
            "result": dict(outcome),
        }
        return Decision(
            result=Decided(result=result),
            writes=(
                *writes,
                Save(item=closed, expected=approval.revision),
                Remove(item=_place(approval)),
                Put(item=_place(closed)),
                command.kept(result),
                *_note(command, approval, salt),
            ),
        )


def _note(command: DecideApproval, approval: Approval, salt: str) -> tuple[Write, ...]:
    if command.note is None:
        return ()
    note = Note(member_id=approval.member_id, id=approval.approval_id, text=command.note, salt=salt)
    return (Put(item=note),)
