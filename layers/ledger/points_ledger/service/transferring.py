"""Transferring points from one member to another, at once or after a second person agreed."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.error import (
    NotFoundError,
    ReservationNotOpenError,
)
from points_ledger.domain.identity import MemberId, TransferId
from points_ledger.domain.program import Program
from points_ledger.domain.settling import settled, settlement
from points_ledger.domain.state import Reservation, State
from points_ledger.domain.transfer import (
    Party,
    Transfer,
    approved,
    needs_approval,
    rejected,
    sender_refusals,
    set_aside,
    transferred,
)
from points_ledger.service.addressing import Addressee, Addressing
from points_ledger.service.approving import approval_id, asked
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
class TransferPoints(Command):
    """Give points to another member; `member_asks` where it is no member of staff who asks."""

    member_asks: bool
    from_member_id: MemberId
    to: Addressee
    points: int
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """The answer of a transfer, as it was first given."""

    result: Mapping[str, object]
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferring:
    """Decides transfers. `salt` makes the salt of a note's hash."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]
    salt: Callable[[], str]
    addressing: Addressing

    def transfer(self, command: TransferPoints) -> Transferred:
        """Give points, or ask a second person for it, once per request.

        Raises:
            NotFoundError: a member is unknown, or by email outside the circle.
            Rejection: one of the checks of domain/transfer.py.
            IdempotencyKeyReusedError: the same key came with another input before.
            ConflictError: other writers won too often; send it again with the same key.
        """
        salt = self.salt()
        return self.path.run(lambda view: self._decide(view, command, salt))

    def decided(
        self, view: View, approval: Approval, *, approved: bool, now: datetime, actor: str
    ) -> tuple[tuple[Write, ...], Mapping[str, object]]:
        """What follows when a transfer is approved or rejected.

        Raises:
            ReservationNotOpenError: its time has passed.
            Rejection: meanwhile points may not pass between the two; it can still be rejected.
        """
        receiver_id = MemberId(json.loads(approval.command)["to"])
        sender, receiver = (_head(view, id_) for id_ in (approval.member_id, receiver_id))
        # Where nothing passes, the receiver's account gets no entry and decides nothing.
        now = latest(now, [sender, receiver] if approved else [sender])
        posts = _Posts(sender, receiver, program=self.programs.at(now), now=now, actor=actor)
        transfer = posts.transfer(TransferId(approval.subject), approval.points)
        return posts.approved(transfer) if approved else posts.rejected(transfer)

    def _decide(self, view: View, command: TransferPoints, salt: str) -> Decision[Transferred]:
        # The sender's account comes first: whatever this request did before took its next number.
        view.resolved_head(command.from_member_id)
        first = view.first_answer(command.request, command.fingerprint)
        if first is not None:
            return Decision(result=Transferred(result=first, replayed=True))
        result, writes = self._posted(view, command, salt)
        return Decision(result=Transferred(result=result), writes=(*writes, command.kept(result)))

    def _posted(
        self, view: View, command: TransferPoints, salt: str
    ) -> tuple[Mapping[str, object], tuple[Write, ...]]:
        sender = _head(view, command.from_member_id)
        now = latest(self.clock(), [sender])
        receiver = self._receiver(view, command, sender, now)
        now = latest(now, [receiver])
        posts = _Posts(
            sender, receiver, program=self.programs.at(now), now=now, actor=command.actor
        )
        id_, text = transfer_id(command.request), command.note
        transfer = posts.transfer(id_, command.points, note_hash=_hash(text, salt))
        if needs_approval(transfer, member_asks=command.member_asks):
            result, writes = posts.asked(transfer, command.request)
        else:
            result, writes = posts.completed(transfer)
        if text is None:
            return result, writes
        note = Note(member_id=sender.member_id, id=id_, text=text, salt=salt)
        return result, (*writes, Put(item=note))

    def _receiver(self, view: View, command: TransferPoints, sender: Entry, now: datetime) -> Entry:
        """Who gets the points; whoever can give none does not learn who there is."""
        program = self.programs.at(now)
        for rejection in sender_refusals(sender.state, program):
            raise rejection
        circle = program.transfers.within
        return self.addressing.found(view, command.to, near=sender, circle=circle)


def transfer_id(request: RequestKey) -> TransferId:
    """The id of the transfer that a request makes: the same request, the same transfer."""
    content = json.dumps(["transfer", request.caller, request.key]).encode()
    return TransferId(f"trf_{hashlib.sha256(content).hexdigest()[:24]}")


class _Posts:
    """The entries of a transfer, after those for what time has ended on both sides."""

    def __init__(
        self, sender: Entry, receiver: Entry, *, program: Program, now: datetime, actor: str
    ) -> None:
        self._sender, self._receiver = sender, receiver
        self._program, self._now, self._actor = program, now, actor

    def transfer(self, id_: TransferId, points: int, *, note_hash: str | None = None) -> Transfer:
        """What is known when it is decided."""
        return Transfer(
            transfer_id=id_,
            points=points,
            sender=self._party(self._sender),
            receiver=self._party(self._receiver),
            program=self._program,
            now=self._now,
            actor=self._actor,
            note_hash=note_hash,
        )

    def completed(self, transfer: Transfer) -> tuple[Mapping[str, object], tuple[Write, ...]]:
        """The points pass at once."""
        return self._passed(transfer, *transferred(transfer))

    def asked(
        self, transfer: Transfer, request: RequestKey
    ) -> tuple[Mapping[str, object], tuple[Write, ...]]:
        """The points are set aside until a second person has decided."""
        entries = self._entries(self._sender, set_aside(transfer))
        reservation = entries[-1].state.reservations[transfer.transfer_id]
        approval = Approval(
            approval_id=approval_id("transfer", request),
            kind="transfer",
            member_id=transfer.sender.member_id,
            points=transfer.points,
            requested_by=request.caller,
            subject=transfer.transfer_id,
            command=json.dumps({"to": transfer.receiver.member_id}),
            created_at=self._now,
            expires_at=reservation.expires_at,
        )
        result = {
            **_result(transfer, "awaiting_approval", entries[-1].state),
            "approval_id": approval.approval_id,
        }
        receiver = self._receiver
        guard = GuardHead(member_id=receiver.member_id, number=receiver.number)
        return result, (*self._writes(entries), guard, *asked(approval))

    def approved(self, transfer: Transfer) -> tuple[tuple[Write, ...], Mapping[str, object]]:
        """The points that were set aside pass."""
        reservation = self._open_reservation(transfer)
        result, writes = self._passed(transfer, *approved(transfer, reservation))
        return writes, result

    def rejected(self, transfer: Transfer) -> tuple[tuple[Write, ...], Mapping[str, object]]:
        """The points that were set aside go back."""
        reservation = self._open_reservation(transfer)
        entries = self._entries(self._sender, rejected(transfer, reservation))
        return self._writes(entries), _result(transfer, "rejected", entries[-1].state)

    def _passed(
        self, transfer: Transfer, given: Posting, received: Posting
    ) -> tuple[Mapping[str, object], tuple[Write, ...]]:
        sent = self._entries(self._sender, given)
        entries = (*sent, *self._entries(self._receiver, received))
        return _result(transfer, "completed", sent[-1].state), self._writes(entries)

    def _open_reservation(self, transfer: Transfer) -> Reservation:
        # What has ended is settled, so it is gone here.
        found = transfer.sender.state.reservations.get(transfer.transfer_id)
        if found is None:
            raise ReservationNotOpenError
        return found

    def _party(self, head: Entry) -> Party:
        state = settled(head.state, now=self._now, program=self._program)
        return Party(member_id=head.member_id, state=state)

    def _entries(self, head: Entry, posting: Posting) -> tuple[Entry, ...]:
        settling = settlement(head.state, now=self._now, program=self._program, actor=self._actor)
        before = (chain(head, head.member_id, settling, self._now),) if settling else ()
        last = before[-1] if before else head
        return (*before, chain(last, head.member_id, posting, self._now))

    def _writes(self, entries: tuple[Entry, ...]) -> tuple[Write, ...]:
        return posting_writes(entries, [self._sender, self._receiver], self._program)


def _head(view: View, member_id: MemberId) -> Entry:
    head = view.resolved_head(member_id)
    if head is None:
        raise NotFoundError("member", member_id)
    return head


def _hash(text: str | None, salt: str) -> str | None:
    return None if text is None else hashlib.sha256(f"{salt}{text}".encode()).hexdigest()


def _result(transfer: Transfer, status: str, sender: State) -> dict[str, object]:
    return {
        "transfer_id": transfer.transfer_id,
        "status": status,
        "points": transfer.points,
        "from_member_id": transfer.sender.member_id,
        "to_member_id": transfer.receiver.member_id,
        "balance": {
            "available": sender.available,
            "pending": sender.pending,
            "reserved": sender.reserved,
            "debt": sender.debt,
        },
    }
